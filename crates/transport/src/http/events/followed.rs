//! What a stream follows, and how far it has come in each.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use futures_core::Stream;
use futures_util::{
    StreamExt,
    stream::{BoxStream, SelectAll},
};
use polychat_core::{
    ChatId, Command, CommandError, Cursor, EndReason, Fault, FaultKind, Notice, Refusal, Reply,
    Scope, Seq, StartAt, WorldId,
};

use super::{
    asked::{Asked, Begin},
    cursor::Places,
};
use crate::{
    bytes::Notices,
    error::{RejectedCommand, RejectedRecord},
    http::{problem::Problem, state::Caller},
    wire::{EventEncoder, WireNotice},
};

/// The world, a chat, or several chats, each from its own cursor.
pub(super) struct Followed {
    chats: Vec<ChatId>,
    source: Source,
    /// How far each was told; one for the world.
    progress: Vec<Progress>,
    /// Where to go on with several; one alone has its own cursor.
    places: Option<Places>,
    /// Where the chat ended that is followed from now on.
    now: Option<Cursor>,
    /// Counts recorded events and ends: whatever may make a chat idle.
    changes: u64,
}

enum Source {
    One(Notices),
    /// One that had its turn goes behind all others that have something to say.
    Several(SelectAll<BoxStream<'static, Told>>),
}

#[derive(Debug, Clone, Copy)]
struct Progress {
    ended: bool,
    /// The last event told, or after which it began; `None` where only what is new is told.
    seq: Option<Seq>,
}

/// One thing to tell.
pub(super) struct Told {
    /// Which of those that are followed.
    index: usize,
    pub(super) notice: WireNotice,
    /// It is the end of this one.
    pub(super) ended: bool,
}

impl Followed {
    /// Begins to follow.
    ///
    /// # Errors
    ///
    /// What the first chat that cannot be followed was refused with; then none is. When several are
    /// gone on with, those that were deleted meanwhile end as such, as long as others are left.
    pub(super) async fn begin(caller: &Caller, asked: &Asked) -> Result<Self, Problem> {
        match asked.chats.as_slice() {
            [] => Self::one(caller, Scope::World, asked).await,
            [chat] => Self::one(caller, Scope::Chat(chat.clone()), asked).await,
            chats => Self::several(caller, chats, &asked.begin).await,
        }
    }

    async fn one(caller: &Caller, scope: Scope, asked: &Asked) -> Result<Self, Problem> {
        // What comes between this and the subscription is heard by who comes back, if nothing else
        // was. Whether the chat may be watched is for the subscription to say.
        let now = match (&scope, &asked.begin) {
            (Scope::Chat(chat), Begin::Now) => head(caller, chat).await.ok().map(Cursor::after),
            _ => None,
        };
        let (start, seq) = match &asked.begin {
            Begin::Start => (StartAt::Start, Some(Seq::ZERO)),
            Begin::Now => (StartAt::Now, None),
            Begin::After(text) => {
                let cursor: Cursor = text.parse().map_err(no_cursor)?;
                (StartAt::After(cursor), Some(cursor.seq))
            }
        };
        let source = Source::One(caller.far_end().notices(scope, start).await?);
        let progress = vec![Progress { ended: false, seq }];
        let chats = asked.chats.clone();
        Ok(Self { chats, source, progress, places: None, now, changes: 0 })
    }

    async fn several(caller: &Caller, chats: &[ChatId], begin: &Begin) -> Result<Self, Problem> {
        let mut places = Places::new(caller.world_id(), chats);
        match begin {
            Begin::Start => {}
            // A client that comes back must know where it was also in chats that said nothing.
            Begin::Now => {
                for (index, chat) in chats.iter().enumerate() {
                    places.set(index, Cursor::after(head(caller, chat).await?));
                }
            }
            Begin::After(text) => places.go_to(text).map_err(no_cursor)?,
        }
        let far = caller.far_end();
        let (mut streams, mut deleted) = (SelectAll::new(), 0);
        for (index, chat) in chats.iter().enumerate() {
            let start = places.get(index).map_or(StartAt::Start, StartAt::After);
            match far.notices(Scope::Chat(chat.clone()), start).await {
                Ok(notices) => streams.push(Watched { index, notices }.boxed()),
                Err(CommandError::Refused(Refusal::ChatDeleted { .. }))
                    if matches!(begin, Begin::After(_)) && deleted + 1 < chats.len() =>
                {
                    deleted += 1;
                    let ended = std::future::ready(was_deleted(caller.world_id(), index, chat)?);
                    streams.push(futures_util::stream::once(ended).boxed());
                }
                Err(error) => return Err(error.into()),
            }
        }
        let told = |index| places.get(index).map_or(Seq::ZERO, |cursor| cursor.seq);
        let progress = |index| Progress { ended: false, seq: Some(told(index)) };
        let progress = (0..chats.len()).map(progress).collect();
        let source = Source::Several(streams);
        let (chats, places) = (chats.to_vec(), Some(places));
        Ok(Self { chats, source, progress, places, now: None, changes: 0 })
    }

