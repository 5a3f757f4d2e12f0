//! Tools that block a thread, and the pool that bounds them.

use std::{
    any::Any,
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use polychat_core::{Failure, FailureKind, content::Text, tool::ToolOutput};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use tokio::sync::{Semaphore, oneshot};
use tracing::Span;

use crate::{
    context::ToolContext,
    function::{FnTool, parse},
    result::IntoToolResult,
};

/// How many threads a blocking tool uses at most that was given no pool.
const THREADS_MAX: usize = 16;

/// Makes a tool of a function that blocks, with a pool of its own of 16 threads.
///
/// See [`BlockingPool::tool`]; a pool of one's own also lets several tools share one bound.
///
/// ```
/// use polychat_tools::{NoArguments, blocking_tool};
///
/// let hosts = blocking_tool("hosts", "reads the hosts file", |_: NoArguments, _| {
///     std::fs::read_to_string("/etc/hosts")
/// });
/// # let _ = hosts.reads_only();
/// ```
pub fn blocking_tool<A, F, T>(
    name: impl Into<Text>,
    description: impl Into<Text>,
    function: F,
) -> FnTool
where
    A: DeserializeOwned + JsonSchema + Send + 'static,
    F: Fn(A, ToolContext) -> T + Send + Sync + 'static,
    T: IntoToolResult,
{
    BlockingPool::new(THREADS_MAX).tool(name, description, function)
}

/// Bounds how many blocking calls run at once; further ones wait in the order of their arrival.
///
/// Each call gets a thread of its own, which ends with it. So a call that hangs holds one place of
/// its pool, and never keeps a runtime or a program from ending. Its place is free again when the
/// work has really ended; the outcome of the call does not wait for that when the call is stopped.
///
/// A clone is the same pool.
#[derive(Clone)]
pub struct BlockingPool {
    places: Arc<Semaphore>,
    threads_max: usize,
}

impl BlockingPool {
    /// A pool of so many threads; 0 counts as 1.
    #[must_use]
    pub fn new(threads_max: usize) -> Self {
        let threads_max = threads_max.clamp(1, Semaphore::MAX_PERMITS);
        Self { places: Arc::new(Semaphore::new(threads_max)), threads_max }
    }

    /// How many calls have not really ended yet, also those that nobody waits for any more.
    #[must_use]
    pub fn running(&self) -> usize {
        self.threads_max.saturating_sub(self.places.available_permits())
    }

    /// Makes a tool of a function that blocks; its calls run on threads of this pool.
    ///
    /// A call that is cancelled or takes too long ends at once for its chat. The function learns of
    /// it by [`ToolContext::is_stopped`] and should ask that between steps. A panic fails the call.
    pub fn tool<A, F, T>(
        &self,
        name: impl Into<Text>,
        description: impl Into<Text>,
        function: F,
    ) -> FnTool
    where
        A: DeserializeOwned + JsonSchema + Send + 'static,
        F: Fn(A, ToolContext) -> T + Send + Sync + 'static,
        T: IntoToolResult,
    {
        let (name, pool, function) = (name.into(), self.clone(), Arc::new(function));
        let thread = thread_name(&name);
        FnTool::new::<A>(name, description.into(), move |arguments, context| {
            let (pool, function, thread) = (pool.clone(), Arc::clone(&function), thread.clone());
            Box::pin(async move {
                let arguments = parse(arguments)?;
                let stop = StopOnDrop::default();
                let context = context.stopped_by(Arc::clone(&stop.0));
                let work = move || function(arguments, context).into_tool_result();
                pool.run(thread, work).await
            })
        })
    }

    /// Runs work on a thread once there is a place. Dropping the future waits for nothing.
    async fn run(
        &self,
        thread: String,
        work: impl FnOnce() -> Result<ToolOutput, Failure> + Send + 'static,
    ) -> Result<ToolOutput, Failure> {
        let place = Arc::clone(&self.places).acquire_owned().await.map_err(|_| ended())?;
        let (done, outcome) = oneshot::channel();
        let span = Span::current();
        let body = move || {
            let outcome = span.in_scope(|| catch_unwind(AssertUnwindSafe(work)));
            let outcome = outcome.unwrap_or_else(|panic| Err(panicked(panic.as_ref())));
            // The place goes first: whoever hears the outcome finds it free.
            drop(place);
            // Nobody may be waiting any more.
            let _ = done.send(outcome);
        };
        if let Err(error) = thread::Builder::new().name(thread).spawn(body) {
            let message = format!("no thread for the tool: {error}");
            return Err(Failure::new(FailureKind::ToolFailed, &message).retryable());
        }
        outcome.await.map_err(|_| ended())?
    }
}

impl fmt::Debug for BlockingPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BlockingPool")
            .field("threads_max", &self.threads_max)
            .field("running", &self.running())
            .finish()
    }
}

/// Raises its flag when the call's future goes, finished or not.
#[derive(Default)]
struct StopOnDrop(Arc<AtomicBool>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

/// A thread's name must not hold everything that a tool's might.
fn thread_name(tool: &str) -> String {
    let fits = |c: &char| c.is_ascii_alphanumeric() || *c == '_' || *c == '-';
    let name: String = tool.chars().filter(fits).take(crate::TOOL_NAME_BYTES_MAX).collect();
    format!("tool {name}")
}

fn panicked(panic: &(dyn Any + Send)) -> Failure {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    let message = format!("the tool panicked: {}", text.unwrap_or("without a message"));
    Failure::new(FailureKind::Panicked, &message)
}

/// The thread ended without a word: what it dropped panicked.
fn ended() -> Failure {
    Failure::new(FailureKind::Panicked, "the tool's thread ended without an outcome")
}
