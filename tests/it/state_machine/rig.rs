//! One run: the world of the moment, the store beneath it, the record of all, and coming to rest.

use std::{
    collections::BTreeMap,
    slice::Iter,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use polychat::{
    ChatId, Command, CommandError, Cursor, Limits, LocalWorld, PromptId, Recorded, Reply,
    ScriptedModel, Timestamp, WorldId, WorldOptions,
    event::PromptBody,
    ports::{Clock, Store, Toolbox, WorldService},
    transport::ipc::RemoteOptions,
};
use polychat_model::{Call, Script};
use polychat_testkit::{
    checker::Checker,
    clock::TokioClock,
    faulty_store::{self, Faults, FaultyStore, Gate},
    history::{Fact, History, RecordingModel, RecordingStore, RecordingTools, RecordingWorld},
    tools::{self, ToolScript},
};
use tokio::task::{JoinHandle, yield_now};

use super::{
    act::tools::{agents, known, toolbox},
    plant::{Plant, PlantedModel, PlantedProvider, PlantedStore, PlantedTools, PlantedWorld},
    step::Step,
    tally::Tally,
    watch::Reader,
};
use crate::{
    support::Ground,
    wire::pipe::{Valve, over_a_pipe},
};

/// How often in a row nothing may happen before the world counts as at rest.
const QUIET_ROUNDS: usize = 6;
/// How long coming to rest may take: a world that works on for ever is a fault of its own.
const ROUNDS_MAX: usize = 5_000;

/// Longer than a store fails that fails once.
pub(crate) const FAILING: Duration = Duration::from_millis(2_500);

type Answering = JoinHandle<Result<Reply, CommandError>>;

/// One run of the property.
pub(crate) struct Rig {
    pub(crate) history: History,
    /// What is beneath all faults, and outlives the process.
    ground: Ground,
    /// What the world is given.
    store: Arc<dyn Store>,
    /// Faults of appends, openings and deletions: beneath the record.
    pub(crate) writing: Faults,
    beneath: Arc<RecordingStore<FaultyStore>>,
    /// Faults of reads: above the record, which reads for itself.
    pub(crate) reading: Faults,
    pub(crate) gates: Vec<Gate>,
    /// Whether the store may fail at any time, also while the world opens.
    pub(crate) failing: bool,
    /// Up once it has failed, and has not been given time to get over that.
    pub(crate) met: Arc<AtomicBool>,
    /// Up once the run is over, and all that is left is to finish.
    pub(crate) over: Arc<AtomicBool>,
    /// Whether the store may still fail somewhere.
    pub(crate) broken: bool,
    /// Whether an actor may have crashed in this life of the world, and not recovered yet.
    pub(crate) crashed: bool,
    /// Whether a log may have been misread, though it is sound.
    pub(crate) misread: bool,
    pub(crate) checker: Checker,
    pub(crate) chats: Vec<ChatId>,
    /// All prompts sent, accepted or not.
    pub(crate) prompts: Vec<(ChatId, PromptId, PromptBody)>,
    /// The logs as the store has acknowledged them.
    pub(crate) logs: BTreeMap<ChatId, Vec<Arc<Recorded>>>,
    pub(crate) cursors: Vec<(ChatId, Cursor)>,
    pub(crate) readers: Vec<Reader>,
    pub(crate) life: Option<Life>,
    pub(crate) names: usize,
    pub(crate) problems: Vec<String>,
    tally: Tally,
    facts: u64,
    began: Timestamp,
    limits: Limits,
    plant: Plant,
    /// Whether its world is at the other end of a pipe.
    piped: bool,
}

/// What a world's store is made of, for something that is put above it.
pub(crate) struct Above {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) writing: Faults,
    pub(crate) reading: Faults,
    /// To be put up when it fails, so that it is given time to get over that.
    pub(crate) met: Arc<AtomicBool>,
    /// Up once the run is over, and all that is left is to finish.
    pub(crate) over: Arc<AtomicBool>,
}

/// What ends with the process.
pub(crate) struct Life {
    pub(crate) world: Arc<RecordingWorld<PlantedWorld<Arc<dyn WorldService>>>>,
    pub(crate) local: LocalWorld,
    clock: Arc<TokioClock>,
    /// Where what passes through its door is seen, if that is a pipe.
    valve: Valve,
    script: Script,
    /// The calls of the model that somebody still listens to.
    pub(crate) calls: Vec<Call>,
    pub(crate) tools: ToolScript,
    /// The runs of scripted tools that somebody still waits for.
    pub(crate) runs: Vec<tools::Call>,
    /// The last of those that nobody waits for any more.
    pub(crate) over: Vec<tools::Call>,
    /// Commands that were not answered yet.
    pub(crate) unanswered: Vec<Answering>,
}

