//! Chats as text: one chat or a whole world, piece by piece.

mod json_lines;
mod markdown;
mod walk;

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use futures_core::{Stream, stream::BoxStream};
use futures_util::{StreamExt, stream};
use polychat_core::{ChatId, WorldId, event::Origin, ports::WorldService};
use tokio::io::{AsyncWrite, AsyncWriteExt};

use crate::ExportError;
use json_lines::JsonLines;
use markdown::Markdown;
use walk::{Item, Walk};

/// Takes chats out of a world. Nothing in the world changes.
///
/// What comes out is what was said: titles, metadata, times, messages with their parts, reasoning,
/// tool calls and results, what they cost and why they broke off. What is under way stays behind:
/// waiting prompts, a message that is being written, approvals; and so does what is not of the
/// conversation: host contexts, and the log with the configurations of its turns.
///
/// Each chat is read at one moment and held alone in memory; chats that come or go while a world is
/// exported may be in or not.
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
/// use polychat_transfer::Export;
///
/// let mut file: Vec<u8> = Vec::new();
/// Export::world(world).json_lines().write_to(&mut file).await?;
/// assert!(file.ends_with(b"{\"v\":1,\"type\":\"end\",\"chats\":0,\"messages\":0}\n"));
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
pub struct Export {
    world: Arc<dyn WorldService>,
    chat: Option<ChatId>,
}

impl Export {
    /// All chats of a world, archived ones too, with its settings and agents. Through a policy: all
    /// chats that may be seen, and without what belongs to the world as a whole.
    #[must_use]
    pub fn world(world: Arc<dyn WorldService>) -> Self {
        Self { world, chat: None }
    }

    /// One chat.
    #[must_use]
    pub fn chat(world: Arc<dyn WorldService>, chat: ChatId) -> Self {
        Self { world, chat: Some(chat) }
    }

    /// As JSON Lines, for machines: each piece is a line with its end.
    ///
    /// A chat of a world that cannot be read has a line that says why, and an import reports it.
    ///
    /// # Errors
    ///
    /// The stream ends with [`ExportError::World`] when the world cannot be read, or when the one
    /// chat that was asked for cannot.
    #[must_use]
    pub fn json_lines(self) -> Pieces {
        Pieces::of(Walk::new(self.world, self.chat), JsonLines::default())
    }

    /// As Markdown, for people: each piece is a heading, or a message.
    ///
    /// What people and agents wrote stands in quotations, where it is Markdown again but cannot
    /// leave them; HTML in it is shown, not obeyed.
    ///
    /// # Errors
    ///
    /// As [`json_lines`](Self::json_lines).
    #[must_use]
    pub fn markdown(self) -> Pieces {
        Pieces::of(Walk::new(self.world, self.chat), Markdown::default())
    }
}

/// Makes pieces of text of what an export finds.
trait Render: Send + 'static {
    fn render(&mut self, item: &Item) -> Result<String, ExportError>;
}

/// The pieces of an export, in order; read as a stream, or written whole.
///
/// Each piece is made when it is asked for: who reads slowly makes the export slow, and nothing
/// else.
pub struct Pieces {
    inner: BoxStream<'static, Result<String, ExportError>>,
}

impl Pieces {
    fn of(walk: Walk, render: impl Render) -> Self {
        let next = |(mut walk, mut render): (Walk, _)| async move {
            match walk.next().await? {
                Some(item) => Ok(Some((Render::render(&mut render, &item)?, (walk, render)))),
                None => Ok(None),
            }
        };
        Self { inner: stream::try_unfold((walk, render), next).boxed() }
    }

    /// Writes all pieces, and answers how many bytes they had.
    ///
    /// # Errors
    ///
    /// As the stream, or [`ExportError::Io`]. What was written until then stays.
    pub async fn write_to(
        mut self,
        sink: &mut (impl AsyncWrite + Unpin),
    ) -> Result<u64, ExportError> {
        let mut bytes = 0;
        while let Some(piece) = self.inner.next().await {
            let piece = piece?;
            sink.write_all(piece.as_bytes()).await?;
            bytes += piece.len() as u64;
        }
        sink.flush().await?;
        Ok(bytes)
    }

    /// All pieces as one text: for a chat; a world may be larger than memory.
    ///
    /// # Errors
    ///
    /// As the stream.
    pub async fn into_text(mut self) -> Result<String, ExportError> {
        let mut text = String::new();
        while let Some(piece) = self.inner.next().await {
            text.push_str(&piece?);
        }
        Ok(text)
    }
}

impl Stream for Pieces {
    type Item = Result<String, ExportError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.inner.as_mut().poll_next(context)
    }
}

/// Where a chat comes from, in words: it goes with the chat from world to world.
pub(crate) fn source_of(world: Option<&WorldId>, origin: Option<&Origin>) -> String {
    let home = match world {
        Some(world) => format!("polychat {world}"),
        None => "polychat".to_owned(),
    };
    match origin {
        Some(Origin::Import { source, .. }) => source.to_string(),
        Some(Origin::Fork { chat_id, message_id }) => {
            format!("{home}, a fork of {chat_id} at {message_id}")
        }
        _ => home,
    }
}
