//! Streams of events over a real world: they follow their chats through whatever happens to them.

use std::{sync::Arc, time::Duration};

use axum::http::{Method, StatusCode};
use polychat::{Access, Chat, ChatId, NewChat, Refusal, ScopePolicy};
use polychat_testkit::{
    faulty_store::{Call, Fault},
    view::ChatView,
};
use serde_json::json;

use super::{
    ask, door,
    page::{Page, Said},
};
use crate::support::{
    House, asked, assert_sound, house, log, outcome, pass, settle, within, world_of_tools,
};

const SECOND: Duration = Duration::from_secs(1);

/// The page saw each event of the log once and in order, and the same at the end.
async fn assert_saw_all(page: &Page, chat: &Chat) {
    let log = log(chat).await;
    let seen = page.of(chat.id().as_str());
    let seqs: Vec<u64> = log.iter().map(|recorded| recorded.seq.get()).collect();
    assert_eq!(seen.seqs, seqs, "{}", chat.id());
    let of_log = ChatView::of_log(chat.id().clone(), log.iter().map(|it| &**it)).unwrap();
    assert_eq!(seen.view, of_log);
}

// law 4, issue 6: a browser that comes back by `Last-Event-ID` misses nothing and sees nothing twice
#[tokio::test(start_paused = true)]
async fn a_page_that_comes_back_behind_every_event_sees_what_the_log_says() {
    let house = house().open().await;
    let chat = house.chat("a").await;
    let mut page = Page::open(&door(&house.local), "/chats/a/events", &["a"]).await;
    house.turn(&chat, "one", "first").await;
    let (prompt, call) = house.begin(&chat, "two").await;
    for n in 0..20 {
        call.text(format!("wörd {n} ")).drained().await;
        // It reads a little of what there is, so it often leaves in the middle of a text.
        page.told().await;
        page.leave();
        assert_eq!(page.come_back().await, StatusCode::OK);
    }
    call.finish();
    outcome(&prompt).await;
    while page.ended() < 2 {
        page.told().await;
        page.leave();
        page.come_back().await;
    }
    assert_saw_all(&page, &chat).await;
}

// law 4, REQ-10: many chats on one connection with one cursor
#[tokio::test(start_paused = true)]
async fn a_page_of_many_chats_comes_back_to_each_where_it_was() {
    const CHATS: [&str; 6] = ["a", "b", "c", "d", "e", "f"];
    let house = house().open().await;
    let mut chats = Vec::new();
    for id in CHATS {
        chats.push(house.chat(id).await);
    }
    let path = format!("/events?chat={}", CHATS.join("&chat="));
    let mut page = Page::open(&door(&house.local), &path, &CHATS).await;
    let mut turns = Vec::new();
    for (n, chat) in chats.iter().enumerate() {
        turns.push(house.begin(chat, &format!("hello {n}")).await);
    }
    for round in 0..10 {
        for (_, call) in &turns {
            call.text(format!("round {round}, ")).drained().await;
        }
        for _ in 0..=round {
            page.told().await;
        }
        page.leave();
        assert_eq!(page.come_back().await, StatusCode::OK);
    }
    for (prompt, call) in &turns {
        call.finish();
        outcome(prompt).await;
    }
    page.until_ended(CHATS.len()).await;
    for chat in &chats {
        assert_saw_all(&page, chat).await;
    }
    assert!(CHATS.iter().all(|chat| page.of(chat).chunks > 0), "live text was shown of each");

    // One that goes costs the others nothing, neither now nor when the page comes back.
    within(chats[2].delete()).await.unwrap();
    while page.told().await != Said::Ended("deleted".into()) {}
    page.leave();
    house.turn(&chats[4], "more", "well").await;
    assert_eq!(page.come_back().await, StatusCode::OK);
    assert_eq!(page.told().await, Said::Ended("deleted".into()));
    page.until_ended(CHATS.len() + 1).await;
    assert_saw_all(&page, &chats[4]).await;
}

// issue 6: a stream follows its chat through restart and passivation
#[tokio::test(start_paused = true)]
async fn a_stream_follows_its_chat_through_passivation_and_a_crash() {
    let house = house().limits(|limits| limits.passivate_after = 4 * SECOND).open().await;
    let chat = house.chat("a").await;
    let mut page = Page::open(&door(&house.local), "/chats/a/events", &["a"]).await;
    house.turn(&chat, "one", "first").await;
    page.until_ended(1).await;
    let opens = || house.faults.for_chat(chat.id()).calls(Call::Open);
    let before = opens();
    pass(100 * SECOND).await;
    // Watching it keeps no chat alive, and its silence is told.
    assert_eq!(page.next().await, Some(Said::Heartbeat));
    let (prompt, call) = house.begin(&chat, "two").await;
    assert_eq!(opens(), before + 1, "it had been passivated");
    call.text("half").drained().await;
    while page.of("a").chunks < 2 {
        page.told().await;
    }
    house.faults.for_chat(chat.id()).next(Call::Append, 1, Fault::Panic);
    within(chat.rename("crash")).await.unwrap_err();
    outcome(&prompt).await;
    page.until_ended(2).await;
    house.turn(&chat, "three", "third").await;
    page.until_ended(3).await;
    assert_saw_all(&page, &chat).await;
    assert_sound(&chat).await;
}

