//! The door without serialisation: for Rust programs that hold the world themselves.
//!
//! It exists so that all transports are alike: what is read through it is checked like what comes
//! over a wire, and nothing is copied.

use std::sync::Arc;

use async_trait::async_trait;
use polychat_core::{
    Command, CommandError, Notice, Reply, Scope, StartAt,
    ports::{NoticeStream, WorldService},
};

use crate::{
    error::RejectedRecord,
    guard::{Expected, Guarded, Rejections, check_notice},
};

/// The path that its diagnostics name.
pub const PATH: &str = "in_process";

/// A world in the same process; see [`in_process`].
pub struct InProcess {
    world: Arc<dyn WorldService>,
    rejections: Arc<Rejections>,
}

/// Opens the door of a world in the same process.
///
/// ```
/// # use polychat_core::{Command, Reply, CommandError, ports::WorldService};
/// # async fn program(world: std::sync::Arc<dyn WorldService>) -> Result<(), CommandError> {
/// let door = polychat_transport::in_process(world);
/// let reply = door.call(Command::GetWorld).await?;
/// assert!(matches!(reply, Reply::World(_)));
/// # Ok(())
/// # }
/// ```
#[must_use]
pub fn in_process(world: Arc<dyn WorldService>) -> InProcess {
    InProcess { world, rejections: Arc::new(Rejections::new(PATH)) }
}

impl InProcess {
    /// Counts and surfaces rejected records there.
    #[must_use]
    pub fn rejections(mut self, rejections: Arc<Rejections>) -> Self {
        self.rejections = rejections;
        self
    }

    /// Records rejected so far.
    #[must_use]
    pub fn rejected(&self) -> u64 {
        self.rejections.count()
    }
}

#[async_trait]
impl WorldService for InProcess {
    async fn call(&self, command: Command) -> Result<Reply, CommandError> {
        let expected = Expected::of(&command);
        let reply = self.world.call(command).await?;
        expected.check(&reply).inspect_err(|rejected| {
            self.rejections.note_reply(&expected, rejected);
        })?;
        Ok(reply)
    }

    async fn subscribe(&self, scope: Scope, start: StartAt) -> Result<NoticeStream, CommandError> {
        let notices = self.world.subscribe(scope.clone(), start).await?;
        let rejections = Arc::clone(&self.rejections);
        let admit = |scope: &Scope, notice: Notice| -> Result<Notice, RejectedRecord> {
            check_notice(scope, &notice)?;
            Ok(notice)
        };
        Ok(Box::pin(Guarded::new(notices, scope, rejections, admit)))
    }
}
