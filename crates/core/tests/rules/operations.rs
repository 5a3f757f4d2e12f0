//! Random inputs to a chat, sensible or not, and the surroundings in which they come.

use std::sync::Arc;

use polychat_core::{
    Limits, MessageId, Part, PromptId, ToolCallId, TurnId,
    command::{CancelTarget, ChatChange, PromptChange, ReviseTarget},
    event::{ApprovalKind, FinishReason, PromptBody, PromptMode},
    rules::{ChatCommand, Input, TurnInput},
    tool::{ApprovalDecision, PolicyMode, ToolKind, ToolOutput, ToolSpec},
};
use proptest::{collection::vec, option, prelude::*, sample::select};
use serde_json::json;

use super::harness::{Chat, agent, agent_name, call, call_id, failure, message, prompt_id, turn};

/// Whom an input names: what is at hand, or some number that may mean anything.
type Target = Option<u64>;

#[derive(Debug, Clone)]
pub(crate) enum Op {
    Send(u8, PromptMode, &'static str),
    Edit(u8, Option<&'static str>, Option<PromptMode>),
    Withdraw(u8),
    Cancel(Option<Target>),
    Revise(Target, u8),
    Retry(Target, u8),
    Decide(Target, u8, ApprovalDecision),
    Title(&'static str),
    Proposed(&'static str),
    World(World),
    Tool(&'static str, Sort),
    Close,
    Reopen,
    Delete,
    Done(Target, Vec<&'static str>),
    Failed(Target),
    Checkpoint(Target),
    ToolDone(Target, u8),
    ToolFailed(Target, u8),
    TurnFailed(Target),
    Admitted,
    Recover,
    Interrupt,
}

/// What the world is from now on.
#[derive(Debug, Clone)]
pub(crate) struct World {
    /// Which agents there are besides the default one.
    agents: Vec<&'static str>,
    /// What they are told now.
    system: &'static str,
    mentions: bool,
    broadcast: bool,
    titles: bool,
    policy: PolicyMode,
}

/// What became of a tool.
#[derive(Debug, Clone)]
pub(crate) enum Sort {
    Is(ToolKind, bool),
    TakesNothing,
    Gone,
}

/// An input and the circumstances in which it comes.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    pub(crate) op: Op,
    pub(crate) may_run: bool,
    pub(crate) may_run_next: bool,
    pub(crate) shown: Option<&'static str>,
    /// How many past turns the context policy looks at and leaves out; `None` for the default.
    pub(crate) policy: Option<(usize, usize)>,
    /// The append fails: what was decided never happened.
    pub(crate) lost: bool,
}

fn mode() -> impl Strategy<Value = PromptMode> {
    use PromptMode::{Interrupt, Queue, Reject, Steer};
    prop_oneof![4 => Just(Queue), 3 => Just(Steer), 1 => Just(Interrupt), 1 => Just(Reject)]
}

fn target() -> impl Strategy<Value = Target> {
    prop_oneof![5 => Just(None), 1 => (0..40_u64).prop_map(Some)]
}

fn decision() -> impl Strategy<Value = ApprovalDecision> {
    let deny = ApprovalDecision::Deny { reason: "no".into() };
    let answer = ApprovalDecision::Answer { data: "blue".into() };
    select(vec![ApprovalDecision::AllowOnce, ApprovalDecision::AllowForChat, deny, answer])
}

fn op() -> impl Strategy<Value = Op> {
    let prompt = || 0..40_u8;
    let text = || select(vec!["hi", "ho", "@b: you", "@all: you", ""]);
    let asked = vec(select(vec!["read", "look", "write", "write", "careful", "ask", "zz"]), 1..4);
    let tools = prop_oneof![1 => Just(vec![]), 1 => asked];
    let commands = prop_oneof![
        24 => (prompt(), mode(), text()).prop_map(|(id, mode, text)| Op::Send(id, mode, text)),
        6 => (prompt(), option::of(text()), option::of(mode()))
            .prop_map(|(id, text, mode)| Op::Edit(id, text, mode)),
        3 => prompt().prop_map(Op::Withdraw),
        2 => option::of(target()).prop_map(Op::Cancel),
        2 => (target(), prompt()).prop_map(|(at, id)| Op::Revise(at, id)),
        2 => (target(), prompt()).prop_map(|(at, id)| Op::Retry(at, id)),
        16 => (target(), 0..4_u8, decision()).prop_map(|(at, n, d)| Op::Decide(at, n, d)),
        2 => text().prop_map(Op::Title),
        1 => Just(Op::Close),
        8 => Just(Op::Reopen),
    ];
    let reports = prop_oneof![
        24 => (target(), tools).prop_map(|(at, tools)| Op::Done(at, tools)),
        1 => target().prop_map(Op::Failed),
        2 => target().prop_map(Op::Checkpoint),
        16 => (target(), 0..4_u8).prop_map(|(at, n)| Op::ToolDone(at, n)),
        4 => (target(), 0..4_u8).prop_map(|(at, n)| Op::ToolFailed(at, n)),
        1 => target().prop_map(Op::TurnFailed),
        6 => Just(Op::Admitted),
        1 => Just(Op::Recover),
        1 => Just(Op::Interrupt),
    ];
    let said = select(vec!["Tea", "\"Tea.\"", "", "---"]);
    let names = select(vec!["read", "write", "careful", "ask"]);
    let surroundings = prop_oneof![
        2 => said.prop_map(Op::Proposed),
        5 => world().prop_map(Op::World),
        1 => (names, sort()).prop_map(|(name, sort)| Op::Tool(name, sort)),
    ];
    prop_oneof![200 => commands, 260 => reports, 70 => surroundings, 1 => Just(Op::Delete)]
}

fn world() -> impl Strategy<Value = World> {
    let agents = select(vec![vec![], vec!["b"], vec!["a", "b"], vec!["a", "b", "all"], vec!["z"]]);
    let policy = select(vec![PolicyMode::Read, PolicyMode::Ask, PolicyMode::Ask, PolicyMode::Auto]);
    let often = || prop::bool::weighted(0.8);
    (agents, select(vec!["", "new"]), often(), often(), often(), policy).prop_map(
        |(agents, system, mentions, broadcast, titles, policy)| World {
            agents,
            system,
            mentions,
            broadcast,
            titles,
            policy,
        },
    )
}

fn sort() -> impl Strategy<Value = Sort> {
    let kind = select(vec![ToolKind::Read, ToolKind::Act, ToolKind::Question]);
    prop_oneof![
        4 => (kind, any::<bool>()).prop_map(|(kind, asks)| Sort::Is(kind, asks)),
        1 => Just(Sort::TakesNothing),
        1 => Just(Sort::Gone),
    ]
}

pub(crate) fn step() -> impl Strategy<Value = Step> {
    let shown = option::weighted(0.8, select(vec!["", "yes", "@b: you", "@guide: me", "@all: us"]));
    let number = || select(vec![0, 1, 2, 3, usize::MAX]);
    let policy = option::of((number(), number()));
    let lost = prop::bool::weighted(0.05);
    (op(), prop::bool::weighted(0.8), any::<bool>(), shown, policy, lost).prop_map(
        |(op, may_run, may_run_next, shown, policy, lost)| Step {
            op,
            may_run,
            may_run_next,
            shown,
            policy,
            lost,
        },
    )
}

/// A chat with tight bounds, in a world of two agents that allows everything.
pub(crate) fn tight() -> Chat {
    let mut chat = Chat::new();
    become_world(
        &mut chat,
        &World {
            agents: vec!["b"],
            system: "",
            mentions: true,
            broadcast: true,
            titles: true,
            policy: PolicyMode::Ask,
        },
    );
    chat.agents.settings.context_bytes_max = 12;
    let mut limits = Limits::default();
    (limits.prompts_queued_max, limits.steps_max) = (3, 6);
    (limits.tool_calls_per_step_max, limits.tool_calls_parallel_max) = (3, 2);
    limits.log_events_max = 220;
    chat.limits = limits;
    chat
}

fn id(n: u8) -> PromptId {
    prompt_id(&format!("p{n}"))
}

fn parts(text: &str) -> Vec<Part> {
    vec![Part::text(text)]
}

fn open(chat: &Chat, at: Target) -> MessageId {
    let open = || chat.state.open_message().map_or(0, |open| open.0.get());
    message(at.unwrap_or_else(open))
}

fn running(chat: &Chat, at: Target) -> TurnId {
    let running = || chat.state.turn().map_or(0, |turn| turn.0.get());
    turn(at.unwrap_or_else(running))
}

/// A call of the last answer, if possible one that may be meant: number `n` of those.
fn asked(chat: &Chat, at: Target, n: u8, may: impl Fn(ToolCallId) -> bool) -> ToolCallId {
    let last = chat.state.messages().iter().rev().find(|message| message.is_assistant());
    let id = |at: u64, n: u8| call_id(&format!("{at}.{n}"));
    if let Some(at) = at {
        return id(at, n);
    }
    let at = last.map_or(0, |message| message.id.0.get());
    let open: Vec<_> = (0..4).map(|n| id(at, n)).filter(|id| may(*id)).collect();
    open.get(usize::from(n) % open.len().max(1)).copied().unwrap_or(id(at, n))
}

fn working(chat: &Chat, at: Target, n: u8) -> ToolCallId {
    asked(chat, at, n, |id| chat.state.is_call_running(id))
}

/// A decision about a call that waits, three times in four one that fits what is asked.
fn decided(chat: &Chat, at: Target, n: u8, decision: &ApprovalDecision) -> ChatCommand {
    let pending = chat.state.approvals();
    let call = asked(chat, at, n, |id| pending.iter().any(|it| it.tool_call_id == id));
    let question =
        pending.iter().any(|it| it.tool_call_id == call && it.kind == ApprovalKind::Question);
    let decision = match decision {
        ApprovalDecision::Answer { .. } if !question && n < 3 => &ApprovalDecision::AllowForChat,
        ApprovalDecision::AllowOnce | ApprovalDecision::AllowForChat if question && n < 3 => {
            &ApprovalDecision::Answer { data: "blue".into() }
        }
        decision => decision,
    };
    ChatCommand::Decide { call, decision: decision.clone() }
}

fn become_world(chat: &mut Chat, world: &World) {
    let table = &mut chat.agents;
    let names = world.agents.iter().chain(&["guide"]);
    let config = |name: &&str| agent(name).system(world.system);
    table.agents = names.map(|name| (agent_name(name), config(name).into())).collect();
    let settings = &mut table.settings;
    (settings.mentions, settings.broadcast) = (world.mentions, world.broadcast);
    (settings.titles, settings.policy.mode) = (world.titles, world.policy);
}

fn become_tool(chat: &mut Chat, name: &str, sort: &Sort) {
    let spec = |schema| ToolSpec::new(name, "a tool", schema);
    let spec = match sort {
        Sort::Is(kind, true) => spec(json!({})).kind(*kind).needs_approval(),
        Sort::Is(kind, false) => spec(json!({})).kind(*kind),
        Sort::TakesNothing => spec(json!(false)),
        Sort::Gone => {
            chat.tools.0.remove(name);
            return;
        }
    };
    chat.tools.0.insert(name.to_owned(), Arc::new(spec));
}

/// Makes the surroundings of the chat those of the step; an input, if the step is one.
pub(crate) fn prepare(chat: &mut Chat, step: &Step) -> Option<Input> {
    (chat.may_run, chat.may_run_next) = (step.may_run, step.may_run_next);
    chat.shown = None;
    if let Some(text) = step.shown {
        chat.shows(text);
    }
    match &step.op {
        Op::World(world) => become_world(chat, world),
        Op::Tool(name, sort) => become_tool(chat, name, sort),
        op => return Some(input(chat, op)),
    }
    None
}

/// Turns an operation into an input to this chat as it stands.
fn input(chat: &Chat, op: &Op) -> Input {
    match op {
        Op::Proposed(title) => Input::Turn(TurnInput::TitleProposed { title: (*title).into() }),
        Op::Admitted => Input::Admitted,
        Op::Recover => Input::Recover,
        Op::Interrupt => Input::Interrupt,
        Op::Done(at, tools) => Input::Turn(done(open(chat, *at), tools)),
        Op::Checkpoint(at) => Input::Turn(TurnInput::Checkpoint {
            message: open(chat, *at),
            text: "y".into(),
            reasoning: "".into(),
        }),
        Op::ToolDone(at, n) => {
            let output = ToolOutput::text("data");
            Input::Turn(TurnInput::ToolDone { call: working(chat, *at, *n), output })
        }
        Op::ToolFailed(at, n) => {
            let call = working(chat, *at, *n);
            Input::Turn(TurnInput::ToolFailed { call, failure: failure() })
        }
        Op::TurnFailed(at) => {
            let turn = running(chat, *at);
            Input::Turn(TurnInput::TurnFailed { turn, failure: failure() })
        }
        Op::Failed(at) => {
            let message = open(chat, *at);
            Input::Turn(TurnInput::MessageFailed { message, failure: failure() })
        }
        command => Input::Command(as_command(chat, command)),
    }
}

fn as_command(chat: &Chat, op: &Op) -> ChatCommand {
    match op {
        Op::Send(n, mode, text) => {
            ChatCommand::Send { prompt: id(*n), mode: *mode, body: PromptBody::text(*text) }
        }
        Op::Edit(n, text, mode) => {
            let mut change = PromptChange::default();
            (change.parts, change.mode) = (text.map(parts), *mode);
            ChatCommand::Edit { prompt: id(*n), change }
        }
        Op::Withdraw(n) => ChatCommand::Withdraw { prompt: id(*n) },
        Op::Cancel(None) => ChatCommand::Cancel(CancelTarget::Running),
        Op::Cancel(Some(at)) => ChatCommand::Cancel(CancelTarget::Turn(running(chat, *at))),
        Op::Revise(at, n) => {
            let user = chat.state.messages().iter().rev().find(|message| message.is_user());
            let at = at.unwrap_or_else(|| user.map_or(0, |message| message.id.0.get()));
            let target = ReviseTarget::Message { id: message(at), body: PromptBody::text("new") };
            ChatCommand::Revise { target, prompt: id(*n) }
        }
        Op::Retry(at, n) => {
            let last = chat.state.messages().last().and_then(|message| message.turn_id);
            let target = at.map(turn).or(last).unwrap_or(turn(0));
            ChatCommand::Revise { target: ReviseTarget::Turn(target), prompt: id(*n) }
        }
        Op::Decide(at, n, decision) => decided(chat, *at, *n, decision),
        Op::Title(title) => ChatCommand::Update(ChatChange::default().title(*title)),
        Op::Close => ChatCommand::Close,
        Op::Reopen => ChatCommand::Reopen,
        Op::Delete => ChatCommand::Delete,
        report => unreachable!("{report:?} is no command"),
    }
}

fn done(message: MessageId, tools: &[&str]) -> TurnInput {
    TurnInput::MessageDone {
        message,
        opaque: Vec::new(),
        tool_calls: tools.iter().map(|name| call(name)).collect(),
        usage: Default::default(),
        finish: FinishReason::Stop,
    }
}