// issue 6: disconnecting cancels nothing
#[tokio::test(start_paused = true)]
async fn a_page_that_leaves_cancels_nothing_and_finds_the_rest_when_it_comes_back() {
    let house = house().open().await;
    let chat = house.chat("a").await;
    let mut page = Page::open(&door(&house.local), "/chats/a/events", &["a"]).await;
    let (prompt, call) = house.begin(&chat, "hello").await;
    call.text("half ").drained().await;
    while page.of("a").chunks == 0 {
        page.told().await;
    }
    page.leave();
    pass(10 * SECOND).await;
    assert!(!call.is_cancelled() && !call.is_dropped());
    call.text("and whole").finish();
    outcome(&prompt).await;
    assert_eq!(page.come_back().await, StatusCode::OK);
    page.until_ended(1).await;
    assert_saw_all(&page, &chat).await;
}

// issue 6: `?until=idle` is the chat's own end of work, whatever its neighbours do
#[tokio::test(start_paused = true)]
async fn until_idle_waits_for_the_queue_and_for_people_and_then_for_nothing() {
    let house = world_of_tools().open().await;
    let (chat, neighbour) = (house.chat("a").await, house.chat("busy").await);
    let _hanging = house.begin(&neighbour, "never answered").await;
    let prompt = house.begin_calls(&chat, "first", [asked("act", "it")]).await;
    let behind = chat.prompt("second").await.unwrap();
    let mut page = Page::open(&door(&house.local), "/chats/a/events?until=idle", &["a"]).await;
    let reading = tokio::spawn(async move {
        let reason = page.until_over().await;
        (page, reason)
    });
    // It waits for a person, for however long.
    pass(3_600 * SECOND).await;
    assert!(!reading.is_finished());
    let router = door(&house.local);
    let approvals = ask(&router, Method::GET, "/chats/a/approvals", None).await.json();
    let call = approvals["approvals"][0]["toolCallId"].as_str().unwrap().to_owned();
    let allow = json!({ "decision": { "kind": "allowOnce" } });
    ask(&router, Method::POST, &format!("/chats/a/approvals/{call}"), Some(&allow)).await;
    house.running("it").await.result("done");
    house.answer("first", "well").await;
    outcome(&prompt).await;
    settle().await;
    assert!(!reading.is_finished(), "another prompt waits, or runs");
    house.answer("second", "too").await;
    outcome(&behind).await;
    let (mut page, reason) = within(reading).await.unwrap();
    assert_eq!(reason, "idle");
    assert_saw_all(&page, &chat).await;
    assert_eq!(page.come_back().await, StatusCode::NO_CONTENT);
    // And once more when there is more.
    house.turn(&chat, "third", "once more").await;
    assert_eq!(page.come_back().await, StatusCode::OK);
    assert_eq!(page.until_over().await, "idle");
    assert_saw_all(&page, &chat).await;
}

// issue 6: a stream ends with a typed event, and a browser then stays away
#[tokio::test(start_paused = true)]
async fn a_deleted_chat_and_a_closed_world_end_the_stream_and_refuse_the_next() {
    let house = house().open().await;
    let (chat, other) = (house.chat("a").await, house.chat("b").await);
    let router = door(&house.local);
    let mut page = Page::open(&router, "/chats/a/events", &["a"]).await;
    let mut stays = Page::open(&router, "/chats/b/events", &["b"]).await;
    let (_, call) = house.begin(&chat, "hello").await;
    call.text("hal").drained().await;
    within(chat.delete()).await.unwrap();
    assert_eq!(page.until_over().await, "deleted");
    assert!(page.of("a").view.deleted, "it kept up, so it was told all");
    assert_eq!(page.come_back().await, StatusCode::GONE);
    house.turn(&other, "hello", "well").await;
    stays.until_ended(1).await;
    house.local.shutdown().await;
    assert_eq!(stays.until_over().await, "world_closed");
    assert_eq!(stays.come_back().await, StatusCode::SERVICE_UNAVAILABLE);
}

/// Whoever sees chats that begin with `ada`.
struct Ada;

impl ScopePolicy for Ada {
    fn chat(&self, chat: &ChatId) -> Access {
        if chat.as_str().starts_with("ada") { Access::Read } else { Access::None }
    }

    fn admit(&self, _: &mut NewChat) -> Result<(), Refusal> {
        Err(Refusal::Forbidden {})
    }
}

async fn refused(house: &House, path: &str) -> (StatusCode, String) {
    let ada = house.local.scoped(Arc::new(Ada));
    let answer = ask(&door(&ada), Method::GET, path, None).await;
    (answer.status, answer.text())
}

// issue 6: two users in one world see nothing of each other, in streams neither
#[tokio::test(start_paused = true)]
async fn streams_tell_nothing_of_chats_that_may_not_be_seen() {
    let house = house().open().await;
    let (mine, theirs) = (house.chat("ada-1").await, house.chat("bob-1").await);
    for path in ["/chats/X/events", "/events?chat=X", "/events?chat=ada-1&chat=X&until=idle"] {
        let there = refused(&house, &path.replace('X', "bob-1")).await;
        assert_eq!(there.0, StatusCode::NOT_FOUND);
        let nobody = refused(&house, &path.replace('X', "bob-9")).await;
        assert_eq!((there.0, there.1.replace("bob-1", "bob-9")), nobody, "{path}");
    }
    let ada = house.local.scoped(Arc::new(Ada));
    let mut page = Page::open(&door(&ada), "/events", &[]).await;
    house.turn(&theirs, "a secret", "well kept").await;
    within(theirs.delete()).await.unwrap();
    house.turn(&mine, "hello", "well").await;
    let mut told = Vec::new();
    while let Some(Said::World(event)) = page.next().await {
        told.push(event["chatId"].as_str().unwrap().to_owned());
    }
    assert!(!told.is_empty() && told.iter().all(|chat| chat == "ada-1"), "{told:?}");
}
