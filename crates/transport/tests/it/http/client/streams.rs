//! Streams that outlive their connections (law 4).

use std::time::Duration;

use futures_util::StreamExt;
use polychat_core::{
    ChatId, CommandError, Cursor, EndReason, Notice, Refusal, Reply, Scope, Seq, StartAt,
    command::LogPage,
    notice::WorldNotice,
    ports::{NoticeStream, WorldService},
};
use polychat_testkit::samples::{chat_id, seq};
use polychat_transport::http::client::HttpWorld;
use serde_json::json;
use tokio::time::{Instant, sleep};

use super::by_hand::{Host, Talk, end, event, near, numbered, of_a, options, within};

/// Watches chat `a` from its beginning.
async fn watch(near: &HttpWorld, host: &mut Host) -> (NoticeStream, Talk) {
    let (stream, (asked, talk)) =
        tokio::join!(near.subscribe(of_a(), StartAt::Start), host.stream());
    assert_eq!(asked.line, "GET /chats/a/events?start=start");
    assert_eq!(asked.header("last-event-id"), None);
    (stream.unwrap(), talk)
}

/// What a stream says next, while the host does this.
macro_rules! next {
    ($stream:expr, $host:expr) => {
        tokio::join!(within($stream.next()), $host)
    };
}

#[tokio::test(start_paused = true)]
async fn a_stream_goes_on_after_the_last_notice_in_whatever_state_the_connection_broke() {
    let (near, mut host) = near(options());
    let (mut stream, mut talk) = watch(&near, &mut host).await;
    talk.tell(1).await;
    assert_eq!(within(stream.next()).await, numbered(1));
    // Under way when it breaks: one whole notice, and half of another.
    talk.tell(2).await;
    let third = event(3);
    talk.send(&third[..third.len() / 2]).await;
    drop(talk);
    assert_eq!(within(stream.next()).await, numbered(2));
    let (third, mut talk) = next!(stream, async {
        let (asked, mut talk) = host.stream().await;
        assert_eq!(asked.line, "GET /chats/a/events");
        assert_eq!(asked.header("last-event-id"), Some(&*Cursor::after(seq(2)).to_string()));
        talk.tell(3).await;
        talk
    });
    assert_eq!(third, numbered(3));

    // In the middle of a chunk, and then before anything came over the next connection.
    talk.write(b"40\r\ndata: {").await;
    drop(talk);
    let (fourth, _talk) = next!(stream, async {
        drop(host.stream().await);
        drop(host.connected().await);
        let (asked, mut talk) = host.stream().await;
        assert_eq!(asked.header("last-event-id"), Some(&*Cursor::after(seq(3)).to_string()));
        talk.tell(4).await;
        talk
    });
    assert_eq!((fourth, near.rejected()), (numbered(4), 0));
}

