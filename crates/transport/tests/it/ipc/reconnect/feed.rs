//! The feed of a world over several connections: no chat stays busy for ever (REQ-8, NFR-3).

use std::sync::Arc;

use futures_util::StreamExt;
use polychat_core::{
    ChatStatus, CommandError, Notice, Refusal, Reply, Scope, StartAt, StatusKind,
    notice::WorldNotice, ports::NoticeStream,
};
use polychat_testkit::{
    samples::{chat_id, seq, summary},
    transport_suite::replies,
};
use polychat_transport::ipc::RemoteWorld;
use serde_json::{Value, json};

use super::{
    super::by_hand::{ByHand, within},
    Exchange, answer, answered, connected, grant, options, watch,
};

fn status(chat: &str, kind: StatusKind, head: u64) -> ChatStatus {
    let (chat_id, title) = (chat_id(chat), "".into());
    let (turn_id, last_outcome, head) = (None, None, seq(head));
    ChatStatus { chat_id, kind, turn_id, last_outcome, queued: 0, head, title }
}

fn told(subscription: &str, notice: &WorldNotice) -> Value {
    json!({ "jsonrpc": "2.0", "method": "event", "params": {
        "subscriptionId": subscription, "worldId": "w", "event": notice,
    } })
}

fn of(status: ChatStatus) -> WorldNotice {
    WorldNotice::Status { status }
}

fn heard(status: ChatStatus) -> Option<Notice> {
    Some(Notice::World(of(status)))
}

/// Lists are to be read again: nobody tells of the chats that came and went (NFR-3).
fn resumed() -> Option<Notice> {
    Some(Notice::World(WorldNotice::Resumed {}))
}

fn snapshot(status: ChatStatus) -> Result<Reply, CommandError> {
    let mut snapshot = replies::snapshot(&status.chat_id);
    snapshot.summary = summary(&status.chat_id, status.head);
    snapshot.status = status;
    Ok(Reply::Snapshot(Box::new(snapshot)))
}

/// A world's feed that has told of these, read; its connection is lost, and another one is there.
async fn after_a_loss(
    statuses: &[ChatStatus],
) -> (Arc<RemoteWorld>, NoticeStream, ByHand, Exchange) {
    let (remote, mut server, mut exchange) = connected(options()).await;
    let mut feed = watch(&remote, &mut server, Scope::World, StartAt::Now).await;
    for status in statuses {
        server.say(told("s1", &of(status.clone()))).await;
        assert_eq!(within(feed.next()).await, heard(status.clone()));
    }
    drop(server);
    // Only who reads comes back.
    let (none, server) = tokio::join!(futures_util::future::ready(()), exchange.serve());
    let () = none;
    (remote, feed, server, exchange)
}

#[tokio::test(start_paused = true)]
async fn a_chat_that_was_busy_and_is_not_told_of_any_more_is_asked_for() {
    let busy = [
        status("gone", StatusKind::Running, 3),
        status("idle", StatusKind::Awaiting, 4),
        status("quiet", StatusKind::Idle, 5),
        status("closed", StatusKind::Running, 6),
        status("closed", StatusKind::Closed, 7),
        status("stalled", StatusKind::Stalled, 8),
    ];
    let (_remote, mut feed, mut server, _exchange) = after_a_loss(&busy).await;
    let reading = tokio::spawn(async move {
        let mut heard = Vec::new();
        for _ in 0..4 {
            heard.extend(within(feed.next()).await);
        }
        (heard, feed)
    });
    grant(&mut server, "s1").await;
    // One at a time; those told as quiet are not asked for.
    let asked = server.hear().await.unwrap();
    assert_eq!(
        (&asked["method"], &asked["params"]["chatId"]),
        (&json!("chat/snapshot"), &json!("gone"))
    );
    let deleted = Refusal::ChatDeleted { chat_id: chat_id("gone") };
    server.say(answered(&asked, Err(deleted.into()))).await;
    let idle = status("idle", StatusKind::Idle, 14);
    assert_eq!(
        answer(&mut server, "chat/snapshot", snapshot(idle.clone())).await["chatId"],
        "idle"
    );
    let still = status("stalled", StatusKind::Stalled, 8);
    answer(&mut server, "chat/snapshot", snapshot(still.clone())).await;
    let (notices, mut feed) = reading.await.unwrap();
    let gone = Some(Notice::World(WorldNotice::Deleted { chat_id: chat_id("gone") }));
    let expected = [resumed(), gone, heard(idle), heard(still)];
    assert_eq!(notices, expected.into_iter().flatten().collect::<Vec<_>>());
    let further = status("further", StatusKind::Running, 1);
    server.say(told("s1", &of(further.clone()))).await;
    assert_eq!(within(feed.next()).await, heard(further));
    drop(feed);
    // No further question came before the goodbye.
    assert_eq!(server.hear().await.unwrap()["method"], "events/unsubscribe");
}

