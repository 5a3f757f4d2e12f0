//! Several worlds side by side, and one world seen through a policy.

use std::sync::Arc;

use polychat::{
    Access, ChatId, PromptOutcome, Refusal, ScopePolicy, StartAt, StatusKind, Worlds,
    command::{ChatFilter, NewChat, Page},
};

use crate::support::{
    House, WorldWatcher, assert_sound, chat_id, code, house, messages, outcome, settle, statuses,
    watch, within,
};

// REQ-5, REQ-9: the same chat id in two worlds names two chats
#[tokio::test(start_paused = true)]
async fn worlds_over_one_store_share_nothing_but_parts() {
    let house = house().open().await;
    let worlds = Worlds::new(house.builder());
    let (one, two) = (worlds.open("one").await.unwrap(), worlds.open("two").await.unwrap());
    let (in_one, in_two) = (one.open_chat("a").await.unwrap(), two.open_chat("a").await.unwrap());
    let (mut seen_one, mut seen_two) = (watch(&in_one).await, watch(&in_two).await);
    let mut feed_two = WorldWatcher::new(&two).await;
    let (first, call_one) = house.begin(&in_one, "alpha asks").await;
    let (second, call_two) = house.begin(&in_two, "beta asks").await;
    call_one.text("alpha hears").finish();
    call_two.text("beta hears").finish();
    assert_eq!(outcome(&first).await, PromptOutcome::Completed);
    assert_eq!(outcome(&second).await, PromptOutcome::Completed);
    assert_eq!(messages(&in_one).await, ["user: alpha asks", "assistant: alpha hears"]);
    assert_eq!(messages(&in_two).await, ["user: beta asks", "assistant: beta hears"]);
    seen_one.drain().await;
    seen_two.drain().await;
    assert!(!seen_one.saw("beta") && !seen_two.saw("alpha"));
    one.open_chat("only in one").await.unwrap();
    in_one.delete().await.unwrap();
    feed_two.drain().await;
    assert!(!format!("{:?}", feed_two.notices).contains("only in one"));
    house.turn(&in_two, "still there", "yes").await;
    let chats = two.chats(Page::first(9), ChatFilter::new()).await.unwrap().chats;
    assert_eq!(chats.len(), 1);
    assert_sound(&in_two).await;
}

// issue 2: `Worlds` opens, lists and closes by id
#[tokio::test(start_paused = true)]
async fn worlds_are_opened_once_listed_and_closed_one_by_one() {
    let house = house().open().await;
    let worlds = Worlds::new(house.builder());
    let one = worlds.open("one").await.unwrap();
    let two = worlds.open("two").await.unwrap();
    assert!(worlds.open("one").await.is_err(), "it is open already");
    let ids: Vec<String> = worlds.list().iter().map(ToString::to_string).collect();
    assert_eq!(ids, ["one", "two"]);
    one.open_chat("a").await.unwrap();
    two.open_chat("a").await.unwrap();
    assert!(within(worlds.close("one")).await.unwrap());
    assert!(!within(worlds.close("one")).await.unwrap(), "it was closed already");
    assert_eq!(code(one.open_chat("b").await.map_err(command_error)), "world_closed");
    two.open_chat("b").await.unwrap();
    // A world that is opened again has its chats.
    let again = worlds.open("one").await.unwrap();
    assert_eq!(again.chats(Page::first(9), ChatFilter::new()).await.unwrap().chats.len(), 1);
    within(worlds.close_all()).await;
    assert!(worlds.list().is_empty());
}

fn command_error(error: polychat::Error) -> polychat::CommandError {
    match error {
        polychat::Error::Command(error) => error,
        other => panic!("{other:?}"),
    }
}

