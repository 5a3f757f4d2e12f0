//! The states in which a chat can be lost, how it gets there, and what must follow.

use std::time::Duration;

use polychat::{
    AgentConfig, AgentName, Chat, ModelName, Part, PromptOutcome, Timestamp,
    agent::WorldSettings,
    command::{ImportedChat, ImportedEntry, NewChat},
    event::ImportedMessage,
    message::Usage,
    rules::TITLE_INSTRUCTIONS,
    tool::ApprovalDecision,
};
use polychat_testkit::faulty_store::{Call, Fault};

use crate::support::{
    House, Setup, asked, chat_id, field, outcome, pass, pending, settle, within, world_of_tools,
};

const SECOND: Duration = Duration::from_secs(1);

/// A state in which a chat can be lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Idle,
    Closed,
    /// Its first prompt waits for a place among the world's running turns.
    WaitsForPlace,
    /// The model was asked and has said nothing.
    Asked,
    /// It has said something that no checkpoint has saved.
    Unsaved,
    /// A checkpoint has saved the beginning.
    Saved,
    /// So have two, thoughts included.
    SavedTwice,
    /// Two prompts wait behind a running turn.
    Queued,
    /// So does one that steers, before them.
    Steered,
    /// One that interrupts waits for the place that its turn gave back while it waited for a person.
    Interrupts,
    /// The second step of a turn.
    SecondStep,
    /// A call runs.
    CallRuns,
    /// One call has ended, one runs, one is ready, one waits for a person.
    CallsMixed,
    /// A call waits for permission.
    Permission,
    /// A question waits for an answer.
    Question,
    /// A call waits for permission, and one beside it has ended.
    PermissionBesideEnded,
    /// A call was allowed and has no place to start.
    Decided,
    /// The turn was handed on, and the other agent answers.
    HandedOn,
    /// All agents were asked, and the second one answers.
    Broadcast,
    /// A model thinks of a title.
    Titled,
    /// A fork with a turn of its own.
    Forked,
    /// A chat of another system with a turn of its own.
    Imported,
    /// The turn has ended, but the store was away and is still.
    EndUnstored,
}

/// What must follow when a chat is lost in a state.
pub(super) struct Row {
    pub(super) state: State,
    /// What its log says beyond what it said, once the chat lives again in a process that was closed
    /// in order.
    pub(super) then: &'static [&'static str],
    /// The same after a crash of its actor alone, where that differs.
    pub(super) crashed: Option<&'static [&'static str]>,
    /// The same after the loss of the process, where that differs: what no checkpoint saved is gone.
    pub(super) lost: Option<&'static [&'static str]>,
    /// How its prompts end after that, in the order in which they were accepted.
    pub(super) outcomes: &'static [&'static str],
}

const fn row(
    state: State,
    then: &'static [&'static str],
    outcomes: &'static [&'static str],
) -> Row {
    Row { state, then, crashed: None, lost: None, outcomes }
}

impl Row {
    const fn crashed(mut self, crashed: &'static [&'static str]) -> Self {
        self.crashed = Some(crashed);
        self
    }

    const fn lost(mut self, lost: &'static [&'static str]) -> Self {
        self.lost = Some(lost);
        self
    }
}

const ENDED: &str = "ended interrupted";
const ASKS: &str = "asks assistant";

