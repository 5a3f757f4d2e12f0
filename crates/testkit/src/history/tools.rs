//! Tools that record what they are given, what they show, and how they end.

use std::sync::{Arc, Weak};

use async_trait::async_trait;
use polychat_core::{
    Failure,
    ports::{ProgressSink, Tool, ToolInput, ToolObserver, ToolSink, Toolbox},
    tool::{ToolCatalog, ToolOutput, ToolSelection, ToolSpec},
};
use serde_json::Value;

use super::{History, RunEnd, RunId, Showing};

/// Wraps a toolbox and records the runs of its tools.
///
/// Each run is assigned to the chat that the test attached to the chat's stored context under
/// [`CHAT_CONTEXT_KEY`](super::CHAT_CONTEXT_KEY).
#[derive(Debug, Clone)]
pub struct RecordingTools<T> {
    inner: T,
    history: History,
}

impl<T> RecordingTools<T> {
    /// Records what passes through `inner`.
    pub fn new(inner: T, history: History) -> Self {
        Self { inner, history }
    }
}

#[async_trait]
impl<T: Toolbox> Toolbox for RecordingTools<T> {
    fn catalog(&self) -> Arc<dyn ToolCatalog> {
        self.inner.catalog()
    }

    fn get(&self, name: &str) -> Option<Arc<dyn Tool>> {
        let tool = self.inner.get(name)?;
        Some(Arc::new(Recording { tool, history: self.history.clone() }))
    }

    async fn prepare(&self, selection: &ToolSelection) {
        self.inner.prepare(selection).await;
    }

    fn observe(&self, observer: Weak<dyn ToolObserver>) {
        self.inner.observe(observer);
    }
}

struct Recording {
    tool: Arc<dyn Tool>,
    history: History,
}

#[async_trait]
impl Tool for Recording {
    fn spec(&self) -> ToolSpec {
        self.tool.spec()
    }

    async fn call(&self, input: ToolInput, output: ToolSink) -> Result<ToolOutput, Failure> {
        // Recorded first: a tool that panics here was run all the same.
        let run = self.history.ran(self.tool.spec().name, input.clone());
        let mut ending = Ending { run, history: &self.history, end: RunEnd::Dropped };
        let sink = RecordingSink { run, sink: output, history: self.history.clone() };
        let result = self.tool.call(input, Arc::new(sink)).await;
        ending.end = RunEnd::Returned(result.clone());
        result
    }
}

/// Records the end of a run when its future goes, whatever the reason.
struct Ending<'a> {
    run: RunId,
    history: &'a History,
    end: RunEnd,
}

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        self.history.run_ended(self.run, self.end.clone());
    }
}

struct RecordingSink {
    run: RunId,
    sink: ToolSink,
    history: History,
}

impl ProgressSink for RecordingSink {
    fn output(&self, text: &str) {
        self.history.showed(self.run, Showing::Output(text.into()));
        self.sink.output(text);
    }

    fn progress(&self, progress: Value) {
        self.history.showed(self.run, Showing::Progress(progress.clone()));
        self.sink.progress(progress);
    }

    fn is_stopped(&self) -> bool {
        self.sink.is_stopped()
    }
}
