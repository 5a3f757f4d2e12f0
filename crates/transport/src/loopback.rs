//! Both ends of a wire in one process, with nothing but bytes between them.
//!
//! Every command, reply, error and notice is encoded, carried as bytes and decoded, so what holds
//! in process is shown to hold on the wire before any socket exists.

use std::sync::Arc;

use async_trait::async_trait;
use polychat_core::{
    Command, CommandError, Reply, Scope, StartAt, WorldId,
    ports::{NoticeStream, WorldService},
};

use crate::{
    bytes::{FarEnd, NearEnd},
    guard::Rejections,
    wire::WireLimits,
};

/// The path that its diagnostics name.
pub const PATH: &str = "loopback";

/// A world behind its own wire; see [`loopback`].
pub struct Loopback {
    near: NearEnd<FarEnd>,
}

/// Puts a wire of bytes before a world.
///
/// ```
/// # use polychat_core::{Command, Reply, CommandError, WorldId, ports::WorldService};
/// # async fn program(id: WorldId, world: std::sync::Arc<dyn WorldService>) -> Result<(), CommandError> {
/// let remote = polychat_transport::loopback(id, world);
/// let reply = remote.call(Command::GetWorld).await?;
/// assert!(matches!(reply, Reply::World(_)));
/// # Ok(())
/// # }
/// ```
#[must_use]
pub fn loopback(world_id: WorldId, world: Arc<dyn WorldService>) -> Loopback {
    Loopback::new(world_id, world, WireLimits::default(), Arc::new(Rejections::new(PATH)))
}

impl Loopback {
    /// A loopback with its own bounds, which counts and surfaces rejected records there.
    #[must_use]
    pub fn new(
        world_id: WorldId,
        world: Arc<dyn WorldService>,
        limits: WireLimits,
        rejections: Arc<Rejections>,
    ) -> Self {
        let far = FarEnd::new(world_id.clone(), world).limits(limits.clone());
        Self { near: NearEnd::new(world_id, far, rejections).limits(limits) }
    }

    /// Records rejected so far.
    #[must_use]
    pub fn rejected(&self) -> u64 {
        self.near.rejected()
    }
}

#[async_trait]
impl WorldService for Loopback {
    async fn call(&self, command: Command) -> Result<Reply, CommandError> {
        self.near.call(command).await
    }

    async fn subscribe(&self, scope: Scope, start: StartAt) -> Result<NoticeStream, CommandError> {
        self.near.subscribe(scope, start).await
    }
}