/// How a life ended.
enum End {
    Killed,
    Finished,
}

impl Rig {
    /// A world with small bounds, so that a run of fifty steps meets them.
    pub(crate) fn on(ground: Ground) -> Self {
        Self::of(small_limits(), Plant::Nothing, ground)
    }

    pub(crate) fn with_limits(limits: Limits) -> Self {
        Self::of(limits, Plant::Nothing, Ground::memory())
    }

    /// A world with a bug.
    pub(crate) fn planted(plant: Plant) -> Self {
        Self::of(small_limits(), plant, Ground::memory())
    }

    /// A world whose store fails where something says that stands above it, and soon counts as
    /// one that does not answer.
    pub(crate) fn failing(ground: Ground, above: impl FnOnce(Above) -> Arc<dyn Store>) -> Self {
        let mut limits = small_limits();
        limits.append_duration_max = Duration::from_secs(1);
        let mut rig = Self::of(limits, Plant::Nothing, ground);
        rig.failing = true;
        let (writing, reading) = (rig.writing.clone(), rig.reading.clone());
        let (met, over) = (Arc::clone(&rig.met), Arc::clone(&rig.over));
        rig.store = above(Above { store: Arc::clone(&rig.store), writing, reading, met, over });
        rig
    }

    fn of(limits: Limits, plant: Plant, ground: Ground) -> Self {
        let history = History::new();
        let beneath = FaultyStore::around(ground.store());
        let writing = beneath.faults();
        let beneath = Arc::new(RecordingStore::new(beneath, world_id(), history.clone()));
        let planted = PlantedStore { plant, inner: beneath.clone(), appends: 0.into() };
        let store = Arc::new(FaultyStore::around(Arc::new(planted)));
        Self {
            history,
            ground,
            reading: store.faults(),
            store,
            beneath,
            writing,
            gates: Vec::new(),
            failing: false,
            met: Arc::default(),
            over: Arc::default(),
            broken: false,
            crashed: false,
            misread: false,
            checker: Checker::new().knowing(known(limits.tool_calls_parallel_max)),
            chats: Vec::new(),
            prompts: Vec::new(),
            logs: BTreeMap::new(),
            cursors: Vec::new(),
            readers: Vec::new(),
            life: None,
            names: 0,
            problems: Vec::new(),
            tally: Tally::default(),
            facts: 0,
            began: Timestamp(1_000_000),
            limits,
            plant,
            piped: false,
        }
    }

    /// The same with the world at the other end of a pipe.
    pub(crate) fn over_a_pipe(mut self) -> Self {
        self.piped = true;
        self
    }

    /// Does all steps; each process is a runtime of its own, and finds what the ones before it kept.
    pub(crate) fn run(&mut self, steps: &[Step]) {
        let mut steps = steps.iter();
        loop {
            let runtime = paused_runtime();
            match runtime.block_on(self.live(&mut steps)) {
                End::Finished => return,
                End::Killed => self.die(runtime),
            }
        }
    }

    /// Opens a world, lets `acts` happen in it, and finishes what they leave open.
    pub(crate) fn drive(&mut self, acts: impl AsyncFnOnce(&mut Self)) {
        paused_runtime().block_on(async {
            self.open_world().await;
            acts(self).await;
            self.finish().await;
        });
    }

    /// What was found wrong.
    pub(crate) fn into_problems(self) -> Vec<String> {
        self.problems
    }

    pub(crate) fn tally(&self) -> &Tally {
        &self.tally
    }

    async fn live(&mut self, steps: &mut Iter<'_, Step>) -> End {
        self.open_world().await;
        for step in steps {
            if !self.problems.is_empty() {
                return End::Finished;
            }
            match step {
                Step::Kill => return End::Killed,
                Step::Shutdown => {
                    self.shut_down().await;
                    self.ground.reopen();
                    self.open_world().await;
                }
                step => self.act(step).await,
            }
            self.settle().await;
            if self.met.swap(false, Ordering::SeqCst) {
                self.pass(FAILING).await;
            }
            self.check_step().await;
        }
        if self.problems.is_empty() {
            self.finish().await;
        }
        End::Finished
    }

