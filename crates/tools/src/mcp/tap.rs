//! What stands between `rmcp` and a connection, and sees every message first.
//!
//! `rmcp` gives each notification and request of the server a task of its own. That would let a
//! result overtake the progress before it, let a flood of them take memory without a bound, and put
//! their contents into the log. So they are dealt with here, one after the other as they come, and
//! only answers go on to `rmcp`.

use std::sync::Arc;

use rmcp::{
    RoleClient,
    model::{
        ClientJsonRpcMessage, ClientResult, ErrorCode, ErrorData, GetExtensions, GetMeta,
        JsonRpcMessage, ProgressToken, RequestId, ServerNotification, ServerRequest,
    },
    service::{RxJsonRpcMessage, TxJsonRpcMessage},
    transport::Transport,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::wire::Wire;

/// Answers to the server's own requests that may be under way; a server that reads none of them
/// gets no more.
const REPLIES_MAX: usize = 16;

/// Travels with a call's request, and stays here: it is not sent.
#[derive(Clone)]
pub(super) struct Ticket {
    /// What the server is to name with the call's progress.
    pub(super) token: ProgressToken,
    /// The call's place, kept until the request is written also if nobody waits any more.
    pub(super) _place: Arc<OwnedSemaphorePermit>,
}

/// A transport, seen through.
pub(super) struct Tap<T> {
    inner: T,
    replies: Arc<Semaphore>,
    // Below `inner`, so that it is told of the end after that is gone.
    wire: EndOnDrop,
}

/// Tells of the end of a connection, also when the runtime goes away under it.
struct EndOnDrop(Arc<Wire>);

impl Drop for EndOnDrop {
    fn drop(&mut self) {
        self.0.end("it was stopped");
        self.0.set_gone();
    }
}

impl<T: Transport<RoleClient>> Tap<T> {
    pub(super) fn new(inner: T, wire: Arc<Wire>) -> Self {
        Self { inner, replies: Arc::new(Semaphore::new(REPLIES_MAX)), wire: EndOnDrop(wire) }
    }

    fn hear(&self, notification: ServerNotification) {
        match notification {
            ServerNotification::ProgressNotification(progress) => {
                self.wire.0.progress(&progress.params);
            }
            ServerNotification::ToolListChangedNotification(_) => self.wire.0.tools_changed(),
            // Nothing else concerns a chat.
            _ => tracing::trace!("a notification of an mcp server is ignored"),
        }
    }

    /// Answers the server without waiting. It was told that this side can do nothing for it, so
    /// only signs of life are asked for rightly.
    fn reply(&mut self, id: RequestId, request: &ServerRequest) {
        let Ok(place) = Arc::clone(&self.replies).try_acquire_owned() else { return };
        let reply = if matches!(request, ServerRequest::PingRequest(_)) {
            ClientJsonRpcMessage::response(ClientResult::empty(()), id)
        } else {
            let error = ErrorData::new(ErrorCode::METHOD_NOT_FOUND, "not supported", None);
            ClientJsonRpcMessage::error(error, Some(id))
        };
        let send = self.inner.send(reply);
        tokio::spawn(async move {
            let _ = send.await;
            drop(place);
        });
    }
}

impl<T: Transport<RoleClient>> Transport<RoleClient> for Tap<T> {
    type Error = T::Error;

    fn send(
        &mut self,
        mut message: TxJsonRpcMessage<RoleClient>,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send + 'static {
        let mut ticket = None;
        if let JsonRpcMessage::Request(request) = &mut message {
            ticket = request.request.extensions_mut().remove::<Ticket>();
            if let Some(ticket) = &ticket {
                request.request.get_meta_mut().set_progress_token(ticket.token.clone());
            }
        }
        let send = self.inner.send(message);
        async move {
            let sent = send.await;
            drop(ticket);
            sent
        }
    }

    async fn receive(&mut self) -> Option<RxJsonRpcMessage<RoleClient>> {
        loop {
            let message = self.inner.receive().await;
            if message.is_some() {
                self.wire.0.hear();
            }
            match message {
                Some(JsonRpcMessage::Notification(message)) => self.hear(message.notification),
                Some(JsonRpcMessage::Request(message)) => self.reply(message.id, &message.request),
                Some(answer) => return Some(answer),
                None => {
                    self.wire.0.end("its connection has ended");
                    return None;
                }
            }
        }
    }

    fn close(&mut self) -> impl Future<Output = Result<(), Self::Error>> + Send {
        self.inner.close()
    }
}