pub(super) const TABLE: [Row; 23] = [
    row(State::Idle, &[], &["completed"]),
    row(State::Closed, &[], &["completed"]),
    // As long as another turn has the only place, an actor of its own cannot help the chat.
    row(State::WaitsForPlace, &["turn hello", ASKS], &["completed"]).crashed(&[]),
    row(State::Asked, &["broke \"\" interrupted", ENDED], &["interrupted"]),
    row(State::Unsaved, &["broke \"half\" interrupted", ENDED], &["interrupted"])
        .lost(&["broke \"\" interrupted", ENDED]),
    row(State::Saved, &["broke \"one, two\" interrupted", ENDED], &["interrupted"])
        .lost(&["broke \"one, \" interrupted", ENDED]),
    row(
        State::SavedTwice,
        &["broke \"one, two, three\" | \"hm\" interrupted", ENDED],
        &["interrupted"],
    )
    .lost(&["broke \"one, two, \" | \"hm\" interrupted", ENDED]),
    row(
        State::Queued,
        &["broke \"half\" interrupted", ENDED, "turn second", ASKS],
        &["interrupted", "completed", "completed"],
    )
    .lost(&["broke \"\" interrupted", ENDED, "turn second", ASKS]),
    row(
        State::Steered,
        &["broke \"half\" interrupted", ENDED, "turn steering", ASKS],
        &["interrupted", "completed", "completed", "completed"],
    )
    .lost(&["broke \"\" interrupted", ENDED, "turn steering", ASKS]),
    row(State::Interrupts, &["turn now", ASKS], &["cancelled", "completed"]).crashed(&[]),
    row(State::SecondStep, &["broke \"half\" interrupted", ENDED], &["interrupted"])
        .lost(&["broke \"\" interrupted", ENDED]),
    row(State::CallRuns, &["error 0 unknown_outcome", ENDED], &["interrupted"]),
    row(
        State::CallsMixed,
        &[
            "error 1 unknown_outcome",
            "error 2 interrupted",
            "dropped 3",
            "error 3 interrupted",
            ENDED,
        ],
        &["interrupted"],
    ),
    row(State::Permission, &[], &["completed"]),
    row(State::Question, &[], &["completed"]),
    row(State::PermissionBesideEnded, &[], &["completed"]),
    row(State::Decided, &["start 0"], &["completed"]).crashed(&[]),
    row(State::HandedOn, &["broke \"half\" interrupted", ENDED], &["interrupted"])
        .lost(&["broke \"\" interrupted", ENDED]),
    row(State::Broadcast, &["broke \"half\" interrupted", ENDED], &["interrupted"])
        .lost(&["broke \"\" interrupted", ENDED]),
    row(State::Titled, &[], &["completed"]),
    row(State::Forked, &["broke \"half\" interrupted", ENDED], &["interrupted"])
        .lost(&["broke \"\" interrupted", ENDED]),
    row(State::Imported, &["broke \"half\" interrupted", ENDED], &["interrupted"])
        .lost(&["broke \"\" interrupted", ENDED]),
    row(State::EndUnstored, &["broke \"\" interrupted", ENDED], &["interrupted"]),
];

impl State {
    /// A world in which a chat can get there.
    pub(super) fn setup(self) -> Setup {
        let clerk = AgentName::new("clerk").unwrap();
        let clerk = AgentConfig::new(clerk, ModelName::new("assistant").unwrap());
        let narrow = matches!(self, Self::WaitsForPlace | Self::Interrupts | Self::Decided);
        world_of_tools().with(|builder| builder.add_agent(clerk)).limits(|limits| {
            limits.tool_calls_parallel_max = 1;
            if narrow {
                limits.turns_running_max = 1;
            }
        })
    }

    /// Whether an actor can crash in it: whatever comes to one whose store is away is refused.
    pub(super) fn can_crash(self) -> bool {
        self != Self::EndUnstored
    }

    /// Brings the chat `a` there.
    pub(super) async fn reach(self, house: &House) -> Chat {
        let chat = match self {
            Self::Forked => fork(house).await,
            Self::Imported => import(house).await,
            _ => house.chat("a").await,
        };
        match self {
            Self::Idle | Self::Closed => {
                house.turn(&chat, "hello", "hi").await;
                if self == Self::Closed {
                    chat.close().await.unwrap();
                }
            }
            Self::WaitsForPlace | Self::Interrupts | Self::Decided => {
                self.reach_in_a_narrow_world(house, &chat).await;
            }
            Self::Asked | Self::Unsaved | Self::Saved | Self::SavedTwice | Self::EndUnstored => {
                self.reach_within_a_message(house, &chat).await;
            }
            Self::Queued | Self::Steered => {
                let (_, call) = house.begin(&chat, "hello").await;
                call.text("half").drained().await;
                chat.prompt("second").await.unwrap();
                chat.prompt("third").await.unwrap();
                if self == Self::Steered {
                    chat.prompt("steering").steer().await.unwrap();
                }
            }
            Self::SecondStep => {
                house.begin_calls(&chat, "hello", [asked("look", "w")]).await;
                house.running("w").await.result("found");
                house.call_for("hello").await.text("half").drained().await;
            }
            Self::CallRuns
            | Self::CallsMixed
            | Self::Permission
            | Self::Question
            | Self::PermissionBesideEnded => self.reach_among_calls(house, &chat).await,
            Self::HandedOn | Self::Broadcast | Self::Titled => {
                self.reach_among_agents(house, &chat).await;
            }
            Self::Forked | Self::Imported => {
                let (_, call) = house.begin(&chat, "hello").await;
                call.text("half").drained().await;
            }
        }
        settle().await;
        chat
    }

