//! A healthy history, written by hand, and the tools to spoil it.
//!
//! Chat `a` lives through everything: reasoning, checkpoint, tool with approval, steering, queue,
//! interrupt, revision, close and reopen, and a reader that leaves and comes back. Chat `b` runs at
//! the same time, and is deleted at the end.

#![allow(dead_code)] // two test programs share it, each uses a part

use std::{collections::HashMap, sync::Arc};

use crate::company;
use polychat_core::{
    AgentConfig, AgentName, ChatId, ChatStatus, Command, CommandError, Cursor, Epoch, Event,
    Failure, FailureKind, Live, LiveBody, Message, Metadata, ModelName, Notice, OutcomeKind, Part,
    PromptId, Recorded, Reply, Scope, Seq, StartAt, StatusKind, Timestamp, ToolCallId, TurnId,
    TurnOutcome,
    command::Accepted,
    content::Text,
    event::{FinishReason, PromptBody, PromptMode, TitleProvenance},
    message::{Omitted, Role, Usage},
    notice::WorldNotice,
    ports::{ModelDelta, ModelRequest},
    seq::MessageId,
    tool::{ToolCall, ToolOutput, ToolSelection},
};
use polychat_testkit::{
    checker::{Checker, RunState, Violation},
    history::{CallId, Fact, History, RequestId, SubscriberId},
};

pub(crate) fn chat(id: &str) -> ChatId {
    ChatId::new(id).unwrap()
}
pub(crate) fn prompt(id: &str) -> PromptId {
    PromptId::new(id).unwrap()
}
pub(crate) fn seq(n: u64) -> Seq {
    Seq::try_from(n).unwrap()
}
pub(crate) fn turn(n: u64) -> TurnId {
    TurnId(seq(n))
}
pub(crate) fn message(n: u64) -> MessageId {
    MessageId(seq(n))
}
pub(crate) fn call(n: u64) -> ToolCallId {
    ToolCallId { message: message(n), index: 0 }
}

pub(crate) fn created() -> Event {
    Event::ChatCreated {
        title: Text::from(""),
        provenance: TitleProvenance::Default,
        metadata: Metadata::NONE,
        agent: None,
        context: Metadata::NONE,
        origin: None,
        archived: false,
    }
}
pub(crate) fn accepted(id: &str, mode: PromptMode, text: &str) -> Event {
    Event::PromptAccepted { prompt_id: prompt(id), mode, body: PromptBody::text(text) }
}
pub(crate) fn started(prompts: &[&str]) -> Event {
    let prompt_ids = prompts.iter().map(|id| prompt(id)).collect();
    Event::TurnStarted { prompt_ids, agent: AgentName::new("guide").unwrap(), then: Vec::new() }
}
pub(crate) fn ended(n: u64, outcome: TurnOutcome) -> Event {
    Event::TurnEnded { turn_id: turn(n), outcome }
}
pub(crate) fn begins(turn_seq: u64, step: u32) -> Event {
    begins_as(&guide(), turn_seq, step)
}
pub(crate) fn begins_as(agent: &AgentConfig, turn_seq: u64, step: u32) -> Event {
    let agent = Arc::new(agent.clone());
    Event::MessageStart { turn_id: turn(turn_seq), step, agent, omitted: Omitted::default() }
}
pub(crate) fn guide() -> AgentConfig {
    let (name, model) = (AgentName::new("guide").unwrap(), ModelName::new("demo").unwrap());
    AgentConfig::new(name, model).tools(ToolSelection::All)
}
pub(crate) fn says(n: u64, text: &str, calls: usize) -> Event {
    let look = ToolCall {
        name: Text::from("look"),
        arguments: serde_json::json!({}),
        provider_call_id: None,
    };
    Event::MessageEnd {
        message_id: message(n),
        text: Text::from(text),
        reasoning: Text::from(""),
        opaque: Vec::new(),
        tool_calls: vec![look; calls],
        finish: FinishReason::Stop,
        usage: Usage::default(),
    }
}
pub(crate) fn breaks_off(n: u64, text: &str) -> Event {
    Event::MessageError {
        message_id: message(n),
        text: Text::from(text),
        reasoning: Text::from(""),
        failure: Failure::new(FailureKind::Cancelled, "stopped"),
    }
}
pub(crate) fn saves(n: u64, text: &str) -> Event {
    let (text, reasoning) = (Text::from(text), Text::from(""));
    Event::MessageCheckpoint { message_id: message(n), text, reasoning }
}
pub(crate) fn tool_start(n: u64) -> Event {
    Event::ToolStart { tool_call_id: call(n), name: Text::from("look") }
}
pub(crate) fn tool_result(n: u64, text: &str) -> Event {
    let output = ToolOutput { parts: vec![Part::text(text)], cut_bytes: 0, unshown_bytes: 0 };
    Event::ToolResult { tool_call_id: call(n), output }
}
pub(crate) fn send(to: &str, id: &str, mode: PromptMode, text: &str) -> Command {
    Command::SendPrompt { chat: chat(to), prompt: prompt(id), mode, body: PromptBody::text(text) }
}
pub(crate) fn taken(id: &str, n: u64) -> Reply {
    Reply::Accepted(Accepted { prompt_id: prompt(id), accepted_seq: seq(n) })
}
pub(crate) fn user(n: u64, text: &str) -> Arc<Message> {
    said(n, Role::User { prompt_id: None }, text)
}
pub(crate) fn assistant(n: u64, text: &str) -> Arc<Message> {
    assistant_as("guide", n, text)
}
pub(crate) fn assistant_as(author: &str, n: u64, text: &str) -> Arc<Message> {
    let (reasoning, usage) = (Text::from(""), Usage::default());
    let author = Some(AgentName::new(author).unwrap());
    said(n, Role::Assistant { author, reasoning, tool_calls: Vec::new(), usage }, text)
}
pub(crate) fn tool(n: u64, of: u64, text: &str) -> Arc<Message> {
    tool_of(n, call(of), text)
}
pub(crate) fn tool_of(n: u64, call: ToolCallId, text: &str) -> Arc<Message> {
    said(n, Role::Tool { tool_call_id: call }, text)
}
fn said(n: u64, role: Role, text: &str) -> Arc<Message> {
    Arc::new(Message {
        id: message(n),
        turn_id: None,
        source_id: None,
        at: Timestamp(0),
        role,
        parts: vec![Part::text(text)],
        failure: None,
        metadata: Metadata::NONE,
    })
}
pub(crate) fn status(
    of: &str,
    kind: StatusKind,
    running: Option<u64>,
    queued: usize,
    head: u64,
) -> Notice {
    let status = ChatStatus {
        chat_id: chat(of),
        kind,
        turn_id: running.map(turn),
        last_outcome: None,
        queued,
        head: seq(head),
        title: Text::from(""),
    };
    Notice::World(WorldNotice::Status { status })
}

