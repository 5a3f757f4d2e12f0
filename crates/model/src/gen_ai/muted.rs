//! Keeps the logs of the layers below out of the embedder's.
//!
//! `genai` logs the bodies of errors, and providers quote requests in them. The contents of
//! messages belong into no log above `trace`, so what is logged while an answer is polled goes
//! nowhere. The same facts come out as a `ModelError`, without the contents.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use futures_core::Stream;
use tracing::{Dispatch, dispatcher};

/// A stream that is polled without a subscriber of `tracing`.
pub(super) struct Muted<S>(pub(super) S);

impl<S: Stream + Unpin> Stream for Muted<S> {
    type Item = S::Item;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<S::Item>> {
        // This one is not registered with `tracing`, so it costs next to nothing per poll.
        dispatcher::with_default(&Dispatch::none(), || Pin::new(&mut self.0).poll_next(cx))
    }
}
