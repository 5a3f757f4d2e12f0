//! A page that follows chats as a browser does: it keeps the last id, and comes back with it.

use std::collections::BTreeMap;

use axum::{
    Router,
    body::{Body, BodyDataStream},
    http::{Request, StatusCode},
};
use futures_util::StreamExt;
use polychat::{
    ChatId, Notice, Scope, WorldId,
    transport::wire::{WireLimits, decode_notice},
};
use polychat_testkit::view::{ChatView, ViewPromptState};
use serde_json::Value;
use tower::ServiceExt;

use crate::support::{WORLD, chat_id, within};

/// Follows chats on one stream.
pub(super) struct Page {
    router: Router,
    path: String,
    /// Nothing while it is away.
    stream: Option<BodyDataStream>,
    text: String,
    last: Option<String>,
    chats: BTreeMap<ChatId, Seen>,
}

/// What it saw of one chat.
pub(super) struct Seen {
    pub(super) view: ChatView,
    /// The numbers of its recorded events, as they came.
    pub(super) seqs: Vec<u64>,
    /// Chunks of text.
    pub(super) chunks: usize,
}

/// One thing that a stream says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Said {
    /// Something of this chat, recorded or not.
    Told(ChatId),
    /// Something of the world.
    World(Value),
    /// A heartbeat.
    Heartbeat,
    /// The end of a chat's or of the whole stream.
    Ended(String),
}

impl Page {
    /// Comes for the first time.
    pub(super) async fn open(router: &Router, path: &str, chats: &[&str]) -> Self {
        let seen = |id: &&str| {
            let id = chat_id(id);
            let view = ChatView::new(id.clone());
            (id, Seen { view, seqs: Vec::new(), chunks: 0 })
        };
        let mut page = Self {
            router: router.clone(),
            path: path.to_owned(),
            stream: None,
            text: String::new(),
            last: None,
            chats: chats.iter().map(seen).collect(),
        };
        assert_eq!(page.come_back().await, StatusCode::OK);
        page
    }

    /// Goes away, in the middle of whatever was being told.
    pub(super) fn leave(&mut self) {
        self.stream = None;
        self.text.clear();
    }

    /// Comes back with the last id: what it is answered.
    pub(super) async fn come_back(&mut self) -> StatusCode {
        let mut request = Request::get(format!("/v1/worlds/{WORLD}{}", self.path));
        if let Some(last) = &self.last {
            request = request.header("last-event-id", last);
        }
        let request = request.body(Body::empty()).unwrap();
        let answer = within(self.router.clone().oneshot(request)).await.unwrap();
        let status = answer.status();
        if status == StatusCode::OK {
            self.stream = Some(answer.into_body().into_data_stream());
            let first = self.block().await.unwrap();
            assert!(first.starts_with("retry: "), "{first}");
        }
        status
    }

    /// The next thing that is said; `None` once the stream has ended.
    pub(super) async fn next(&mut self) -> Option<Said> {
        let block = self.block().await?;
        let field = |name: &str| {
            let value = |line: &str| Some(line.strip_prefix(name)?.strip_prefix(": ")?.to_owned());
            block.lines().find_map(value)
        };
        let (name, id, data) = (field("event"), field("id"), field("data").unwrap());
        let json: Value = serde_json::from_str(&data).unwrap();
        assert_eq!(json["worldId"], WORLD);
        match name.as_deref() {
            None => {}
            Some("heartbeat") => return Some(Said::Heartbeat),
            Some("ended") => {
                return Some(Said::Ended(json["event"]["reason"].as_str().unwrap().to_owned()));
            }
            Some(other) => panic!("{other}"),
        }
        let Some(id) = id else { return Some(Said::World(json["event"].clone())) };
        self.last = Some(id);
        let chat = chat_id(json["event"]["chatId"].as_str().unwrap());
        let seen = self.chats.get_mut(&chat).expect("nothing of other chats");
        seen.take(&chat, data.as_bytes());
        Some(Said::Told(chat))
    }

    /// The next thing that is said, but no heartbeat.
    pub(super) async fn told(&mut self) -> Said {
        loop {
            match self.next().await.expect("the stream goes on") {
                Said::Heartbeat => {}
                said => return said,
            }
        }
    }

    /// Reads until all these prompts have ended, in all its chats together.
    pub(super) async fn until_ended(&mut self, prompts: usize) {
        while self.ended() < prompts {
            self.told().await;
        }
    }

    /// How many prompts have ended.
    pub(super) fn ended(&self) -> usize {
        let prompts = self.chats.values().flat_map(|seen| seen.view.prompts.values());
        prompts.filter(|it| matches!(it.state, ViewPromptState::Ended(_))).count()
    }

    /// Reads to the end, and says why it came.
    pub(super) async fn until_over(&mut self) -> String {
        loop {
            if let Said::Ended(reason) = self.told().await {
                assert_eq!(self.next().await, None, "nothing follows the end");
                self.leave();
                return reason;
            }
        }
    }

    pub(super) fn of(&self, chat: &str) -> &Seen {
        &self.chats[&chat_id(chat)]
    }

    /// The only chat that it follows.
    pub(super) fn only(&self) -> &Seen {
        self.chats.values().next().expect("it follows one")
    }

    /// The next block; `None` once the stream has ended.
    async fn block(&mut self) -> Option<String> {
        loop {
            if let Some(end) = self.text.find("\n\n") {
                let rest = self.text.split_off(end + 2);
                return Some(std::mem::replace(&mut self.text, rest));
            }
            let stream = self.stream.as_mut().expect("the page is not away");
            let piece = within(stream.next()).await?.unwrap();
            self.text.push_str(std::str::from_utf8(&piece).unwrap());
        }
    }
}

impl Seen {
    fn take(&mut self, chat: &ChatId, data: &[u8]) {
        let world = WorldId::new(WORLD).unwrap();
        let scope = Scope::Chat(chat.clone());
        let notice = decode_notice(data, &world, &scope, &WireLimits::default()).unwrap();
        match &notice {
            Notice::Recorded { event, .. } => self.seqs.push(event.seq.get()),
            _ => self.chunks += 1,
        }
        // A gap or an overlap in text or log does not fit.
        self.view.apply(&notice).unwrap_or_else(|error| panic!("{error}: {notice:?}"));
    }
}
