//! Subscribers as tests hold them: they keep all they saw, and fold it into what a user would see.

use std::{sync::Arc, time::Duration};

use futures_util::StreamExt;
use polychat::{
    Chat, ChatStatus, Cursor, EndReason, LiveBody, Notice, PromptHandle, PromptOutcome, Recorded,
    StartAt, StatusKind, World, diagnostic::DiagnosticKind, notice::WorldNotice,
    ports::NoticeStream,
};
use polychat_testkit::view::{ChatView, ViewPromptState};

use super::within;

/// A subscriber of one chat.
pub(crate) struct Watcher {
    stream: NoticeStream,
    /// Everything it saw.
    pub(crate) notices: Vec<Notice>,
    /// What a user would see.
    pub(crate) view: ChatView,
    /// Why the stream ended, once it has.
    pub(crate) ended: Option<EndReason>,
}

impl Watcher {
    /// Subscribes. Every notice must fit the view, so it has to begin where the view stands.
    pub(crate) async fn new(chat: &Chat, start: StartAt) -> Self {
        Self::going_on(chat, start, ChatView::new(chat.id().clone())).await
    }

    /// Subscribes with a view of what came before.
    pub(crate) async fn going_on(chat: &Chat, start: StartAt, view: ChatView) -> Self {
        let stream = within(chat.subscribe(start)).await.unwrap();
        Self { stream, notices: Vec::new(), view, ended: None }
    }

    /// The next notice.
    pub(crate) async fn next(&mut self) -> Notice {
        let notice = within(self.stream.next())
            .await
            .unwrap_or_else(|| panic!("the stream goes on: {:#?}", self.names()));
        self.take(&notice);
        notice
    }

    fn take(&mut self, notice: &Notice) {
        self.view.apply(notice).unwrap();
        if let Notice::Ended(reason) = notice {
            self.ended = Some(*reason);
        }
        self.notices.push(notice.clone());
    }

    /// Reads until the view fits.
    pub(crate) async fn until(&mut self, fits: impl Fn(&ChatView) -> bool) {
        while !fits(&self.view) {
            self.next().await;
        }
    }

    /// Reads until an event of this name comes.
    pub(crate) async fn until_event(&mut self, name: &str) -> Arc<Recorded> {
        loop {
            match self.next().await {
                Notice::Recorded { event, .. } if event.event.name() == name => return event,
                _ => {}
            }
        }
    }

    /// Reads until the last message shows this text.
    pub(crate) async fn until_text(&mut self, text: &str) {
        self.until(|view| view.messages.last().is_some_and(|last| last.text == text)).await;
    }

    /// Reads until a prompt has ended, and answers how.
    pub(crate) async fn until_outcome(&mut self, prompt: &PromptHandle) -> PromptOutcome {
        let state = |view: &ChatView| view.prompts.get(prompt.id()).map(|it| it.state.clone());
        self.until(|view| matches!(state(view), Some(ViewPromptState::Ended(_)))).await;
        match state(&self.view) {
            Some(ViewPromptState::Ended(outcome)) => outcome,
            _ => unreachable!("it was just seen to have ended"),
        }
    }

    /// Reads to the end of the stream.
    pub(crate) async fn until_ended(&mut self) -> EndReason {
        loop {
            if let Some(reason) = self.ended {
                assert!(within(self.stream.next()).await.is_none(), "nothing follows the end");
                return reason;
            }
            self.next().await;
        }
    }

    /// Reads all there is now, and answers with it.
    pub(crate) async fn drain(&mut self) -> Vec<Notice> {
        let before = self.notices.len();
        let moment = Duration::from_millis(1);
        while let Ok(Some(notice)) = tokio::time::timeout(moment, self.stream.next()).await {
            self.take(&notice);
        }
        self.notices[before..].to_vec()
    }

    /// Where it stands.
    pub(crate) fn cursor(&self) -> Cursor {
        let cursor = |notice: &Notice| match notice {
            Notice::Recorded { cursor, .. } | Notice::Live { cursor, .. } => Some(*cursor),
            _ => None,
        };
        self.notices.iter().rev().find_map(cursor).expect("something was read")
    }

