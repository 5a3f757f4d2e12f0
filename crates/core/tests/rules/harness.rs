//! A chat without a shell: it decides, appends to a vector, applies, and renders what happened.
//!
//! After every step the log is replayed; the state it gives must be the state at hand, and the laws
//! must hold on the log.

use std::{collections::BTreeMap, sync::Arc};

use polychat_core::{
    AgentConfig, AgentName, AgentTable, ChatId, Event, Failure, FailureKind, Limits, MessageId,
    ModelName, PromptId, Recorded, Refusal, Seq, Timestamp, ToolCallId, TurnId,
    command::{CancelTarget, ChatChange, NewChat, PromptChange, ReviseTarget},
    content::text_of,
    event::{FinishReason, PromptBody, PromptMode},
    message::{Role, Usage},
    rules::{
        self, ByteBudget, ChatCommand, ChatState, ContextPolicy, Decision, Effect, Facts, Input,
        Shown, TurnInput,
    },
    tool::{
        ApprovalDecision, ToolCall, ToolCatalog, ToolKind, ToolOutput, ToolSelection, ToolSpec,
    },
};
use serde_json::json;

pub(crate) use super::laws::render;

/// The tools of the tests: `read` and `look` read, `write` acts, `careful` always asks, `ask` is a
/// question. Arguments that are not an object fit no schema, and no arguments fit the schema
/// `false`.
#[derive(Debug, Clone)]
pub(crate) struct Tools(pub(crate) BTreeMap<String, Arc<ToolSpec>>);

impl Tools {
    pub(crate) fn all() -> Self {
        let spec = |name: &str| ToolSpec::new(name, "a tool", json!({}));
        let specs = [
            spec("read").kind(ToolKind::Read),
            spec("look").kind(ToolKind::Read),
            spec("write"),
            spec("careful").kind(ToolKind::Read).needs_approval(),
            spec("ask").kind(ToolKind::Question),
        ];
        Self(specs.map(|spec| (spec.name.to_string(), Arc::new(spec))).into())
    }
}

impl ToolCatalog for Tools {
    fn check(&self, call: &ToolCall) -> Result<Arc<ToolSpec>, Failure> {
        let unknown = || Failure::new(FailureKind::UnknownTool, "no such tool");
        let spec = self.0.get(&*call.name).ok_or_else(unknown)?;
        if call.arguments.is_object() && spec.schema != json!(false) {
            Ok(Arc::clone(spec))
        } else {
            Err(Failure::new(FailureKind::InvalidArguments, "not an object"))
        }
    }

    fn specs(&self) -> Vec<Arc<ToolSpec>> {
        self.0.values().cloned().collect()
    }
}

pub(crate) fn prompt_id(id: &str) -> PromptId {
    PromptId::new(id).unwrap()
}

pub(crate) fn agent_name(name: &str) -> AgentName {
    AgentName::new(name).unwrap()
}

pub(crate) fn seq(n: u64) -> Seq {
    Seq::try_from(n).unwrap()
}

pub(crate) fn message(n: u64) -> MessageId {
    MessageId(seq(n))
}

pub(crate) fn turn(n: u64) -> TurnId {
    TurnId(seq(n))
}

/// `"12.0"` as a call's id.
pub(crate) fn call_id(text: &str) -> ToolCallId {
    text.parse().unwrap()
}

pub(crate) fn call(name: &str) -> ToolCall {
    ToolCall { name: name.into(), arguments: json!({}), provider_call_id: None }
}

pub(crate) fn agent(name: &str) -> AgentConfig {
    AgentConfig::new(agent_name(name), ModelName::new("demo").unwrap()).tools(ToolSelection::All)
}

pub(crate) fn failure() -> Failure {
    Failure::new(FailureKind::ModelUnavailable, "gone")
}

/// One chat and all that its decisions may know besides the log.
#[derive(Clone)]
pub(crate) struct Chat {
    pub(crate) log: Vec<Arc<Recorded>>,
    pub(crate) state: ChatState,
    pub(crate) limits: Limits,
    pub(crate) agents: AgentTable,
    pub(crate) tools: Tools,
    pub(crate) context: Arc<dyn ContextPolicy>,
    pub(crate) may_run: bool,
    pub(crate) may_run_next: bool,
    /// What the feed has shown of the open message; `None` stands for a feed that was lost.
    pub(crate) shown: Option<Shown>,
    /// What the last decision began, besides its events.
    pub(crate) effects: String,
    /// Messages that the last decision sealed.
    pub(crate) sealed: Vec<MessageId>,
    pub(crate) now: u64,
}