    /// Ends the process in the middle of whatever it was doing.
    fn die(&mut self, runtime: tokio::runtime::Runtime) {
        self.history.process_lost();
        if let Some(life) = self.life.take() {
            self.began = Timestamp(life.clock.now().0 + 1);
        }
        drop(runtime);
        self.ground.reopen();
        for reader in &mut self.readers {
            reader.stream = None;
        }
        self.take_facts();
    }

    /// Opens the world over a store that works, as whoever restarts a process sees to.
    async fn open_world(&mut self) {
        self.heal_all().await;
        self.crashed = self.failing;
        let (model, script) = ScriptedModel::new();
        let model = RecordingModel::new(model, self.history.clone());
        let model = PlantedModel::new(self.plant, model);
        let toolbox = toolbox();
        let tools = toolbox.script();
        let toolbox = RecordingTools::new(toolbox, self.history.clone());
        let toolbox = PlantedTools::new(self.plant, toolbox);
        let [agent, further] = agents();
        let clock = Arc::new(TokioClock::starting_at(self.began));
        let store = Arc::clone(&self.store);
        let mut options = WorldOptions::new(world_id(), store, agent, Arc::new(model));
        options.agents = vec![further];
        options.tools = Arc::new(toolbox) as Arc<dyn Toolbox>;
        options.context_provider = Some(Arc::new(PlantedProvider::new(self.plant)));
        options.limits = self.limits.clone();
        options.clock = Arc::clone(&clock) as Arc<dyn Clock>;
        let Some(local) = self.open_local(options).await else { return };
        let valve = Valve::default();
        let door = self.door(&local, &valve);
        let world = PlantedWorld::new(self.plant, door);
        let world = Arc::new(RecordingWorld::new(world, self.history.clone()));
        let (calls, runs, over, unanswered) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let life =
            Life { world, local, clock, valve, script, calls, tools, runs, over, unanswered };
        self.life = Some(life);
        self.settle().await;
    }

    /// The way in that all commands and readers take.
    fn door(&self, local: &LocalWorld, valve: &Valve) -> Arc<dyn WorldService> {
        let local = Arc::new(local.clone());
        if !self.piped {
            return local;
        }
        let mut options = RemoteOptions::default();
        // Readers here take what is there at one moment, so all of it has to be there.
        options.events_waiting_max = usize::from(u16::MAX);
        Arc::new(over_a_pipe(world_id(), local, valve.clone(), options))
    }

    /// Opens the world; who finds that its store fails just then opens it once more.
    async fn open_local(&mut self, options: WorldOptions) -> Option<LocalWorld> {
        let mut why = String::new();
        for _ in 0..if self.failing { 2 } else { 1 } {
            self.history.opening();
            match tokio::spawn(LocalWorld::open(options.clone())).await {
                Ok(Ok(local)) => return Some(local),
                Ok(Err(error)) => why = error.to_string(),
                Err(panic) => why = panic.to_string(),
            }
        }
        self.problem(format!("the world does not open: {why}"));
        None
    }

    /// Shuts the world down in order, and lets its readers read to the end.
    pub(crate) async fn shut_down(&mut self) {
        let Some(local) = self.life.as_ref().map(|life| life.local.clone()) else { return };
        let closing = tokio::spawn(async move { local.shutdown().await });
        for _ in 0..60 {
            self.settle().await;
            if closing.is_finished() {
                break;
            }
            tokio::time::advance(Duration::from_secs(1)).await;
        }
        if !closing.is_finished() {
            self.problem("the world does not close".to_owned());
        }
        self.settle().await;
        self.end_readers();
        if self.broken {
            // What could not be stored until the end is lost with the process.
            self.history.process_lost();
        }
        let Some(life) = self.life.take() else { return };
        self.began = Timestamp(life.clock.now().0 + 1);
        if !life.unanswered.is_empty() {
            let left = life.unanswered.len();
            self.problem(format!("{left} commands were not answered though the world has closed"));
        }
    }

    /// Makes the store work again, and lets go on whatever hung in it.
    pub(crate) async fn heal_all(&mut self) {
        self.broken = self.failing;
        self.writing.clear();
        self.reading.clear();
        self.gates.drain(..).for_each(|gate| gate.open());
        self.beneath.inner().land_late().await;
    }

