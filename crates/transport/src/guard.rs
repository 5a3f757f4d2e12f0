//! What a reader refuses: records of other chats, answers to other questions (REQ-13).
//!
//! Every transport reads through this, also the one without bytes, because what it reads may come
//! from a wrapped or remote world. A rejected record ends its own stream and nobody else's (law 6).

use std::{
    fmt,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll, ready},
};

use futures_core::Stream;
use polychat_core::{
    ChatId, Command, Diagnostic, EndReason, Notice, PromptId, Reply, Scope,
    diagnostic::DiagnosticKind, ports::Clock,
};

use crate::error::{RejectedRecord, RejectedReply};

/// Checks that a notice belongs to what is watched.
///
/// # Errors
///
/// [`RejectedRecord::ForeignChat`] for a record of another chat, and
/// [`RejectedRecord::UnknownType`] for a notice that this scope does not have.
pub fn check_notice(scope: &Scope, notice: &Notice) -> Result<(), RejectedRecord> {
    let unknown = |name: &str| Err(RejectedRecord::UnknownType { name: name.into() });
    match (scope, notice) {
        (Scope::Chat(chat), Notice::Recorded { event, .. }) => check_chat(chat, &event.chat_id),
        (Scope::Chat(chat), Notice::Live { event, .. }) => check_chat(chat, &event.chat_id),
        (Scope::World, Notice::World(_)) | (_, Notice::Ended(_)) => Ok(()),
        (_, Notice::Recorded { event, .. }) => unknown(event.event.name()),
        (_, Notice::Live { event, .. }) => unknown(event.body.name()),
        (_, Notice::World(_)) => unknown("world notice"),
        _ => unknown("notice"),
    }
}

/// Checks that a record is of the chat that is read.
pub(crate) fn check_chat(expected: &ChatId, found: &ChatId) -> Result<(), RejectedRecord> {
    if expected == found {
        return Ok(());
    }
    Err(RejectedRecord::ForeignChat { claimed: found.as_str().into() })
}

/// What an answer has to be to fit its command; made before the command is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected {
    kind: &'static str,
    chat: Option<ChatId>,
    prompt: Option<PromptId>,
}

impl Expected {
    /// What fits this command.
    #[must_use]
    pub fn of(command: &Command) -> Self {
        let kind = match command {
            Command::CreateChat { .. } | Command::ForkChat { .. } | Command::ImportChat { .. } => {
                "chat"
            }
            Command::ListChats { .. } => "chats",
            Command::Snapshot { .. } => "snapshot",
            Command::SendPrompt { .. } | Command::Revise { .. } => "accepted",
            Command::ListPrompts { .. } => "prompts",
            Command::LookUpPrompt { .. } => "prompt",
            Command::ListMessages { .. } => "messages",
            Command::ReadLog { .. } => "log",
            Command::GetWorld => "world",
            Command::Search { .. } => "found",
            _ => "done",
        };
        let chat = match command {
            // The answer names the new chat, not the one that was copied.
            Command::ForkChat { chat, .. } => chat.id.clone(),
            other => other.chat().cloned(),
        };
        let prompt = match command {
            Command::SendPrompt { prompt, .. } | Command::Revise { prompt, .. } => {
                Some(prompt.clone())
            }
            _ => None,
        };
        Self { kind, chat, prompt }
    }

    /// The `type` of the answer on the wire.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        self.kind
    }

    /// The chat that the answer is about; `None` when it is about the world, or free to choose.
    #[must_use]
    pub fn chat(&self) -> Option<&ChatId> {
        self.chat.as_ref()
    }

    /// Checks an answer.
    ///
    /// # Errors
    ///
    /// A [`RejectedReply`] when it is of another kind, about another prompt, or holds a record of
    /// another chat.
    pub fn check(&self, reply: &Reply) -> Result<(), RejectedReply> {
        let found = reply.name();
        if found != self.kind {
            return Err(RejectedReply::WrongKind { expected: self.kind, found: found.into() });
        }
        let chat = |found: &ChatId| match &self.chat {
            Some(expected) => check_chat(expected, found),
            None => Ok(()),
        };
        match reply {
            Reply::Chat(found) => chat(found)?,
            Reply::Accepted(accepted) if self.prompt.as_ref() != Some(&accepted.prompt_id) => {
                return Err(RejectedReply::WrongPrompt);
            }
            Reply::Snapshot(snapshot) => {
                chat(&snapshot.summary.chat_id)?;
                chat(&snapshot.status.chat_id)?;
            }
            Reply::Log(page) => {
                for event in &page.events {
                    chat(&event.chat_id)?;
                }
            }
            Reply::Found(page) => {
                for hit in &page.hits {
                    chat(&hit.chat_id)?;
                }
            }
            _ => {}
        }
        Ok(())
    }
}