impl Chat {
    /// An open chat whose log is `chat.created`.
    pub(crate) fn new() -> Self {
        let mut chat = Self::of_log(&[]);
        let decision =
            rules::create(&chat_id(), NewChat::new(), Timestamp(0), &chat.limits).unwrap();
        chat.take(&decision);
        chat
    }

    /// A chat as its log says, in a process that knows nothing else of it.
    pub(crate) fn of_log(log: &[Arc<Recorded>]) -> Self {
        Self {
            log: log.to_vec(),
            state: ChatState::replay(&chat_id(), log.iter().map(|recorded| &**recorded)).unwrap(),
            limits: Limits::default(),
            agents: AgentTable::new(agent("guide")),
            tools: Tools::all(),
            context: Arc::new(ByteBudget),
            may_run: true,
            may_run_next: true,
            shown: Some(Shown { text: "".into(), reasoning: "".into() }),
            effects: String::new(),
            sealed: Vec::new(),
            now: 0,
        }
    }

    /// A chat in which `p1` runs: turn 3, message 4.
    pub(crate) fn running() -> Self {
        let mut chat = Self::new();
        assert_eq!(
            chat.queue("p1"),
            "prompt.accepted p1, turn.started 3 [p1], message.start 4 step 1"
        );
        chat
    }

    /// A chat whose turn 3 waits for a person to allow call `4.0` of `write`.
    pub(crate) fn awaiting() -> Self {
        let mut chat = Self::running();
        assert_eq!(
            chat.asks(4, &["write"]),
            "message.end 4 \"\" [write], approval.requested 4.0 permission"
        );
        chat
    }

    /// A chat in which `p1` waits for a place among the world's running turns.
    pub(crate) fn placeless() -> Self {
        let mut chat = Self::new().without_place();
        assert_eq!(chat.queue("p1"), "prompt.accepted p1");
        chat
    }

    pub(crate) fn without_place(mut self) -> Self {
        (self.may_run, self.may_run_next) = (false, false);
        self
    }

    pub(crate) fn with_place(mut self) -> Self {
        (self.may_run, self.may_run_next) = (true, true);
        self
    }

    pub(crate) fn shows(&mut self, text: &str) -> &mut Self {
        self.shown = Some(Shown { text: text.into(), reasoning: "".into() });
        self
    }

    /// Decides without appending: what happens when the append fails.
    pub(crate) fn decide(&mut self, input: Input) -> Result<Decision, Refusal> {
        self.now += 1;
        let (sealed, shown) = (&mut self.sealed, &self.shown);
        sealed.clear();
        let mut seal = |message| {
            sealed.push(message);
            shown.clone()
        };
        let mut facts = Facts {
            at: Timestamp(self.now),
            limits: &self.limits,
            agents: &self.agents,
            tools: &self.tools,
            context: &*self.context,
            may_run: self.may_run,
            may_run_next: self.may_run_next,
            seal: &mut seal,
        };
        self.state.decide(input, &mut facts)
    }

    /// Decides, appends, applies; answers with the events, `refused CODE`, or `again SEQ` for a
    /// prompt that was accepted before.
    pub(crate) fn input(&mut self, input: Input) -> String {
        match self.decide(input) {
            Ok(decision) => self.take(&decision),
            Err(refusal) => {
                self.effects.clear();
                format!("refused {}", refusal.code())
            }
        }
    }

    fn take(&mut self, decision: &Decision) -> String {
        let foretold = self.state.summary_after(&decision.events);
        for recorded in &decision.events {
            self.state.apply(recorded).unwrap();
            self.log.push(Arc::clone(recorded));
        }
        let replayed = ChatState::replay(&chat_id(), self.log.iter().map(|r| &**r)).unwrap();
        assert_eq!(replayed, self.state, "the log does not say what the state says");
        assert_eq!(foretold, self.state.summary(), "the summary stored with the append is wrong");
        super::laws::check(&self.log);
        self.effects = decision.effects.iter().map(render_effect).collect::<Vec<_>>().join(", ");
        match &decision.accepted {
            Some(accepted) if decision.events.is_empty() => {
                format!("again {}", accepted.accepted_seq)
            }
            _ => render(&decision.events),
        }
    }

