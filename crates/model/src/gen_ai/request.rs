//! Ours to theirs: a history as `genai` sends it.
//!
//! Providers refuse histories with loose ends, so a call goes out only together with its result,
//! a result only together with its call, and an answer that broke off before it said anything not
//! at all; what a user said in a row goes out as one message. Metadata, failures of answers,
//! reasoning and the host context stay here.
//!
//! Read on: `calls` (calls with their results), `parts` (what messages are made of), `names`.

mod calls;
mod names;
mod parts;

use genai::{
    adapter::AdapterKind,
    chat::{
        ChatMessage, ChatOptions, ChatRequest, ChatRole, ContentPart, MessageContent,
        ReasoningEffort,
    },
};
use polychat_core::{
    AgentName, Message,
    message::Role,
    ports::{ModelError, ModelRequest},
    tool::ToolSpec,
};
use serde_json::{Value, json};

use super::error::refused;
use calls::Calls;
pub(super) use names::Names;
use parts::{kept, said};

/// The messages and tools of a request.
pub(super) fn chat(request: &ModelRequest, adapter: AdapterKind, names: &Names) -> ChatRequest {
    let calls = Calls::of(request, adapter, names);
    let mut messages = Vec::with_capacity(request.messages.len());
    for message in &request.messages {
        match &message.role {
            Role::User { .. } => {
                heard(&mut messages, message.parts.iter().filter_map(said).collect());
            }
            Role::Assistant { .. } => {
                let asked = calls.asked_by(message, adapter);
                if asked.is_empty()
                    && let Some(author) = other_author(message, request.agent.as_ref())
                {
                    if let Some(words) = quoted(message, author) {
                        heard(&mut messages, vec![words]);
                    }
                    continue;
                }
                messages.extend(answer(message, asked, adapter));
                // All results right behind the message that asked for them, in the order of the
                // calls: some providers want just that.
                messages.extend(calls.results_for(message));
            }
            // Results go with their calls.
            _ => {}
        }
    }
    let mut chat = ChatRequest::from_messages(messages);
    if !request.system.is_empty() {
        chat = chat.with_system(&*request.system);
    }
    if !request.tools.is_empty() {
        chat = chat.with_tools(request.tools.iter().map(|spec| tool(spec, names)));
    }
    chat
}

/// The parameters of a request.
///
/// # Errors
///
/// `Refused` for a reasoning effort that is no word of `genai`.
pub(super) fn options(
    request: &ModelRequest,
    adapter: AdapterKind,
    name: &str,
    custom_server: bool,
) -> Result<ChatOptions, ModelError> {
    let params = &request.params;
    let mut options = ChatOptions::default()
        .with_capture_usage(true)
        .with_capture_tool_calls(true)
        .with_capture_reasoning_content(true);
    options.temperature = params.temperature;
    options.max_tokens = params.output_tokens_max;
    if let Some(effort) = params.reasoning_effort.as_deref() {
        let effort = effort.parse::<ReasoningEffort>();
        options.reasoning_effort =
            Some(effort.map_err(|_| refused("the reasoning effort is not known"))?);
    }
    if custom_server && adapter == AdapterKind::OpenAI {
        // `genai` takes `-high` and the like off the end of a name and a `word::` off its front;
        // on a server of one's own they belong to the name. A budget says nothing on this wire,
        // but it keeps `genai` from looking for the effort in the name.
        options.reasoning_effort.get_or_insert(ReasoningEffort::Budget(0));
        options.extra_body = Some(json!({ "model": name }));
    }
    Ok(options)
}

/// Adds what comes from the side of the user. What follows such a message goes into it: the answer
/// between them may have been stopped before its first word, and the templates of many open models
/// refuse a request in which user and agent do not take turns.
fn heard(messages: &mut Vec<ChatMessage>, parts: Vec<ContentPart>) {
    match messages.last_mut() {
        Some(last) if last.role == ChatRole::User => {
            parts.into_iter().for_each(|part| last.content.push(part))
        }
        _ => messages.push(ChatMessage::user(MessageContent::from_parts(parts))),
    }
}

/// An agent's message; `None` when nothing of it goes out.
fn answer(message: &Message, asked: Vec<ContentPart>, adapter: AdapterKind) -> Option<ChatMessage> {
    let mut parts: Vec<_> = message.parts.iter().filter_map(said).chain(asked).collect();
    if parts.is_empty() {
        return None;
    }
    // What a provider wants back comes first, as it came.
    parts.splice(0..0, message.parts.iter().filter_map(|part| kept(part, adapter)));
    Some(ChatMessage::assistant(MessageContent::from_parts(parts)))
}

/// Who wrote a message, if that is another agent than the one which is to answer.
fn other_author<'a>(message: &'a Message, agent: Option<&AgentName>) -> Option<&'a AgentName> {
    let Role::Assistant { author: Some(author), .. } = &message.role else { return None };
    agent.is_some_and(|agent| agent != author).then_some(author)
}

/// What another agent said, as the model hears it: for a provider, there are only a user and one
/// agent, and the agent must not take the words of others for its own.
fn quoted(message: &Message, author: &AgentName) -> Option<ContentPart> {
    let text = message.text();
    (!text.is_empty()).then(|| ContentPart::from_text(format!("{author}: {text}")))
}

fn tool(spec: &ToolSpec, names: &Names) -> genai::chat::Tool {
    genai::chat::Tool::new(names.sent(&spec.name))
        .with_description(&*spec.description)
        .with_schema(schema(&spec.schema))
}

/// The schema of a tool's arguments. Providers want it to say that they are an object.
fn schema(schema: &Value) -> Value {
    let mut schema = match schema {
        Value::Object(schema) => schema.clone(),
        _ => serde_json::Map::new(),
    };
    schema.entry("type").or_insert_with(|| json!("object"));
    schema.entry("properties").or_insert_with(|| json!({}));
    Value::Object(schema)
}
