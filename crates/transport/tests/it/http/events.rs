//! Server-sent events before a scripted world: their form, where they begin, and what ends them.

use std::sync::Arc;

use axum::{
    Router,
    body::{Body, BodyDataStream},
    http::{HeaderMap, Request, StatusCode, header},
};
use futures_util::StreamExt;
use polychat_core::{Cursor, Event, Notice, Reply};
use polychat_testkit::{
    fake_world::FakeWorld,
    samples::{chat_id, recorded, seq},
};
use serde_json::Value;
use tower::ServiceExt;

mod beginning;
mod ending;
mod idle;
mod pace;
mod several;
mod told;

/// A world in which nothing is asked beside events.
fn world() -> Arc<FakeWorld> {
    Arc::new(FakeWorld::always(Ok(Reply::Done)))
}

/// The event of this number in a chat.
pub(super) fn numbered(chat: &str, n: u64) -> Notice {
    let event = recorded(&chat_id(chat), seq(n), Event::ChatClosed {});
    Notice::Recorded { cursor: Cursor::after(seq(n)), event }
}

/// A stream of events, read as a browser would.
struct Reader {
    headers: HeaderMap,
    pieces: BodyDataStream,
    text: String,
}

/// One block of a stream.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Block {
    /// `event:`.
    name: Option<String>,
    id: Option<String>,
    data: Option<Value>,
    retry: Option<u64>,
}

impl Block {
    /// The number of the recorded event that it tells.
    fn seq(&self) -> u64 {
        self.data.as_ref().unwrap()["event"]["seq"].as_u64().unwrap()
    }

    fn chat(&self) -> &str {
        self.data.as_ref().unwrap()["event"]["chatId"].as_str().unwrap()
    }

    /// Why a stream, or a chat in it, ended.
    fn reason(&self) -> &str {
        assert_eq!((self.name.as_deref(), &self.id), (Some("ended"), &None), "{self:?}");
        let event = &self.data.as_ref().unwrap()["event"];
        assert_eq!(event["type"], "ended");
        event["reason"].as_str().unwrap()
    }
}

/// Asks for events; what is not a stream is an answer like any other.
async fn get(router: &Router, path: &str, last: Option<&str>) -> Result<Reader, super::Answer> {
    let mut request = Request::get(format!("/v1/worlds/w{path}"));
    if let Some(last) = last {
        request = request.header("last-event-id", last);
    }
    let answer = router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    let (parts, body) = answer.into_parts();
    if parts.headers.get(header::CONTENT_TYPE).is_none_or(|it| it != "text/event-stream") {
        let body = axum::body::to_bytes(body, super::ANSWER_BYTES_MAX).await.unwrap();
        return Err(super::Answer { status: parts.status, headers: parts.headers, body });
    }
    assert_eq!(parts.status, StatusCode::OK);
    Ok(Reader { headers: parts.headers, pieces: body.into_data_stream(), text: String::new() })
}

/// Reads a stream that begins as all do.
async fn read(router: &Router, path: &str, last: Option<&str>) -> Reader {
    read_from(router, path, last).await.0
}

/// The same, and where to come back to before anything was told.
async fn read_from(router: &Router, path: &str, last: Option<&str>) -> (Reader, Option<String>) {
    let mut reader = get(router, path, last).await.unwrap();
    let first = reader.next().await.unwrap();
    let (retry, id) = (first.retry, first.id.clone());
    assert_eq!(first, Block { retry, id: id.clone(), ..Block::default() });
    assert!(retry.is_some());
    (reader, id)
}

impl Reader {
    /// The next piece as it goes out.
    async fn piece(&mut self) -> Option<String> {
        let piece = self.pieces.next().await?.unwrap();
        Some(String::from_utf8(piece.to_vec()).unwrap())
    }

    /// The next block; `None` once the stream has ended, which it does behind a whole block.
    async fn next(&mut self) -> Option<Block> {
        loop {
            if let Some(end) = self.text.find("\n\n") {
                let rest = self.text.split_off(end + 2);
                return Some(block(&std::mem::replace(&mut self.text, rest)));
            }
            match self.piece().await {
                Some(piece) => self.text.push_str(&piece),
                None => {
                    assert_eq!(self.text, "", "it ended in the middle");
                    return None;
                }
            }
        }
    }

    /// The next block, which tells of something.
    async fn told(&mut self) -> Block {
        let block = self.next().await.expect("the stream goes on");
        assert_eq!(block.name, None, "{block:?}");
        block
    }

    /// Why it ends now.
    async fn ends(&mut self) -> String {
        let block = self.next().await.expect("a stream ends with a reason");
        let reason = block.reason().to_owned();
        assert_eq!(self.next().await, None, "nothing follows the end");
        reason
    }
}

fn block(text: &str) -> Block {
    let mut block = Block::default();
    for line in text.lines().filter(|line| !line.is_empty()) {
        let (field, value) = line.split_once(": ").unwrap_or_else(|| panic!("{line:?}"));
        let twice = match field {
            "event" => block.name.replace(value.into()).is_some(),
            "id" => block.id.replace(value.into()).is_some(),
            "data" => block.data.replace(serde_json::from_str(value).unwrap()).is_some(),
            "retry" => block.retry.replace(value.parse().unwrap()).is_some(),
            _ => panic!("{line:?}"),
        };
        assert!(!twice, "{text}");
    }
    block
}
