//! What can happen next, as data: small numbers that pick among whatever exists by then.
//!
//! A number is taken modulo the count of what it picks from, so every sequence means something and
//! shrinks to smaller numbers and fewer steps.

pub(crate) mod tools;

use polychat::event::PromptMode;
use proptest::{collection::vec, option, prelude::*, sample::select};

use self::tools::{About, Change, Decides, Disturbs, Does, To, Want};

/// Picks one of what exists.
pub(crate) type Pick = u8;

/// One thing that somebody does, or that breaks.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    /// Creates a chat, or one that exists already.
    Open {
        again: bool,
    },
    Prompt {
        chat: Pick,
        mode: PromptMode,
        id: PromptIdOf,
        to: To,
    },
    Edit {
        prompt: Pick,
        text: bool,
        mode: Option<PromptMode>,
    },
    Withdraw {
        prompt: Pick,
    },
    Cancel {
        chat: Pick,
        which: Which,
    },
    Revise {
        prompt: Pick,
    },
    Retry {
        chat: Pick,
        which: Which,
    },
    Manage {
        chat: Pick,
        how: Manage,
    },
    Fork {
        chat: Pick,
        message: Pick,
    },
    Ask {
        chat: Pick,
        what: Ask,
    },
    Model {
        call: Pick,
        says: Says,
    },
    /// A tool does something in one of its open calls.
    Tool {
        run: Pick,
        does: Does,
    },
    /// Somebody decides about a call.
    Decide {
        chat: Pick,
        about: About,
        decides: Decides,
    },
    /// Somebody comes in between while calls of a chat run or wait.
    Disturb {
        chat: Pick,
        how: Disturbs,
    },
    /// The world's settings, agents or tools change.
    Change(Change),
    Watch(Watch),
    Advance {
        milliseconds: u64,
    },
    /// Time passes until idle chats have ended their actors.
    Passivate,
    Break {
        chat: Pick,
        how: Break,
    },
    /// The whole store is away.
    Outage,
    /// The store of one chat works again.
    Heal {
        chat: Pick,
    },
    /// The whole store works again, and whatever hung goes on.
    HealAll,
    /// The world is shut down and opened again over the same store.
    Shutdown,
    /// The process is lost and another one opens the world.
    Kill,
}

/// Under which id a prompt is sent.
#[derive(Debug, Clone, Copy)]
pub(crate) enum PromptIdOf {
    Fresh,
    /// One that was sent before, with the same body.
    Again(Pick),
    /// One that was sent before, with another body.
    Conflict(Pick),
}

