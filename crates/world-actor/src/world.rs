//! The door of a world that lives in this process.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use async_trait::async_trait;
use polychat_chat_actor::{
    environment::{Agents, Environment, Models, Reporter},
    gate::TurnGate,
    slot::Lanes,
    subscription::Subscription,
};
use polychat_core::{
    ChatId, Command, CommandError, Diagnostic, EndReason, Refusal, Reply, Scope, Seq, StartAt,
    WorldId,
    command::WorldInfo,
    diagnostic::DiagnosticKind,
    ports::{Clock, Ids, NoticeStream, Search, ToolObserver, WorldService},
};
use ractor::{Actor, ActorRef};
use tokio::{
    sync::{Mutex, Semaphore},
    task::JoinHandle,
    time::timeout,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    directory::Directory,
    feed::WorldFeed,
    log::WorldLog,
    options::{OpenError, WorldOptions},
    supervisor::{Arguments, Order, WorldActor},
    sweep::sweep,
    taking_up::take_up_work,
    tool_sources::ToolSources,
};

/// A world in this process. Clones are the same world; it ends by [`shutdown`](Self::shutdown), or
/// when the last clone is dropped.
#[derive(Clone)]
pub struct LocalWorld {
    shared: Arc<Shared>,
}

/// What the door, its routes and its readers share.
pub(crate) struct Shared {
    pub(crate) environment: Arc<Environment>,
    pub(crate) directory: Arc<Directory>,
    pub(crate) feed: Arc<WorldFeed>,
    pub(crate) log: WorldLog,
    pub(crate) lanes: Arc<Lanes>,
    pub(crate) ids: Arc<dyn Ids>,
    /// Finds messages, where the store can.
    pub(crate) search: Option<Arc<dyn Search>>,
    pub(crate) supervisor: ActorRef<Order>,
    supervisor_task: Mutex<Option<JoinHandle<()>>>,
    /// The toolbox tells it of its sources for as long as the world holds it.
    _tool_sources: Arc<dyn ToolObserver>,
    closed: AtomicBool,
    stop: CancellationToken,
}

impl LocalWorld {
    /// Opens a world: its own log is read or begun, and chats that had work left take it up.
    ///
    /// Must be called within a tokio runtime, whose tasks the world's chats become.
    ///
    /// # Errors
    ///
    /// [`OpenError`]; under `panic = "abort"` always.
    pub async fn open(options: WorldOptions) -> Result<Self, OpenError> {
        if cfg!(panic = "abort") {
            return Err(OpenError::PanicAborts);
        }
        for agent in std::iter::once(&options.agent).chain(&options.agents) {
            // What comes and goes may come later.
            if options.model_source.is_none() && !options.models.contains_key(&agent.model) {
                let (agent, model) = (agent.name.clone(), agent.model.clone());
                return Err(OpenError::UnknownModel { agent, model });
            }
        }
        let (log, agents) = WorldLog::open(&options).await?;
        let limits = options.limits;
        let feed = Arc::new(WorldFeed::new(
            options.world.clone(),
            limits.world_subscribers_max,
            limits.diagnostics_max,
        ));
        let directory = Arc::new(Directory::new(options.world.clone(), limits.clone()));
        let lanes = Arc::new(Lanes::of_world(&limits));
        let environment = Arc::new(Environment {
            world: options.world,
            store: options.store,
            clock: options.clock,
            agents: Agents::new(agents),
            models: Models::new(options.models, options.model_source),
            tools: options.tools,
            context_policy: options.context_policy,
            context_provider: options.context_provider,
            handle: options.handle,
            reporter: Arc::clone(&feed) as Arc<dyn Reporter>,
            gate: TurnGate::new(limits.turns_running_max),
            titles: Semaphore::new(limits.titles_running_max.clamp(1, Semaphore::MAX_PERMITS)),
            tasks: TaskTracker::new(),
            ticks: AtomicU64::new(0),
            limits,
        });
        let tool_sources: Arc<dyn ToolObserver> = Arc::new(ToolSources {
            feed: Arc::clone(&feed),
            clock: Arc::clone(&environment.clock),
        });
        environment.tools.observe(Arc::downgrade(&tool_sources));
        let arguments =
            Arguments { environment: Arc::clone(&environment), directory: Arc::clone(&directory) };
        let (supervisor, task) = WorldActor::spawn(None, WorldActor, arguments)
            .await
            .map_err(|error| OpenError::Supervisor(error.to_string()))?;
        let stop = CancellationToken::new();
        let (weak_environment, weak_directory) =
            (Arc::downgrade(&environment), Arc::downgrade(&directory));
        tokio::spawn(sweep(weak_environment, weak_directory, stop.clone()));
        let shared = Arc::new(Shared {
            environment,
            directory,
            feed,
            log,
            lanes,
            ids: options.ids,
            search: options.search,
            supervisor,
            supervisor_task: Mutex::new(Some(task)),
            _tool_sources: tool_sources,
            closed: AtomicBool::new(false),
            stop,
        });
        let (taking_up, stop) = (take_up_work(Arc::downgrade(&shared)), shared.stop.clone());
        // Tracked, so that a world that was shut down holds its store no longer.
        shared.environment.tasks.spawn(async move { stop.run_until_cancelled(taking_up).await });
        Ok(Self { shared })
    }