    pub(crate) fn command(&mut self, command: ChatCommand) -> String {
        self.input(Input::Command(command))
    }

    pub(crate) fn send(&mut self, prompt: &str, mode: PromptMode, text: &str) -> String {
        self.send_body(prompt, mode, PromptBody::text(text))
    }

    pub(crate) fn send_body(&mut self, id: &str, mode: PromptMode, body: PromptBody) -> String {
        self.command(ChatCommand::Send { prompt: prompt_id(id), mode, body })
    }

    pub(crate) fn queue(&mut self, prompt: &str) -> String {
        self.send(prompt, PromptMode::Queue, "hi")
    }

    pub(crate) fn steer(&mut self, prompt: &str) -> String {
        self.send(prompt, PromptMode::Steer, "hi")
    }

    pub(crate) fn interrupt(&mut self, prompt: &str) -> String {
        self.send(prompt, PromptMode::Interrupt, "hi")
    }

    pub(crate) fn edit(&mut self, prompt: &str, change: PromptChange) -> String {
        self.command(ChatCommand::Edit { prompt: prompt_id(prompt), change })
    }

    pub(crate) fn edit_mode(&mut self, prompt: &str, mode: PromptMode) -> String {
        self.edit(prompt, PromptChange::default().mode(mode))
    }

    pub(crate) fn withdraw(&mut self, prompt: &str) -> String {
        self.command(ChatCommand::Withdraw { prompt: prompt_id(prompt) })
    }

    pub(crate) fn cancel(&mut self) -> String {
        self.command(ChatCommand::Cancel(CancelTarget::Running))
    }

    pub(crate) fn cancel_turn(&mut self, n: u64) -> String {
        self.command(ChatCommand::Cancel(CancelTarget::Turn(turn(n))))
    }

    pub(crate) fn revise(&mut self, id: u64, prompt: &str, text: &str) -> String {
        let target = ReviseTarget::Message { id: message(id), body: PromptBody::text(text) };
        self.command(ChatCommand::Revise { target, prompt: prompt_id(prompt) })
    }

    pub(crate) fn retry(&mut self, n: u64, prompt: &str) -> String {
        let target = ReviseTarget::Turn(turn(n));
        self.command(ChatCommand::Revise { target, prompt: prompt_id(prompt) })
    }

    pub(crate) fn update(&mut self, change: ChatChange) -> String {
        self.command(ChatCommand::Update(change))
    }

    pub(crate) fn close(&mut self) -> String {
        self.command(ChatCommand::Close)
    }

    pub(crate) fn reopen(&mut self) -> String {
        self.command(ChatCommand::Reopen)
    }

    pub(crate) fn delete(&mut self) -> String {
        self.command(ChatCommand::Delete)
    }

    pub(crate) fn resolve(&mut self, id: &str, decision: ApprovalDecision) -> String {
        self.command(ChatCommand::Decide { call: call_id(id), decision })
    }

    pub(crate) fn allow(&mut self, id: &str) -> String {
        self.resolve(id, ApprovalDecision::AllowOnce)
    }

    pub(crate) fn done_with(&mut self, id: u64, tool_calls: Vec<ToolCall>) -> String {
        let finish =
            if tool_calls.is_empty() { FinishReason::Stop } else { FinishReason::ToolCalls };
        self.input(Input::Turn(TurnInput::MessageDone {
            message: message(id),
            opaque: Vec::new(),
            tool_calls,
            usage: Usage::default(),
            finish,
        }))
    }

    /// The model has shown `text` and ends.
    pub(crate) fn says(&mut self, id: u64, text: &str) -> String {
        self.shows(text).done_with(id, Vec::new())
    }

    /// The model asks for tools, without a word.
    pub(crate) fn asks(&mut self, id: u64, tools: &[&str]) -> String {
        self.shows("").done_with(id, tools.iter().map(|name| call(name)).collect())
    }

    pub(crate) fn breaks(&mut self, id: u64, text: &str) -> String {
        let failed = TurnInput::MessageFailed { message: message(id), failure: failure() };
        self.shows(text).input(Input::Turn(failed))
    }

    pub(crate) fn checkpoint(&mut self, id: u64, text: &str) -> String {
        let (text, reasoning) = (text.into(), "".into());
        self.input(Input::Turn(TurnInput::Checkpoint { message: message(id), text, reasoning }))
    }