#[tokio::test(start_paused = true)]
async fn a_chat_that_the_feed_tells_of_is_not_asked_for() {
    let busy = ["a", "b"].map(|chat| status(chat, StatusKind::Running, 3));
    let (_remote, mut feed, mut server, _exchange) = after_a_loss(&busy).await;
    let reading = tokio::spawn(async move {
        assert_eq!(within(feed.next()).await, resumed());
        let three =
            [within(feed.next()).await, within(feed.next()).await, within(feed.next()).await];
        (three, feed)
    });
    grant(&mut server, "s1").await;
    let asked = server.hear().await.unwrap();
    assert_eq!(asked["params"]["chatId"], "a");
    // While it is asked for, the feed tells of it, and of the one that would be next.
    let (of_a, of_b) = (status("a", StatusKind::Running, 9), status("b", StatusKind::Running, 9));
    server.say(told("s1", &of(of_a.clone()))).await;
    server.say(told("s1", &of(of_b.clone()))).await;
    assert_eq!(server.hear().await.unwrap()["method"], "$/cancelRequest");
    server.say(answered(&asked, snapshot(status("a", StatusKind::Idle, 4)))).await;
    let last = status("c", StatusKind::Running, 1);
    server.say(told("s1", &of(last.clone()))).await;
    let (notices, _feed) = reading.await.unwrap();
    assert_eq!(notices, [heard(of_a), heard(of_b), heard(last)]);
}

// law 7: a chat that cannot be asked for just now is asked for again, and not for ever
#[tokio::test(start_paused = true)]
async fn a_question_that_fails_for_now_is_asked_again_and_one_that_fails_for_good_is_not() {
    let busy = ["a", "b"].map(|chat| status(chat, StatusKind::Running, 3));
    let (_remote, mut feed, mut server, _exchange) = after_a_loss(&busy).await;
    let reading = tokio::spawn(async move {
        assert_eq!(within(feed.next()).await, resumed());
        (within(feed.next()).await, feed)
    });
    grant(&mut server, "s1").await;
    let overloaded = || Err(Refusal::Overloaded { scope: "world".into(), max: 1 }.into());
    for _ in 0..3 {
        assert_eq!(answer(&mut server, "chat/snapshot", overloaded()).await["chatId"], "a");
    }
    answer(&mut server, "chat/snapshot", Err(Refusal::Forbidden {}.into())).await;
    let idle = status("b", StatusKind::Idle, 4);
    answer(&mut server, "chat/snapshot", snapshot(idle.clone())).await;
    let (notice, _feed) = reading.await.unwrap();
    assert_eq!(notice, heard(idle));
}

#[tokio::test(start_paused = true)]
async fn what_was_not_asked_before_the_next_loss_is_asked_after_it() {
    let busy = [status("a", StatusKind::Running, 3)];
    let (_remote, mut feed, mut server, mut exchange) = after_a_loss(&busy).await;
    let reading = tokio::spawn(async move {
        // Each loss is told of.
        assert_eq!(within(feed.next()).await, resumed());
        assert_eq!(within(feed.next()).await, resumed());
        (within(feed.next()).await, feed)
    });
    grant(&mut server, "s1").await;
    assert_eq!(server.hear().await.unwrap()["method"], "chat/snapshot");
    drop(server);
    let mut server = exchange.serve().await;
    grant(&mut server, "s1").await;
    let idle = status("a", StatusKind::Idle, 4);
    answer(&mut server, "chat/snapshot", snapshot(idle.clone())).await;
    assert_eq!(reading.await.unwrap().0, heard(idle));
}
