//! Somebody who reads one chat through whatever door, and what must be true of it.

use std::sync::Arc;

use futures_util::StreamExt;
use polychat::{
    ChatId, Event, Notice, Recorded, Scope, Seq, StartAt,
    ports::{NoticeStream, WorldService},
};
use polychat_testkit::view::{ChatView, ViewPromptState};

use crate::support::within;

/// Reads one chat from its beginning.
pub(super) struct Reader {
    stream: NoticeStream,
    view: ChatView,
    /// The numbers of the recorded events, as they came.
    seqs: Vec<Seq>,
    /// Bytes of live text.
    pub(super) shown: usize,
}

impl Reader {
    pub(super) async fn new(door: &dyn WorldService, chat: &ChatId) -> Self {
        let scope = Scope::Chat(chat.clone());
        let stream = within(door.subscribe(scope, StartAt::Start)).await.unwrap();
        Self { stream, view: ChatView::new(chat.clone()), seqs: Vec::new(), shown: 0 }
    }

    /// Reads until so many prompts have ended.
    pub(super) async fn until_ended(&mut self, prompts: usize) {
        let over = |view: &ChatView| {
            let states = view.prompts.values().map(|prompt| &prompt.state);
            states.filter(|state| matches!(state, ViewPromptState::Ended(_))).count() == prompts
        };
        while !over(&self.view) {
            self.next().await;
        }
    }

    /// Reads the next notice.
    pub(super) async fn next(&mut self) {
        let notice = within(self.stream.next()).await.expect("the stream goes on");
        match &notice {
            Notice::Recorded { event, .. } => {
                self.seqs.push(event.seq);
                self.compare_with_shown(event);
            }
            Notice::Live { event, .. } => {
                if let polychat::LiveBody::MessageChunk { text, .. } = &event.body {
                    self.shown += text.len();
                }
            }
            other => panic!("{}: {other:?}", self.view.chat_id),
        }
        // Another chat's notice, a gap in the text and a gap in the log do not fit.
        self.view.apply(&notice).unwrap_or_else(|error| panic!("{error}: {notice:?}"));
    }

    /// What was shown of a message while it was written is the beginning of what is recorded.
    fn compare_with_shown(&self, event: &Recorded) {
        let (Event::MessageEnd { text, .. }, Some(open)) = (&event.event, self.view.open()) else {
            return;
        };
        assert!(text.starts_with(&open.text), "{:?} was shown, {text:?} is recorded", open.text);
    }

    /// The log is what it saw: every event once and in order, and the same at its end.
    pub(super) fn compare_with_log(&self, log: &[Arc<Recorded>]) {
        let seqs: Vec<Seq> = log.iter().map(|recorded| recorded.seq).collect();
        assert_eq!(self.seqs, seqs, "{}", self.view.chat_id);
        let chat = self.view.chat_id.clone();
        let of_log = ChatView::of_log(chat, log.iter().map(|it| &**it)).unwrap();
        assert_eq!(self.view, of_log);
    }
}
