//! A context provider whose answers say for whom they were resolved.

use std::{any::Any, sync::Arc};

use async_trait::async_trait;
use polychat_core::{
    ChatId, Failure, Metadata,
    ports::{Callee, ContextProvider, ContextRequest},
};

/// What [`Stamping`] resolves for one call. The checker compares it with the call that saw it.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Stamp {
    /// For which chat it was resolved.
    pub chat: ChatId,
    /// For whom.
    pub callee: Callee,
    /// The stored part that came with the chat, as the provider was told it.
    pub chat_context: Metadata,
    /// The stored part that came with the prompt, likewise.
    pub prompt_context: Metadata,
}

/// Resolves a [`Stamp`] for each call, so that a context that reaches another call than the one it
/// was resolved for is found out.
///
/// ```
/// use polychat_testkit::history::Stamping;
/// # fn open(_: impl polychat_core::ports::ContextProvider + 'static) {}
/// // As the context provider of a world under test:
/// open(Stamping);
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct Stamping;

#[async_trait]
impl ContextProvider for Stamping {
    async fn resolve(
        &self,
        request: ContextRequest,
    ) -> Result<Option<Arc<dyn Any + Send + Sync>>, Failure> {
        let ContextRequest { chat, callee, chat_context, prompt_context, .. } = request;
        Ok(Some(Arc::new(Stamp { chat, callee, chat_context, prompt_context })))
    }
}
