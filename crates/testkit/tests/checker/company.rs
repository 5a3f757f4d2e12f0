//! Chat `c` keeps company: three agents answer one prompt, with tools, a question, a handoff and a
//! title; then one of them is named by a prompt, and a call is denied.

#![allow(dead_code)] // two test programs share it, each uses a part

use std::sync::Arc;

use polychat_core::{
    AgentConfig, AgentName, ChatId, Command, Event, Failure, FailureKind, LiveBody, Message,
    Metadata, ModelName, Part, Reply, Scope, StartAt, ToolCallId, TurnOutcome,
    agent::WorldSettings,
    command::{NewChat, Snapshot},
    content::Text,
    event::{ApprovalKind, FinishReason, PromptBody, PromptMode, TitleProvenance},
    message::Usage,
    ports::{Callee, HostContext, ModelRequest, ToolInput},
    rules::TITLE_INSTRUCTIONS,
    tool::{ApprovalDecision, ToolCall, ToolKind, ToolOutput, ToolSelection, ToolSpec},
};
use polychat_testkit::{
    checker::Known,
    history::{Fact, RunEnd, RunId, Showing, Stamping, SubscriberId},
    samples, tools,
};
use serde_json::{Value, json};

use crate::story::{
    Story, assistant_as, chat, created, cursor, ended, ended_so, guide, live, message, prompt,
    send, seq, status, taken, tool_of, turn, user,
};

/// Calls that may run at once.
pub(crate) const PARALLEL: usize = 2;

pub(crate) fn agent(name: &str, tools: ToolSelection) -> AgentConfig {
    let (name, model) = (AgentName::new(name).unwrap(), ModelName::new("demo").unwrap());
    AgentConfig::new(name, model).tools(tools)
}
pub(crate) fn critic() -> AgentConfig {
    agent("critic", ToolSelection::All)
}
pub(crate) fn editor() -> AgentConfig {
    agent("editor", ToolSelection::Only(vec!["look".into(), "write".into()]))
}
pub(crate) fn tools() -> Vec<ToolSpec> {
    vec![
        tools::spec("look"),
        tools::spec("write"),
        tools::spec("read").kind(ToolKind::Read),
        tools::spec("ask").kind(ToolKind::Question),
    ]
}
/// What the checker is told of the story's world.
pub(crate) fn known() -> Known {
    Known::new().agents([guide(), critic(), editor()]).tools(tools()).parallel_calls(PARALLEL)
}

pub(crate) fn nth(n: u64, index: u16) -> ToolCallId {
    ToolCallId { message: message(n), index }
}
/// The arguments of the call of this tool at this place, different for each.
pub(crate) fn arguments(tool: &str, index: u16) -> Value {
    json!({ "at": format!("{tool} {index}") })
}
/// A message ends, and asks for these tools.
pub(crate) fn asks_for(n: u64, text: &str, tools: &[&str]) -> Event {
    let calls = (0..).zip(tools).map(|(index, tool)| ToolCall {
        name: Text::from(*tool),
        arguments: arguments(tool, index),
        provider_call_id: None,
    });
    Event::MessageEnd {
        message_id: message(n),
        text: text.into(),
        reasoning: "".into(),
        opaque: Vec::new(),
        tool_calls: calls.collect(),
        finish: FinishReason::Stop,
        usage: Usage::default(),
    }
}
pub(crate) fn asked(n: u64, index: u16, tool: &str) -> Event {
    let kind = if tool == "ask" { ApprovalKind::Question } else { ApprovalKind::Permission };
    let (name, arguments) = (tool.into(), arguments(tool, index));
    Event::ApprovalRequested { tool_call_id: nth(n, index), kind, name, arguments }
}
pub(crate) fn decided(n: u64, index: u16, decision: ApprovalDecision) -> Event {
    Event::ApprovalResolved { tool_call_id: nth(n, index), decision: Some(decision) }
}
pub(crate) fn starts(n: u64, index: u16, tool: &str) -> Event {
    Event::ToolStart { tool_call_id: nth(n, index), name: tool.into() }
}
pub(crate) fn results(n: u64, index: u16, text: &str) -> Event {
    Event::ToolResult { tool_call_id: nth(n, index), output: ToolOutput::text(text) }
}
pub(crate) fn fails(n: u64, index: u16, kind: FailureKind, why: &str) -> Event {
    Event::ToolError { tool_call_id: nth(n, index), failure: Failure::new(kind, why) }
}
pub(crate) fn hands_on(turn_seq: u64, from: &str, to: &str) -> Event {
    let name = |name| AgentName::new(name).unwrap();
    Event::TurnHandedOff { turn_id: turn(turn_seq), from: name(from), to: name(to) }
}
pub(crate) fn begun(prompts: &[&str], agent: &str, then: &[&str]) -> Event {
    let name = |name: &&str| AgentName::new(*name).unwrap();
    let prompt_ids = prompts.iter().map(|id| prompt(id)).collect();
    Event::TurnStarted { prompt_ids, agent: name(&agent), then: then.iter().map(name).collect() }
}
pub(crate) fn begins(agent: &AgentConfig, turn_seq: u64, step: u32) -> Event {
    crate::story::begins_as(agent, turn_seq, step)
}
pub(crate) fn body(text: &str, agent: Option<&str>) -> PromptBody {
    let mut body = PromptBody::text(text);
    body.agent = agent.map(|name| AgentName::new(name).unwrap());
    body.context = samples::metadata(text);
    body
}
pub(crate) fn accepted(id: &str, text: &str, agent: Option<&str>) -> Event {
    let (prompt_id, mode) = (prompt(id), PromptMode::Queue);
    Event::PromptAccepted { prompt_id, mode, body: body(text, agent) }
}
pub(crate) fn titled(title: &str) -> Event {
    Event::ChatUpdated {
        title: Some(title.into()),
        provenance: Some(TitleProvenance::Auto),
        metadata: None,
        archived: None,
        agent: None,
    }
}

