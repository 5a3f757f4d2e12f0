//! What tools, the people who are asked about them, and agents do: data, like all steps.

use polychat::{
    event::ApprovalKind,
    tool::{ApprovalDecision, PolicyMode},
};
use proptest::{collection::vec, prelude::*, sample::select};
use serde_json::json;

use super::{Pick, Step};

/// A tool that only reads; a test releases each of its acts.
pub(crate) const LOOK: &str = "look";
/// One that changes something, likewise; it comes and goes.
pub(crate) const WRITE: &str = "write";
/// One that only reads, and does what its arguments say.
pub(crate) const ACT: &str = "act";
/// One that does so too, and about which a person is always asked.
pub(crate) const SHRED: &str = "shred";
/// A question to a person.
pub(crate) const ASK: &str = "ask";

/// The agents that there may be, the world's own first.
pub(crate) const AGENTS: [&str; 4] = ["assistant", "clerk", "poet", "sage"];

/// A call that a model asks for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Want {
    Look,
    Write,
    Act(Deed),
    Shred(Deed),
    Ask,
    /// A tool that does not exist.
    Unknown,
    /// Arguments that do not fit.
    Invalid,
}

/// What a tool does by itself.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Deed {
    Answers,
    Shows,
    Fails,
    Panics,
    /// Shows more than may be shown.
    Floods,
    /// Answers more than may be answered.
    Rambles,
    /// Takes a while.
    Takes {
        milliseconds: u64,
    },
    /// Never ends by itself.
    Hangs,
}

/// What a tool does when the test lets it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Does {
    Output(&'static str),
    Progress(u8),
    Flood,
    Result,
    Fail,
    Panic,
    /// What it has left running shows something, whether or not the call still runs.
    Late,
}

/// What comes in between.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Disturbs {
    Cancel,
    Interrupt,
    Steer,
    Revise,
    Close,
    Delete,
    /// The chat's actor crashes when it next stores something.
    Crash,
}

/// What a person decides.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Decides {
    /// Whatever lets the turn go on.
    Fitting,
    AllowOnce,
    AllowForChat,
    Deny,
    Answer,
}

/// What a person decides about.
#[derive(Debug, Clone, Copy)]
pub(crate) enum About {
    /// A call that waits in this chat.
    Waiting(Pick),
    /// One that a person was ever asked about in this chat.
    Earlier(Pick),
    /// One of another chat, as if it were this one's.
    Foreign(Pick),
}

/// Whom a prompt is for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum To {
    /// Whoever answers usually.
    Nobody,
    /// An agent that the prompt names.
    Named(Pick),
    /// An agent that the text begins with.
    Mentioned(Pick),
    All,
}

/// What changes in the world.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Change {
    Settings {
        mentions: bool,
        broadcast: bool,
        titles: bool,
        handoffs_max: u32,
        policy: Mode,
    },
    /// An agent comes, or becomes another one; this many forms of one can be told apart.
    Put {
        agent: Pick,
        form: Pick,
    },
    Remove {
        agent: Pick,
    },
    /// A tool goes.
    ToolGoes,
    ToolComes,
}

/// A policy's mode, which a strategy can copy.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Mode {
    Read,
    Ask,
    Auto,
}

impl Mode {
    pub(crate) fn policy(self) -> PolicyMode {
        match self {
            Self::Read => PolicyMode::Read,
            Self::Ask => PolicyMode::Ask,
            Self::Auto => PolicyMode::Auto,
        }
    }
}

impl Decides {
    pub(crate) fn decision(self, asked: ApprovalKind) -> ApprovalDecision {
        match (self, asked) {
            (Self::AllowOnce, _) | (Self::Fitting, ApprovalKind::Permission) => {
                ApprovalDecision::AllowOnce
            }
            (Self::AllowForChat, _) => ApprovalDecision::AllowForChat,
            (Self::Deny, _) => ApprovalDecision::Deny { reason: "rather not".into() },
            _ => ApprovalDecision::Answer { data: json!({ "yes": ["indeed", 1] }) },
        }
    }
}

