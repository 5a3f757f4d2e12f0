//! A world under test: a scripted model, a store that fails on request, time that stands still
//! until everybody waits.

mod activity;
mod ground;
mod watcher;

use std::{future::Future, sync::Arc, time::Duration};

use polychat::{
    Chat, ChatId, CommandError, Failure, Limits, PromptHandle, PromptOutcome, Recorded,
    ScriptedModel, Seq, StartAt, Timestamp, World, WorldBuilder, WorldId,
    ports::{ModelRequest, Toolbox},
    transport,
};
use polychat_model::{Call, Script};
use polychat_testkit::{
    checker::{RunState, check_log},
    clock::{CountingIds, TokioClock},
    faulty_store::{Faults, FaultyStore},
    tools::{ScriptedTools, ToolScript},
};

pub(crate) use activity::{activity, answers, asked, count, pending, world_of_tools};
pub(crate) use ground::Ground;
pub(crate) use watcher::{Watcher, WorldWatcher, statuses};

/// The name of every world here, unless a test says otherwise.
pub(crate) const WORLD: &str = "home";

/// What a world under test is made of; `house().open().await` is the usual one.
pub(crate) struct Setup {
    ground: Ground,
    limits: Limits,
    wire: bool,
    tools: Option<Arc<dyn Toolbox>>,
    script: ToolScript,
    agent: Option<polychat::AgentConfig>,
    further: Vec<BuildStep>,
}

/// Something else that is set on the builder of a world.
type BuildStep = Box<dyn FnOnce(WorldBuilder) -> WorldBuilder>;

/// A world under test, with everything that a test holds of it.
pub(crate) struct House {
    /// The door that the scenario uses: the world itself, or its wire.
    pub(crate) world: World,
    /// The world itself.
    pub(crate) local: World,
    /// Where the model's calls appear.
    pub(crate) script: Script,
    /// Where the calls of its scripted tools appear; nothing ever does unless it has such tools.
    pub(crate) tools: ToolScript,
    /// The faults of its store.
    pub(crate) faults: Faults,
    /// Its store.
    pub(crate) store: Arc<FaultyStore>,
    builder: WorldBuilder,
}

/// A world with default limits.
pub(crate) fn house() -> Setup {
    let script = ScriptedTools::new().script();
    Setup {
        ground: Ground::memory(),
        limits: Limits::default(),
        wire: false,
        tools: None,
        script,
        agent: None,
        further: Vec::new(),
    }
}

impl Setup {
    pub(crate) fn limits(mut self, change: impl FnOnce(&mut Limits)) -> Self {
        change(&mut self.limits);
        self
    }

    /// Keeps the logs there.
    pub(crate) fn on(mut self, ground: &Ground) -> Self {
        self.ground = ground.clone();
        self
    }

    /// Puts bytes between the test and the world.
    pub(crate) fn wire(mut self) -> Self {
        self.wire = true;
        self
    }

    pub(crate) fn tools(mut self, tools: impl Toolbox + 'static) -> Self {
        self.tools = Some(Arc::new(tools));
        self
    }

    /// Tools whose calls appear at the house.
    pub(crate) fn scripted(mut self, tools: ScriptedTools) -> Self {
        self.script = tools.script();
        self.tools(tools)
    }

    pub(crate) fn agent(mut self, agent: polychat::AgentConfig) -> Self {
        self.agent = Some(agent);
        self
    }

    /// Sets whatever else a builder takes.
    pub(crate) fn with(
        mut self,
        step: impl FnOnce(WorldBuilder) -> WorldBuilder + 'static,
    ) -> Self {
        self.further.push(Box::new(step));
        self
    }