    /// The names of the recorded events it saw.
    pub(crate) fn names(&self) -> Vec<&'static str> {
        let name = |notice: &Notice| match notice {
            Notice::Recorded { event, .. } => Some(event.event.name()),
            _ => None,
        };
        self.notices.iter().filter_map(name).collect()
    }

    /// The numbers of the recorded events it saw.
    pub(crate) fn seqs(&self) -> Vec<u64> {
        let seq = |notice: &Notice| match notice {
            Notice::Recorded { event, .. } => Some(event.seq.get()),
            _ => None,
        };
        self.notices.iter().filter_map(seq).collect()
    }

    /// All the text that came in chunks.
    pub(crate) fn chunks(&self) -> String {
        let text = |notice: &Notice| match notice {
            Notice::Live { event, .. } => match &event.body {
                LiveBody::MessageChunk { text, .. } => Some(text.to_string()),
                _ => None,
            },
            _ => None,
        };
        self.notices.iter().filter_map(text).collect()
    }

    /// Whether anything it saw contains this text.
    pub(crate) fn saw(&self, text: &str) -> bool {
        format!("{:?}", self.notices).contains(text)
    }

    /// Whether everything it saw names this chat.
    pub(crate) fn saw_only(&self, chat: &Chat) -> bool {
        self.notices.iter().all(|notice| match notice {
            Notice::Recorded { event, .. } => event.chat_id == *chat.id(),
            Notice::Live { event, .. } => event.chat_id == *chat.id(),
            Notice::Ended(_) => true,
            _ => false,
        })
    }
}

/// A subscriber of a world's feed.
pub(crate) struct WorldWatcher {
    stream: NoticeStream,
    /// Everything it saw.
    pub(crate) notices: Vec<Notice>,
    statuses_found: usize,
    diagnostics_found: usize,
}

impl WorldWatcher {
    pub(crate) async fn new(world: &World) -> Self {
        let stream = within(world.subscribe()).await.unwrap();
        Self { stream, notices: Vec::new(), statuses_found: 0, diagnostics_found: 0 }
    }

    pub(crate) async fn next(&mut self) -> Notice {
        let notice = within(self.stream.next()).await.expect("the feed goes on");
        self.notices.push(notice.clone());
        notice
    }

    /// Reads until a status of this chat and kind comes, later than the last one found so.
    pub(crate) async fn until_status(&mut self, chat: &Chat, kind: StatusKind) -> ChatStatus {
        loop {
            while let Some(notice) = self.notices.get(self.statuses_found) {
                self.statuses_found += 1;
                if let Notice::World(WorldNotice::Status { status }) = notice
                    && status.chat_id == *chat.id()
                    && status.kind == kind
                {
                    return status.clone();
                }
            }
            self.next().await;
        }
    }

    /// Reads until a diagnostic of this kind comes, later than the last one found so. Statuses are
    /// told before diagnostics, so each has a place of its own.
    pub(crate) async fn until_diagnostic(&mut self, kind: &str) -> polychat::Diagnostic {
        loop {
            while let Some(notice) = self.notices.get(self.diagnostics_found) {
                self.diagnostics_found += 1;
                if let Notice::World(WorldNotice::Diagnostic { diagnostic, .. }) = notice
                    && diagnostic.kind.as_str() == kind
                {
                    return diagnostic.clone();
                }
            }
            self.next().await;
        }
    }

    /// Reads all there is now, and answers with it.
    pub(crate) async fn drain(&mut self) -> Vec<Notice> {
        let before = self.notices.len();
        let moment = Duration::from_millis(1);
        while let Ok(Some(notice)) = tokio::time::timeout(moment, self.stream.next()).await {
            self.notices.push(notice);
        }
        self.notices[before..].to_vec()
    }

    /// The kinds of diagnostics it saw, with codes of refusals: `a refused chat_busy`.
    pub(crate) fn diagnostics(&self) -> Vec<String> {
        diagnostics(&self.notices)
    }
}

/// The statuses among notices, in a short form.
pub(crate) fn statuses(notices: &[Notice]) -> Vec<String> {
    let status = |notice: &Notice| match notice {
        Notice::World(WorldNotice::Status { status }) => {
            Some(format!("{} {}", status.chat_id, status.kind.as_str()))
        }
        _ => None,
    };
    notices.iter().filter_map(status).collect()
}

/// The diagnostics among notices, in a short form.
pub(crate) fn diagnostics(notices: &[Notice]) -> Vec<String> {
    let diagnostic = |notice: &Notice| match notice {
        Notice::World(WorldNotice::Diagnostic { diagnostic, .. }) => {
            let chat = diagnostic.chat_id.as_ref().map_or("world", |chat| chat.as_str());
            let kind = diagnostic.kind.as_str();
            Some(match &diagnostic.kind {
                DiagnosticKind::Refused { code } => format!("{chat} {kind} {code}"),
                _ => format!("{chat} {kind}"),
            })
        }
        _ => None,
    };
    notices.iter().filter_map(diagnostic).collect()
}