    /// Gives a command to the world; `None` while it is not answered.
    pub(crate) async fn send(&mut self, command: Command) -> Option<Result<Reply, CommandError>> {
        let world = Arc::clone(&self.life.as_ref()?.world);
        let task = tokio::spawn(async move { world.call(command).await });
        self.settle().await;
        if task.is_finished() {
            // A store that panics in a caller's own read takes only that caller with it.
            return task.await.ok();
        }
        self.life.as_mut()?.unanswered.push(task);
        None
    }

    /// Gives a command to the world, and does not look what becomes of it.
    pub(crate) fn post(&mut self, command: Command) {
        let Some(life) = &mut self.life else { return };
        let world = Arc::clone(&life.world);
        life.unanswered.push(tokio::spawn(async move { world.call(command).await }));
    }

    /// Lets time pass, in pieces so that timers ring in their order.
    pub(crate) async fn pass(&mut self, time: Duration) {
        const PIECES: u32 = 8;
        for _ in 0..PIECES {
            tokio::time::advance(time / PIECES).await;
            self.settle().await;
        }
    }

    /// Lets everything run that can, until nothing happens any more: no fact is recorded, no store
    /// and no model is called, however often the other tasks get their turn.
    pub(crate) async fn settle(&mut self) {
        let mut quiet = 0;
        let mut seen = self.signs_of_life();
        for _ in 0..ROUNDS_MAX {
            yield_now().await;
            let now = self.signs_of_life();
            quiet = if now == seen { quiet + 1 } else { 0 };
            if quiet == QUIET_ROUNDS {
                if let Some(life) = &mut self.life {
                    life.unanswered.retain(|task| !task.is_finished());
                }
                return;
            }
            seen = now;
        }
        self.problem("the world does not come to rest".to_owned());
    }

    fn signs_of_life(&mut self) -> [u64; 6] {
        self.take_facts();
        let calls = |faults: &Faults| faulty_store::Call::ALL.map(|call| faults.calls(call));
        let store = calls(&self.writing).iter().chain(&calls(&self.reading)).sum();
        let Some(life) = &mut self.life else { return [self.facts, store, 0, 0, 0, 0] };
        while let Some(call) = life.script.try_next_call() {
            life.calls.push(call);
        }
        life.calls.retain(|call| !call.is_dropped());
        while let Some(run) = life.tools.try_next_call() {
            life.runs.push(run);
        }
        life.over.extend(life.runs.extract_if(.., |run| run.is_dropped()));
        let script = (life.script.calls_seen() as u64, life.script.calls_open() as u64);
        let (turns, bytes) = (life.local.turns_running() as u64, life.valve.bytes());
        [self.facts, store, script.0, script.1, turns, bytes]
    }

    /// Takes in what was recorded since the last time.
    fn take_facts(&mut self) {
        for entry in self.history.entries_from(self.facts) {
            self.facts = entry.order + 1;
            self.tally.count(&entry.fact);
            if let Fact::Committed { chat, events, .. } = &entry.fact {
                self.logs.entry(chat.clone()).or_default().extend(events.iter().cloned());
            }
        }
    }

    pub(crate) fn problem(&mut self, problem: String) {
        self.problems.push(problem);
    }
}

fn paused_runtime() -> tokio::runtime::Runtime {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_time().start_paused(true).build().expect("a runtime")
}

pub(crate) fn world_id() -> WorldId {
    WorldId::new("w").expect("a world id")
}

fn small_limits() -> Limits {
    let mut limits = Limits::default();
    limits.prompts_queued_max = 3;
    limits.turns_running_max = 3;
    limits.turn_output_bytes_max = 4_096;
    limits.steps_max = 3;
    limits.live_chats_max = 4;
    limits.chat_subscribers_max = 6;
    limits.feed_recorded_max = 8;
    limits.page_max = 16;
    limits.checkpoint_bytes = 512;
    limits.model_attempts_max = 3;
    limits.restarts_max = 2;
    limits.tool_calls_per_step_max = 4;
    limits.tool_calls_parallel_max = 2;
    limits.tool_duration_max = Duration::from_secs(20);
    limits.tool_result_bytes_max = 128;
    limits.tool_output_bytes_max = 512;
    limits.titles_running_max = 1;
    limits.title_duration_max = Duration::from_secs(10);
    limits
}