/// The same status, of a chat whose last turn ended so.
pub(crate) fn ended_so(outcome: OutcomeKind, told: Notice) -> Notice {
    let Notice::World(WorldNotice::Status { mut status }) = told else {
        unreachable!("a status is one")
    };
    status.last_outcome = Some(outcome);
    Notice::World(WorldNotice::Status { status })
}

pub(crate) fn chunk(
    of: &str,
    in_turn: u64,
    n: u64,
    offset: u64,
    text: &str,
    cursor: (u64, u64),
) -> Notice {
    let body = LiveBody::MessageChunk { message_id: message(n), offset, text: Text::from(text) };
    live(of, in_turn, body, cursor)
}
pub(crate) fn live(of: &str, in_turn: u64, body: LiveBody, (after, index): (u64, u64)) -> Notice {
    let event = Arc::new(Live { chat_id: chat(of), turn_id: turn(in_turn), body });
    Notice::Live { cursor: cursor(after, index), event }
}
pub(crate) fn cursor(after: u64, index: u64) -> Cursor {
    Cursor { seq: seq(after), epoch: Epoch(1), live: index, offset: 0 }
}

/// A history that can still be changed.
#[derive(Default)]
pub(crate) struct Story {
    pub(crate) facts: Vec<Fact>,
    logs: HashMap<ChatId, Vec<Arc<Recorded>>>,
    names: u64,
}

impl Story {
    /// Stores events at the end of a log; answers the seq of the first.
    pub(crate) fn commit(&mut self, of: &str, events: Vec<Event>) -> u64 {
        let log = self.logs.entry(chat(of)).or_default();
        let first = log.len() as u64 + 1;
        let events: Vec<_> = (first..)
            .zip(events)
            .map(|(n, event)| {
                Arc::new(Recorded { chat_id: chat(of), seq: seq(n), at: Timestamp(n), event })
            })
            .collect();
        log.extend(events.iter().cloned());
        self.facts.push(Fact::Committed { chat: chat(of), events, summary: None });
        first
    }

