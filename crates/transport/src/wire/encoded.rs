//! Events encoded once, however many read them.
//!
//! Readers in step hold the same `Arc` of an event; the encoder knows it by its address and gives
//! each of them the same bytes. What is per reader is spliced around them.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use polychat_core::{Live, Recorded};
use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};

use crate::error::{RejectedRecord, why};

/// How many events an encoder remembers: enough for readers that are almost in step.
const REMEMBERED: usize = 16;

/// The bytes of one event, shared. Serialising it copies them, without looking at them again.
#[derive(Debug, Clone, Serialize)]
#[serde(transparent)]
pub struct EncodedEvent(Arc<RawValue>);

impl EncodedEvent {
    /// Encodes anything that stands under `event`.
    ///
    /// # Errors
    ///
    /// [`RejectedRecord::Malformed`] for what has no form in JSON.
    pub fn new(event: &impl Serialize) -> Result<Self, RejectedRecord> {
        let raw =
            to_raw_value(event).map_err(|error| RejectedRecord::Malformed { why: why(&error) })?;
        Ok(Self(raw.into()))
    }

    /// The JSON text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.get()
    }

    /// The JSON, to be spliced into an envelope.
    #[must_use]
    pub fn as_raw(&self) -> &RawValue {
        &self.0
    }

    /// Whether both are the very same bytes in memory.
    #[must_use]
    pub fn shares_with(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl<'de> Deserialize<'de> for EncodedEvent {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(Box::<RawValue>::deserialize(deserializer)?.into()))
    }
}

/// What was encoded. Holding it keeps its address from meaning something else.
#[derive(Debug)]
enum Source {
    Recorded(Arc<Recorded>),
    Live(Arc<Live>),
}

/// Encodes the events of one chat, each once; remembers the last few.
#[derive(Debug, Default)]
pub struct EventEncoder {
    recent: Mutex<VecDeque<(Source, EncodedEvent)>>,
    encodings: Arc<AtomicU64>,
}

impl EventEncoder {
    /// An encoder that remembers nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// An encoder that counts here what it encodes.
    pub(crate) fn counting(encodings: Arc<AtomicU64>) -> Self {
        Self { recent: Mutex::default(), encodings }
    }

    /// The bytes of a recorded event: its stored form.
    ///
    /// # Errors
    ///
    /// [`RejectedRecord::Malformed`] for what has no form in JSON.
    pub fn recorded(&self, event: &Arc<Recorded>) -> Result<EncodedEvent, RejectedRecord> {
        let same = |source: &Source| matches!(source, Source::Recorded(s) if Arc::ptr_eq(s, event));
        self.encode(same, || Source::Recorded(Arc::clone(event)), event)
    }

    /// The bytes of a live event.
    ///
    /// # Errors
    ///
    /// [`RejectedRecord::Malformed`] for what has no form in JSON.
    pub fn live(&self, event: &Arc<Live>) -> Result<EncodedEvent, RejectedRecord> {
        let same = |source: &Source| matches!(source, Source::Live(s) if Arc::ptr_eq(s, event));
        self.encode(same, || Source::Live(Arc::clone(event)), event)
    }

    /// The lock is held while encoding, so that readers in step encode once and not all at once.
    fn encode(
        &self,
        same: impl Fn(&Source) -> bool,
        source: impl FnOnce() -> Source,
        event: &impl Serialize,
    ) -> Result<EncodedEvent, RejectedRecord> {
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, encoded)) = recent.iter().rev().find(|(source, _)| same(source)) {
            return Ok(encoded.clone());
        }
        let encoded = EncodedEvent::new(event)?;
        self.encodings.fetch_add(1, Ordering::Relaxed);
        if recent.len() == REMEMBERED {
            recent.pop_front();
        }
        recent.push_back((source(), encoded.clone()));
        Ok(encoded)
    }
}
