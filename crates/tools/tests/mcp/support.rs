//! What the tests of servers have in common: calls, and who hears what.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use polychat_core::{
    Failure,
    content::{Text, text_of},
    diagnostic::ToolSourceState,
    ports::{HostContext, ProgressSink, ToolInput, ToolObserver, Toolbox},
    tool::{ToolCall, ToolOutput, ToolSelection},
};
use polychat_tools::mcp::{Mcp, McpLimits, McpServer};
use serde_json::{Value, json};
use tokio::{sync::Notify, task::JoinHandle};

/// Hears the progress of one call.
#[derive(Default)]
pub(crate) struct Heard {
    progress: Mutex<Vec<Value>>,
    more: Notify,
}

impl Heard {
    pub(crate) fn progress(&self) -> Vec<Value> {
        self.progress.lock().unwrap().clone()
    }

    /// How far the call said it was, each time.
    pub(crate) fn steps(&self) -> Vec<u64> {
        self.progress().iter().map(|it| it["progress"].as_u64().unwrap()).collect()
    }

    /// Waits until the call has made this many steps.
    pub(crate) async fn until(&self, steps: usize) {
        loop {
            let more = self.more.notified();
            if self.progress.lock().unwrap().len() >= steps {
                return;
            }
            more.await;
        }
    }
}

impl ProgressSink for Heard {
    fn output(&self, text: &str) {
        panic!("an mcp server has no live output, but this came: {text}");
    }

    fn progress(&self, progress: Value) {
        self.progress.lock().unwrap().push(progress);
        self.more.notify_waiters();
    }
}

/// Hears how the servers are doing.
#[derive(Default)]
pub(crate) struct Watcher {
    changes: Mutex<Vec<(ToolSourceState, String)>>,
    more: Notify,
}

impl Watcher {
    pub(crate) fn of(mcp: &Mcp) -> Arc<Self> {
        let watcher = Arc::new(Self::default());
        let observer: Arc<dyn ToolObserver> = watcher.clone();
        mcp.observe(Arc::downgrade(&observer));
        watcher
    }

    pub(crate) fn states(&self) -> Vec<ToolSourceState> {
        self.changes.lock().unwrap().iter().map(|(state, _)| *state).collect()
    }

    pub(crate) fn last_reason(&self) -> String {
        self.changes.lock().unwrap().last().map_or_else(String::new, |(_, reason)| reason.clone())
    }

    /// Waits until this many changes were heard.
    pub(crate) async fn until(&self, changes: usize) {
        loop {
            let more = self.more.notified();
            if self.changes.lock().unwrap().len() >= changes {
                return;
            }
            more.await;
        }
    }
}

impl ToolObserver for Watcher {
    fn source_changed(&self, _source: &Text, state: ToolSourceState, reason: &str) {
        self.changes.lock().unwrap().push((state, reason.to_owned()));
        self.more.notify_waiters();
    }
}

/// A toolbox of one server.
pub(crate) fn alone(server: McpServer) -> Mcp {
    Mcp::new([server]).unwrap()
}

/// Bounds with round pauses.
pub(crate) fn limits() -> McpLimits {
    let mut limits = McpLimits::default();
    limits.start_duration_max = Duration::from_secs(5);
    limits.restart_delay = Duration::from_secs(1);
    limits.restart_delay_max = Duration::from_secs(60);
    limits
}

/// The tools that a model is told of.
pub(crate) fn names(mcp: &Mcp) -> Vec<String> {
    mcp.catalog().specs().iter().map(|spec| spec.name.to_string()).collect()
}

pub(crate) async fn prepare_all(mcp: &Mcp) {
    mcp.prepare(&ToolSelection::All).await;
}

/// Gets the servers ready, in a task of its own.
pub(crate) fn prepare(mcp: &Mcp) -> JoinHandle<()> {
    let mcp = mcp.clone();
    tokio::spawn(async move { prepare_all(&mcp).await })
}

pub(crate) fn call_of(name: &str, arguments: Value) -> ToolCall {
    ToolCall { name: name.into(), arguments, provider_call_id: None }
}

/// A call under way, as the turn runner makes it: a task of its own.
pub(crate) struct Call {
    pub(crate) heard: Arc<Heard>,
    task: JoinHandle<Result<ToolOutput, Failure>>,
}

impl Call {
    pub(crate) fn start(mcp: &Mcp, name: &str, arguments: Value) -> Self {
        Self::start_with(mcp, name, ToolInput::new(arguments, HostContext::default()))
    }

    pub(crate) fn start_with(mcp: &Mcp, name: &str, input: ToolInput) -> Self {
        let heard = Arc::new(Heard::default());
        let tool = mcp.get(name).unwrap_or_else(|| panic!("there is no {name}"));
        let sink = heard.clone();
        let task = tokio::spawn(async move { tool.call(input, sink).await });
        Self { heard, task }
    }

    /// Its outcome.
    pub(crate) async fn outcome(self) -> Result<ToolOutput, Failure> {
        self.task.await.unwrap()
    }

    /// The text that it answers with.
    pub(crate) async fn text(self) -> String {
        text_of(&self.outcome().await.unwrap().parts)
    }

    /// The failure that it ends with.
    pub(crate) async fn failure(self) -> Failure {
        self.outcome().await.unwrap_err()
    }

    /// Drops its future, as the turn runner does when the turn ends.
    pub(crate) async fn give_up(self) -> Arc<Heard> {
        self.task.abort();
        let _ = self.task.await;
        self.heard
    }
}

/// A call without arguments.
pub(crate) fn call(mcp: &Mcp, name: &str) -> Call {
    Call::start(mcp, name, json!({}))
}