/// The host context of a call of chat `c` in the turn of the prompt with this text.
pub(crate) fn context(text: &str, callee: Callee) -> HostContext {
    resolved_for(chat("c"), text, callee)
}
pub(crate) fn resolved_for(of: ChatId, text: &str, callee: Callee) -> HostContext {
    let mut context = HostContext::default();
    (context.chat, context.prompt) = (samples::metadata("c"), samples::metadata(text));
    let (world, stored) = (samples::world_id("w"), (context.chat.clone(), context.prompt.clone()));
    let request = polychat_core::ports::ContextRequest::new(world, of, stored.0, stored.1, callee);
    let resolving = polychat_core::ports::ContextProvider::resolve(&Stamping, request);
    context.resolved = futures_util::FutureExt::now_or_never(resolving).unwrap().unwrap();
    context
}
pub(crate) fn request(agent: &AgentConfig, text: &str, said: Vec<Arc<Message>>) -> ModelRequest {
    let mut request = ModelRequest::new(said);
    request.agent = Some(agent.name.clone());
    request.tools =
        tools().into_iter().filter(|it| agent.tools.includes(&it.name)).map(Arc::new).collect();
    request.context = context(text, Callee::Model(agent.model.clone()));
    request
}
pub(crate) fn title_request(text: &str, told: &str) -> ModelRequest {
    let mut request = request(&guide(), text, vec![user(2, told)]);
    (request.system, request.tools) = (TITLE_INSTRUCTIONS.into(), Arc::from([]));
    request
}

impl Story {
    /// A tool of chat `c` is run for the call at this place.
    pub(crate) fn run(&mut self, tool: &str, index: u16) -> RunId {
        let context = context("@all look", Callee::Tool(tool.into()));
        self.run_with(tool, ToolInput::new(arguments(tool, index), context))
    }

    pub(crate) fn run_with(&mut self, tool: &str, input: ToolInput) -> RunId {
        let run = RunId(self.name());
        let (chat, tool, input) = (Some(chat("c")), tool.into(), Box::new(input));
        self.facts.push(Fact::Ran { run, chat, tool, input });
        run
    }

    pub(crate) fn shows(&mut self, run: RunId, text: &str) {
        self.facts.push(Fact::Showed { run, showing: Showing::Output(text.into()) });
    }

    pub(crate) fn ends(&mut self, run: RunId, end: Result<&str, &str>) {
        let end =
            end.map(ToolOutput::text).map_err(|why| Failure::new(FailureKind::ToolFailed, why));
        self.facts.push(Fact::RunEnded { run, end: RunEnd::Returned(end) });
    }

    /// A change of the world, which is made.
    pub(crate) fn change(&mut self, command: Command) {
        let call = self.sent(command);
        self.answered(call, Ok(Reply::Done));
    }
}

/// What happened before and beside the chat.
pub(crate) fn world_settings() -> WorldSettings {
    let mut settings = WorldSettings::default();
    (settings.mentions, settings.broadcast, settings.titles) = (true, true, true);
    settings.handoffs_max = 1;
    settings
}