    pub(crate) fn tool_done(&mut self, id: &str, text: &str) -> String {
        let output = ToolOutput::text(text);
        self.input(Input::Turn(TurnInput::ToolDone { call: call_id(id), output }))
    }

    pub(crate) fn tool_failed(&mut self, id: &str) -> String {
        let failure = Failure::new(FailureKind::ToolFailed, "it broke");
        self.input(Input::Turn(TurnInput::ToolFailed { call: call_id(id), failure }))
    }

    pub(crate) fn turn_failed(&mut self, n: u64) -> String {
        let failure = Failure::new(FailureKind::Deadline, "too long");
        self.input(Input::Turn(TurnInput::TurnFailed { turn: turn(n), failure }))
    }

    pub(crate) fn admitted(&mut self) -> String {
        self.input(Input::Admitted)
    }

    pub(crate) fn recover(&mut self) -> String {
        self.input(Input::Recover)
    }

    pub(crate) fn shutdown(&mut self) -> String {
        self.input(Input::Interrupt)
    }

    pub(crate) fn titled(&mut self, title: &str) -> String {
        self.input(Input::Turn(TurnInput::TitleProposed { title: title.into() }))
    }

    /// The waiting prompts in order, for example `"p2 p3"`.
    pub(crate) fn waiting(&self) -> String {
        let prompts = self.state.waiting_prompts();
        prompts.iter().map(|p| p.prompt_id.as_str()).collect::<Vec<_>>().join(" ")
    }

    /// The history as `role: text` lines joined by ` | `.
    pub(crate) fn history(&self) -> String {
        render_messages(self.state.messages())
    }

    /// What the model receives, in the same notation.
    pub(crate) fn request(&self) -> String {
        render_messages(&self.state.step().unwrap().messages)
    }

    pub(crate) fn outcome(&self, prompt: &str) -> String {
        use polychat_core::command::PromptState;
        match self.state.prompt(&prompt_id(prompt)) {
            Ok(PromptState::Queued { .. }) => "queued".into(),
            Ok(PromptState::Running { turn_id, .. }) => format!("running {turn_id}"),
            Ok(PromptState::Ended { outcome, .. }) => outcome.as_str().into(),
            Ok(_) => "unheard of".into(),
            Err(refusal) => refusal.code().into(),
        }
    }

    pub(crate) fn status(&self) -> &'static str {
        self.state.status().kind.as_str()
    }

    /// Who wrote the agents' messages of the history, in order.
    pub(crate) fn authors(&self) -> String {
        let author = |message: &Arc<polychat_core::Message>| match &message.role {
            Role::Assistant { author, .. } => author.as_ref().map(ToString::to_string),
            _ => None,
        };
        self.state.messages().iter().filter_map(author).collect::<Vec<_>>().join(" ")
    }

    pub(crate) fn count(&self, name: &str) -> usize {
        self.log.iter().filter(|recorded| recorded.event.name() == name).count()
    }

    pub(crate) fn last(&self) -> &Event {
        &self.log.last().unwrap().event
    }
}

pub(crate) fn chat_id() -> ChatId {
    ChatId::new("a").unwrap()
}

pub(crate) fn render_messages(messages: &[Arc<polychat_core::Message>]) -> String {
    let line = |message: &Arc<polychat_core::Message>| {
        let role = match &message.role {
            Role::User { .. } => "user".to_owned(),
            Role::Assistant { .. } => "assistant".to_owned(),
            Role::Tool { tool_call_id } => format!("tool {tool_call_id}"),
            _ => "unheard of".to_owned(),
        };
        let failure = message.failure.as_ref().map(|failure| failure.kind.as_str());
        let failure = failure.map(|kind| format!(" !{kind}")).unwrap_or_default();
        format!("{role}: {}{failure}", text_of(&message.parts))
    };
    messages.iter().map(line).collect::<Vec<_>>().join(" | ")
}

fn render_effect(effect: &Effect) -> String {
    match effect {
        Effect::CallModel { message, .. } => format!("model {message}"),
        Effect::CallTool { id, call, .. } => format!("tool {id} {}", call.name),
        Effect::ProposeTitle => "think of a title".to_owned(),
        Effect::RemoveLog => "remove".into(),
    }
}
