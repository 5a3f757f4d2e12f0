//! What a model that is written down does next, and the stream that does it.
//!
//! The demo and the scripted model both speak in steps. Nothing here knows why.

use std::{
    hint, panic, thread,
    time::{Duration, Instant},
};

use futures_util::stream;
use polychat_core::{
    Part,
    event::FinishReason,
    message::Usage,
    ports::{ModelDelta, ModelError, ModelStream},
    tool::ToolCall,
};

/// One thing that a written-down model does.
///
/// The end of the steps ends the answer as complete.
///
/// ```
/// use polychat_model::Step;
/// let steps = [Step::text("hel"), Step::Yield, Step::text("lo"), Step::usage(3, 2)];
/// # let _ = steps;
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Step {
    /// Says something.
    Delta(ModelDelta),
    /// Lets others run.
    Yield,
    /// Waits this long, in tokio's time, which tests may pause.
    Pause(Duration),
    /// Ends the answer as complete; what follows is never done.
    Finish,
    /// Ends the answer with an error.
    Error(ModelError),
    /// Panics with this message.
    Panic(String),
    /// Never does anything again.
    Hang,
    /// Blocks its thread for this long, as a careless library would.
    Block(Duration),
    /// Keeps its thread busy for this long, as a computation would.
    Spin(Duration),
}

impl Step {
    /// Says text.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Delta(ModelDelta::Text(text.into()))
    }

    /// Thinks aloud.
    pub fn reasoning(text: impl Into<String>) -> Self {
        Self::Delta(ModelDelta::Reasoning(text.into()))
    }

    /// Says what a provider would want back unchanged.
    #[must_use]
    pub fn opaque(part: Part) -> Self {
        Self::Delta(ModelDelta::Opaque(part))
    }

    /// Asks for a tool.
    #[must_use]
    pub fn tool_call(call: ToolCall) -> Self {
        Self::Delta(ModelDelta::ToolCall(call))
    }

    /// Says what the answer cost, in tokens.
    #[must_use]
    pub fn usage(input_tokens: u64, output_tokens: u64) -> Self {
        Self::Delta(ModelDelta::Usage(Usage::new(input_tokens, output_tokens)))
    }

    /// Says why the answer ends where it does; it ends when the steps do.
    #[must_use]
    pub fn reason(reason: FinishReason) -> Self {
        Self::Delta(ModelDelta::Finish(reason))
    }
}

/// What is left of a step once it is done.
pub(crate) enum Done {
    /// Something to hand on.
    Item(Result<ModelDelta, ModelError>),
    /// Nothing; the next step follows.
    Nothing,
    /// The answer is complete.
    End,
}

/// Does one step.
pub(crate) async fn perform(step: Step) -> Done {
    match step {
        Step::Delta(delta) => return Done::Item(Ok(delta)),
        Step::Error(error) => return Done::Item(Err(error)),
        Step::Finish => return Done::End,
        Step::Yield => tokio::task::yield_now().await,
        Step::Pause(pause) => tokio::time::sleep(pause).await,
        Step::Hang => std::future::pending().await,
        Step::Block(duration) => block(duration),
        Step::Spin(duration) => spin(duration),
        Step::Panic(message) => panic_as_told(message),
    }
    Done::Nothing
}

/// A stream that does these steps, one after the other, and ends with the first error.
pub(crate) fn play<I>(steps: I) -> ModelStream
where
    I: Iterator<Item = Step> + Send + 'static,
{
    Box::pin(stream::unfold(Some(steps), |steps| async move {
        let mut steps = steps?;
        loop {
            match perform(steps.next()?).await {
                Done::Item(Ok(delta)) => return Some((Ok(delta), Some(steps))),
                Done::Item(Err(error)) => return Some((Err(error), None)),
                Done::Nothing => {}
                Done::End => return None,
            }
        }
    }))
}

// A test or a user asked for it by name.
#[allow(clippy::panic)]
fn panic_as_told(message: String) -> ! {
    panic::panic_any(message)
}

// To block a thread is the point here; everywhere else it is an accident.
#[allow(clippy::disallowed_methods)]
fn block(duration: Duration) {
    thread::sleep(duration);
}

fn spin(duration: Duration) {
    let begun = Instant::now();
    while begun.elapsed() < duration {
        hint::spin_loop();
    }
}