/// Which turn a command names.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Which {
    Running,
    /// The last one that began, whether or not it runs.
    Last,
    /// The first one of the chat.
    Stale,
    /// One that never was.
    Never,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Manage {
    Rename,
    Archive,
    /// Gives the chat an agent of its own.
    Agent(Pick),
    Close,
    Reopen,
    Delete,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Ask {
    List,
    Prompts,
    LookUp(Pick),
    Messages,
    Log,
}

/// What a model does in one of its open calls.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Says {
    Text(&'static str),
    Reasoning(&'static str),
    /// Much text at once, more than one checkpoint and less than the limit.
    Much,
    /// More text than a turn may say.
    Flood,
    /// Calls of tools, after which the answer ends.
    Calls([Option<Want>; 4]),
    /// Hands the turn on to an agent, or to nobody, and ends.
    HandsOn(Pick),
    Finish,
    Error {
        retryable: bool,
    },
    Panic,
}

/// What watchers do.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Watch {
    Chat {
        chat: Pick,
        from: From,
    },
    World,
    /// Takes a few notices.
    Read {
        reader: Pick,
        notices: u8,
    },
    /// Takes whatever is there, and compares with a reader that has just come.
    CatchUp {
        reader: Pick,
    },
    Leave {
        reader: Pick,
    },
    /// Comes back where it left.
    Resume {
        reader: Pick,
    },
    /// What a user interface does on a click: one subscription ends, another one begins.
    Select {
        reader: Pick,
        chat: Pick,
        from: From,
    },
}

/// Where a subscription begins.
#[derive(Debug, Clone, Copy)]
pub(crate) enum From {
    Start,
    Now,
    /// After any notice that anybody received so far.
    Seen(u16),
}

/// What goes wrong in the store for one chat.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Break {
    /// The next append panics inside the actor.
    Crash,
    /// So do the next appends, until the supervisor gives up.
    CrashLoop,
    Append(Trouble),
    OpenLog(Trouble),
    Delete(Trouble),
    /// The next reads are refused.
    ReadFails,
    /// The next read panics in whoever reads.
    ReadPanics,
    /// The next read is answered with a record of another chat.
    ReadForeign,
    /// The next read comes back with an entry missing.
    ReadGap,
    /// Appends are refused until healed.
    Away,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Trouble {
    Unavailable,
    Full,
    RequestLost,
    AnswerLost,
    LateLands,
    LateLost,
    HangsBefore,
    HangsAfter,
}

/// Picks the first half of the time, so that much happens in one place.
fn chat() -> impl Strategy<Value = Pick> {
    prop_oneof![Just(0), any::<Pick>()]
}

/// Settings in most worlds, two chats, and then this many steps, but for one in a thousand: so they
/// shrink by leaving steps out.
pub(crate) fn steps(count: usize) -> impl Strategy<Value = Vec<Step>> {
    let open = || Some(Step::Open { again: false });
    let settings = option::weighted(0.8, tools::settings().prop_map(Step::Change));
    (settings, vec(option::weighted(0.999, step()), count)).prop_map(move |(settings, steps)| {
        [settings, open(), open()].into_iter().chain(steps).flatten().collect()
    })
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => any::<bool>().prop_map(|again| Step::Open { again }),
        32 => of_prompts(),
        38 => (any::<Pick>(), says()).prop_map(|(call, says)| Step::Model { call, says }),
        12 => tools::of_tools(),
        14 => tools::of_people(),
        6 => tools::of_agents(),
        8 => of_turns(),
        8 => of_chats(),
        22 => watch().prop_map(Step::Watch),
        6 => time(),
        8 => trouble(),
        3 => of_worlds(),
    ]
}

fn of_prompts() -> impl Strategy<Value = Step> {
    use PromptMode::{Interrupt, Queue, Reject, Steer};
    let mode = || select(vec![Queue, Queue, Steer, Steer, Interrupt, Reject]);
    let id = prop_oneof![
        8 => Just(PromptIdOf::Fresh),
        1 => any::<Pick>().prop_map(PromptIdOf::Again),
        1 => any::<Pick>().prop_map(PromptIdOf::Conflict),
    ];
    prop_oneof![
        9 => (chat(), mode(), id, tools::to())
            .prop_map(|(chat, mode, id, to)| Step::Prompt { chat, mode, id, to }),
        2 => (any::<Pick>(), any::<bool>(), option::of(mode()))
            .prop_map(|(prompt, text, mode)| Step::Edit { prompt, text, mode }),
        1 => any::<Pick>().prop_map(|prompt| Step::Withdraw { prompt }),
    ]
}

fn of_turns() -> impl Strategy<Value = Step> {
    let which = || select(vec![Which::Running, Which::Last, Which::Stale, Which::Never]);
    prop_oneof![
        4 => (chat(), which()).prop_map(|(chat, which)| Step::Cancel { chat, which }),
        2 => any::<Pick>().prop_map(|prompt| Step::Revise { prompt }),
        1 => (chat(), which()).prop_map(|(chat, which)| Step::Retry { chat, which }),
    ]
}