/// May do everything in chats that begin with its name, and look at those that are public.
struct Of(&'static str);

impl ScopePolicy for Of {
    fn chat(&self, chat: &ChatId) -> Access {
        if chat.as_str().starts_with(self.0) {
            Access::Write
        } else if chat.as_str().starts_with("public") {
            Access::Read
        } else {
            Access::None
        }
    }

    fn admit(&self, chat: &mut NewChat) -> Result<(), Refusal> {
        if chat.id.is_none() {
            chat.id = Some(chat_id(&format!("{}-fresh", self.0)));
        }
        Ok(())
    }
}

async fn shared_house() -> House {
    let house = house().limits(|limits| limits.page_max = 3).open().await;
    for id in ["ada-1", "ada-2", "bob-1", "bob-2", "bob-3", "bob-4", "public-1", "zoe-1"] {
        house.chat(id).await;
    }
    house
}

// issue 2: world.scoped(policy)
#[tokio::test(start_paused = true)]
async fn through_a_policy_one_chats_existence_is_not_even_guessable() {
    let house = shared_house().await;
    let ada = house.local.scoped(Arc::new(Of("ada")));
    let own = ada.chat("ada-1").unwrap();
    house.turn(&own, "mine", "yours").await;
    // What may not be seen is answered like what does not exist.
    for id in ["bob-1", "nobody"] {
        let chat = ada.chat(id).unwrap();
        for result in [
            chat.prompt("hello").await.map(drop),
            chat.snapshot().await.map(drop),
            chat.delete().await,
            chat.cancel().await,
            chat.log(polychat::Seq::ZERO, 9).await.map(drop),
            chat.subscribe(StartAt::Start).await.map(drop),
        ] {
            assert_eq!(code(result), "unknown_chat", "{id}");
        }
        let new = NewChat::with_id(chat.id().clone());
        assert_eq!(code(ada.create_chat(new).await), "forbidden", "{id}");
    }
    // What may be read but not written says so.
    let public = ada.chat("public-1").unwrap();
    assert!(public.snapshot().await.is_ok());
    assert!(public.subscribe(StartAt::Start).await.is_ok());
    assert_eq!(code(public.prompt("hello").await), "forbidden");
    assert_eq!(code(public.delete().await), "forbidden");
    assert_eq!(code(ada.info().await), "forbidden");
    let fresh = ada.create_chat(NewChat::new()).await.unwrap();
    assert_eq!(fresh.id().as_str(), "ada-fresh");
}

// issue 2, law 7: a filtered list still pages, and no page is larger than a world's
#[tokio::test(start_paused = true)]
async fn through_a_policy_pages_hold_what_may_be_seen_and_nothing_is_missed() {
    let house = shared_house().await;
    let bob = house.local.scoped(Arc::new(Of("bob")));
    for limit in [1, 2, 3, 100, usize::MAX] {
        let mut found = Vec::new();
        let mut page = Page::first(limit);
        for _ in 0..20 {
            let read = within(bob.chats(page, ChatFilter::new())).await.unwrap();
            assert!(read.chats.len() <= limit.min(3), "{}", read.chats.len());
            found.extend(read.chats.iter().map(|it| it.chat_id.as_str().to_owned()));
            match read.next {
                Some(next) => {
                    assert!(!next.contains("ada") && !next.contains("zoe"), "{next}");
                    page = Page::after(next, limit);
                }
                None => {
                    page = Page::first(0);
                    break;
                }
            }
        }
        assert_eq!(page.limit, 0, "the pages end");
        assert_eq!(found, ["bob-1", "bob-2", "bob-3", "bob-4", "public-1"], "{limit}");
    }
}

// issue 2, NFR-1: the feed and the diagnostics
#[tokio::test(start_paused = true)]
async fn through_a_policy_the_feed_tells_only_of_what_may_be_seen() {
    let house = shared_house().await;
    let ada = house.local.scoped(Arc::new(Of("ada")));
    let (own, other) = (house.world.chat("ada-1").unwrap(), house.world.chat("bob-1").unwrap());
    let (_, _call) = house.begin(&other, "bob's").await;
    let mut feed = WorldWatcher::new(&ada).await;
    let (_, _own_call) = house.begin(&own, "ada's").await;
    let _ = other.cancel_turn(polychat::TurnId(polychat::Seq::FIRST)).await;
    let _ = own.cancel_turn(polychat::TurnId(polychat::Seq::FIRST)).await;
    house.chat("bob-new").await;
    other.delete().await.unwrap();
    settle().await;
    feed.drain().await;
    assert!(!format!("{:?}", feed.notices).contains("bob"), "{:?}", feed.notices);
    assert_eq!(statuses(&feed.notices), ["ada-1 running"]);
    assert_eq!(feed.diagnostics(), ["ada-1 refused turn_not_running"]);
    assert_eq!(own.snapshot().await.unwrap().status.kind, StatusKind::Running);
}

// issue 2: a fork may not carry history out of a chat that is not one's own
#[tokio::test(start_paused = true)]
async fn through_a_policy_only_what_may_be_read_can_be_forked() {
    let house = shared_house().await;
    let (bobs, public) =
        (house.world.chat("bob-1").unwrap(), house.world.chat("public-1").unwrap());
    for chat in [&bobs, &public] {
        house.turn(chat, chat.id().as_str(), "answer").await;
    }
    let last = |snapshot: polychat::command::Snapshot| snapshot.messages[1].id;
    let of_bob = last(bobs.snapshot().await.unwrap());
    let of_public = last(public.snapshot().await.unwrap());
    let ada = house.local.scoped(Arc::new(Of("ada")));
    let new = || NewChat::with_id(chat_id("ada-fork"));
    assert_eq!(code(ada.chat("bob-1").unwrap().fork(of_bob, new()).await), "unknown_chat");
    let fork = ada.chat("public-1").unwrap().fork(of_public, new()).await.unwrap();
    assert_eq!(messages(&fork).await, ["user: public-1", "assistant: answer"]);
}

/// Gives the chats of one user ids of that user's.
struct Prefix;

impl polychat::ScopePolicy for Prefix {
    fn chat(&self, chat: &ChatId) -> Access {
        if chat.as_str().starts_with("u1-") { Access::Write } else { Access::None }
    }

    fn admit(&self, chat: &mut NewChat) -> Result<(), polychat::Refusal> {
        chat.id = chat.id.as_ref().and_then(|id| ChatId::new(format!("u1-{id}")).ok());
        Ok(())
    }
}

// REQ-9: a handle names the chat that was created, not the one that was asked for
#[tokio::test(start_paused = true)]
async fn a_chat_that_a_policy_names_is_reached_by_its_handle_and_one_without_a_name_is_not_made() {
    let house = house().open().await;
    let scoped = house.local.scoped(Arc::new(Prefix));
    for _ in 0..2 {
        let chat = scoped.open_chat("ada").await.unwrap();
        assert_eq!(chat.id().as_str(), "u1-ada");
        chat.rename("mine").await.unwrap();
    }
    assert_eq!(code(scoped.create_chat(NewChat::new()).await), "forbidden");
    let all = house.world.chats(Page::first(9), ChatFilter::new()).await.unwrap();
    assert_eq!(all.chats.len(), 1, "nothing was made that nobody can see");
}
