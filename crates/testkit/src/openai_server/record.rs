//! What the server was told to do, and what it was sent.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use serde_json::Value;
use tokio::sync::watch;

use super::Behaviour;

/// One request as it came.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Received {
    /// The header `Authorization`, if there was one.
    pub authorization: Option<String>,
    /// The whole body as it came.
    pub text: String,
    /// The body; null when it was no JSON.
    pub body: Value,
}

impl Received {
    pub(super) fn new(authorization: Option<String>, text: String) -> Self {
        let body = serde_json::from_str(&text).unwrap_or_default();
        Self { authorization, text, body }
    }

    /// The text of the last user message; empty when there is none.
    #[must_use]
    pub fn last_user_text(&self) -> String {
        let messages = self.body.get("messages").and_then(Value::as_array);
        let user = |message: &&Value| message.get("role").and_then(Value::as_str) == Some("user");
        let last = messages.and_then(|messages| messages.iter().rev().find(user));
        match last.and_then(|message| message.get("content")) {
            Some(Value::String(text)) => text.clone(),
            Some(Value::Array(parts)) => {
                parts.iter().filter_map(|part| part.get("text")?.as_str()).collect()
            }
            _ => String::new(),
        }
    }
}

#[derive(Debug)]
pub(super) struct Shared {
    state: Mutex<State>,
    /// How many answers are under way.
    pub(super) open: watch::Sender<usize>,
}

#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) by_text: HashMap<String, Behaviour>,
    pub(super) queue: VecDeque<Behaviour>,
    pub(super) received: Vec<Received>,
}

impl Default for Shared {
    fn default() -> Self {
        Self { state: Mutex::default(), open: watch::Sender::new(0) }
    }
}

impl Shared {
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it holds the lock, and a test's failure elsewhere must not spread.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records a request and says how to answer it.
    pub(super) fn receive(&self, received: Received) -> Behaviour {
        let mut state = self.lock();
        let text = received.last_user_text();
        state.received.push(received);
        if let Some(behaviour) = state.by_text.get(&text) {
            return behaviour.clone();
        }
        state.queue.pop_front().unwrap_or_else(|| Behaviour::words(&text))
    }
}

/// Counts an answer as under way for as long as it lives.
pub(super) struct OpenAnswer(Arc<Shared>);

impl OpenAnswer {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        shared.open.send_modify(|open| *open += 1);
        Self(shared)
    }
}

impl Drop for OpenAnswer {
    fn drop(&mut self) {
        self.0.open.send_modify(|open| *open = open.saturating_sub(1));
    }
}
