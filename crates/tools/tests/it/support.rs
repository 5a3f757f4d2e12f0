//! Calls without a chat: a sink that keeps everything, and a box that tools are called through.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, Ordering},
};

use polychat_core::{
    Failure,
    content::text_of,
    ports::{HostContext, ProgressSink, Tool, ToolInput, Toolbox},
    tool::{ToolCall, ToolOutput},
};
use polychat_tools::Tools;
use serde_json::Value;

/// Keeps what a call shows.
#[derive(Default)]
pub(crate) struct Sink {
    pub(crate) output: Mutex<String>,
    pub(crate) progress: Mutex<Vec<Value>>,
    pub(crate) stopped: AtomicBool,
}

impl ProgressSink for Sink {
    fn output(&self, text: &str) {
        self.output.lock().unwrap().push_str(text);
    }

    fn progress(&self, progress: Value) {
        self.progress.lock().unwrap().push(progress);
    }

    fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Acquire)
    }
}

/// Calls a tool, its arguments unchecked.
pub(crate) async fn call(tool: &impl Tool, arguments: Value) -> Result<ToolOutput, Failure> {
    call_into(tool, arguments, &Arc::new(Sink::default())).await
}

/// Calls a tool and keeps what it shows.
pub(crate) async fn call_into(
    tool: &impl Tool,
    arguments: Value,
    sink: &Arc<Sink>,
) -> Result<ToolOutput, Failure> {
    let input = ToolInput::new(arguments, HostContext::default());
    tool.call(input, Arc::clone(sink) as _).await
}

/// The text that a tool answers.
pub(crate) async fn answer(tool: &impl Tool, arguments: Value) -> String {
    text_of(&call(tool, arguments).await.unwrap().parts)
}

/// How a tool fails.
pub(crate) async fn failure(tool: &impl Tool, arguments: Value) -> Failure {
    call(tool, arguments).await.unwrap_err()
}

/// A toolbox of one tool.
pub(crate) fn only(tool: impl Tool + 'static) -> Tools {
    Tools::builder().add(tool).build().unwrap()
}

/// What the rules hear of such a call.
pub(crate) fn check(tools: &impl Toolbox, name: &str, arguments: Value) -> Result<(), Failure> {
    let call = ToolCall { name: name.into(), arguments, provider_call_id: None };
    tools.catalog().check(&call).map(drop)
}

/// The names of all tools, in order.
pub(crate) fn names(tools: &impl Toolbox) -> Vec<String> {
    tools.catalog().specs().iter().map(|spec| spec.name.to_string()).collect()
}
