//! What a connection's two sides share: whose progress is whose, and whether it has ended.
//!
//! One side is the [`Tap`](super::tap::Tap), through which all messages pass; the other is whoever
//! calls. Progress goes by tokens that are made here, one for each call, so that calls of different
//! chats on one connection never mix.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use polychat_core::{content::Text, outcome::cut, ports::ToolSink};
use rmcp::model::{NumberOrString, ProgressNotificationParam, ProgressToken};
use serde_json::{Map, Value};
use tokio_util::sync::CancellationToken;

/// The longest message of a progress that is shown, in bytes.
const PROGRESS_MESSAGE_BYTES_MAX: usize = 2 * 1024;

/// How many calls in a row may be given up before the server is asked for a sign of life.
const UNHEARD_CALLS_MAX: u64 = 3;

/// What the two sides of one connection share.
#[derive(Default)]
pub(super) struct Wire {
    /// The calls under way.
    sinks: Mutex<HashMap<u64, ToolSink>>,
    next_token: AtomicU64,
    /// How often the server has said that its tools have changed.
    changes: AtomicU64,
    /// How many messages have come from the server.
    heard: AtomicU64,
    /// Calls in a row that were given up without a message since they were made.
    unheard_calls: AtomicU64,
    /// Whether it was called: from then on what it writes to its standard error may quote a chat.
    called: AtomicBool,
    ended: CancellationToken,
    why_ended: OnceLock<Text>,
    /// Whatever there was on the other side of it is gone: closed, or its process ended.
    gone: CancellationToken,
}

impl Wire {
    /// Begins a call: progress with its token goes to the sink until the route is dropped.
    pub(super) fn route(self: &Arc<Self>, sink: ToolSink) -> Route {
        let token = self.next_token.fetch_add(1, Ordering::Relaxed);
        self.sinks().insert(token, sink);
        self.called.store(true, Ordering::Relaxed);
        Route { wire: Arc::clone(self), token }
    }

    /// Shows progress to the call that it belongs to. What belongs to none is dropped.
    pub(super) fn progress(&self, progress: &ProgressNotificationParam) {
        let NumberOrString::String(token) = &progress.progress_token.0 else { return };
        let Some(token) = token.strip_prefix(TOKEN_PREFIX).and_then(|token| token.parse().ok())
        else {
            return;
        };
        let sink = self.sinks().get(&token).cloned();
        if let Some(sink) = sink {
            sink.progress(progress_json(progress));
        }
    }

    /// The server says that its tools have changed.
    pub(super) fn tools_changed(&self) {
        self.changes.fetch_add(1, Ordering::Relaxed);
    }

    /// How often it has said so.
    pub(super) fn changes(&self) -> u64 {
        self.changes.load(Ordering::Relaxed)
    }

    /// A message has come from the server, whatever it says.
    pub(super) fn hear(&self) {
        self.heard.fetch_add(1, Ordering::Relaxed);
        self.unheard_calls.store(0, Ordering::Relaxed);
    }

    /// How many have come so far.
    pub(super) fn heard(&self) -> u64 {
        self.heard.load(Ordering::Relaxed)
    }

    /// A call was given up that was made when so many messages had come. Whether the server ought
    /// to be asked if it is still there.
    pub(super) fn given_up(&self, heard: u64) -> bool {
        heard == self.heard()
            && self.unheard_calls.fetch_add(1, Ordering::Relaxed) + 1 == UNHEARD_CALLS_MAX
    }

    /// Whether it was called.
    pub(super) fn was_called(&self) -> bool {
        self.called.load(Ordering::Relaxed)
    }

    /// The connection has ended; whoever knows why says so first.
    pub(super) fn end(&self, why: &str) {
        let _ = self.why_ended.set(why.into());
        self.ended.cancel();
    }

    /// Whether the connection has ended.
    pub(super) fn has_ended(&self) -> bool {
        self.ended.is_cancelled()
    }

    /// Waits for its end.
    pub(super) async fn ended(&self) {
        self.ended.cancelled().await;
    }

    /// Nothing is left of the connection.
    pub(super) fn set_gone(&self) {
        self.gone.cancel();
    }

    /// Waits until nothing is left of it.
    pub(super) async fn gone(&self) {
        self.gone.cancelled().await;
    }