pub(crate) fn output(index: u16, offset: u64, text: &str) -> LiveBody {
    LiveBody::ToolOutput { tool_call_id: nth(4, index), offset, text: text.into() }
}
pub(crate) fn progress(index: u16, progress: Value) -> LiveBody {
    LiveBody::ToolProgress { tool_call_id: nth(4, index), progress }
}

/// Chat `c` from its beginning to rest; its watcher has read all.
pub(crate) fn c_keeps_company(story: &mut Story) -> SubscriberId {
    story.change(Command::UpdateWorld { settings: world_settings() });
    let new = NewChat::with_id(chat("c")).context(samples::metadata("c"));
    let create = story.sent(Command::CreateChat { chat: new });
    let mut first = created();
    if let Event::ChatCreated { context, .. } = &mut first {
        *context = samples::metadata("c");
    }
    story.commit("c", vec![first]);
    story.answered(create, Ok(Reply::Chat(chat("c"))));
    let watcher = story.subscribe(Scope::Chat(chat("c")), StartAt::Start);
    the_critic_uses_tools(story, watcher);
    the_others_follow(story);
    a_title_is_proposed(story);
    the_editor_is_denied(story);
    story.show(watcher, "c", 15, 48);
    let snapshot = story.sent(Command::Snapshot { chat: chat("c") });
    story.answered(snapshot, Ok(Reply::Snapshot(Box::new(rest_of_c()))));
    watcher
}

fn the_critic_uses_tools(story: &mut Story, watcher: SubscriberId) {
    let mut command = send("c", "c1", PromptMode::Queue, "");
    if let Command::SendPrompt { body: sent, .. } = &mut command {
        *sent = body("@all look", None);
    }
    let call = story.sent(command);
    let first = accepted("c1", "@all look", None);
    let row = begun(&["c1"], "critic", &["editor", "guide"]);
    story.commit("c", vec![first, row, begins(&critic(), 3, 1)]);
    story.answered(call, Ok(taken("c1", 2)));
    story.show(watcher, "c", 1, 4);
    let said = vec![user(2, "@all look")];
    story.ask_with("c", request(&critic(), "@all look", said));
    let asks = asks_for(4, "", &["look", "look", "read", "ask"]);
    let ask = vec![asked(4, 0, "look"), asked(4, 1, "look"), asked(4, 3, "ask")];
    story.commit("c", [vec![asks], ask, vec![starts(4, 2, "read")]].concat());
    story.show(watcher, "c", 5, 9);
    let read = story.run("read", 2);
    story.shows(read, "feathers, ");
    story.notice(watcher, live("c", 3, output(2, 0, "feathers, "), (9, 1)));
    let far = Showing::Progress(json!(1));
    story.facts.push(Fact::Showed { run: read, showing: far });
    story.notice(watcher, live("c", 3, progress(2, json!(1)), (9, 2)));
    story.shows(read, "grey");
    story.notice(watcher, live("c", 3, output(2, 10, "grey"), (9, 3)));
    for_chat(story);
    story.show(watcher, "c", 10, 12);
    let look = story.run("look", 0);
    story.ends(read, Ok("a book"));
    story.commit("c", vec![results(4, 2, "a book"), starts(4, 1, "look")]);
    story.show(watcher, "c", 13, 14);
    let second = story.run("look", 1);
    story.ends(second, Err("too dark"));
    story.commit("c", vec![fails(4, 1, FailureKind::ToolFailed, "too dark")]);
    story.ends(look, Ok("a bird"));
    story.commit("c", vec![results(4, 0, "a bird")]);
    let decision = ApprovalDecision::Answer { data: json!("yes") };
    let answer = vec![decided(4, 3, decision), starts(4, 3, "ask"), results(4, 3, "yes")];
    story.commit("c", [answer, vec![begins(&critic(), 3, 2)]].concat());
    let asked = story.ask_with("c", request(&critic(), "@all look", past(19)));
    story.release(asked, "fine");
}

fn for_chat(story: &mut Story) {
    let decision = ApprovalDecision::AllowForChat;
    let call = nth(4, 0);
    let decide = Command::DecideApproval { chat: chat("c"), call, decision: decision.clone() };
    let decide = story.sent(decide);
    let both = vec![decided(4, 0, decision.clone()), decided(4, 1, decision)];
    story.commit("c", [both, vec![starts(4, 0, "look")]].concat());
    story.answered(decide, Ok(Reply::Done));
}