    /// Another chat has the only place among the running turns.
    async fn reach_in_a_narrow_world(self, house: &House, chat: &Chat) {
        let waits = self != Self::WaitsForPlace;
        if waits {
            house.begin_calls(chat, "hello", [asked("act", "z")]).await;
            settle().await;
        }
        let other = house.chat("other").await;
        house.begin(&other, "to the other").await;
        match self {
            Self::Decided => {
                let call = pending(chat).await[0].tool_call_id;
                chat.decide(call, ApprovalDecision::AllowOnce).await.unwrap();
            }
            Self::Interrupts => {
                chat.prompt("now").interrupt().await.unwrap();
            }
            _ => {
                chat.prompt("hello").await.unwrap();
            }
        }
    }

    async fn reach_within_a_message(self, house: &House, chat: &Chat) {
        let (_, call) = house.begin(chat, "hello").await;
        match self {
            Self::Unsaved => call.text("half").drained().await,
            Self::Saved | Self::SavedTwice => {
                if self == Self::SavedTwice {
                    call.reasoning("hm");
                }
                call.text("one, ").drained().await;
                pass(2 * SECOND).await;
                call.text("two").drained().await;
                if self == Self::SavedTwice {
                    call.text(", ").drained().await;
                    pass(2 * SECOND).await;
                    call.text("three").drained().await;
                }
            }
            Self::EndUnstored => {
                call.text("all of it").drained().await;
                let faults = house.faults.for_chat(chat.id());
                faults.every(Call::Append, Fault::Unavailable);
                faults.every(Call::Open, Fault::Unavailable);
                call.finish();
            }
            _ => {}
        }
    }

    async fn reach_among_calls(self, house: &House, chat: &Chat) {
        let (w, x, y, z) =
            (asked("look", "w"), asked("look", "x"), asked("look", "y"), asked("act", "z"));
        let calls = match self {
            Self::CallRuns => vec![w],
            Self::CallsMixed => vec![w, x, y, z],
            Self::Question => vec![asked("ask", "z")],
            Self::PermissionBesideEnded => vec![w, z],
            _ => vec![z],
        };
        house.begin_calls(chat, "hello", calls).await;
        match self {
            Self::CallRuns => drop(house.running("w").await),
            Self::CallsMixed => {
                house.running("w").await.result("found");
                house.running("x").await;
            }
            Self::PermissionBesideEnded => house.running("w").await.result("found"),
            _ => {}
        }
    }

    async fn reach_among_agents(self, house: &House, chat: &Chat) {
        let mut settings = WorldSettings::default();
        (settings.mentions, settings.broadcast) = (true, true);
        settings.titles = self == Self::Titled;
        house.world.update(settings).await.unwrap();
        match self {
            Self::HandedOn => {
                let (_, call) = house.begin(chat, "hello").await;
                call.text("\n\n@clerk go on").finish();
                house.call_for("hello").await.text("half").drained().await;
            }
            Self::Broadcast => {
                let (_, call) = house.begin(chat, "@all hello").await;
                call.text("mine").finish();
                house.call_for("@all hello").await.text("half").drained().await;
            }
            _ => {
                let prompt = chat.prompt("hello").await.unwrap();
                house.call_for("hello").await.text("hi").finish();
                assert_eq!(outcome(&prompt).await, PromptOutcome::Completed);
                let title = within(house.script.next_call()).await;
                assert_eq!(*title.request().system, *TITLE_INSTRUCTIONS);
            }
        }
    }
}

/// A fork of a chat in which a turn runs.
async fn fork(house: &House) -> Chat {
    let origin = house.chat("origin").await;
    house.turn(&origin, "once", "upon a time").await;
    let at = within(origin.snapshot()).await.unwrap().messages[1].id;
    house.begin(&origin, "goes on").await;
    let new = NewChat::with_id(chat_id("a")).title("fork").context(field("of", "origin"));
    within(origin.fork(at, new)).await.unwrap()
}

/// A chat that comes with a history.
async fn import(house: &House) -> Chat {
    let parts = |text: &str| vec![Part::text(text)];
    let asked = ImportedMessage::User { parts: parts("once") };
    let told = ImportedMessage::Assistant {
        author: None,
        parts: parts("upon a time"),
        reasoning: "".into(),
        tool_calls: Vec::new(),
        usage: Usage::default(),
        failure: None,
    };
    let history = [asked, told].map(|message| ImportedEntry::new(message, Timestamp(1_000)));
    let new = NewChat::with_id(chat_id("a")).title("brought along");
    let chat = history.into_iter().fold(ImportedChat::new(new, "elsewhere"), ImportedChat::entry);
    within(house.world.import_chat(chat)).await.unwrap()
}