pub(crate) fn deed() -> impl Strategy<Value = Deed> {
    let times = select(vec![1, 500, 3_000, 15_000, 25_000]);
    prop_oneof![
        4 => Just(Deed::Answers),
        3 => Just(Deed::Shows),
        2 => Just(Deed::Fails),
        1 => Just(Deed::Panics),
        1 => Just(Deed::Floods),
        1 => Just(Deed::Rambles),
        2 => times.prop_map(|milliseconds| Deed::Takes { milliseconds }),
        1 => Just(Deed::Hangs),
    ]
}

fn want() -> impl Strategy<Value = Want> {
    prop_oneof![
        4 => Just(Want::Look),
        3 => Just(Want::Write),
        5 => deed().prop_map(Want::Act),
        3 => deed().prop_map(Want::Shred),
        2 => Just(Want::Ask),
        1 => Just(Want::Unknown),
        1 => Just(Want::Invalid),
    ]
}

/// One to four calls of one message.
pub(super) fn wants() -> impl Strategy<Value = [Option<Want>; 4]> {
    vec(want(), 1..=4).prop_map(|wants| {
        let mut all = [None; 4];
        all.iter_mut().zip(wants).for_each(|(place, want)| *place = Some(want));
        all
    })
}

pub(super) fn of_tools() -> impl Strategy<Value = Step> {
    let does = prop_oneof![
        4 => select(vec!["o", "ut ", "püt "]).prop_map(Does::Output),
        2 => any::<u8>().prop_map(Does::Progress),
        1 => Just(Does::Flood),
        6 => Just(Does::Result),
        2 => Just(Does::Fail),
        1 => Just(Does::Panic),
        1 => Just(Does::Late),
    ];
    (any::<Pick>(), does).prop_map(|(run, does)| Step::Tool { run, does })
}

pub(super) fn of_people() -> impl Strategy<Value = Step> {
    use Decides::{AllowForChat, AllowOnce, Answer, Deny, Fitting};
    use Disturbs::{Cancel, Close, Crash, Delete, Interrupt, Revise, Steer};
    let decides = select(vec![
        Fitting,
        Fitting,
        Fitting,
        AllowOnce,
        AllowForChat,
        AllowForChat,
        Deny,
        Answer,
    ]);
    let about = prop_oneof![
        8 => any::<Pick>().prop_map(About::Waiting),
        1 => any::<Pick>().prop_map(About::Earlier),
        1 => any::<Pick>().prop_map(About::Foreign),
    ];
    let how = select(vec![Cancel, Interrupt, Steer, Steer, Revise, Close, Delete, Crash, Crash]);
    prop_oneof![
        10 => (any::<Pick>(), about, decides)
            .prop_map(|(chat, about, decides)| Step::Decide { chat, about, decides }),
        3 => (any::<Pick>(), how).prop_map(|(chat, how)| Step::Disturb { chat, how }),
    ]
}

pub(super) fn settings() -> impl Strategy<Value = Change> {
    let mode = select(vec![Mode::Read, Mode::Ask, Mode::Ask, Mode::Ask, Mode::Auto]);
    let flags = (any::<bool>(), any::<bool>(), any::<bool>());
    (flags, 0..3_u32, mode).prop_map(|((mentions, broadcast, titles), handoffs_max, policy)| {
        Change::Settings { mentions, broadcast, titles, handoffs_max, policy }
    })
}

pub(super) fn of_agents() -> impl Strategy<Value = Step> {
    let change = prop_oneof![
        4 => settings(),
        4 => (any::<Pick>(), any::<Pick>())
            .prop_map(|(agent, form)| Change::Put { agent, form }),
        2 => any::<Pick>().prop_map(|agent| Change::Remove { agent }),
        1 => Just(Change::ToolGoes),
        2 => Just(Change::ToolComes),
    ];
    change.prop_map(Step::Change)
}

pub(super) fn to() -> impl Strategy<Value = To> {
    prop_oneof![
        6 => Just(To::Nobody),
        1 => any::<Pick>().prop_map(To::Named),
        2 => any::<Pick>().prop_map(To::Mentioned),
        2 => Just(To::All),
    ]
}
