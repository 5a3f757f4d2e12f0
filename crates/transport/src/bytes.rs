//! The door as bytes: a near end that is a world, and a far end that serves one.
//!
//! Every transport with bytes is these two and a way to carry frames between them. The far end
//! stands beside the world and never trusts a command; the near end stands beside the caller and
//! never trusts an answer or a record.

use std::{
    collections::HashMap,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::{Arc, Mutex, PoisonError, Weak, atomic::AtomicU64},
    task::{Context, Poll, ready},
};

use async_trait::async_trait;
use futures_core::Stream;
use polychat_core::{
    ChatId, Command, CommandError, EndReason, Notice, Reply, Scope, StartAt, WorldId,
    ports::{NoticeStream, WorldService},
};

use crate::{
    error::RejectedRecord,
    guard::{Expected, Guarded, Rejections},
    wire::{
        EventEncoder, WireLimits, WireNotice, decode_command, decode_error, decode_notice,
        decode_reply, decode_subscribe, encode_command, encode_error, encode_reply,
        encode_subscribe,
    },
};

/// The notices of one subscription, one frame each. Dropping it unsubscribes.
pub type Frames = Pin<Box<dyn Stream<Item = Vec<u8>> + Send>>;

/// The same door as [`WorldService`], in bytes of [`crate::wire`].
#[async_trait]
pub trait ByteDoor: Send + Sync {
    /// Carries a command there and its answer back.
    ///
    /// # Errors
    ///
    /// The bytes of a refusal or fault.
    async fn call(&self, command: Vec<u8>) -> Result<Vec<u8>, Vec<u8>>;

    /// Carries a subscription there; the answer comes before the first frame.
    ///
    /// # Errors
    ///
    /// The bytes of a refusal or fault.
    async fn subscribe(&self, subscription: Vec<u8>) -> Result<Frames, Vec<u8>>;
}

/// Serves a world to whoever speaks bytes.
pub struct FarEnd {
    world_id: WorldId,
    world: Arc<dyn WorldService>,
    limits: WireLimits,
    encoders: Arc<Encoders>,
}

impl FarEnd {
    /// Serves a world under this id.
    #[must_use]
    pub fn new(world_id: WorldId, world: Arc<dyn WorldService>) -> Self {
        Self { world_id, world, limits: WireLimits::default(), encoders: Arc::default() }
    }

    /// Takes at most so many bytes.
    #[must_use]
    pub fn limits(mut self, limits: WireLimits) -> Self {
        self.limits = limits;
        self
    }

    /// Encodes each event once for all ends that share these.
    #[cfg(feature = "ipc")]
    pub(crate) fn sharing(mut self, encoders: Arc<Encoders>) -> Self {
        self.encoders = encoders;
        self
    }

    /// The world that it serves.
    #[cfg(feature = "ipc")]
    pub(crate) fn world_id(&self) -> &WorldId {
        &self.world_id
    }

    /// How many bytes it takes.
    #[cfg(feature = "ipc")]
    pub(crate) fn wire_limits(&self) -> &WireLimits {
        &self.limits
    }

    /// Has the world do what was asked.
    pub(crate) async fn perform(&self, command: Command) -> Result<Reply, CommandError> {
        self.world.call(command).await
    }
}

#[async_trait]
impl ByteDoor for FarEnd {
    async fn call(&self, command: Vec<u8>) -> Result<Vec<u8>, Vec<u8>> {
        let refused = |error: CommandError| encode_error(&error);
        let command =
            decode_command(&command, &self.limits).map_err(|rejected| refused(rejected.into()))?;
        let reply = self.perform(command).await.map_err(refused)?;
        encode_reply(reply).map_err(|rejected| refused(rejected.into()))
    }

    async fn subscribe(&self, subscription: Vec<u8>) -> Result<Frames, Vec<u8>> {
        let refused = |error: CommandError| encode_error(&error);
        let (scope, start) = decode_subscribe(&subscription, &self.limits)
            .map_err(|rejected| refused(rejected.into()))?;
        let notices = self.notices(scope, start).await.map_err(refused)?;
        Ok(Box::pin(Outgoing(notices)))
    }
}

impl FarEnd {
    /// Watches, each event encoded once for all who watch it through this end.
    pub(crate) async fn notices(
        &self,
        scope: Scope,
        start: StartAt,
    ) -> Result<Notices, CommandError> {
        let notices = self.world.subscribe(scope.clone(), start).await?;
        let encoder = self.encoders.of(&scope);
        let world_id = self.world_id.clone();
        Ok(Notices { notices: Some(notices), world_id, scope, encoder })
    }
}

/// The notices of one subscription in their envelopes; ends after the one that says why.
pub(crate) struct Notices {
    notices: Option<NoticeStream>,
    world_id: WorldId,
    scope: Scope,
    encoder: Arc<EventEncoder>,
}

#[cfg(feature = "http")]
impl Notices {
    /// Whether the last notice was the end.
    pub(crate) fn has_ended(&self) -> bool {
        self.notices.is_none()
    }
}

impl Notices {
    /// Whether the notice that says why it ends was given already.
    #[cfg(feature = "ipc")]
    pub(crate) fn have_ended(&self) -> bool {
        self.notices.is_none()
    }
}

