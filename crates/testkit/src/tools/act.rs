//! What a tool can do, as data: released by a test, or written in the arguments of a call.

use std::{ops::ControlFlow, panic, thread, time::Duration};

use polychat_core::{Failure, FailureKind, ports::ToolSink, tool::ToolOutput};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// One thing that a tool does. The end of all acts is a result without content.
///
/// As JSON: `{"output": "…"}`, `"yield"`, `{"pause": 20}`, `{"result": "…"}` and so on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum Act {
    /// Shows text.
    Output(String),
    /// Says how far it is.
    Progress(Value),
    /// Shows so many pieces of so many bytes, without letting anybody else run.
    Flood {
        /// How many.
        pieces: usize,
        /// How large each is.
        bytes: usize,
    },
    /// Lets others run.
    Yield,
    /// Waits this long, in milliseconds of tokio's time, which tests may pause.
    Pause(u64),
    /// Blocks its thread for this long, in milliseconds, as a careless library would.
    Block(u64),
    /// Ends the call with this text.
    Result(String),
    /// Ends the call with this output.
    Finish(ToolOutput),
    /// Ends the call as failed, for this reason.
    Fail(String),
    /// Ends the call with this failure.
    Failure(Failure),
    /// Panics with this message.
    Panic(String),
    /// Never does anything again.
    Hang,
}

impl Act {
    /// Ends the call with this text.
    pub fn result(text: impl Into<String>) -> Self {
        Self::Result(text.into())
    }

    /// Shows text.
    pub fn output(text: impl Into<String>) -> Self {
        Self::Output(text.into())
    }

    /// The arguments that make an acting tool do this. Whatever else a test puts into the object
    /// is ignored by the tool.
    ///
    /// ```
    /// use polychat_testkit::tools::Act;
    ///
    /// let arguments = Act::arguments(&[Act::output("waves"), Act::Yield, Act::result("blue")]);
    /// let expected = serde_json::json!({
    ///     "acts": [{ "output": "waves" }, "yield", { "result": "blue" }],
    /// });
    /// assert_eq!(arguments, expected);
    /// ```
    #[must_use]
    pub fn arguments(acts: &[Self]) -> Value {
        json!({ "acts": acts })
    }

    /// What arguments tell an acting tool to do; `None` when they say nothing of the sort.
    pub(super) fn in_arguments(arguments: &Value) -> Option<Vec<Self>> {
        serde_json::from_value(arguments.get("acts")?.clone()).ok()
    }

    /// Does it; `Break` with what the call ends with.
    pub(super) async fn perform(self, sink: &ToolSink) -> ControlFlow<Result<ToolOutput, Failure>> {
        match self {
            Self::Output(text) => sink.output(&text),
            Self::Progress(progress) => sink.progress(progress),
            Self::Flood { pieces, bytes } => {
                let piece = "~".repeat(bytes);
                (0..pieces).for_each(|_| sink.output(&piece));
            }
            Self::Yield => tokio::task::yield_now().await,
            Self::Pause(pause) => tokio::time::sleep(Duration::from_millis(pause)).await,
            Self::Block(time) => block(Duration::from_millis(time)),
            Self::Result(text) => return ControlFlow::Break(Ok(ToolOutput::text(text))),
            Self::Finish(output) => return ControlFlow::Break(Ok(output)),
            Self::Fail(why) => {
                return ControlFlow::Break(Err(Failure::new(FailureKind::ToolFailed, &why)));
            }
            Self::Failure(failure) => return ControlFlow::Break(Err(failure)),
            Self::Panic(message) => panic_as_told(message),
            Self::Hang => std::future::pending().await,
        }
        ControlFlow::Continue(())
    }
}

// A test asked for it by name.
#[allow(clippy::panic)]
fn panic_as_told(message: String) -> ! {
    panic::panic_any(message)
}

// To block a thread is the point here; everywhere else it is an accident.
#[allow(clippy::disallowed_methods)]
fn block(duration: Duration) {
    thread::sleep(duration);
}