    /// What comes next; `None` once all have ended.
    pub(super) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Told>> {
        let told = match &mut self.source {
            Source::One(notices) => ready!(next_of(notices, 0, cx)),
            Source::Several(streams) => ready!(streams.poll_next_unpin(cx)),
        };
        if let Some(told) = &told {
            self.note(told);
        }
        Poll::Ready(told)
    }

    fn note(&mut self, told: &Told) {
        let Some(progress) = self.progress.get_mut(told.index) else { return };
        if told.ended {
            progress.ended = true;
            self.changes += 1;
        }
        let Some(cursor) = told.notice.cursor else { return };
        if progress.seq != Some(cursor.seq) {
            progress.seq = Some(cursor.seq);
            self.changes += 1;
        }
        if let Some(places) = &mut self.places {
            places.set(told.index, cursor);
        }
    }

    /// Whether nothing more comes.
    pub(super) fn is_over(&self) -> bool {
        self.progress.iter().all(|progress| progress.ended)
    }

    /// Whether all of the chat of this index up to this event was told, or it tells nothing more.
    pub(super) fn has_told(&self, index: usize, head: Seq) -> bool {
        let told = |progress: &Progress| progress.ended || progress.seq.is_none_or(|at| at >= head);
        self.progress.get(index).is_none_or(told)
    }

    /// Grows whenever something was told that may have made a chat idle.
    pub(super) fn changes(&self) -> u64 {
        self.changes
    }

    /// The chats that still say something, by their index.
    pub(super) fn open_chats(&self) -> impl Iterator<Item = (usize, &ChatId)> {
        let both = self.chats.iter().zip(&self.progress).enumerate();
        both.filter(|(_, (_, progress))| !progress.ended).map(|(index, (chat, _))| (index, chat))
    }

    /// The chat, if it is one, and the last event told of it.
    pub(super) fn only_chat(&self) -> Option<(&ChatId, Seq)> {
        match (self.chats.as_slice(), self.progress.as_slice()) {
            ([chat], [progress]) => {
                let now = self.now.map_or(Seq::ZERO, |cursor| cursor.seq);
                Some((chat, progress.seq.unwrap_or(now)))
            }
            _ => None,
        }
    }

    /// Where to go on with several; one alone has its own cursor.
    pub(super) fn places(&self) -> Option<&Places> {
        self.places.as_ref()
    }

    /// Where "now" was in the chat, if it is one that is followed from there.
    pub(super) fn now(&self) -> Option<Cursor> {
        self.now
    }
}

/// One chat among several.
struct Watched {
    index: usize,
    notices: Notices,
}

impl Stream for Watched {
    type Item = Told;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Told>> {
        let index = self.index;
        next_of(&mut self.notices, index, cx)
    }
}

fn next_of(notices: &mut Notices, index: usize, cx: &mut Context<'_>) -> Poll<Option<Told>> {
    let next = ready!(Pin::new(&mut *notices).poll_next(cx));
    Poll::Ready(next.map(|notice| Told { index, notice, ended: notices.has_ended() }))
}

/// The end of a chat that was deleted while nobody followed it.
fn was_deleted(world_id: &WorldId, index: usize, chat: &ChatId) -> Result<Told, Problem> {
    let (scope, end) = (Scope::Chat(chat.clone()), Notice::Ended(EndReason::Deleted));
    let notice = WireNotice::new(world_id, &scope, &end, &EventEncoder::new());
    let no_form = |error: RejectedRecord| {
        let fault = Fault::new(FaultKind::Protocol, &error.to_string());
        Problem::new(&CommandError::Fault(fault))
    };
    Ok(Told { index, notice: notice.map_err(no_form)?, ended: true })
}

/// The last event of a chat.
async fn head(caller: &Caller, chat: &ChatId) -> Result<Seq, Problem> {
    let command = Command::ReadLog { chat: chat.clone(), after: Seq::ZERO, limit: 1 };
    match caller.call(command).await? {
        Reply::Log(page) => Ok(page.head),
        other => Err(crate::http::rest::answer::wrong_kind(&other)),
    }
}

fn no_cursor(error: impl std::fmt::Display) -> Problem {
    RejectedCommand::field("cursor", error).into()
}
