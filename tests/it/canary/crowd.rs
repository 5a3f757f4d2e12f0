//! A gate that proves that many were at work at the same moment.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use tokio::sync::watch;

/// Whoever comes waits until so many have been there at once.
#[derive(Clone)]
pub(super) struct Crowd {
    wanted: usize,
    open: watch::Sender<usize>,
    most: Arc<AtomicUsize>,
}

/// Somebody who is there.
pub(super) struct Place(watch::Sender<usize>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.send_modify(|open| *open -= 1);
    }
}

impl Crowd {
    pub(super) fn new(wanted: usize) -> Self {
        Self { wanted, open: watch::Sender::new(0), most: Arc::default() }
    }

    pub(super) fn enter(&self) -> Place {
        self.open.send_modify(|open| {
            *open += 1;
            self.most.fetch_max(*open, Ordering::SeqCst);
        });
        Place(self.open.clone())
    }

    /// Waits until the crowd is there; it need not stay together.
    pub(super) async fn gathered(&self) {
        let mut open = self.open.subscribe();
        while self.most() < self.wanted {
            let _ = open.changed().await;
        }
    }

    /// How many were there at once at most.
    pub(super) fn most(&self) -> usize {
        self.most.load(Ordering::SeqCst)
    }
}
