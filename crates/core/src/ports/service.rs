//! The only door of a world.

use std::pin::Pin;

use async_trait::async_trait;
use futures_core::Stream;

use crate::{
    command::{Command, Reply},
    notice::{Notice, Scope, StartAt},
    refusal::CommandError,
};

/// What a watcher reads. It ends after [`Notice::Ended`]; dropping it unsubscribes, and does
/// nothing else.
pub type NoticeStream = Pin<Box<dyn Stream<Item = Notice> + Send>>;

/// The only door of a world: handles, transports and wrappers use it.
///
/// An implementation may be a real world, a remote one, one wrapped in a policy, or a fake.
#[async_trait]
pub trait WorldService: Send + Sync {
    /// Asks for something. The answer means that it is stored, not that a turn has ended.
    ///
    /// # Errors
    ///
    /// [`CommandError::Refused`] when it was declined and nothing has happened;
    /// [`CommandError::Fault`] when something broke and sending the same command again is safe.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future does not take the command back: it may or may not take effect.
    async fn call(&self, command: Command) -> Result<Reply, CommandError>;

    /// Watches a chat or the world.
    ///
    /// # Errors
    ///
    /// Refused for an unknown or deleted chat, a cursor that is not of its log, or too many
    /// subscribers.
    async fn subscribe(&self, scope: Scope, start: StartAt) -> Result<NoticeStream, CommandError>;
}

#[async_trait]
impl<S: WorldService + ?Sized> WorldService for std::sync::Arc<S> {
    async fn call(&self, command: Command) -> Result<Reply, CommandError> {
        (**self).call(command).await
    }

    async fn subscribe(&self, scope: Scope, start: StartAt) -> Result<NoticeStream, CommandError> {
        (**self).subscribe(scope, start).await
    }
}
