//! What an embedder attaches to chats and prompts for its own models and tools.

use std::{any::Any, fmt, sync::Arc};

use async_trait::async_trait;

use crate::{
    content::{Metadata, Text},
    id::{ChatId, ModelName, WorldId},
    outcome::Failure,
};

/// What an embedder attached, given to models and tools untouched and read-only.
///
/// It is never logged and never sent to a provider. The stored parts are bounded JSON in the chat's
/// log; what must not be stored (secrets, connections, open handles) is in [`handle`](Self::handle)
/// for the whole world, or comes from a [`ContextProvider`] for each call anew.
#[derive(Clone, Default)]
#[non_exhaustive]
pub struct HostContext {
    /// The stored part that came with the chat.
    pub chat: Metadata,
    /// The stored part that came with the prompt that began the turn.
    pub prompt: Metadata,
    /// A handle to the embedder's own state, given to the world when it was opened.
    pub handle: Option<Arc<dyn Any + Send + Sync>>,
    /// What the world's [`ContextProvider`] resolved for this very call.
    pub resolved: Option<Arc<dyn Any + Send + Sync>>,
}

impl HostContext {
    /// The world's handle, if it is a `T`.
    #[must_use]
    pub fn handle_as<T: Any + Send + Sync>(&self) -> Option<&T> {
        self.handle.as_deref()?.downcast_ref()
    }

    /// What was resolved for this call, if it is a `T`.
    #[must_use]
    pub fn resolved_as<T: Any + Send + Sync>(&self) -> Option<&T> {
        self.resolved.as_deref()?.downcast_ref()
    }
}

impl fmt::Debug for HostContext {
    // Never logged: it may hold what only the embedder may see.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HostContext { .. }")
    }
}

/// The call that something is resolved for.
#[derive(Clone)]
#[non_exhaustive]
pub struct ContextRequest {
    /// The world.
    pub world: WorldId,
    /// The chat. Only the embedder's own provider is told; models and tools are not (law 3).
    pub chat: ChatId,
    /// The stored part that came with the chat.
    pub chat_context: Metadata,
    /// The stored part that came with the prompt that began the turn.
    pub prompt_context: Metadata,
    /// What is about to be called.
    pub callee: Callee,
}

impl ContextRequest {
    /// A request for a call in a chat.
    #[must_use]
    pub fn new(
        world: WorldId,
        chat: ChatId,
        chat_context: Metadata,
        prompt_context: Metadata,
        callee: Callee,
    ) -> Self {
        Self { world, chat, chat_context, prompt_context, callee }
    }
}

impl fmt::Debug for ContextRequest {
    // The contexts are never logged.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ContextRequest")
            .field("world", &self.world)
            .field("chat", &self.chat)
            .field("callee", &self.callee)
            .finish_non_exhaustive()
    }
}

/// What a context is resolved for.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Callee {
    /// A model, by its registered name.
    Model(ModelName),
    /// A tool, by its name.
    Tool(Text),
}

/// Resolves for each call of a model or tool what is not stored: secrets, connections, handles.
///
/// It is asked in the call's own task, right before each call, also after a restart of the process,
/// so nothing has to survive one. What it answers reaches that call alone, as
/// [`HostContext::resolved`].
///
/// ```
/// use std::{any::Any, sync::Arc};
/// use polychat_core::{Failure, ports::{ContextProvider, ContextRequest}};
///
/// struct Keys;
/// struct Key(String);
///
/// #[async_trait::async_trait]
/// impl ContextProvider for Keys {
///     async fn resolve(
///         &self,
///         request: ContextRequest,
///     ) -> Result<Option<Arc<dyn Any + Send + Sync>>, Failure> {
///         let tenant = request.chat_context.get("tenant").and_then(|it| it.as_str());
///         Ok(tenant.map(|tenant| Arc::new(Key(format!("key of {tenant}"))) as _))
///     }
/// }
/// ```
#[async_trait]
pub trait ContextProvider: Send + Sync {
    /// What goes with one call; `None` for nothing.
    ///
    /// Dropping the future stops it; it counts against the time of the call.
    ///
    /// # Errors
    ///
    /// A [`Failure`]: the call is not made. A model's turn fails with it, a tool's call ends with it
    /// and the model hears of it, so it must not name secrets.
    async fn resolve(
        &self,
        request: ContextRequest,
    ) -> Result<Option<Arc<dyn Any + Send + Sync>>, Failure>;
}
