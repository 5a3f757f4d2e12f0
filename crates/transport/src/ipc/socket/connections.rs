//! The connections of a listener, each in a task of its own.

use std::{sync::Arc, time::Duration};

use tokio::{net::UnixStream, task::JoinSet, time::timeout};

use crate::ipc::serve::Server;

/// The connections of a [`Listener`](super::Listener). Dropping it closes all of them, which cancels
/// nothing that runs in the world.
#[derive(Debug, Default)]
pub struct Connections {
    open: JoinSet<()>,
}

impl Connections {
    /// How many are open, as far as was noticed.
    #[must_use]
    pub fn len(&self) -> usize {
        self.open.len()
    }

    /// Whether none is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    /// Lets everybody read what there is and leave by themselves, and closes whoever has not left
    /// after `patience`.
    pub async fn drain(mut self, patience: Duration) {
        let all_left = async { while self.open.join_next().await.is_some() {} };
        let _ = timeout(patience, all_left).await;
        self.open.shutdown().await;
    }

    pub(super) fn begin(&mut self, server: Arc<Server>, stream: UnixStream) {
        self.open.spawn(async move {
            match server.serve(stream).await {
                Ok(closed) => tracing::debug!(?closed, "connection closed"),
                Err(error) => tracing::debug!(%error, "connection lost"),
            }
        });
    }

    /// Waits until one has ended; forever while there is none.
    pub(super) async fn one_ended(&mut self) {
        match self.open.join_next().await {
            Some(Ok(())) => {}
            Some(Err(error)) => tracing::error!(%error, "connection ended by a bug"),
            None => std::future::pending().await,
        }
    }
}