impl Stream for Notices {
    type Item = WireNotice;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<WireNotice>> {
        let this = &mut *self;
        let Some(notices) = this.notices.as_mut() else { return Poll::Ready(None) };
        // A bug that one reader meets must not take the others with it that this end serves.
        let next = catch_unwind(AssertUnwindSafe(|| notices.as_mut().poll_next(cx)));
        let next = next.unwrap_or_else(|_| {
            tracing::error!(world_id = this.world_id.as_str(), "subscription panicked");
            Poll::Ready(None)
        });
        // A source that ends without a reason must not look like one that said all.
        let notice = ready!(next).unwrap_or(Notice::Ended(EndReason::Unreadable));
        let envelope = |notice: &Notice| {
            WireNotice::new(&this.world_id, &this.scope, notice, &this.encoder).ok()
        };
        let notice_of_wire = envelope(&notice);
        if notice_of_wire.is_some() && !matches!(notice, Notice::Ended(_)) {
            return Poll::Ready(notice_of_wire);
        }
        this.notices = None;
        // What has no form on the wire must not become a hole in the stream, so the stream ends.
        Poll::Ready(notice_of_wire.or_else(|| envelope(&Notice::Ended(EndReason::Unreadable))))
    }
}

/// The same as frames.
struct Outgoing(Notices);

impl Stream for Outgoing {
    type Item = Vec<u8>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Vec<u8>>> {
        let notice = ready!(Pin::new(&mut self.0).poll_next(cx));
        // Envelope and event always have a form in JSON; without one the stream ends, unreadable.
        Poll::Ready(notice.and_then(|notice| serde_json::to_vec(&notice).ok()))
    }
}

/// One encoder per watched chat, for as long as somebody watches it.
///
/// Chats do not share one, so that a busy chat neither delays another nor drives out its events.
#[derive(Default)]
pub(crate) struct Encoders {
    by_chat: Mutex<HashMap<ChatId, Weak<EventEncoder>>>,
    encodings: Arc<AtomicU64>,
}

impl Encoders {
    fn of(&self, scope: &Scope) -> Arc<EventEncoder> {
        let Scope::Chat(chat) = scope else { return Arc::default() };
        let mut by_chat = self.by_chat.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(encoder) = by_chat.get(chat).and_then(Weak::upgrade) {
            return encoder;
        }
        // Before the map would grow, those that nobody watches any more go.
        if by_chat.len() == by_chat.capacity() {
            by_chat.retain(|_, encoder| encoder.strong_count() > 0);
        }
        let encoder = Arc::new(EventEncoder::counting(Arc::clone(&self.encodings)));
        by_chat.insert(chat.clone(), Arc::downgrade(&encoder));
        encoder
    }

    /// Events of chats encoded so far.
    #[cfg(feature = "ipc")]
    pub(crate) fn encodings(&self) -> u64 {
        self.encodings.load(std::sync::atomic::Ordering::Relaxed)
    }
}

/// A world behind bytes.
pub struct NearEnd<D> {
    world_id: WorldId,
    door: D,
    limits: WireLimits,
    rejections: Arc<Rejections>,
}

impl<D: ByteDoor> NearEnd<D> {
    /// The world of this id behind a door of bytes; records of any other world are rejected.
    #[must_use]
    pub fn new(world_id: WorldId, door: D, rejections: Arc<Rejections>) -> Self {
        Self { world_id, door, limits: WireLimits::default(), rejections }
    }

    /// Takes at most so many bytes.
    #[must_use]
    pub fn limits(mut self, limits: WireLimits) -> Self {
        self.limits = limits;
        self
    }

    /// Records rejected so far.
    #[must_use]
    pub fn rejected(&self) -> u64 {
        self.rejections.count()
    }
}

#[async_trait]
impl<D: ByteDoor> WorldService for NearEnd<D> {
    async fn call(&self, command: Command) -> Result<Reply, CommandError> {
        let expected = Expected::of(&command);
        match self.door.call(encode_command(command)?).await {
            Ok(reply) => Ok(decode_reply(&reply, &expected, &self.limits)
                .inspect_err(|rejected| self.rejections.note_reply(&expected, rejected))?),
            Err(error) => Err(decode_error(&error, &self.limits)?),
        }
    }

    async fn subscribe(&self, scope: Scope, start: StartAt) -> Result<NoticeStream, CommandError> {
        let subscription = encode_subscribe(scope.clone(), start)?;
        let frames = match self.door.subscribe(subscription).await {
            Ok(frames) => frames,
            Err(error) => return Err(decode_error(&error, &self.limits)?),
        };
        let (world_id, limits) = (self.world_id.clone(), self.limits.clone());
        let admit = move |scope: &Scope, frame: Vec<u8>| -> Result<Notice, RejectedRecord> {
            decode_notice(&frame, &world_id, scope, &limits)
        };
        Ok(Box::pin(Guarded::new(frames, scope, Arc::clone(&self.rejections), admit)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(chat: &str) -> Scope {
        Scope::Chat(ChatId::new(chat).unwrap())
    }

    // law 4: nothing is made per subscriber but the envelope
    #[test]
    fn subscribers_of_one_chat_share_an_encoder_and_those_of_another_do_not() {
        let encoders = Encoders::default();
        let first = encoders.of(&of("a"));
        assert!(Arc::ptr_eq(&first, &encoders.of(&of("a"))));
        assert!(!Arc::ptr_eq(&first, &encoders.of(&of("b"))));
    }

    // law 7
    #[test]
    fn encoders_of_chats_that_nobody_watches_are_forgotten() {
        let encoders = Encoders::default();
        let watched = encoders.of(&of("watched"));
        for n in 0..10_000 {
            encoders.of(&of(&n.to_string()));
        }
        assert!(encoders.by_chat.lock().unwrap().len() < 16);
        assert!(Arc::ptr_eq(&watched, &encoders.of(&of("watched"))));
    }
}
