//! Readers that come, lag, leave and come back (law 4).

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::atomic::Ordering,
};

use futures_util::{FutureExt, StreamExt};
use polychat::{
    ChatId, CommandError, Cursor, EndReason, Notice, Refusal, Scope, StartAt,
    ports::{NoticeStream, WorldService},
};
use polychat_testkit::view::{CallState, ChatView, MessageState};

use super::{
    rig::{FAILING, Rig},
    step::{From, Pick, Watch},
};

/// Notices that are taken at once at most: more than any run of the property produces.
const ALL: usize = 100_000;
/// Readers of one run; later ones take the places of earlier ones.
const READERS_MAX: usize = 12;

/// Somebody who watches one chat, or the world, over one or more subscriptions.
pub(crate) struct Reader {
    /// `None` for the world.
    pub(crate) chat: Option<ChatId>,
    pub(crate) stream: Option<NoticeStream>,
    /// Where it goes on.
    pub(crate) last: Option<Cursor>,
    /// What it sees, if it has read from the beginning.
    pub(crate) view: Option<ChatView>,
    pub(crate) ended: Option<EndReason>,
}

impl Reader {
    fn new(chat: Option<ChatId>, stream: NoticeStream, start: &StartAt) -> Self {
        let view = match (&chat, start) {
            (Some(chat), StartAt::Start) => Some(ChatView::new(chat.clone())),
            _ => None,
        };
        let last = match start {
            StartAt::After(cursor) => Some(*cursor),
            _ => None,
        };
        Self { chat, stream: Some(stream), last, view, ended: None }
    }

    /// Takes up to so many notices that are there; what does not fit the view is a problem.
    fn take(&mut self, notices: usize, cursors: &mut Vec<(ChatId, Cursor)>) -> Option<String> {
        for _ in 0..notices {
            let stream = self.stream.as_mut()?;
            // The budget of the test's own task must not look like an empty stream.
            let next = tokio::task::unconstrained(stream.next());
            let Ok(polled) = catch_unwind(AssertUnwindSafe(|| next.now_or_never())) else {
                // The store panicked in its reader's own read; it comes back later.
                self.stream = None;
                return None;
            };
            let Some(notice) = polled? else {
                self.stream = None;
                let silent = self.ended.is_none();
                return silent.then(|| "a stream ended without a reason".to_owned());
            };
            match &notice {
                Notice::Recorded { cursor, .. } | Notice::Live { cursor, .. } => {
                    self.last = Some(*cursor);
                    cursors.extend(self.chat.clone().map(|chat| (chat, *cursor)));
                }
                Notice::Ended(reason) => self.ended = Some(*reason),
                _ => {}
            }
            if let Some(Err(error)) = self.view.as_mut().map(|view| view.apply(&notice)) {
                return Some(format!(
                    "a notice does not fit its reader's view: {error}: {notice:?}"
                ));
            }
        }
        None
    }

    /// Where it would go on.
    fn place(&self) -> StartAt {
        match (self.last, &self.view) {
            (Some(cursor), _) => StartAt::After(cursor),
            (None, Some(_)) => StartAt::Start,
            (None, None) => StartAt::Now,
        }
    }
}

impl Rig {
    pub(crate) async fn watch(&mut self, watch: Watch) {
        match watch {
            Watch::Chat { chat, from } => self.subscribe(chat, from).await,
            Watch::World => {
                if let Some(Ok(stream)) = self.begin(Scope::World, StartAt::Now).await {
                    self.admit(Reader::new(None, stream, &StartAt::Now));
                }
            }
            Watch::Read { reader, notices } => {
                if let Some(reader) = self.pick_reader(reader) {
                    self.read(reader, notices.into());
                }
            }
            Watch::CatchUp { reader } => {
                if let Some(reader) = self.pick_reader(reader) {
                    self.catch_up(reader).await;
                }
            }
            Watch::Leave { reader } => {
                if let Some(reader) = self.pick_reader(reader) {
                    self.readers[reader].stream = None;
                }
            }
            Watch::Resume { reader } => {
                if let Some(reader) = self.pick_reader(reader) {
                    self.resume(reader).await;
                }
            }
            Watch::Select { reader, chat, from } => {
                if let Some(reader) = self.pick_reader(reader) {
                    self.readers.remove(reader);
                }
                self.subscribe(chat, from).await;
            }
        }
    }

    fn pick_reader(&self, pick: Pick) -> Option<usize> {
        usize::from(pick).checked_rem(self.readers.len())
    }

    async fn subscribe(&mut self, chat: Pick, from: From) {
        let Some(place) = usize::from(chat).checked_rem(self.chats.len()) else { return };
        let mut chat = self.chats[place].clone();
        let start = match from {
            From::Start => StartAt::Start,
            From::Now => StartAt::Now,
            From::Seen(pick) => match usize::from(pick).checked_rem(self.cursors.len()) {
                None => StartAt::Start,
                Some(place) => {
                    let (of, cursor) = self.cursors[place].clone();
                    chat = of;
                    StartAt::After(cursor)
                }
            },
        };
        if let Some(Ok(stream)) = self.begin(Scope::Chat(chat.clone()), start.clone()).await {
            self.admit(Reader::new(Some(chat), stream, &start));
        }
    }

