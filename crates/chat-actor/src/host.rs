//! The host context of one call: what is stored, and what is resolved for it.

use std::panic::AssertUnwindSafe;

use futures_util::FutureExt;
use polychat_core::{
    ChatId, Failure, FailureKind, Metadata,
    ports::{Callee, ContextRequest, HostContext},
};

use crate::environment::Environment;

/// The parts of a host context that stand in the chat's log.
#[derive(Clone, Copy)]
pub(crate) struct Stored<'a> {
    pub(crate) chat: &'a Metadata,
    pub(crate) prompt: &'a Metadata,
}

/// Makes the context of one call. Awaited in the call's own task, never by the chat.
pub(crate) async fn context(
    environment: &Environment,
    chat: &ChatId,
    stored: Stored<'_>,
    callee: Callee,
) -> Result<HostContext, Failure> {
    let mut context = HostContext::default();
    context.chat = stored.chat.clone();
    context.prompt = stored.prompt.clone();
    context.handle.clone_from(&environment.handle);
    if let Some(provider) = &environment.context_provider {
        let (world, chat) = (environment.world.clone(), chat.clone());
        let (chat_context, prompt_context) = (context.chat.clone(), context.prompt.clone());
        let request = ContextRequest::new(world, chat, chat_context, prompt_context, callee);
        let resolving = AssertUnwindSafe(async { provider.resolve(request).await });
        context.resolved = match resolving.catch_unwind().await {
            Ok(resolved) => resolved.map_err(|failure| bounded(&failure))?,
            // The text of the panic may quote a secret; it stays where the panic hook put it.
            Err(_) => return Err(Failure::new(FailureKind::Panicked, PANICKED)),
        };
    }
    Ok(context)
}

const PANICKED: &str = "the context provider panicked";

/// A failure of the provider's, whose message may be of any length.
fn bounded(failure: &Failure) -> Failure {
    let bounded = Failure::new(failure.kind, &failure.message);
    if failure.retryable { bounded.retryable() } else { bounded }
}