    /// The world.
    #[must_use]
    pub fn id(&self) -> &WorldId {
        &self.shared.environment.world
    }

    /// Where fresh ids come from.
    #[must_use]
    pub fn ids(&self) -> Arc<dyn Ids> {
        Arc::clone(&self.shared.ids)
    }

    /// The time of day, as this world knows it.
    #[must_use]
    pub fn clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.shared.environment.clock)
    }

    /// Where transports tell operators what they have met: it becomes a diagnostic of the world's
    /// feed. It holds no world open, and after the world's end it does nothing.
    pub fn diagnostics(&self) -> impl Fn(Diagnostic) + Send + Sync + use<> {
        let feed = Arc::downgrade(&self.shared.feed);
        move |diagnostic| {
            if let Some(feed) = feed.upgrade() {
                feed.diagnostic(diagnostic);
            }
        }
    }

    /// How many turns run right now.
    #[must_use]
    pub fn turns_running(&self) -> usize {
        self.shared.environment.gate.running()
    }

    /// Closes the world: new commands are refused, running turns get
    /// [`shutdown_turn_duration`](polychat_core::Limits::shutdown_turn_duration) to end and then
    /// end `interrupted`, waiting prompts and approvals stay in their logs, and every subscription
    /// ends with [`EndReason::WorldClosed`]. Closing again, also after an earlier call was dropped,
    /// waits for the same end.
    pub async fn shutdown(&self) {
        let shared = &self.shared;
        shared.closed.store(true, Ordering::Release);
        let mut task = shared.supervisor_task.lock().await;
        let Some(supervisor) = task.as_mut() else { return };
        let (environment, limits) = (&shared.environment, &shared.environment.limits);
        environment.gate.close();
        let _ = timeout(limits.shutdown_turn_duration, environment.gate.empty()).await;
        let _ = shared.supervisor.send_message(Order::Shutdown);
        // The supervisor ends by itself, at the latest when its own deadline is over.
        if !supervisor.is_finished() {
            let _ = supervisor.await;
        }
        shared.stop.cancel();
        environment.tasks.close();
        let _ = timeout(limits.shutdown_drain_duration, environment.tasks.wait()).await;
        for slot in shared.directory.all() {
            slot.feed.end(EndReason::WorldClosed);
        }
        shared.feed.close();
        // Only now is it done: whoever is dropped before leaves it to the next one.
        *task = None;
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.stop.cancel();
        if self.supervisor_task.get_mut().is_some() {
            let _ = self.supervisor.send_message(Order::Shutdown);
            self.feed.close();
        }
    }
}