    fn admit(&mut self, reader: Reader) {
        if self.readers.len() >= READERS_MAX {
            self.readers.remove(0);
        }
        self.readers.push(reader);
    }

    async fn begin(
        &mut self,
        scope: Scope,
        start: StartAt,
    ) -> Option<Result<NoticeStream, CommandError>> {
        let world = std::sync::Arc::clone(&self.life.as_ref()?.world);
        let task = {
            let (scope, start) = (scope.clone(), start.clone());
            tokio::spawn(async move { world.subscribe(scope, start).await })
        };
        self.settle().await;
        if self.failing && !task.is_finished() {
            // What it asks the store may hang.
            self.pass(FAILING).await;
        }
        if !task.is_finished() {
            task.abort();
            self.problem(format!("a subscription to {scope:?} is not answered"));
            return None;
        }
        let answer = task.await.ok()?;
        if let Err(CommandError::Refused(Refusal::CursorInvalid { head, .. })) = &answer {
            // Every cursor used here came from a notice of that very chat.
            self.problem(format!("{start:?} of {scope:?} is refused, whose head is {head}"));
        }
        Some(answer)
    }

    fn read(&mut self, reader: usize, notices: usize) {
        let problem = self.readers[reader].take(notices, &mut self.cursors);
        if let Some(problem) = problem {
            self.problem(problem);
        }
    }

    /// Every second reader takes whatever is there after each step: live events of tools and models
    /// are soon superseded.
    pub(crate) fn read_along(&mut self) {
        for reader in (0..self.readers.len()).step_by(2) {
            self.read(reader, ALL);
        }
    }

    /// Begins again where it left.
    pub(crate) async fn resume(&mut self, reader: usize) {
        let (chat, start) = (self.readers[reader].chat.clone(), self.readers[reader].place());
        // First it goes, then it comes back.
        self.readers[reader].stream = None;
        let scope = chat.map_or(Scope::World, Scope::Chat);
        if let Some(Ok(stream)) = self.begin(scope, start).await {
            self.readers[reader].stream = Some(stream);
            self.readers[reader].ended = None;
        }
    }

    /// Reads whatever is there, and compares with a reader that has just come and never left.
    pub(crate) async fn catch_up(&mut self, reader: usize) {
        self.read(reader, ALL);
        let Some(chat) = self.readers[reader].chat.clone() else { return };
        let Some(Ok(stream)) = self.begin(Scope::Chat(chat.clone()), StartAt::Start).await else {
            return;
        };
        let mut fresh = Reader::new(Some(chat), stream, &StartAt::Start);
        if let Some(problem) = fresh.take(ALL, &mut self.cursors) {
            self.problem(problem);
        }
        if self.met.swap(false, Ordering::SeqCst) {
            // The store does not answer just now; who reads is told in time.
            self.pass(FAILING).await;
            if let Some(problem) = fresh.take(ALL, &mut self.cursors) {
                self.problem(problem);
            }
        }
        // Coming may have let something happen: both read on to the same moment.
        self.read(reader, ALL);
        let reads_on = |reader: &Reader| reader.stream.is_some() && reader.ended.is_none();
        let old = &self.readers[reader];
        if !reads_on(old) || !reads_on(&fresh) {
            return;
        }
        if let (Some(mut old), Some(mut new)) = (old.view.clone(), fresh.view) {
            if self.broken || self.crashed {
                forget_open_text(&mut old);
                forget_open_text(&mut new);
            }
            if old != new {
                self.problem(format!("two readers see {old:?}\nand {new:?}"));
            }
        }
    }

    /// Reads every stream to its end, which the world's closing must have brought.
    pub(crate) fn end_readers(&mut self) {
        for reader in 0..self.readers.len() {
            let was_there = self.readers[reader].stream.is_some();
            self.read(reader, ALL);
            let state = &self.readers[reader];
            if was_there && state.stream.is_some() {
                let chat = state.chat.clone();
                self.problem(format!("the world closed, and a stream of {chat:?} goes on"));
            }
            self.readers[reader].stream = None;
        }
    }
}

/// Between the crash of a chat's actor and the record of what was shown of an open message, only
/// who saw the text has it. With a store that works that is no time at all, unless the chat has
/// failed too often by then.
fn forget_open_text(view: &mut ChatView) {
    for message in &mut view.messages {
        if message.state == MessageState::Open {
            message.text.clear();
            message.reasoning.clear();
        }
    }
    for call in view.calls.values_mut().filter(|call| call.state == CallState::Running) {
        call.shown.clear();
        call.progress = None;
    }
}