fn of_chats() -> impl Strategy<Value = Step> {
    use Manage::{Archive, Close, Delete, Rename, Reopen};
    let how = prop_oneof![
        7 => select(vec![Rename, Archive, Close, Reopen, Reopen, Reopen, Delete]),
        1 => any::<Pick>().prop_map(Manage::Agent),
    ];
    let what = prop_oneof![
        Just(Ask::List),
        Just(Ask::Prompts),
        any::<Pick>().prop_map(Ask::LookUp),
        Just(Ask::Messages),
        Just(Ask::Log),
    ];
    prop_oneof![
        4 => (chat(), how).prop_map(|(chat, how)| Step::Manage { chat, how }),
        2 => (chat(), any::<Pick>())
            .prop_map(|(chat, message)| Step::Fork { chat, message }),
        3 => (chat(), what).prop_map(|(chat, what)| Step::Ask { chat, what }),
    ]
}

fn says() -> impl Strategy<Value = Says> {
    let words = || select(vec!["a", "bc", "grün ", "\u{1f980}"]);
    prop_oneof![
        10 => words().prop_map(Says::Text),
        3 => words().prop_map(Says::Reasoning),
        2 => Just(Says::Much),
        1 => Just(Says::Flood),
        9 => tools::wants().prop_map(Says::Calls),
        2 => any::<Pick>().prop_map(Says::HandsOn),
        8 => Just(Says::Finish),
        2 => any::<bool>().prop_map(|retryable| Says::Error { retryable }),
        1 => Just(Says::Panic),
    ]
}

pub(crate) fn watch() -> impl Strategy<Value = Watch> {
    let from = || {
        prop_oneof![
            2 => Just(From::Start),
            1 => Just(From::Now),
            3 => any::<u16>().prop_map(From::Seen),
        ]
    };
    prop_oneof![
        4 => (chat(), from()).prop_map(|(chat, from)| Watch::Chat { chat, from }),
        2 => Just(Watch::World),
        6 => (any::<Pick>(), 1..12_u8)
            .prop_map(|(reader, notices)| Watch::Read { reader, notices }),
        4 => any::<Pick>().prop_map(|reader| Watch::CatchUp { reader }),
        1 => any::<Pick>().prop_map(|reader| Watch::Leave { reader }),
        3 => any::<Pick>().prop_map(|reader| Watch::Resume { reader }),
        3 => (any::<Pick>(), any::<Pick>(), from())
            .prop_map(|(reader, chat, from)| Watch::Select { reader, chat, from }),
    ]
}

fn time() -> impl Strategy<Value = Step> {
    let moments = select(vec![1, 100, 400, 1_000, 3_000, 11_000, 61_000, 130_000]);
    prop_oneof![
        6 => moments.prop_map(|milliseconds| Step::Advance { milliseconds }),
        1 => Just(Step::Passivate),
    ]
}

fn trouble() -> impl Strategy<Value = Step> {
    use Trouble::{
        AnswerLost, Full, HangsAfter, HangsBefore, LateLands, LateLost, RequestLost, Unavailable,
    };
    let troubles = vec![
        Unavailable,
        Full,
        RequestLost,
        AnswerLost,
        LateLands,
        LateLost,
        HangsBefore,
        HangsAfter,
    ];
    let which = move || select(troubles.clone());
    let how = prop_oneof![
        4 => Just(Break::Crash),
        1 => Just(Break::CrashLoop),
        8 => which().prop_map(Break::Append),
        2 => which().prop_map(Break::OpenLog),
        2 => which().prop_map(Break::Delete),
        1 => Just(Break::ReadFails),
        1 => Just(Break::ReadPanics),
        2 => Just(Break::ReadForeign),
        2 => Just(Break::ReadGap),
        2 => Just(Break::Away),
    ];
    prop_oneof![
        7 => (chat(), how).prop_map(|(chat, how)| Step::Break { chat, how }),
        1 => Just(Step::Outage),
        2 => chat().prop_map(|chat| Step::Heal { chat }),
        4 => Just(Step::HealAll),
    ]
}

fn of_worlds() -> impl Strategy<Value = Step> {
    prop_oneof![Just(Step::Shutdown), Just(Step::Kill)]
}
