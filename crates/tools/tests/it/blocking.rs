//! Tools that block a thread.

use std::{
    pin::pin,
    sync::{
        Arc, Mutex,
        atomic::Ordering,
        mpsc::{Receiver, Sender, channel},
    },
    thread,
    time::Duration,
};

use futures_util::{future::select, poll};
use polychat_core::{Failure, FailureKind, content::text_of, tool::ToolOutput};
use polychat_tools::{BlockingPool, FnTool, NoArguments, blocking_tool};
use serde_json::json;

use crate::support::{Sink, answer, call, call_into, failure};

/// Work that says when it begins, and ends when the test says so.
struct Held {
    tool: FnTool,
    begun: Receiver<String>,
    release: Sender<()>,
}

/// A tool in this pool whose calls block until they are released.
fn held(pool: &BlockingPool) -> Held {
    let ((begin, begun), (release, released)) = (channel(), channel());
    let (begin, released) = (Mutex::new(begin), Mutex::new(released));
    let tool = pool.tool("held", "", move |_: NoArguments, context| {
        let name = thread::current().name().unwrap_or_default().to_owned();
        begin.lock().unwrap().send(name).unwrap();
        // Whoever is first in this line takes the next release.
        released.lock().unwrap().recv().unwrap();
        if context.is_stopped() { "stopped" } else { "finished" }
    });
    Held { tool, begun, release }
}

fn text(output: Result<ToolOutput, Failure>) -> String {
    text_of(&output.unwrap().parts)
}

/// How long a test waits for what never happens before it fails.
const NEVER: Duration = Duration::from_secs(60);

/// What a thread says.
fn heard<T>(receiver: &Receiver<T>) -> T {
    receiver.recv_timeout(NEVER).expect("no thread said anything")
}

/// How a call ends.
async fn ended<T>(call: impl Future<Output = T>) -> T {
    tokio::time::timeout(NEVER, call).await.expect("the call does not end")
}

// Issue 3: blocking tools run on a bounded pool of their own.
#[tokio::test]
async fn as_many_calls_run_as_the_pool_has_threads_and_the_next_one_waits() {
    let pool = BlockingPool::new(2);
    let held = held(&pool);
    let mut first = pin!(call(&held.tool, json!({})));
    let mut second = pin!(call(&held.tool, json!({})));
    let mut third = pin!(call(&held.tool, json!({})));
    for running in [&mut first, &mut second, &mut third] {
        assert!(poll!(running.as_mut()).is_pending());
    }
    heard(&held.begun);
    heard(&held.begun);
    assert_eq!(pool.running(), 2);
    assert!(held.begun.try_recv().is_err(), "the third call runs beyond the bound");

    held.release.send(()).unwrap();
    let (one, next) = ended(select(first, second)).await.factor_first();
    assert_eq!(text(one), "finished");
    assert!(poll!(third.as_mut()).is_pending());
    heard(&held.begun);
    held.release.send(()).unwrap();
    held.release.send(()).unwrap();
    assert_eq!(
        (text(ended(next).await), text(ended(third).await)),
        ("finished".into(), "finished".into())
    );
    // Whoever has heard an outcome finds its place free.
    assert_eq!(pool.running(), 0);
}

// Issue 3: a permit returns when the work has really ended, the outcome does not wait for it.
#[tokio::test]
async fn the_place_of_a_dropped_call_is_free_only_when_its_thread_has_ended() {
    let pool = BlockingPool::new(1);
    let held = held(&pool);
    {
        let mut dropped = pin!(call(&held.tool, json!({})));
        assert!(poll!(dropped.as_mut()).is_pending());
        heard(&held.begun);
    }
    assert_eq!(pool.running(), 1);
    let mut next = pin!(call(&held.tool, json!({})));
    for _ in 0..100 {
        assert!(poll!(next.as_mut()).is_pending());
        tokio::task::yield_now().await;
    }
    assert!(held.begun.try_recv().is_err(), "the next call began while the thread was busy");

    held.release.send(()).unwrap();
    held.release.send(()).unwrap();
    assert_eq!(text(ended(next).await), "finished");
}

