//! Who hears how the sources of tools are doing.

use std::sync::{Mutex, PoisonError, Weak};

use polychat_core::{content::Text, diagnostic::ToolSourceState, ports::ToolObserver};

/// Observers, for as long as each of them lives.
#[derive(Default)]
pub(crate) struct Observers(Mutex<Vec<Weak<dyn ToolObserver>>>);

impl Observers {
    pub(crate) fn add(&self, observer: Weak<dyn ToolObserver>) {
        let mut observers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        observers.retain(|known| known.strong_count() > 0);
        observers.push(observer);
    }

    pub(crate) fn tell(&self, source: &Text, state: ToolSourceState, reason: &str) {
        // Not told under the lock: who hears of one thing may well ask for another.
        let observers = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for observer in observers.iter().filter_map(Weak::upgrade) {
            observer.source_changed(source, state, reason);
        }
    }
}
