//! Properties of any sequence of inputs, sensible or not.
//!
//! The harness checks after every step that the events apply, that the log replays to the state at
//! hand, that the summary stored with the append was right, and that the laws hold on the log.

use polychat_core::{
    Limits, MessageId, Part, PromptId, StatusKind, ToolCallId, TurnId,
    command::{CancelTarget, ChatChange, PromptChange, ReviseTarget},
    event::{FinishReason, PromptBody, PromptMode},
    rules::{ChatCommand, Input, TurnInput},
    tool::{ApprovalDecision, ToolOutput},
};
use proptest::{collection::vec, option, prelude::*, sample::select};

use super::{
    harness::{Chat, call, call_id, failure, message, prompt_id, turn},
    laws,
};

/// Whom an input names: what is at hand, or some number that may mean anything.
type Target = Option<u64>;

#[derive(Debug, Clone)]
enum Op {
    Send(u8, PromptMode, &'static str),
    Edit(u8, Option<&'static str>, Option<PromptMode>),
    Withdraw(u8),
    Cancel(Option<Target>),
    Revise(Target, u8),
    Retry(Target, u8),
    Decide(Target, u8, ApprovalDecision),
    Title(&'static str),
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

/// An input and the circumstances in which it comes.
#[derive(Debug, Clone)]
struct Step {
    op: Op,
    may_run: bool,
    may_run_next: bool,
    shown: Option<&'static str>,
    /// The append fails: what was decided never happened.
    lost: bool,
}

fn mode() -> impl Strategy<Value = PromptMode> {
    use PromptMode::{Interrupt, Queue, Reject, Steer};
    select(vec![Queue, Steer, Interrupt, Reject])
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
    let prompt = || 0..12_u8;
    let text = || select(vec!["hi", "ho", "@b: you", ""]);
    let tools = vec(select(vec!["read", "look", "write", "careful", "ask", "zz"]), 0..4);
    let commands = prop_oneof![
        6 => (prompt(), mode(), text()).prop_map(|(id, mode, text)| Op::Send(id, mode, text)),
        2 => (prompt(), option::of(text()), option::of(mode()))
            .prop_map(|(id, text, mode)| Op::Edit(id, text, mode)),
        1 => prompt().prop_map(Op::Withdraw),
        1 => option::of(target()).prop_map(Op::Cancel),
        1 => (target(), prompt()).prop_map(|(at, id)| Op::Revise(at, id)),
        1 => (target(), prompt()).prop_map(|(at, id)| Op::Retry(at, id)),
        4 => (target(), 0..4_u8, decision()).prop_map(|(at, n, d)| Op::Decide(at, n, d)),
        1 => text().prop_map(Op::Title),
        1 => Just(Op::Close),
        2 => Just(Op::Reopen),
    ];
    let reports = prop_oneof![
        8 => (target(), tools).prop_map(|(at, tools)| Op::Done(at, tools)),
        1 => target().prop_map(Op::Failed),
        1 => target().prop_map(Op::Checkpoint),
        6 => (target(), 0..4_u8).prop_map(|(at, n)| Op::ToolDone(at, n)),
        2 => (target(), 0..4_u8).prop_map(|(at, n)| Op::ToolFailed(at, n)),
        1 => target().prop_map(Op::TurnFailed),
        3 => Just(Op::Admitted),
        1 => Just(Op::Recover),
        1 => Just(Op::Interrupt),
    ];
    prop_oneof![50 => commands, 60 => reports, 1 => Just(Op::Delete)]
}

fn step() -> impl Strategy<Value = Step> {
    let shown = option::weighted(0.8, select(vec!["", "yes", "@b: you", "@guide: me"]));
    (op(), prop::bool::weighted(0.8), any::<bool>(), shown, prop::bool::weighted(0.05)).prop_map(
        |(op, may_run, may_run_next, shown, lost)| Step { op, may_run, may_run_next, shown, lost },
    )
}

fn tight() -> Chat {
    let mut chat = Chat::new();
    chat.agents.agents.insert(super::harness::agent_name("b"), super::harness::agent("b").into());
    chat.agents.settings.mentions = true;
    chat.agents.settings.context_bytes_max = 12;
    let mut limits = Limits::default();
    (limits.prompts_queued_max, limits.steps_max) = (3, 4);
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

/// A call of the last answer.
fn asked(chat: &Chat, at: Target, n: u8) -> ToolCallId {
    let last = chat.state.messages().iter().rev().find(|message| message.is_assistant());
    let at = at.unwrap_or_else(|| last.map_or(0, |message| message.id.0.get()));
    call_id(&format!("{at}.{n}"))
}

/// Turns an operation into an input to this chat as it stands.
fn input(chat: &Chat, op: &Op) -> Input {
    match op {
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
            let output = ToolOutput { parts: parts("data"), cut_bytes: 0, unshown_bytes: 0 };
            Input::Turn(TurnInput::ToolDone { call: asked(chat, *at, *n), output })
        }
        Op::ToolFailed(at, n) => {
            let call = asked(chat, *at, *n);
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
        Op::Decide(at, n, decision) => {
            ChatCommand::Decide { call: asked(chat, *at, *n), decision: decision.clone() }
        }
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

/// Takes one step; the harness checks the laws.
fn take(chat: &mut Chat, step: &Step) {
    (chat.may_run, chat.may_run_next) = (step.may_run, step.may_run_next);
    chat.shown = None;
    if let Some(text) = step.shown {
        chat.shows(text);
    }
    let (head, input) = (chat.log.len(), input(chat, &step.op));
    if step.lost {
        let before = chat.state.clone();
        let _ = chat.decide(input);
        assert_eq!(chat.state, before, "deciding changed something");
        return;
    }
    let answer = chat.input(input);
    let unchanged = chat.log.len() == head;
    assert!(!answer.starts_with("refused") || unchanged, "a refusal left an event");
    assert!(chat.log.len() <= 220, "the log outgrew its bound");
    assert!(chat.waiting().split_whitespace().count() <= 4, "the queue outgrew its bound");
    check_requests(chat);
    check_status(chat);
}

/// Whatever is left out of a request, no call loses its result and no result its call, and the
/// request ends in the running turn.
fn check_requests(chat: &Chat) {
    use polychat_core::message::Role;
    let Some(step) = chat.state.step() else { return };
    let mut owed = std::collections::BTreeSet::new();
    for message in &step.messages {
        match &message.role {
            Role::Tool { tool_call_id } => assert!(owed.remove(tool_call_id), "a lone result"),
            role => {
                assert!(owed.is_empty(), "a call without its result");
                if let Role::Assistant { tool_calls, .. } = role {
                    let ids = (0..).zip(tool_calls);
                    owed.extend(ids.map(|(n, _)| call_id(&format!("{}.{n}", message.id))));
                }
            }
        }
    }
    assert!(owed.is_empty(), "a call without its result");
    let own = chat.state.messages().iter().filter(|m| m.turn_id == Some(step.turn)).count();
    let sent = step.messages.iter().filter(|m| m.turn_id == Some(step.turn)).count();
    assert_eq!(own, sent, "the current turn is never left out");
    assert!(own > 0);
}

/// Status and accounts agree with what the events alone say.
fn check_status(chat: &Chat) {
    let open = laws::check(&chat.log);
    let accepted = chat.count("prompt.accepted");
    assert_eq!(accepted, open.waiting.len() + open.running() + open.ended.len());
    assert_eq!(open.waiting.len(), chat.state.waiting_prompts().len());
    for (prompt, outcome) in &open.ended {
        assert_eq!(chat.outcome(prompt.as_str()), *outcome);
    }
    let status = chat.state.status();
    assert_eq!(status.turn_id.is_some(), open.running() > 0);
    assert_eq!(status.queued, open.waiting.len());
    let idle = open.running() == 0 && open.waiting.is_empty();
    match status.kind {
        StatusKind::Idle | StatusKind::Closed => assert!(idle, "{status:?}"),
        StatusKind::Awaiting => assert!(!chat.state.approvals().is_empty()),
        _ => assert!(!idle, "{status:?}"),
    }
    assert!(!chat.state.is_working() || status.kind == StatusKind::Running);
    assert_eq!(chat.state.may_rest(), !chat.state.wants_to_run());
}

fn run(steps: &[Step]) -> Chat {
    let mut chat = tight();
    for step in steps {
        take(&mut chat, step);
    }
    chat
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    // Laws 2, 5 and 7.
    #[test]
    fn the_laws_hold_on_every_log_and_deletion_ends_everything(steps in vec(step(), 1..80)) {
        let mut chat = run(&steps);
        chat.may_run = true;
        if !chat.state.is_deleted() {
            let deleted = chat.delete();
            prop_assert!(deleted.ends_with("chat.deleted"));
        }
        let open = laws::check(&chat.log);
        prop_assert_eq!(open.ended.len(), chat.count("prompt.accepted"));
        let ends = chat.count("message.end") + chat.count("message.error");
        prop_assert_eq!(chat.count("message.start"), ends);
        prop_assert_eq!(chat.count("turn.started"), chat.count("turn.ended"));
        prop_assert_eq!(chat.count("approval.requested"), chat.count("approval.resolved"));
    }

    // Law 8.
    #[test]
    fn the_same_inputs_give_the_same_log(steps in vec(step(), 1..40)) {
        prop_assert_eq!(run(&steps).log, run(&steps).log);
    }

    // Law 5: whatever a chat went through, what it accepted ends once it is left in peace.
    #[test]
    fn a_chat_left_in_peace_ends_everything_it_accepted(steps in vec(step(), 1..60)) {
        let mut chat = run(&steps).with_place();
        chat.agents.settings.mentions = false;
        chat.recover();
        for _ in 0..400 {
            if let Some(open) = chat.state.open_message() {
                chat.says(open.0.get(), "yes");
            } else if let Some(pending) = chat.state.approvals().first() {
                let id = pending.tool_call_id.to_string();
                chat.resolve(&id, ApprovalDecision::Deny { reason: "no".into() });
            } else if chat.state.is_working() {
                let asked = chat.state.turn().unwrap();
                chat.turn_failed(asked.0.get());
            } else if chat.state.wants_to_run() {
                chat.admitted();
            } else {
                break;
            }
        }
        prop_assert!(matches!(chat.status(), "idle" | "closed"), "{}", chat.status());
        prop_assert_eq!(laws::check(&chat.log).ended.len(), chat.count("prompt.accepted"));
        prop_assert!(chat.log.len() <= 220);
    }

    // What was stored comes back as the state it was.
    #[test]
    fn a_log_read_back_from_json_gives_the_same_state(steps in vec(step(), 1..40)) {
        let chat = run(&steps);
        let stored = serde_json::to_string(&chat.log).unwrap();
        let read: Vec<_> = serde_json::from_str(&stored).unwrap();
        prop_assert_eq!(Chat::of_log(&read).state, chat.state);
    }
}
