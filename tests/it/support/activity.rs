//! What the tools of a world under test did: asked for by a model, released by the test, read back
//! from logs and requests.

use polychat::{
    AgentConfig, AgentName, Chat, Event, Message, ModelName, PromptHandle,
    command::PendingApproval,
    message::Role,
    ports::ModelRequest,
    tool::{ToolCall, ToolKind, ToolSelection},
};
use polychat_testkit::tools::{self, ScriptedTools};
use serde_json::json;

use super::{House, Setup, house, log, within};

/// A world whose agent may use `look`, which only reads, `act`, which a person has to allow, and
/// `ask`, which is a question.
pub(crate) fn world_of_tools() -> Setup {
    let toolbox = ScriptedTools::new()
        .scripted(tools::spec("look").kind(ToolKind::Read))
        .scripted(tools::spec("act"))
        .scripted(tools::spec("ask").kind(ToolKind::Question));
    let name = AgentName::new("assistant").unwrap();
    let agent = AgentConfig::new(name, ModelName::new("assistant").unwrap());
    house().scripted(toolbox).agent(agent.tools(ToolSelection::All))
}

/// A call of a tool that says which one it is.
pub(crate) fn asked(tool: &str, which: &str) -> ToolCall {
    tools::asks(tool, json!({ "which": which }))
}

/// The text of a field of JSON.
pub(crate) fn field_text<'a>(value: &'a serde_json::Value, field: &str) -> &'a str {
    value.get(field).and_then(serde_json::Value::as_str).unwrap_or_default()
}

impl House {
    /// Sends a prompt to a chat whose turn starts at once, and lets the model ask for these calls.
    pub(crate) async fn begin_calls(
        &self,
        chat: &Chat,
        text: &str,
        calls: impl IntoIterator<Item = ToolCall>,
    ) -> PromptHandle {
        let (prompt, model) = self.begin(chat, text).await;
        for call in calls {
            model.tool_call(call);
        }
        model.finish();
        prompt
    }

    /// The running call that says it is this one.
    pub(crate) async fn running(&self, which: &str) -> tools::Call {
        let fits = |call: &tools::Call| field_text(call.arguments(), "which") == which;
        within(self.tools.call_where(fits)).await
    }

    /// Lets the model end the turn that answers this text.
    pub(crate) async fn answer(&self, text: &str, answer: &str) {
        self.call_for(text).await.text(answer).finish();
    }
}

/// What the model was told of the calls that it asked for, in order.
pub(crate) fn answers(request: &ModelRequest) -> Vec<String> {
    let answer = |message: &std::sync::Arc<Message>| match (&message.role, &message.failure) {
        (Role::Tool { .. }, Some(failure)) => Some(failure.to_string()),
        (Role::Tool { .. }, None) => Some(message.text()),
        _ => None,
    };
    request.messages.iter().filter_map(answer).collect()
}

/// The calls of a chat that wait for a person.
pub(crate) async fn pending(chat: &Chat) -> Vec<PendingApproval> {
    within(chat.snapshot()).await.unwrap().approvals
}

/// What tools and turns did in a chat, one line for each event.
pub(crate) async fn activity(chat: &Chat) -> Vec<String> {
    log(chat).await.iter().filter_map(|recorded| line(&recorded.event)).collect()
}

/// How many lines begin like this.
pub(crate) fn count(lines: &[String], beginning: &str) -> usize {
    lines.iter().filter(|line| line.starts_with(beginning)).count()
}

fn line(event: &Event) -> Option<String> {
    Some(match event {
        Event::MessageStart { .. } => "model".to_owned(),
        Event::ToolStart { tool_call_id, .. } => format!("start {}", tool_call_id.index),
        Event::ToolResult { tool_call_id, output } => {
            let text = polychat::content::text_of(&output.parts);
            format!("result {} {text}", tool_call_id.index)
        }
        Event::ToolError { tool_call_id, failure } => {
            format!("error {} {}", tool_call_id.index, failure.kind.as_str())
        }
        Event::ApprovalRequested { tool_call_id, .. } => format!("asked {}", tool_call_id.index),
        Event::ApprovalResolved { tool_call_id, decision } => {
            let how = if decision.is_some() { "decided" } else { "dropped" };
            format!("{how} {}", tool_call_id.index)
        }
        Event::PromptJoined { .. } => "joined".to_owned(),
        Event::TurnStarted { .. } => "turn".to_owned(),
        Event::TurnEnded { outcome, .. } => format!("ended {}", outcome.as_str()),
        _ => return None,
    })
}
