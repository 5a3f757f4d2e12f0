//! Summaries and lists of chats.

use std::sync::Arc;

use polychat_core::{
    Summary,
    command::Page,
    ports::{LogKey, Store},
};

use super::{
    promise::{Broken, Outcome, Promise},
    writer::{ALL, Writer, chat, summary, world},
};
use crate::samples;

/// Ids whose order by bytes differs from that by letters, by length, and by creation.
const IDS: [&str; 12] = ["b", "a", "Z", "ä", "10", "9", "a b", "a-", "aa", "~", "é", "\u{1F511}"];

async fn listed(
    promise: Promise,
    store: &Arc<dyn Store>,
    world: &str,
    page: Page,
) -> Result<Vec<Summary>, Broken> {
    promise.done("a list", store.list(&samples::world_id(world), &page).await)
}

async fn chats(promise: Promise, store: &Arc<dyn Store>, world: &str, ids: &[&str]) -> Outcome {
    for id in ids {
        Writer::with_entries(promise, store, chat(world, id), 1).await?;
    }
    Ok(())
}

fn ids(summaries: &[Summary]) -> Vec<&str> {
    summaries.iter().map(|summary| summary.chat_id.as_str()).collect()
}

fn in_byte_order() -> Vec<&'static str> {
    let mut ids = IDS.to_vec();
    ids.sort_by_key(|id| id.as_bytes());
    ids
}

/// A chat's summary is the one that came with its last append, asked for alone or in a list.
///
/// # Errors
///
/// The promise, broken.
pub async fn a_summary_is_that_of_the_last_append(store: Arc<dyn Store>) -> Outcome {
    let promise = Promise("a chat's summary is the one that came with its last append");
    let mut writer = Writer::create(promise, &store, chat("w", "a")).await?;
    for count in [1, 3, 1] {
        writer.append(count).await?;
        has_summary_of_its_head(promise, &writer).await?;
    }
    writer = writer.reopened().await?;
    has_summary_of_its_head(promise, &writer).await
}

async fn has_summary_of_its_head(promise: Promise, writer: &Writer) -> Outcome {
    let found = promise.done("a summary", writer.store.summary(&writer.key).await)?;
    let wanted = summary(&writer.key, writer.head());
    promise.equal("the summary", &Some(&found), &wanted.as_ref())?;
    let world = writer.key.world().as_str();
    let list = listed(promise, &writer.store, world, Page::first(ALL)).await?;
    promise.equal("the list", &list, &vec![found])
}

/// An append that is refused does not change the summary.
///
/// # Errors
///
/// The promise, broken.
pub async fn a_refused_append_leaves_the_summary(store: Arc<dyn Store>) -> Outcome {
    let promise = Promise("an append that is refused leaves the summary");
    let writer = Writer::with_entries(promise, &store, chat("w", "a"), 2).await?;
    let wrong_head = samples::seq(1);
    let new = super::writer::entries(&writer.key, wrong_head, 3, "bad");
    promise.rejected("an append after 1", writer.offer(wrong_head, &new).await)?;
    has_summary_of_its_head(promise, &writer).await?;

    let newer = writer.reopened().await?;
    let new = writer.next(3, "old");
    promise.rejected("an older opener's append", writer.offer(writer.head(), &new).await)?;
    has_summary_of_its_head(promise, &newer).await
}

/// A list is in the byte order of ids, whatever the order of creation.
///
/// # Errors
///
/// The promise, broken.
pub async fn a_list_is_in_the_byte_order_of_ids(store: Arc<dyn Store>) -> Outcome {
    let promise = Promise("a list is in the byte order of ids");
    chats(promise, &store, "w", &IDS).await?;
    let list = listed(promise, &store, "w", Page::first(ALL)).await?;
    promise.equal("the list", &ids(&list), &in_byte_order())
}

/// Pages of any size, one after the other, are the list; a page may begin after an id that is not
/// there.
///
/// # Errors
///
/// The promise, broken.
pub async fn pages_of_a_list_join_without_gap_or_repeat(store: Arc<dyn Store>) -> Outcome {
    let promise = Promise("pages of a list join without gap or repeat");
    chats(promise, &store, "w", &IDS).await?;
    for limit in 1..=IDS.len() + 1 {
        let mut joined: Vec<Summary> = Vec::new();
        // More rounds than any right store needs, so that a wrong one cannot go on for ever.
        for _ in 0..=IDS.len() {
            let page = match joined.last() {
                Some(last) => Page::after(last.chat_id.as_str(), limit),
                None => Page::first(limit),
            };
            joined.extend(listed(promise, &store, "w", page).await?);
        }
        let what = format!("a list read {limit} at a time");
        promise.equal(&what, &ids(&joined), &in_byte_order())?;
    }
    let list = listed(promise, &store, "w", Page::after("ab", ALL)).await?;
    promise.equal("the list after ab", &ids(&list), &vec!["b", "~", "ä", "é", "\u{1F511}"])
}

/// A list gives no more chats than were asked for.
///
/// # Errors
///
/// The promise, broken.
pub async fn a_list_gives_no_more_than_was_asked_for(store: Arc<dyn Store>) -> Outcome {
    let promise = Promise("a list gives no more chats than were asked for");
    chats(promise, &store, "w", &IDS).await?;
    for limit in 0..=IDS.len() + 1 {
        let found = listed(promise, &store, "w", Page::first(limit)).await?.len();
        promise.equal("the length of a page", &found, &limit.min(IDS.len()))?;
    }
    Ok(())
}

/// A list shows the chats of one world (NFR-1).
///
/// # Errors
///
/// The promise, broken.
pub async fn a_list_shows_the_chats_of_one_world(store: Arc<dyn Store>) -> Outcome {
    let promise = Promise("a list shows the chats of one world");
    let worlds = [("w", ["a", "c"]), ("v", ["b", "d"]), ("wv", ["a", "e"])];
    for (world, ids) in worlds {
        chats(promise, &store, world, &ids).await?;
    }
    for (world, wanted) in worlds {
        let list = listed(promise, &store, world, Page::first(ALL)).await?;
        promise.equal(&format!("the list of {world}"), &ids(&list), &wanted.to_vec())?;
    }
    let none = listed(promise, &store, "empty", Page::first(ALL)).await?;
    promise.equal("the list of an unknown world", &none, &Vec::new())
}

/// A world's own log is no chat.
///
/// # Errors
///
/// The promise, broken.
pub async fn a_world_s_own_log_is_in_no_list(store: Arc<dyn Store>) -> Outcome {
    let promise = Promise("a world's own log is in no list");
    let key: LogKey = world("w");
    Writer::with_entries(promise, &store, key, 2).await?;
    chats(promise, &store, "w", &["a"]).await?;
    let list = listed(promise, &store, "w", Page::first(ALL)).await?;
    promise.equal("the list", &ids(&list), &vec!["a"])
}