    pub(crate) async fn open(self) -> House {
        let (model, script) = ScriptedModel::new();
        let store = Arc::new(FaultyStore::around(self.ground.store()));
        let mut builder = WorldBuilder::new(WORLD, model)
            .store(store.clone())
            .limits(self.limits)
            .clock(Arc::new(TokioClock::starting_at(Timestamp(1_000_000))))
            .ids(Arc::new(CountingIds::default()));
        if let Some(tools) = self.tools {
            builder = builder.tools(tools);
        }
        if let Some(agent) = self.agent {
            builder = builder.agent(agent);
        }
        for step in self.further {
            builder = step(builder);
        }
        let local = builder.clone().open().await.unwrap();
        let world = if self.wire { wired(&local) } else { local.clone() };
        let tools = self.script;
        House { world, local, script, tools, faults: store.faults(), store, builder }
    }
}

/// The same world behind a wire.
pub(crate) fn wired(world: &World) -> World {
    let id = WorldId::new(WORLD).unwrap();
    World::of_service(Arc::new(transport::loopback(id, world.service())))
}

impl House {
    /// The chat of this name, which is created.
    pub(crate) async fn chat(&self, id: &str) -> Chat {
        self.world.open_chat(id).await.unwrap()
    }

    /// Sends a prompt to a chat whose turn starts at once, and answers with the model's call.
    pub(crate) async fn begin(&self, chat: &Chat, text: &str) -> (PromptHandle, Call) {
        let prompt = chat.prompt(text).await.unwrap();
        (prompt, self.call_for(text).await)
    }

    /// A whole turn: the prompt, the model's answer, the outcome.
    pub(crate) async fn turn(&self, chat: &Chat, text: &str, answer: &str) -> PromptHandle {
        let (prompt, call) = self.begin(chat, text).await;
        call.text(answer).finish();
        assert_eq!(outcome(&prompt).await, PromptOutcome::Completed);
        prompt
    }

    /// The model's call for this last user message.
    pub(crate) async fn call_for(&self, text: &str) -> Call {
        within(self.script.call_for(text)).await
    }

    /// What the model was asked and nobody has looked at yet.
    pub(crate) async fn no_further_call(&self) {
        settle().await;
        assert!(self.script.try_next_call().is_none(), "the model was asked once more");
    }

    /// Another life of the world over the same store, model and ids.
    pub(crate) async fn reopened(&self) -> Self {
        self.life(self.builder.clone()).await
    }

    /// Another life of the world with other bounds.
    pub(crate) async fn reopened_with(&self, limits: Limits) -> Self {
        self.life(self.builder.clone().limits(limits)).await
    }

    /// Another life of the world in a process of its own, with a clock that runs there.
    pub(crate) async fn in_another_process(&self, clock: TokioClock) -> Self {
        self.life(self.builder.clone().clock(Arc::new(clock))).await
    }

    async fn life(&self, builder: WorldBuilder) -> Self {
        let local = builder.clone().open().await.unwrap();
        Self {
            world: local.clone(),
            local,
            script: self.script.clone(),
            tools: self.tools.clone(),
            faults: self.faults.clone(),
            store: Arc::clone(&self.store),
            builder,
        }
    }

    /// How this world is opened.
    pub(crate) fn builder(&self) -> WorldBuilder {
        self.builder.clone()
    }
}

/// All events of a chat's log.
pub(crate) async fn log(chat: &Chat) -> Vec<Arc<Recorded>> {
    let mut events = Vec::new();
    loop {
        let after = events.last().map_or(Seq::ZERO, |last: &Arc<Recorded>| last.seq);
        let page = within(chat.log(after, 500)).await.unwrap();
        if page.events.is_empty() {
            return events;
        }
        events.extend(page.events);
    }
}

/// The names of all events of a chat's log.
pub(crate) async fn names(chat: &Chat) -> Vec<&'static str> {
    log(chat).await.iter().map(|recorded| recorded.event.name()).collect()
}

/// A log that keeps the laws, and in which nothing is open any more.
pub(crate) async fn assert_sound(chat: &Chat) {
    let events = log(chat).await;
    let found = check_log(chat.id(), events.iter().map(|it| &**it), RunState::Quiet);
    assert_eq!(found, [], "{:?}", chat.id());
}