    pub(crate) fn log(&self, of: &str) -> Vec<Recorded> {
        self.logs.get(&chat(of)).into_iter().flatten().map(|event| (**event).clone()).collect()
    }

    pub(crate) fn sent(&mut self, command: Command) -> CallId {
        self.names += 1;
        let call = CallId(self.names);
        self.facts.push(Fact::Sent { call, command });
        call
    }

    pub(crate) fn answered(&mut self, call: CallId, answer: Result<Reply, CommandError>) {
        self.facts.push(Fact::Answered { call, answer });
    }

    pub(crate) fn subscribe(&mut self, scope: Scope, start: StartAt) -> SubscriberId {
        self.names += 1;
        let subscriber = SubscriberId(self.names);
        self.facts.push(Fact::Subscribed { subscriber, scope, start });
        subscriber
    }

    pub(crate) fn notice(&mut self, subscriber: SubscriberId, notice: Notice) {
        self.facts.push(Fact::Noticed { subscriber, notice });
    }

    pub(crate) fn show(&mut self, subscriber: SubscriberId, of: &str, from: u64, to: u64) {
        for n in from..=to {
            let event = Arc::clone(&self.logs[&chat(of)][n as usize - 1]);
            self.notice(subscriber, Notice::Recorded { cursor: cursor(n, 0), event });
        }
    }

    pub(crate) fn ask(&mut self, of: &str, messages: Vec<Arc<Message>>) -> RequestId {
        let mut content = ModelRequest::new(messages);
        content.agent = Some(guide().name);
        self.ask_with(of, content)
    }

    pub(crate) fn ask_with(&mut self, of: &str, content: ModelRequest) -> RequestId {
        let request = RequestId(self.name());
        let content = Box::new(content);
        self.facts.push(Fact::Requested { request, chat: Some(chat(of)), content });
        request
    }

    /// A name that nothing else has.
    pub(crate) fn name(&mut self) -> u64 {
        self.names += 1;
        self.names
    }

    pub(crate) fn release(&mut self, request: RequestId, text: &str) {
        let delta = ModelDelta::Text(text.to_owned());
        self.facts.push(Fact::Released { request, delta });
    }

    /// The place of the first fact of this sort.
    pub(crate) fn find(&self, is_it: impl Fn(&Fact) -> bool) -> usize {
        self.facts.iter().position(is_it).expect("the story has such a fact")
    }

    /// The place of the commit that stored this event.
    pub(crate) fn stored(&self, of: &str, n: u64) -> usize {
        self.find(|fact| match fact {
            Fact::Committed { chat: whose, events, .. } => {
                *whose == chat(of) && events.iter().any(|event| event.seq == seq(n))
            }
            _ => false,
        })
    }

    /// The place where anybody was first shown this event.
    pub(crate) fn shown(&self, of: &str, n: u64) -> usize {
        self.find(|fact| match fact {
            Fact::Noticed { notice: Notice::Recorded { event, .. }, .. } => {
                event.chat_id == chat(of) && event.seq == seq(n)
            }
            _ => false,
        })
    }

    /// The place of the first chunk of a message.
    pub(crate) fn chunked(&self, of: &str, n: u64, at: u64) -> usize {
        self.find(|fact| match fact {
            Fact::Noticed { notice: Notice::Live { event, .. }, .. } => match &event.body {
                LiveBody::MessageChunk { message_id, offset, .. } => {
                    event.chat_id == chat(of) && *message_id == message(n) && *offset == at
                }
                _ => false,
            },
            _ => false,
        })
    }

    /// Changes an event wherever it was stored or shown.
    pub(crate) fn alter(&mut self, of: &str, n: u64, change: impl Fn(&mut Recorded)) {
        let spoil = |event: &mut Arc<Recorded>| {
            if event.chat_id == chat(of) && event.seq == seq(n) {
                let mut spoilt = (**event).clone();
                change(&mut spoilt);
                *event = Arc::new(spoilt);
            }
        };
        for fact in &mut self.facts {
            match fact {
                Fact::Committed { events, .. } => events.iter_mut().for_each(spoil),
                Fact::Noticed { notice: Notice::Recorded { event, .. }, .. } => spoil(event),
                _ => {}
            }
        }
    }

    pub(crate) fn history(&self) -> History {
        let history = History::new();
        self.facts.iter().cloned().for_each(|fact| history.record(fact));
        history
    }

    pub(crate) fn check(&self, run: RunState) -> Vec<Violation> {
        let mut checker = Checker::new().knowing(company::known());
        checker.keep_up(&self.history());
        checker.finish(run)
    }
}