#[tokio::test]
async fn a_call_that_waits_for_a_place_is_dropped_without_a_trace() {
    let pool = BlockingPool::new(1);
    let held = held(&pool);
    let mut first = pin!(call(&held.tool, json!({})));
    assert!(poll!(first.as_mut()).is_pending());
    heard(&held.begun);
    {
        let mut waiting = pin!(call(&held.tool, json!({})));
        assert!(poll!(waiting.as_mut()).is_pending());
    }
    held.release.send(()).unwrap();
    assert_eq!(text(ended(first).await), "finished");
    assert!(held.begun.try_recv().is_err(), "a call ran that nobody waits for");
    assert_eq!(pool.running(), 0);
}

// Issue 3: cancel and time-out drop the call; the work learns of it.
#[tokio::test]
async fn work_learns_that_its_call_was_dropped() {
    let (begin, begun) = channel();
    let (end, over) = channel();
    let (begin, end) = (Mutex::new(begin), Mutex::new(end));
    let watchful = blocking_tool("watchful", "", move |_: NoArguments, context| {
        begin.lock().unwrap().send(context.is_stopped()).unwrap();
        while !context.is_stopped() {
            thread::yield_now();
        }
        end.lock().unwrap().send(()).unwrap();
    });
    {
        let mut dropped = pin!(call(&watchful, json!({})));
        assert!(poll!(dropped.as_mut()).is_pending());
        assert!(!heard(&begun), "stopped before it began");
    }
    heard(&over);
}

#[tokio::test]
async fn work_learns_that_nobody_listens_to_its_sink() {
    let stopped = blocking_tool("stopped", "", |_: NoArguments, context| context.is_stopped());
    let sink = Arc::new(Sink::default());
    assert_eq!(text(call_into(&stopped, json!({}), &sink).await), "false");
    sink.stopped.store(true, Ordering::Release);
    assert_eq!(text(call_into(&stopped, json!({}), &sink).await), "true");
}

// Law 6: a panic fails the call, and nothing else.
#[tokio::test]
async fn a_panic_on_the_thread_fails_the_call_with_its_words_and_frees_the_place() {
    let pool = BlockingPool::new(1);
    let panics = pool
        .tool("panics", "", |_: NoArguments, _| -> &'static str { panic!("no {} left", "paper") });
    let failed = failure(&panics, json!({})).await;
    assert_eq!(failed.kind, FailureKind::Panicked);
    assert_eq!(&*failed.message, "the tool panicked: no paper left");
    assert_eq!(pool.running(), 0);
    let fine = pool.tool("fine", "", |_: NoArguments, _| "fine");
    assert_eq!(answer(&fine, json!({})).await, "fine");

    let odd = pool.tool("odd", "", |_: NoArguments, _| -> () { std::panic::panic_any(5_u8) });
    assert_eq!(&*failure(&odd, json!({})).await.message, "the tool panicked: without a message");
    let long =
        pool.tool("long", "", |_: NoArguments, _| -> () { panic!("{}", "x".repeat(1 << 20)) });
    let failed = failure(&long, json!({})).await;
    assert_eq!(failed.message.len(), polychat_core::outcome::FAILURE_MESSAGE_BYTES_MAX);
}

#[tokio::test]
async fn a_panic_about_the_panic_is_a_failure_too() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("twice");
        }
    }
    let pool = BlockingPool::new(1);
    let bomb = pool.tool("bomb", "", |_: NoArguments, _| -> () { std::panic::panic_any(Bomb) });
    assert_eq!(failure(&bomb, json!({})).await.kind, FailureKind::Panicked);
}