/// A log that keeps the laws; turns may be open and prompts may wait.
pub(crate) async fn assert_sound_so_far(chat: &Chat) {
    let events = log(chat).await;
    let found = check_log(chat.id(), events.iter().map(|it| &**it), RunState::Live);
    assert_eq!(found, [], "{:?}", chat.id());
}

/// Waits, but not for ever: an hour of the paused time passes at once when nothing else happens.
pub(crate) async fn within<F: Future>(future: F) -> F::Output {
    let hour = Duration::from_secs(3_600);
    tokio::time::timeout(hour, future).await.expect("it never happened")
}

/// Lets everything that can go on go on: the paused time moves only when every task waits.
pub(crate) async fn settle() {
    pass(Duration::from_millis(1)).await;
}

/// Lets this much of the paused time pass, and everything that happens in it happen.
pub(crate) async fn pass(time: Duration) {
    tokio::time::sleep(time).await;
}

pub(crate) async fn outcome(prompt: &PromptHandle) -> PromptOutcome {
    within(prompt.outcome()).await.unwrap()
}

/// The failure of a prompt whose turn failed.
pub(crate) async fn failure(prompt: &PromptHandle) -> Failure {
    match outcome(prompt).await {
        PromptOutcome::Failed { failure } => failure,
        other => panic!("expected a failure, got {other:?}"),
    }
}

/// The stable code of a refusal or fault.
pub(crate) fn code<T: std::fmt::Debug>(result: Result<T, CommandError>) -> &'static str {
    result.expect_err("this should be refused").code()
}

/// What the model was given, one line per message.
pub(crate) fn said(request: &ModelRequest) -> Vec<String> {
    let line = |message: &polychat::message::SharedMessage| {
        let who = if message.is_user() {
            "user"
        } else if message.is_assistant() {
            "assistant"
        } else {
            "tool"
        };
        format!("{who}: {}", message.text())
    };
    request.messages.iter().map(line).collect()
}

/// The text of a chat's messages, one line each.
pub(crate) async fn messages(chat: &Chat) -> Vec<String> {
    let snapshot = within(chat.snapshot()).await.unwrap();
    let line = |message: &polychat::message::SharedMessage| {
        let who = if message.is_user() { "user" } else { "assistant" };
        format!("{who}: {}", message.text())
    };
    snapshot.messages.iter().map(line).collect()
}

pub(crate) fn chat_id(id: &str) -> ChatId {
    ChatId::new(id).unwrap()
}

/// Reads a chat from the start of its log.
pub(crate) async fn watch(chat: &Chat) -> Watcher {
    Watcher::new(chat, StartAt::Start).await
}

/// Scenarios that hold in process and on the wire alike; `(house in SETUP)` says in which world.
#[macro_export]
macro_rules! at_both_doors {
    ($($(#[$meta:meta])* async fn $name:ident($house:ident $(in $setup:expr)?) $body:block)*) => {$(
        $(#[$meta])*
        mod $name {
            use super::*;

            async fn scenario($house: $crate::support::House) $body

            fn setup() -> $crate::support::Setup {
                $crate::at_both_doors!(@setup $($setup)?)
            }

            #[tokio::test(start_paused = true)]
            async fn in_process() {
                scenario(setup().open().await).await;
            }

            #[tokio::test(start_paused = true)]
            async fn on_the_wire() {
                scenario(setup().wire().open().await).await;
            }
        }
    )*};
    (@setup) => { $crate::support::house() };
    (@setup $setup:expr) => { $setup };
}

/// A JSON object with one field.
pub(crate) fn field(name: &str, value: impl Into<serde_json::Value>) -> polychat::Metadata {
    let object = serde_json::Map::from_iter([(name.to_owned(), value.into())]);
    object.into()
}
