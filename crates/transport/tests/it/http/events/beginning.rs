//! Where a stream begins, and what is refused before its first byte.

use axum::http::Method;
use polychat_core::{Cursor, Epoch, Refusal, Scope, StartAt};
use polychat_testkit::samples::{chat_id, seq};
use polychat_transport::http::HttpOptions;

use super::{get, read, world};
use crate::http::{ask, door};

// issue 6, law 4: from the start, from now, or behind what was seen; a client that came back knows best
#[tokio::test]
async fn a_stream_begins_where_it_is_asked_to_and_the_header_beats_the_query() {
    let world = world();
    let router = door(world.clone(), HttpOptions::default());
    let after = |n| StartAt::After(Cursor::after(seq(n)));
    let within = Cursor { seq: seq(7), epoch: Epoch(3), live: 2, offset: 11 };
    for (query, header, start) in [
        ("", None, StartAt::Start),
        ("", Some(""), StartAt::Start),
        ("?start=start", None, StartAt::Start),
        ("?start=now", None, StartAt::Now),
        ("?after=7-3-2-11", None, StartAt::After(within)),
        ("?after=5-0-0-0", Some("9-0-0-0"), after(9)),
        ("?start=now&limit=3", Some("9-0-0-0"), after(9)),
    ] {
        let of_chat = Scope::Chat(chat_id("a"));
        for (path, scope) in [
            (format!("/chats/a/events{query}"), of_chat.clone()),
            // One chat alone is followed alike, whatever its id.
            (format!("/events?chat=a{}", query.replace('?', "&")), of_chat),
            (format!("/events{query}"), Scope::World),
        ] {
            let _reader = read(&router, &path, header).await;
            let inside = world.next_subscription().await;
            assert_eq!((&inside.scope, &inside.start), (&scope, &start), "{path} {header:?}");
        }
    }
    let _reader = read(&router, "/events?chat=%C3%BC%20/%3F%26", None).await;
    assert_eq!(world.next_subscription().await.scope, Scope::Chat(chat_id("ü /?&")));
}

// issue 6: what makes no sense is refused as a problem, and nothing is subscribed to
#[tokio::test]
async fn what_makes_no_sense_is_refused_before_the_first_byte() {
    let world = world();
    let mut options = HttpOptions::default();
    options.chats_per_stream_max = 3;
    let router = door(world.clone(), options);
    for path in [
        "/chats/a/events?after=x",
        "/chats/a/events?after=1-2-3",
        "/chats/a/events?after=9007199254740992-0-0-0",
        "/chats/a/events?after=1-0-0-0&start=now",
        "/chats/a/events?start=end",
        "/chats/a/events?until=later",
        "/chats/a/events?limit=0",
        "/chats/a/events?limit=-1",
        "/chats/a/events?limit=1&limit=2",
        "/chats/a/events?chat=a",
        "/chats/a/events?unknown=1",
        "/chats/%01/events",
        "/events?chat=",
        "/events?chat=a&chat=a",
        "/events?chat=a&chat=b&chat=c&chat=d",
        "/events?chat=a&chat=b&after=1-0-0-0",
        "/events?until=idle",
    ] {
        let answer = get(&router, path, None).await.err().unwrap_or_else(|| panic!("{path}"));
        assert_eq!(answer.problem(), (400, "invalid_input".into()), "{path}");
    }
    let answer = get(&router, "/chats/a/events", Some("x")).await.err().unwrap();
    assert_eq!(answer.problem(), (400, "invalid_input".into()));
    assert_eq!(world.commands(), []);
    for path in ["/events", "/chats/a/events"] {
        let answer = ask(&router, Method::POST, path, None).await;
        assert_eq!(answer.status, 405, "{path}");
    }
}

// issue 6: a chat that is not there, that is gone, or that has no room
#[tokio::test]
async fn what_the_world_refuses_is_refused_for_the_whole_stream() {
    let world = world();
    let router = door(world.clone(), HttpOptions::default());
    let chat_id = chat_id("b");
    let cursor = Cursor::after(seq(9));
    for (refusal, status) in [
        (Refusal::UnknownChat { chat_id: chat_id.clone() }, 404),
        (Refusal::ChatDeleted { chat_id }, 410),
        (Refusal::CursorInvalid { cursor, head: seq(3) }, 409),
        (Refusal::SubscribersFull { max: 1 }, 429),
        (Refusal::WorldClosed {}, 503),
    ] {
        world.refuse_subscriptions(refusal.clone().into());
        for path in ["/chats/b/events", "/events?chat=a&chat=b", "/events"] {
            let answer = get(&router, path, None).await.err().unwrap();
            assert_eq!(answer.problem(), (status, refusal.code().to_owned()), "{path}");
        }
    }
}