fn the_others_follow(story: &mut Story) {
    // What the critic is now holds from the next turn on.
    let changed = critic().system("Be kind.");
    story.change(Command::PutAgent { agent: changed });
    let next = vec![asks_for(20, "fine", &[]), hands_on(3, "critic", "editor")];
    story.commit("c", [next, vec![begins(&editor(), 3, 3)]].concat());
    story.ask_with("c", request(&editor(), "@all look", past(20)));
    // Allowed for the chat, whichever agent asks.
    story.commit("c", vec![asks_for(23, "", &["look"]), starts(23, 0, "look")]);
    let look = story.run("look", 0);
    story.ends(look, Ok("two birds"));
    story.commit("c", vec![results(23, 0, "two birds"), begins(&editor(), 3, 4)]);
    let next = vec![asks_for(27, "noted", &[]), hands_on(3, "editor", "guide")];
    story.commit("c", [next, vec![begins(&guide(), 3, 5)]].concat());
    let on = vec![asks_for(30, "@critic what now", &[]), hands_on(3, "guide", "critic")];
    story.commit("c", [on, vec![begins(&critic(), 3, 6)]].concat());
    let last = vec![asks_for(33, "rest", &[]), ended(3, TurnOutcome::Completed)];
    story.commit("c", last);
}

fn a_title_is_proposed(story: &mut Story) {
    let asked = story.ask_with("c", title_request("@all look", "Wrote: @all look"));
    story.release(asked, "  Birds  of");
    story.release(asked, " c\n");
    story.commit("c", vec![titled("Birds of c")]);
}

fn the_editor_is_denied(story: &mut Story) {
    let first = accepted("c2", "write", Some("editor"));
    story.commit("c", vec![first, begun(&["c2"], "editor", &[]), begins(&editor(), 38, 1)]);
    story.commit("c", vec![asks_for(39, "", &["write"]), asked(39, 0, "write")]);
    let decision = ApprovalDecision::Deny { reason: "not now".into() };
    let denied = fails(39, 0, FailureKind::Denied, "not now");
    let heard = vec![decided(39, 0, decision), denied, begins(&editor(), 38, 2)];
    story.commit("c", heard);
    story.commit("c", vec![asks_for(44, "well", &[]), ended(38, TurnOutcome::Completed)]);
    story.commit("c", vec![Event::ChatClosed {}, Event::ChatReopened {}]);
}

/// What chat `c` has said, up to and with this message.
pub(crate) fn past(last: u64) -> Vec<Arc<Message>> {
    let all = vec![
        user(2, "@all look"),
        assistant_as("critic", 4, ""),
        tool_of(16, nth(4, 0), "a bird"),
        tool_of(15, nth(4, 1), ""),
        tool_of(13, nth(4, 2), "a book"),
        tool_of(19, nth(4, 3), "yes"),
        assistant_as("critic", 20, "fine"),
        assistant_as("editor", 23, ""),
        tool_of(26, nth(23, 0), "two birds"),
        assistant_as("editor", 27, "noted"),
        assistant_as("guide", 30, "@critic what now"),
        assistant_as("critic", 33, "rest"),
        user(37, "write"),
        assistant_as("editor", 39, ""),
        tool_of(43, nth(39, 0), ""),
        assistant_as("editor", 44, "well"),
    ];
    let end = all.iter().position(|said| said.id == message(last)).unwrap();
    all.into_iter().take(end + 1).collect()
}

fn rest_of_c() -> Snapshot {
    let mut summary = samples::summary(&chat("c"), seq(48));
    summary.title = "Birds of c".into();
    summary.last_outcome = Some(polychat_core::OutcomeKind::Completed);
    let idle = status("c", polychat_core::StatusKind::Idle, None, 0, 48);
    let told = ended_so(polychat_core::OutcomeKind::Completed, idle);
    let polychat_core::Notice::World(polychat_core::notice::WorldNotice::Status { mut status }) =
        told
    else {
        unreachable!("a status is one")
    };
    status.title = "Birds of c".into();
    Snapshot {
        summary,
        status,
        messages: past(44),
        prompts: Vec::new(),
        open: None,
        approvals: Vec::new(),
        cursor: cursor(48, 0),
    }
}

/// Metadata that nobody attached to anything.
pub(crate) fn foreign() -> Metadata {
    samples::metadata("somebody else's")
}
pub(crate) fn text(text: &str) -> Vec<Part> {
    vec![Part::text(text)]
}
