//! One call, between the connection that hears of it and the chat that waits for it.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

use polychat_core::ports::{ModelDelta, ToolSink};
use serde_json::value::RawValue;
use tokio::sync::oneshot;

/// What a delta costs besides what stands in it: many small ones are large, too.
const DELTA_BYTES: usize = 64;

/// How a call ended, as the connection knows it.
#[derive(Debug)]
pub(super) enum End {
    /// The host answered; nobody has read it yet.
    Result(Box<RawValue>),
    /// The host answered with an error object.
    Error(Box<RawValue>),
    /// What the host said cannot be used; why.
    Broken(String),
    /// The connection has ended.
    Gone,
}

/// Where what the host says of a call goes.
pub(super) enum Ear {
    /// Output goes where the tool's output goes, at once; the end to whoever waits for it.
    Tool { sink: ToolSink, end: oneshot::Sender<End> },
    /// Deltas wait until the chat takes them.
    Model(Arc<Inbox>),
}

impl Ear {
    pub(super) fn end(self, end: End) {
        match self {
            // Nobody there: the chat has given it up at this very moment.
            Self::Tool { end: waits, .. } => drop(waits.send(end)),
            Self::Model(inbox) => inbox.end(end),
        }
    }
}

/// What a model has said and its chat has not taken.
#[derive(Default)]
pub(super) struct Inbox(Mutex<State>);

#[derive(Default)]
struct State {
    deltas: VecDeque<ModelDelta>,
    bytes: usize,
    end: Option<End>,
    /// The chat's task.
    waker: Option<Waker>,
}

/// What comes next of an answer.
pub(super) enum Heard {
    Delta(ModelDelta),
    End(End),
}

impl Inbox {
    /// Takes a delta in; false if then more than so many bytes would wait.
    pub(super) fn push(&self, delta: ModelDelta, bytes_max: usize) -> bool {
        let mut state = self.lock();
        let merges = matches!(
            (state.deltas.back(), &delta),
            (Some(ModelDelta::Text(_)), ModelDelta::Text(_))
                | (Some(ModelDelta::Reasoning(_)), ModelDelta::Reasoning(_))
        );
        let bytes = if merges { content_bytes(&delta) } else { bytes_of(&delta) };
        let waiting = state.bytes.saturating_add(bytes);
        if waiting > bytes_max {
            return false;
        }
        state.bytes = waiting;
        // Neighbouring text is one piece, however many pieces it came in.
        match (state.deltas.back_mut(), delta) {
            (Some(ModelDelta::Text(last)), ModelDelta::Text(text))
            | (Some(ModelDelta::Reasoning(last)), ModelDelta::Reasoning(text)) => {
                last.push_str(&text);
            }
            (_, delta) => state.deltas.push_back(delta),
        }
        wake(state);
        true
    }

    fn end(&self, end: End) {
        let mut state = self.lock();
        state.end = Some(end);
        wake(state);
    }

    /// The next delta, or after the last one the end.
    pub(super) fn poll_next(&self, cx: &mut Context<'_>) -> Poll<Heard> {
        let mut state = self.lock();
        if let Some(delta) = state.deltas.pop_front() {
            state.bytes = state.bytes.saturating_sub(bytes_of(&delta));
            return Poll::Ready(Heard::Delta(delta));
        }
        if let Some(end) = state.end.take() {
            return Poll::Ready(Heard::End(end));
        }
        match &mut state.waker {
            Some(known) => known.clone_from(cx.waker()),
            none => *none = Some(cx.waker().clone()),
        }
        Poll::Pending
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it holds the lock.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Wakes the chat's task, under no lock.
fn wake(mut state: MutexGuard<'_, State>) {
    let waker = state.waker.take();
    drop(state);
    if let Some(waker) = waker {
        waker.wake();
    }
}

fn bytes_of(delta: &ModelDelta) -> usize {
    DELTA_BYTES.saturating_add(content_bytes(delta))
}

fn content_bytes(delta: &ModelDelta) -> usize {
    match delta {
        ModelDelta::Text(text) | ModelDelta::Reasoning(text) => text.len(),
        ModelDelta::Opaque(part) => part.bytes(),
        ModelDelta::ToolCall(call) => {
            let id = call.provider_call_id.as_ref().map_or(0, |id| id.len());
            call.name.len() + id + call.arguments_bytes()
        }
        _ => 0,
    }
}