impl Shared {
    pub(crate) fn report(&self, chat: Option<&ChatId>, kind: DiagnosticKind) {
        let at = self.environment.clock.now();
        self.feed.diagnostic(match chat {
            Some(chat) => Diagnostic::of_chat(at, chat.clone(), kind),
            None => Diagnostic::of_world(at, kind),
        });
    }

    pub(crate) fn info(&self) -> Reply {
        let table = self.environment.agents.get();
        Reply::World(Box::new(WorldInfo {
            world_id: self.environment.world.clone(),
            settings: table.settings.clone(),
            default_agent: table.default_agent.clone(),
            agents: table.agents.values().cloned().collect(),
        }))
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    fn check_open(&self) -> Result<(), Refusal> {
        if self.is_closed() { Err(Refusal::WorldClosed {}) } else { Ok(()) }
    }

    /// Operators hear of every refusal, and of nothing that the caller said.
    fn note(&self, chat: Option<&ChatId>, command: &'static str, error: &CommandError) {
        let CommandError::Refused(refusal) = error else { return };
        let code = refusal.code();
        metrics::counter!("polychat_refusals_total", "code" => code, "command" => command)
            .increment(1);
        self.report(chat, DiagnosticKind::Refused { code: code.into() });
    }

    async fn subscribe(
        self: &Arc<Self>,
        scope: Scope,
        start: StartAt,
    ) -> Result<NoticeStream, CommandError> {
        self.check_open()?;
        match scope {
            Scope::World => Ok(Box::pin(self.feed.subscribe()?)),
            Scope::Chat(chat) => self.subscribe_chat(&chat, &start).await,
            _ => Err(Refusal::Unsupported { what: "this scope".into() }.into()),
        }
    }

    async fn subscribe_chat(
        self: &Arc<Self>,
        chat: &ChatId,
        start: &StartAt,
    ) -> Result<NoticeStream, CommandError> {
        let slot = self.directory.get_or_make(chat);
        if slot.feed.head() == Seq::ZERO || slot.is_vacant() {
            // Nobody has read the log yet, and watching does not revive a chat.
            let _place = self.lanes.enter()?;
            let summary = self.in_time(self.environment.store.summary(&slot.key)).await;
            let summary = summary.map_err(|error| self.store_error(chat, &error))?;
            slot.feed.learn_head(summary.head);
            if self.feed.has_failed(chat) {
                slot.feed.learn_failed();
            }
        }
        let reader = slot.feed.subscribe(start)?;
        let (shared, of_chat) = (Arc::downgrade(self), chat.clone());
        let report = move |kind| {
            if let Some(shared) = shared.upgrade() {
                shared.report(Some(&of_chat), kind);
            }
        };
        let store = Arc::clone(&self.environment.store);
        let subscription = Subscription::new(reader, store, slot.key.clone())
            .patience(self.environment.limits.append_duration_max)
            .reporting_to(Arc::new(report))
            .holding(Box::new(slot));
        Ok(Box::pin(subscription))
    }
}

#[async_trait]
impl WorldService for LocalWorld {
    async fn call(&self, command: Command) -> Result<Reply, CommandError> {
        let (chat, name) = (command.chat().cloned(), command.name());
        let result = match self.shared.check_open() {
            Ok(()) => self.shared.route(command).await,
            Err(refusal) => Err(refusal.into()),
        };
        if let Err(error) = &result {
            self.shared.note(chat.as_ref(), name, error);
        }
        result
    }

    async fn subscribe(&self, scope: Scope, start: StartAt) -> Result<NoticeStream, CommandError> {
        let chat = match &scope {
            Scope::Chat(chat) => Some(chat.clone()),
            _ => None,
        };
        let result = self.shared.subscribe(scope, start).await;
        if let Err(error) = &result {
            self.shared.note(chat.as_ref(), "events/subscribe", error);
            if let Some(chat) = &chat {
                self.shared.directory.forget_unused(chat);
            }
        }
        result
    }
}