    /// Why it has ended.
    pub(super) fn why_ended(&self) -> Text {
        self.why_ended.get().map_or_else(|| "it was stopped".into(), Arc::clone)
    }

    fn sinks(&self) -> MutexGuard<'_, HashMap<u64, ToolSink>> {
        self.sinks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const TOKEN_PREFIX: &str = "call-";

/// The way back to one call. Dropping it closes the way.
pub(super) struct Route {
    wire: Arc<Wire>,
    token: u64,
}

impl Route {
    /// The token that the server is to name with the call's progress.
    pub(super) fn token(&self) -> ProgressToken {
        ProgressToken(NumberOrString::String(format!("{TOKEN_PREFIX}{}", self.token).into()))
    }
}

impl Drop for Route {
    fn drop(&mut self) {
        self.wire.sinks().remove(&self.token);
    }
}

/// Progress by our custom: `{"progress": 3, "total": 10, "message": "…"}`.
fn progress_json(progress: &ProgressNotificationParam) -> Value {
    let mut out = Map::new();
    out.insert("progress".to_owned(), number(progress.progress));
    if let Some(total) = progress.total {
        out.insert("total".to_owned(), number(total));
    }
    if let Some(message) = &progress.message {
        out.insert("message".to_owned(), cut(message, PROGRESS_MESSAGE_BYTES_MAX).into());
    }
    Value::Object(out)
}

/// A number as people write it: 3 and not 3.0.
#[allow(clippy::cast_possible_truncation)] // only where nothing is truncated
fn number(value: f64) -> Value {
    const EXACT_MAX: f64 = 9_007_199_254_740_992.0;
    if value.fract() == 0.0 && value.abs() < EXACT_MAX {
        Value::from(value as i64)
    } else {
        Value::from(value)
    }
}

#[cfg(test)]
mod tests {
    use polychat_core::ports::ProgressSink;
    use serde_json::json;

    use super::*;

    #[derive(Default)]
    struct Heard(Mutex<Vec<Value>>);

    impl ProgressSink for Heard {
        fn output(&self, _text: &str) {}
        fn progress(&self, progress: Value) {
            self.0.lock().unwrap().push(progress);
        }
    }

    fn progress(token: ProgressToken, progress: f64) -> ProgressNotificationParam {
        ProgressNotificationParam::new(token, progress)
    }

    // REQ-4, issue 3: each call its own progress token
    #[test]
    fn progress_reaches_the_call_whose_token_it_names_and_no_other() {
        let wire = Arc::new(Wire::default());
        let (a, b) = (Arc::new(Heard::default()), Arc::new(Heard::default()));
        let (to_a, to_b) = (wire.route(a.clone()), wire.route(b.clone()));
        wire.progress(&progress(to_b.token(), 1.0).with_total(2.0).with_message("half"));
        wire.progress(&progress(to_a.token(), 0.5));
        assert_eq!(*a.0.lock().unwrap(), [json!({ "progress": 0.5 })]);
        let half = json!({ "progress": 1, "total": 2, "message": "half" });
        assert_eq!(*b.0.lock().unwrap(), [half]);
    }

    // Law 5: nothing is shown for a call that has ended
    #[test]
    fn progress_of_a_call_that_has_ended_and_of_none_is_dropped() {
        let wire = Arc::new(Wire::default());
        let heard = Arc::new(Heard::default());
        let route = wire.route(heard.clone());
        let token = route.token();
        drop(route);
        wire.progress(&progress(token, 1.0));
        for foreign in ["", "call-", "call-0x", "0"] {
            let token = ProgressToken(NumberOrString::String(foreign.into()));
            wire.progress(&progress(token, 1.0));
        }
        wire.progress(&progress(ProgressToken(NumberOrString::Number(0)), 1.0));
        assert!(heard.0.lock().unwrap().is_empty());
        assert!(wire.sinks().is_empty());
    }

    // Law 7
    #[test]
    fn a_long_message_of_progress_is_cut() {
        let wire = Arc::new(Wire::default());
        let heard = Arc::new(Heard::default());
        let route = wire.route(heard.clone());
        wire.progress(&progress(route.token(), 1.0).with_message("x".repeat(1_000_000)));
        let shown = heard.0.lock().unwrap()[0]["message"].as_str().unwrap().len();
        assert_eq!(shown, PROGRESS_MESSAGE_BYTES_MAX);
    }
}
