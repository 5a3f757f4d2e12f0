//! Which worlds a store holds.

use std::sync::Arc;

use polychat_core::{WorldId, command::Page, ports::Store};

use super::{
    promise::{Broken, Outcome, Promise},
    writer::{ALL, Writer, chat, world},
};

/// Ids whose order by bytes differs from that by letters, by length, and by creation.
const IDS: [&str; 9] = ["b", "a", "Z", "ä", "10", "9", "a b", "aa", "\u{1F511}"];

async fn listed(
    promise: Promise,
    store: &Arc<dyn Store>,
    page: Page,
) -> Result<Vec<WorldId>, Broken> {
    promise.done("a list of worlds", store.worlds(&page).await)
}

fn names(worlds: &[WorldId]) -> Vec<&str> {
    worlds.iter().map(WorldId::as_str).collect()
}

fn in_byte_order() -> Vec<&'static str> {
    let mut ids = IDS.to_vec();
    ids.sort_by_key(|id| id.as_bytes());
    ids
}

/// The worlds are exactly these.
async fn are(promise: Promise, store: &Arc<dyn Store>, wanted: &[&str]) -> Outcome {
    let found = listed(promise, store, Page::first(ALL)).await?;
    promise.equal("the worlds", &names(&found), &wanted.to_vec())
}

/// A log of its own in each of the worlds.
async fn worlds(promise: Promise, store: &Arc<dyn Store>) -> Outcome {
    for id in IDS {
        Writer::with_entries(promise, store, world(id), 1).await?;
    }
    Ok(())
}

/// A world is there from the first entry of its own log on; a chat in it does not make it one.
///
/// # Errors
///
/// The promise, broken.
pub async fn a_world_is_listed_from_its_first_entry_on(store: Arc<dyn Store>) -> Outcome {
    let promise = Promise("a world is listed from the first entry of its own log on");
    are(promise, &store, &[]).await?;
    Writer::with_entries(promise, &store, chat("v", "a"), 1).await?;
    let mut own = Writer::create(promise, &store, world("w")).await?;
    are(promise, &store, &[]).await?;
    own.append(1).await?;
    are(promise, &store, &["w"]).await
}

/// A world whose own log is deleted is not listed, whatever chats it has.
///
/// # Errors
///
/// The promise, broken.
pub async fn a_world_whose_log_is_deleted_is_in_no_list(store: Arc<dyn Store>) -> Outcome {
    let promise = Promise("a world whose own log is deleted is in no list");
    let own = Writer::with_entries(promise, &store, world("w"), 1).await?;
    Writer::with_entries(promise, &store, world("v"), 1).await?;
    let chat = Writer::with_entries(promise, &store, chat("v", "a"), 1).await?;
    promise.done("deleting a chat", store.delete(&chat.fence).await)?;
    are(promise, &store, &["v", "w"]).await?;
    promise.done("deleting the world's own log", store.delete(&own.fence).await)?;
    are(promise, &store, &["v"]).await
}

/// Each world is listed once, however many logs it has, in the byte order of ids.
///
/// # Errors
///
/// The promise, broken.
pub async fn each_world_is_listed_once_in_the_byte_order_of_ids(store: Arc<dyn Store>) -> Outcome {
    let promise = Promise("each world is listed once, in the byte order of ids");
    worlds(promise, &store).await?;
    for id in ["a", "b"] {
        Writer::with_entries(promise, &store, chat("aa", id), 1).await?;
    }
    are(promise, &store, &in_byte_order()).await
}

/// Pages of any size, one after the other, are the list of worlds; a page may begin after an id
/// that is not there.
///
/// # Errors
///
/// The promise, broken.
pub async fn pages_of_worlds_join_without_gap_or_repeat(store: Arc<dyn Store>) -> Outcome {
    let promise = Promise("pages of worlds join without gap or repeat");
    worlds(promise, &store).await?;
    for limit in 1..=IDS.len() + 1 {
        let mut joined: Vec<WorldId> = Vec::new();
        // More rounds than any right store needs, so that a wrong one cannot go on for ever.
        for _ in 0..=IDS.len() {
            let page = match joined.last() {
                Some(last) => Page::after(last.as_str(), limit),
                None => Page::first(limit),
            };
            joined.extend(listed(promise, &store, page).await?);
        }
        let what = format!("worlds read {limit} at a time");
        promise.equal(&what, &names(&joined), &in_byte_order())?;
    }
    let after = listed(promise, &store, Page::after("ab", ALL)).await?;
    promise.equal("the worlds after ab", &names(&after), &vec!["b", "ä", "\u{1F511}"])
}

/// A page of worlds is no longer than was asked for.
///
/// # Errors
///
/// The promise, broken.
pub async fn a_page_of_worlds_is_no_longer_than_was_asked_for(store: Arc<dyn Store>) -> Outcome {
    let promise = Promise("a page of worlds is no longer than was asked for");
    worlds(promise, &store).await?;
    for limit in 0..=IDS.len() + 1 {
        let found = listed(promise, &store, Page::first(limit)).await?.len();
        promise.equal("the length of a page", &found, &limit.min(IDS.len()))?;
    }
    Ok(())
}