#[tokio::test]
async fn errors_arguments_and_progress_are_as_for_other_tools() {
    #[derive(serde::Deserialize, schemars::JsonSchema)]
    struct Half {
        of: u32,
    }
    let half = blocking_tool("half", "", |Half { of }, context| {
        context.output("halving");
        context.progress(json!({"progress": of}));
        if of % 2 == 0 { Ok(of / 2) } else { Err(format!("{of} is odd")) }
    });
    let sink = Arc::new(Sink::default());
    assert_eq!(text(call_into(&half, json!({"of": 8}), &sink).await), "4");
    assert_eq!(*sink.output.lock().unwrap(), "halving");
    assert_eq!(*sink.progress.lock().unwrap(), [json!({"progress": 8})]);
    assert_eq!(&*failure(&half, json!({"of": 7})).await.message, "7 is odd");
    let failed = failure(&half, json!({"of": -1})).await;
    assert_eq!(failed.kind, FailureKind::InvalidArguments);
}

#[tokio::test]
async fn clones_share_a_pool_and_blocking_tools_without_one_do_not() {
    let pool = BlockingPool::new(1);
    let (one, other) = (held(&pool.clone()), held(&pool));
    let mut running = pin!(call(&one.tool, json!({})));
    assert!(poll!(running.as_mut()).is_pending());
    heard(&one.begun);
    let mut waiting = pin!(call(&other.tool, json!({})));
    assert!(poll!(waiting.as_mut()).is_pending());
    assert!(other.begun.try_recv().is_err());
    // Meanwhile another tool with a pool of its own runs.
    let free = blocking_tool("free", "", |_: NoArguments, _| "free");
    assert_eq!(answer(&free, json!({})).await, "free");
    one.release.send(()).unwrap();
    assert_eq!(text(ended(running).await), "finished");
    other.release.send(()).unwrap();
    assert_eq!(text(ended(waiting).await), "finished");
}

#[tokio::test]
async fn a_pool_of_no_threads_has_one() {
    let pool = BlockingPool::new(0);
    let fine = pool.tool("fine", "", |_: NoArguments, _| "fine");
    assert_eq!(ended(answer(&fine, json!({}))).await, "fine");
}

#[tokio::test]
async fn a_thread_is_named_for_its_tool_whatever_the_tool_is_named() {
    let pool = BlockingPool::new(1);
    let held = held(&pool);
    let mut running = pin!(call(&held.tool, json!({})));
    assert!(poll!(running.as_mut()).is_pending());
    assert_eq!(heard(&held.begun), "tool held");
    held.release.send(()).unwrap();
    ended(running).await.unwrap();
    // A toolbox would refuse the name; a call without one must not fall over it.
    let odd = pool.tool("a\0b c", "", |_: NoArguments, _| {
        thread::current().name().unwrap_or_default().to_owned()
    });
    assert_eq!(answer(&odd, json!({})).await, "tool abc");
}

// A hung tool must not keep a runtime from ending, as `spawn_blocking` would.
#[test]
fn a_runtime_ends_while_a_tool_hangs() {
    let pool = BlockingPool::new(1);
    let held = held(&pool);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
    let hung = held.tool.clone();
    runtime.spawn(async move { call(&hung, json!({})).await });
    heard(&held.begun);
    drop(runtime);
    assert_eq!(pool.running(), 1);
    held.release.send(()).unwrap();
}

// What a tool records belongs to the call that it works for.
#[test]
fn the_thread_works_within_the_span_of_its_call() {
    use tracing::{Instrument, Subscriber, info_span, span, subscriber::with_default};
    use tracing_subscriber::{Layer, layer::Context, prelude::*, registry::LookupSpan};

    /// Keeps which spans are entered on threads of tools.
    struct Entered(Arc<Mutex<Vec<String>>>);
    impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Entered {
        fn on_enter(&self, id: &span::Id, context: Context<'_, S>) {
            if thread::current().name() == Some("tool work") {
                self.0.lock().unwrap().push(context.span(id).unwrap().name().to_owned());
            }
        }
    }
    let entered = Arc::default();
    let subscriber = tracing_subscriber::registry().with(Entered(Arc::clone(&entered)));
    let work = blocking_tool("work", "", |_: NoArguments, _| {});
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    with_default(subscriber, || {
        runtime.block_on(call(&work, json!({})).instrument(info_span!("of the call"))).unwrap();
    });
    assert_eq!(*entered.lock().unwrap(), ["of the call"]);
}
