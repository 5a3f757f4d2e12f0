//! Chats brought into a world, from the lines that an export wrote.

mod json_lines;
mod lines;
mod target;

use std::sync::Arc;

use polychat_core::{Limits, ports::WorldService};
use tokio::io::AsyncBufRead;

pub(crate) use target::{Placed, Target};

use crate::{ImportError, Observed, Report, report::Observer};

/// The longest line that is read, unless [`Import::line_bytes_max`] says otherwise.
const LINE_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Brings chats into a world. What is there already stays as it is.
///
/// Agents that the world has not are added; one of the same name with another configuration is
/// reported, and the world's own stays. A chat that is there already, with this history at its
/// beginning, is counted; one with another history is reported as a conflict, and one that was
/// deleted here as deleted. Ids of messages become their `source_id`, times are kept.
///
/// A line that makes no sense is reported and left out, and its chat is imported without it. If the
/// lines end early, the chat in which they do is left out, so that a whole file may still bring it.
///
/// ```
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// # use std::sync::Arc;
/// # use polychat_core::{AgentConfig, AgentName, ModelName, WorldId};
/// # let agent = AgentConfig::new(AgentName::new("a")?, ModelName::new("m")?);
/// # let store = Arc::new(polychat_store::MemoryStore::new());
/// # let model = Arc::new(polychat_model::DemoModel::new());
/// # let options = polychat_world_actor::WorldOptions::new(WorldId::new("home")?, store, agent, model);
/// # let world = Arc::new(polychat_world_actor::LocalWorld::open(options).await?);
/// use polychat_transfer::{Import, Observed};
///
/// let lines = concat!(
///     r#"{"v":1,"type":"chat","chatId":"a","source":"my old app","createdAt":1,"updatedAt":2}"#, "\n",
///     r#"{"v":1,"type":"message","chatId":"a","id":"m1","at":1,"role":"user","parts":[{"type":"text","text":"hello"}]}"#, "\n",
///     r#"{"v":1,"type":"message","chatId":"a","id":"m2","at":2,"role":"owl","parts":[]}"#, "\n",
///     r#"{"v":1,"type":"end","chats":1,"messages":2}"#, "\n",
/// );
/// let report = Import::new(world)
///     .observe(|observed| {
///         if let Observed::Problem(problem) = observed {
///             println!("{problem}"); // line 3: unknown variant `owl`, …
///         }
///     })
///     .json_lines(lines.as_bytes())
///     .await?;
/// assert_eq!((report.chats_imported, report.problems_total), (1, 1));
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
pub struct Import<'a> {
    world: Arc<dyn WorldService>,
    observer: Option<Observer<'a>>,
    settings: Settings,
    bounds: Bounds,
}

/// Whose settings hold.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Settings {
    /// Those of the world.
    Kept,
    /// Those of the file.
    Taken,
}

/// How much is read at once.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    line_bytes_max: usize,
    /// Of all messages of a chat together, as [`Limits::import_bytes_max`] counts.
    pub(crate) chat_bytes_max: usize,
    pub(crate) chat_messages_max: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        let limits = Limits::default();
        Self {
            line_bytes_max: LINE_BYTES_MAX,
            chat_bytes_max: limits.import_bytes_max,
            // The chat itself is an event too.
            chat_messages_max: usize::try_from(limits.log_events_max - 1).unwrap_or(usize::MAX),
        }
    }
}

impl<'a> Import<'a> {
    /// Brings chats into this world.
    #[must_use]
    pub fn new(world: Arc<dyn WorldService>) -> Self {
        let (settings, bounds) = (Settings::Kept, Bounds::default());
        Self { world, observer: None, settings, bounds }
    }

    /// Is told of each chat that was dealt with, and of each problem, as they come.
    #[must_use]
    pub fn observe(mut self, observer: impl FnMut(Observed<'_>) + Send + 'a) -> Self {
        self.observer = Some(Box::new(observer));
        self
    }

    /// Takes over the settings of the world that was exported. Without this, the world's own stay.
    #[must_use]
    pub fn take_settings(mut self) -> Self {
        self.settings = Settings::Taken;
        self
    }

    /// The longest line that is read, 16 MiB unless set. Longer ones are reported.
    #[must_use]
    pub fn line_bytes_max(mut self, bytes: usize) -> Self {
        self.bounds.line_bytes_max = bytes;
        self
    }

    /// How large the messages of a chat may be together, [`Limits::import_bytes_max`] by default.
    /// Larger chats are reported. The world's own limit holds as well.
    #[must_use]
    pub fn chat_bytes_max(mut self, bytes: usize) -> Self {
        self.bounds.chat_bytes_max = bytes;
        self
    }

    /// Reads JSON Lines to their end.
    ///
    /// # Errors
    ///
    /// [`ImportError::Io`] when the lines cannot be read, and [`ImportError::World`] when the world
    /// does not answer or refuses for a reason that passes. Either way what is imported stays, and
    /// the same lines can be read again.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves each chat imported whole or not at all.
    pub async fn json_lines(self, lines: impl AsyncBufRead + Unpin) -> Result<Report, ImportError> {
        json_lines::read(self, lines).await
    }
}