type Hook = Box<dyn Fn(Diagnostic) + Send + Sync>;

/// Counts what one transport rejected, and surfaces it.
pub struct Rejections {
    path: &'static str,
    count: AtomicU64,
    hook: Option<(Arc<dyn Clock>, Hook)>,
}

impl Rejections {
    /// Counts only; each rejection is also a `tracing` event.
    #[must_use]
    pub fn new(path: &'static str) -> Self {
        Self { path, count: AtomicU64::new(0), hook: None }
    }

    /// Counts, and gives each rejection to `hook` as a diagnostic.
    ///
    /// The hook runs where the record was read, so it must not block.
    #[must_use]
    pub fn reporting(
        path: &'static str,
        clock: Arc<dyn Clock>,
        hook: impl Fn(Diagnostic) + Send + Sync + 'static,
    ) -> Self {
        Self { path, count: AtomicU64::new(0), hook: Some((clock, Box::new(hook))) }
    }

    /// Records and messages rejected so far.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }

    /// Takes note of a rejected record of a chat, or of the world when there is none.
    pub fn note(&self, chat: Option<&ChatId>, rejected: &RejectedRecord) {
        self.count.fetch_add(1, Ordering::Relaxed);
        let chat_id = chat.map(ChatId::as_str);
        tracing::warn!(chat_id, path = self.path, reason = %rejected, "foreign record rejected");
        self.surface(chat, || rejected.diagnostic(self.path));
    }

    /// Takes note of input that could not be read or had no place; `code` is stable, `reason` for
    /// people, and neither holds contents of messages.
    pub fn note_input(&self, code: &str, reason: &dyn fmt::Display) {
        self.count.fetch_add(1, Ordering::Relaxed);
        tracing::warn!(path = self.path, code, %reason, "message rejected");
        let (path, code) = (self.path.into(), code.into());
        self.surface(None, || DiagnosticKind::RejectedInput { path, code });
    }

    fn surface(&self, chat: Option<&ChatId>, kind: impl FnOnce() -> DiagnosticKind) {
        let Some((clock, hook)) = &self.hook else { return };
        let at = clock.now();
        hook(match chat {
            Some(chat) => Diagnostic::of_chat(at, chat.clone(), kind()),
            None => Diagnostic::of_world(at, kind()),
        });
    }

    /// Takes note of a rejected answer, if a foreign record was the reason.
    pub(crate) fn note_reply(&self, expected: &Expected, rejected: &RejectedReply) {
        if let RejectedReply::Foreign(record) = rejected {
            self.note(expected.chat(), record);
        }
    }
}

impl fmt::Debug for Rejections {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rejections")
            .field("path", &self.path)
            .field("count", &self.count())
            .finish_non_exhaustive()
    }
}

/// A stream of notices that ends with a typed reason, whatever happens to what it reads.
///
/// A rejected record ends it as [`EndReason::Damaged`]. A source that ends without a reason, such
/// as a lost connection, ends it as [`EndReason::Unreadable`]: subscribing again goes on.
pub(crate) struct Guarded<S, F> {
    /// Dropped as soon as the stream has ended: that unsubscribes.
    source: Option<Pin<Box<S>>>,
    /// Turns what is read into a notice, or rejects it.
    admit: F,
    scope: Scope,
    rejections: Arc<Rejections>,
}

impl<S, F> Guarded<S, F> {
    pub(crate) fn new(source: S, scope: Scope, rejections: Arc<Rejections>, admit: F) -> Self {
        Self { source: Some(Box::pin(source)), admit, scope, rejections }
    }
}

impl<S, F> Stream for Guarded<S, F>
where
    S: Stream,
    F: FnMut(&Scope, S::Item) -> Result<Notice, RejectedRecord> + Unpin,
{
    type Item = Notice;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Notice>> {
        let this = &mut *self;
        let Some(source) = this.source.as_mut() else { return Poll::Ready(None) };
        let notice = match ready!(source.as_mut().poll_next(cx)) {
            None => Notice::Ended(EndReason::Unreadable),
            Some(item) => (this.admit)(&this.scope, item).unwrap_or_else(|rejected| {
                let chat = match &this.scope {
                    Scope::Chat(chat) => Some(chat),
                    _ => None,
                };
                this.rejections.note(chat, &rejected);
                Notice::Ended(EndReason::Damaged)
            }),
        };
        if let Notice::Ended(_) = notice {
            this.source = None;
        }
        Poll::Ready(Some(notice))
    }
}