// what nobody has heard of yet has a beginning too
#[tokio::test(start_paused = true)]
async fn a_stream_from_now_on_that_heard_nothing_goes_on_where_it_began() {
    let (near, mut host) = near(options());
    let (stream, talk) = tokio::join!(near.subscribe(of_a(), StartAt::Now), async {
        let page = LogPage { events: Vec::new(), head: seq(7) };
        let asked = host.answer(Ok(Reply::Log(page))).await;
        assert_eq!(asked.line, format!("GET /chats/a/log?after={}&limit=1", Seq::MAX));
        let (asked, talk) = host.stream().await;
        assert_eq!(asked.line, "GET /chats/a/events?start=now");
        talk
    });
    drop(talk);
    let mut stream = stream.unwrap();
    let (next, _talk) = next!(stream, async {
        let (asked, mut talk) = host.stream().await;
        assert_eq!(asked.header("last-event-id"), Some(&*Cursor::after(seq(7)).to_string()));
        talk.tell(8).await;
        talk
    });
    assert_eq!(next, numbered(8));
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_about_to_stop_is_come_back_to() {
    let (near, mut host) = near(options());
    let (mut stream, mut talk) = watch(&near, &mut host).await;
    talk.tell(1).await;
    let goodbye =
        json!({ "worldId": "w", "event": { "type": "ended", "chatId": "a", "reason": "closing" } });
    talk.send(&format!("event: ended\ndata: {goodbye}\n\n")).await;
    assert_eq!(within(stream.next()).await, numbered(1));
    host.be_away(true);
    let (second, _talk) = next!(stream, async {
        talk.closed().await;
        // Longer than a command would wait.
        sleep(Duration::from_secs(300)).await;
        host.be_away(false);
        let (_, mut talk) = host.stream().await;
        talk.tell(2).await;
        talk
    });
    assert_eq!((second, near.rejected()), (numbered(2), 0));
}

#[tokio::test(start_paused = true)]
async fn a_stream_of_which_the_world_says_the_end_ends_and_closes() {
    for reason in [EndReason::Deleted, EndReason::WorldClosed, EndReason::Unreadable] {
        let (near, mut host) = near(options());
        let (mut stream, mut talk) = watch(&near, &mut host).await;
        talk.send(&end(reason)).await;
        assert_eq!(within(stream.next()).await, Some(Notice::Ended(reason)));
        talk.closed().await;
        assert_eq!(within(stream.next()).await, None);
        assert!(host.is_left_alone());
    }
}

/// What the world says to a subscription that comes back, and how the stream ends.
fn ends() -> Vec<(CommandError, EndReason)> {
    let chat_id = chat_id("a");
    let refused = CommandError::Refused;
    let cursor = Cursor::after(seq(1));
    vec![
        (refused(Refusal::ChatDeleted { chat_id: chat_id.clone() }), EndReason::Deleted),
        (refused(Refusal::UnknownChat { chat_id }), EndReason::Deleted),
        (refused(Refusal::CursorInvalid { cursor, head: Seq::ZERO }), EndReason::Damaged),
        (refused(Refusal::WorldClosed {}), EndReason::WorldClosed),
        (refused(Refusal::Forbidden {}), EndReason::Unreadable),
    ]
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_cannot_go_on_ends_with_the_reason() {
    for (error, reason) in ends() {
        let (near, mut host) = near(options());
        let (mut stream, talk) = watch(&near, &mut host).await;
        drop(talk);
        let (end, asked) = next!(stream, host.answer(Err(error)));
        assert_eq!(asked.line, "GET /chats/a/events?start=start");
        assert_eq!(end, Some(Notice::Ended(reason)));
        assert_eq!(within(stream.next()).await, None);
    }
}

// law 7: the server may still hold the subscription of the connection before
#[tokio::test(start_paused = true)]
async fn a_stream_that_is_refused_for_now_comes_back_later_and_not_for_ever() {
    let full = || Err(CommandError::Refused(Refusal::SubscribersFull { max: 1 }));
    let (near, mut host) = near(options());
    let (mut stream, talk) = watch(&near, &mut host).await;
    drop(talk);
    let (first, talk) = next!(stream, async {
        for _ in 0..3 {
            host.answer(full()).await;
        }
        let (_, mut talk) = host.stream().await;
        talk.tell(1).await;
        talk
    });
    assert_eq!(first, numbered(1));
    drop(talk);
    let (end, ()) = next!(stream, async {
        for _ in 0..17 {
            host.answer(full()).await;
        }
    });
    assert_eq!(end, Some(Notice::Ended(EndReason::Unreadable)));
    assert!(host.is_left_alone());
}

// law 7: a server that takes streams and drops them is not hammered
#[tokio::test(start_paused = true)]
async fn the_delays_grow_until_a_stream_has_held() {
    let (near, mut host) = near(options());
    let (mut stream, talk) = watch(&near, &mut host).await;
    let began = Instant::now();
    drop(talk);
    let reading = tokio::spawn(async move { (within(stream.next()).await, stream) });
    let mut waited = Vec::new();
    for _ in 0..9 {
        let (_, talk) = host.stream().await;
        waited.push(began.elapsed().as_millis());
        drop(talk);
    }
    let delays = [50, 100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000];
    let expected: Vec<_> = delays
        .iter()
        .scan(0, |sum, delay| {
            *sum += delay;
            Some(*sum)
        })
        .collect();
    assert_eq!(waited, expected);
    let (_, mut talk) = host.stream().await;
    sleep(Duration::from_secs(5)).await;
    talk.tell(1).await;
    drop(talk);
    let began = Instant::now();
    let (first, mut stream) = reading.await.unwrap();
    assert_eq!(first, numbered(1));
    let (_, ()) = next!(stream, async {
        let (_, mut talk) = host.stream().await;
        assert_eq!(began.elapsed().as_millis(), 50);
        talk.tell(2).await;
    });
}

// law 7: half of a connection is none
#[tokio::test(start_paused = true)]
async fn a_stream_of_which_not_even_a_heartbeat_comes_is_lost_and_comes_back() {
    let (near, mut host) = near(options());
    let (mut stream, mut talk) = watch(&near, &mut host).await;
    let heartbeat = "event: heartbeat\ndata: {\"worldId\":\"w\",\"chatId\":\"a\",\"head\":0}\n\n";
    let began = Instant::now();
    let (first, talk) = next!(stream, async {
        for _ in 0..20 {
            sleep(Duration::from_secs(15)).await;
            talk.send(heartbeat).await;
        }
        assert!(host.is_left_alone());
        let (_, mut again) = host.stream().await;
        assert_eq!(began.elapsed().as_secs(), 20 * 15 + 45);
        talk.closed().await;
        again.tell(1).await;
        again
    });
    assert_eq!((first, near.rejected()), (numbered(1), 0));
    drop(talk);
}

// REQ-13, law 7
#[tokio::test(start_paused = true)]
async fn what_is_no_notice_ends_its_stream_and_is_counted() {
    let mut options = options();
    options.wire.notice_bytes_max = 4_096;
    let foreign = event(2).replace("\"chatId\":\"a\"", "\"chatId\":\"b\"");
    let other_world = event(2).replace("\"worldId\":\"w\"", "\"worldId\":\"v\"");
    let too_long = format!("data: {}\n\n", "x".repeat(5_000));
    let endless = "x".repeat(6_000);
    for lie in [foreign, other_world, too_long, endless, "data: {}\n\n".into()] {
        let mut options = options.clone();
        options.rejections = std::sync::Arc::new(polychat_transport::Rejections::new("http"));
        let (near, mut host) = near(options);
        let (mut stream, mut talk) = watch(&near, &mut host).await;
        talk.tell(1).await;
        talk.send(&lie).await;
        assert_eq!(within(stream.next()).await, numbered(1));
        assert_eq!(within(stream.next()).await, Some(Notice::Ended(EndReason::Damaged)), "{lie}");
        assert_eq!(near.rejected(), 1, "{lie}");
        talk.closed().await;
    }
}

// law 4: also over the connection that came after
#[tokio::test(start_paused = true)]
async fn a_record_of_another_chat_is_refused_over_every_connection() {
    let (near, mut host) = near(options());
    let (mut stream, talk) = watch(&near, &mut host).await;
    drop(talk);
    let (end, _talk) = next!(stream, async {
        let (_, mut talk) = host.stream().await;
        talk.send(&event(1).replace("\"chatId\":\"a\"", "\"chatId\":\"b\"")).await;
        talk
    });
    assert_eq!((end, near.rejected()), (Some(Notice::Ended(EndReason::Damaged)), 1));
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_no_stream_is_refused() {
    let answers = [
        ("200 OK", "application/json", "{}", "protocol"),
        ("204 No Content", "text/event-stream", "", "protocol"),
        ("404 Not Found", "text/html", "nothing", "protocol"),
        ("401 Unauthorized", "text/plain", "who are you?", "forbidden"),
        ("302 Found", "text/html", "elsewhere", "protocol"),
    ];
    for (status, media_type, body, code) in answers {
        let (near, mut host) = near(options());
        let (answer, ()) = tokio::join!(near.subscribe(of_a(), StartAt::Start), async {
            let (_, talk) = host.hear().await;
            talk.say(status, media_type, body.as_bytes()).await;
        });
        assert_eq!(answer.err().unwrap().code(), code, "{status}");
    }
}

// law 7
#[tokio::test(start_paused = true)]
async fn there_are_only_so_many_streams_and_dropping_one_makes_room() {
    let mut options = options();
    options.streams_max = 1;
    let (near, mut host) = near(options);
    let (stream, mut talk) = watch(&near, &mut host).await;
    let full = CommandError::Refused(Refusal::SubscribersFull { max: 1 });
    let second = within(near.subscribe(of_a(), StartAt::Start)).await;
    assert_eq!(second.err(), Some(full));
    drop(stream);
    talk.closed().await;
    let _again = watch(&near, &mut host).await;
}

// REQ-8: no chat stays busy for ever
#[tokio::test(start_paused = true)]
async fn the_feed_of_a_world_that_comes_back_asks_for_the_busy_chats_it_hears_nothing_of() {
    let (near, mut host) = near(options());
    let (stream, (asked, mut talk)) =
        tokio::join!(near.subscribe(Scope::World, StartAt::Now), host.stream());
    assert_eq!(asked.line, "GET /events?start=now");
    let mut stream = stream.unwrap();
    let status = json!({ "worldId": "w", "event": {
        "type": "chat.status", "chatId": "a", "kind": "running", "turnId": 1, "queued": 0, "head": 3, "title": "",
    } });
    talk.send(&format!("data: {status}\n\n")).await;
    let first = within(stream.next()).await;
    let Some(Notice::World(WorldNotice::Status { status })) = first else { panic!("{first:?}") };
    assert_eq!(status.chat_id, ChatId::new("a").unwrap());
    drop(talk);
    let (resumed, talk) = next!(stream, host.stream());
    assert_eq!(resumed, Some(Notice::World(WorldNotice::Resumed {})));
    let unknown = Refusal::UnknownChat { chat_id: chat_id("a") };
    let (gone, asked) = next!(stream, host.answer(Err(unknown.into())));
    assert_eq!(asked.line, "GET /chats/a");
    assert_eq!(gone, Some(Notice::World(WorldNotice::Deleted { chat_id: chat_id("a") })));
    drop(talk);
}
