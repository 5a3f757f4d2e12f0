//! What a connection has registered, for as long as it lasts.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use polychat_core::{
    Refusal,
    ports::{HostOffer, HostRegistry, HostStay},
};
use tokio::task::spawn_blocking;

/// The stay of what one connection has registered.
#[derive(Default)]
pub(super) struct Registration {
    /// Registrations of one connection take effect one after another, in the order of the pipe.
    turn: Arc<tokio::sync::Mutex<()>>,
    held: Mutex<Held>,
}

#[derive(Default)]
struct Held {
    /// The connection has ended: nothing is registered any more.
    left: bool,
    current: Option<(HostOffer, HostStay)>,
}

impl Registration {
    /// Takes out what is registered and registers this; if that is refused, all stays as it was.
    pub(super) async fn replace(
        self: Arc<Self>,
        registry: Arc<dyn HostRegistry>,
        offer: HostOffer,
    ) -> Result<(), Refusal> {
        let turn = Arc::clone(&self.turn).lock_owned().await;
        // Schemas of a stranger are compiled, and chats share the threads here. It is done as one
        // piece: a request that is cancelled in between must not leave half of it.
        let replacing = spawn_blocking(move || {
            let _turn = turn;
            self.replace_now(&*registry, offer)
        });
        // It fails only with its runtime, or if the registry panics.
        replacing.await.unwrap_or_else(|_| Err(Refusal::Unsupported { what: "a host".into() }))
    }

    fn replace_now(&self, registry: &dyn HostRegistry, offer: HostOffer) -> Result<(), Refusal> {
        let before = self.lock().current.take();
        let before = before.map(|(offer, stay)| {
            // It may well offer the same names again.
            drop(stay);
            offer
        });
        match registry.admit(offer.clone()) {
            Ok(stay) => {
                self.hold(offer, stay);
                Ok(())
            }
            Err(refusal) => {
                // Somebody may have taken its names meanwhile; then nothing of it is registered.
                if let Some(before) = before
                    && let Ok(stay) = registry.admit(before.clone())
                {
                    self.hold(before, stay);
                }
                Err(refusal)
            }
        }
    }

    fn hold(&self, offer: HostOffer, stay: HostStay) {
        let mut held = self.lock();
        if !held.left {
            held.current = Some((offer, stay));
            return;
        }
        // The connection ended meanwhile. The stay ends under no lock.
        drop(held);
        drop(stay);
    }

    /// Takes out what is registered, for good.
    pub(super) fn leave(&self) {
        let mut held = self.lock();
        held.left = true;
        let current = held.current.take();
        drop(held);
        drop(current);
    }

    fn lock(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
