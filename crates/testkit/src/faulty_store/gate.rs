//! A gate at which calls wait until the test lets them through.

use std::{fmt, sync::Arc};

use tokio::sync::watch;

/// A gate at which calls wait, in the order in which they came.
///
/// Clones are the same gate.
#[derive(Clone)]
pub struct Gate(Arc<Counts>);

struct Counts {
    arrived: watch::Sender<usize>,
    released: watch::Sender<usize>,
}

impl Gate {
    /// A closed gate.
    #[must_use]
    pub fn closed() -> Self {
        let (arrived, _) = watch::channel(0);
        let (released, _) = watch::channel(0);
        Self(Arc::new(Counts { arrived, released }))
    }

    /// Waits until that many calls have come to the gate; those let through count as well.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future changes nothing.
    pub async fn arrived(&self, calls: usize) {
        // The sender lives in the gate, so waiting cannot fail.
        let _ = self.0.arrived.subscribe().wait_for(|arrived| *arrived >= calls).await;
    }

    /// Lets the next `calls` calls through, whether they have come already or not.
    pub fn let_through(&self, calls: usize) {
        self.0.released.send_modify(|released| *released = released.saturating_add(calls));
    }

    /// Lets every call through from now on.
    pub fn open(&self) {
        self.0.released.send_replace(usize::MAX);
    }

    pub(crate) async fn pass(&self) {
        let mut place = 0;
        self.0.arrived.send_modify(|arrived| {
            *arrived += 1;
            place = *arrived;
        });
        let _ = self.0.released.subscribe().wait_for(|released| *released >= place).await;
    }
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gate")
            .field("arrived", &*self.0.arrived.borrow())
            .field("released", &*self.0.released.borrow())
            .finish()
    }
}
