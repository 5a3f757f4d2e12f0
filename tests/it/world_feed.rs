//! The feed of a world: which chats are doing what, and what operators should know.

use polychat::{Notice, StatusKind, command::NewChat, notice::WorldNotice};

use crate::{
    at_both_doors,
    support::{WorldWatcher, chat_id, code, house, outcome, pass, settle, statuses, watch, within},
};

at_both_doors! {
    /// NFR-3, REQ-8
    async fn a_subscription_begins_with_the_chats_in_which_something_goes_on(house) {
        let (a, b, _idle) = (house.chat("a").await, house.chat("b").await, house.chat("c").await);
        let (_, call) = house.begin(&a, "to a").await;
        b.close().await.unwrap();
        let mut feed = WorldWatcher::new(&house.world).await;
        let first = feed.drain().await;
        // What is idle or closed, a list tells of.
        assert_eq!(statuses(&first), ["a running"]);
        call.finish();
        feed.until_status(&a, StatusKind::Idle).await;
    }

    /// NFR-3
    async fn created_and_deleted_chats_are_told_of(house) {
        let mut feed = WorldWatcher::new(&house.world).await;
        let chat = house.world.create_chat(NewChat::with_id(chat_id("a"))).await.unwrap();
        chat.rename("With a title").await.unwrap();
        settle().await;
        let told = feed.drain().await;
        assert!(matches!(&told[0], Notice::World(WorldNotice::Created { chat_id }) if chat_id == chat.id()));
        let status = feed.until_status(&chat, StatusKind::Idle).await;
        assert_eq!(&*status.title, "With a title");
        chat.delete().await.unwrap();
        settle().await;
        let told = feed.drain().await;
        assert!(told.iter().any(|notice| {
            matches!(notice, Notice::World(WorldNotice::Deleted { chat_id }) if chat_id == chat.id())
        }));
        // Nothing is told of it after that.
        let _ = chat.rename("gone").await;
        settle().await;
        assert!(statuses(&feed.drain().await).is_empty());
    }

    /// REQ-8; trap: a stale idle cleared a newer turn
    async fn a_status_names_its_turn_so_that_an_old_end_never_clears_a_newer_turn(house) {
        let chat = house.chat("a").await;
        let mut feed = WorldWatcher::new(&house.world).await;
        let (first, call) = house.begin(&chat, "one").await;
        let second = chat.prompt("two").await.unwrap();
        settle().await;
        let one = feed.until_status(&chat, StatusKind::Running).await;
        feed.drain().await;
        call.finish();
        outcome(&first).await;
        let call = house.call_for("two").await;
        settle().await;
        let told = feed.drain().await;
        assert!(!statuses(&told).contains(&"a idle".to_owned()), "it was busy all along: {told:?}");
        let two = feed.until_status(&chat, StatusKind::Running).await;
        let two = if two.turn_id == one.turn_id {
            feed.until_status(&chat, StatusKind::Running).await
        } else {
            two
        };
        assert!(two.turn_id > one.turn_id && two.head > one.head);
        call.finish();
        outcome(&second).await;
        let idle = feed.until_status(&chat, StatusKind::Idle).await;
        assert_eq!((idle.turn_id, idle.queued), (None, 0));
        assert!(idle.head > two.head, "each status is later than the one before");
    }

    /// REQ-8: the queue's length
    async fn a_status_says_how_many_prompts_wait(house) {
        let chat = house.chat("a").await;
        let mut feed = WorldWatcher::new(&house.world).await;
        let (_, call) = house.begin(&chat, "one").await;
        for n in 1..=3 {
            chat.prompt(format!("waits {n}")).await.unwrap();
            settle().await;
            feed.drain().await;
            let Some(Notice::World(WorldNotice::Status { status })) = feed.notices.last() else {
                panic!("a status")
            };
            assert_eq!((status.queued, status.kind), (n, StatusKind::Running));
        }
        call.finish();
    }

    /// NFR-4
    async fn refusals_are_told_with_their_chat_and_their_code(house) {
        let chat = house.chat("a").await;
        let mut feed = WorldWatcher::new(&house.world).await;
        assert_eq!(code(chat.cancel().await), "nothing_running");
        settle().await;
        feed.drain().await;
        assert_eq!(feed.diagnostics(), ["a refused nothing_running"]);
    }
}

// law 4, law 7
#[tokio::test(start_paused = true)]
async fn a_slow_reader_finds_one_status_per_chat_and_it_is_the_newest() {
    let house = house().open().await;
    let (a, b) = (house.chat("a").await, house.chat("b").await);
    let mut feed = WorldWatcher::new(&house.world).await;
    for n in 0..50 {
        house.turn(&a, &format!("a{n}"), "ok").await;
        house.turn(&b, &format!("b{n}"), "ok").await;
    }
    let (_, _call) = house.begin(&b, "runs").await;
    let told = feed.drain().await;
    assert_eq!(statuses(&told), ["a idle", "b running"]);
    let mut fresh = WorldWatcher::new(&house.world).await;
    assert_eq!(statuses(&fresh.drain().await), ["b running"]);
}

// law 4: a fast reader of the world sees the chats' changes in the order in which they happened
#[tokio::test(start_paused = true)]
async fn statuses_of_one_chat_never_go_back() {
    let house = house().open().await;
    let chat = house.chat("a").await;
    let mut feed = WorldWatcher::new(&house.world).await;
    for n in 0..10 {
        let (prompt, call) = house.begin(&chat, &format!("{n}")).await;
        feed.drain().await;
        call.text("ok").finish();
        outcome(&prompt).await;
        feed.drain().await;
    }
    let heads: Vec<u64> = feed
        .notices
        .iter()
        .filter_map(|notice| match notice {
            Notice::World(WorldNotice::Status { status }) => Some(status.head.get()),
            _ => None,
        })
        .collect();
    assert!(heads.is_sorted() && heads.len() >= 20, "{heads:?}");
}

// law 1: the world's feed neither
#[tokio::test(start_paused = true)]
async fn a_chat_is_told_of_as_created_only_once_it_is_stored() {
    use polychat_testkit::faulty_store::Call;
    let house = house().open().await;
    let mut feed = WorldWatcher::new(&house.world).await;
    let gate = house.faults.for_chat(&chat_id("a")).hang_next(Call::Append, 1);
    let creating = tokio::spawn({
        let world = house.world.clone();
        async move { world.create_chat(NewChat::with_id(chat_id("a"))).await }
    });
    gate.arrived(1).await;
    assert!(feed.drain().await.is_empty());
    gate.open();
    within(creating).await.unwrap().unwrap();
    assert!(!feed.drain().await.is_empty());
}

// law 4: a chat that is passivated says nothing about it
#[tokio::test(start_paused = true)]
async fn passivation_and_revival_are_no_news() {
    let house = house().open().await;
    let chat = house.chat("a").await;
    house.turn(&chat, "one", "first").await;
    let mut feed = WorldWatcher::new(&house.world).await;
    feed.drain().await;
    pass(std::time::Duration::from_secs(1_000)).await;
    assert!(feed.drain().await.is_empty());
    let mut seen = watch(&chat).await;
    seen.drain().await;
    assert!(feed.drain().await.is_empty());
}
