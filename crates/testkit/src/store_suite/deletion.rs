//! Deletion: a log goes for good, its name stays taken.

use std::sync::Arc;

use polychat_core::{
    Seq,
    command::Page,
    ports::{LogKey, OpenMode, Store, StoreErrorKind},
};

use super::{
    promise::{Broken, Outcome, Promise},
    writer::{Writer, chat, entries, world},
};

async fn deleted_log(
    promise: Promise,
    store: &Arc<dyn Store>,
    key: LogKey,
) -> Result<Writer, Broken> {
    let writer = Writer::with_entries(promise, store, key, 2).await?;
    promise.done("deleting", store.delete(&writer.fence).await)?;
    Ok(writer)
}

async fn is_tombstone(promise: Promise, store: &Arc<dyn Store>, key: &LogKey) -> Outcome {
    for mode in [OpenMode::Existing, OpenMode::Create] {
        let opened = store.open(key, mode).await;
        promise.refused(&format!("opening ({mode:?})"), opened, StoreErrorKind::Deleted)?;
    }
    let read = store.read(key, Seq::ZERO, 10).await;
    promise.refused("reading", read, StoreErrorKind::Deleted)?;
    if key.chat().is_some() {
        promise.refused("the summary", store.summary(key).await, StoreErrorKind::Deleted)?;
    }
    Ok(())
}

/// A deleted log can be opened in neither mode, nor read.
///
/// # Errors
///
/// The promise, broken.
pub async fn a_deleted_log_leaves_a_tombstone(store: Arc<dyn Store>) -> Outcome {
    let promise = Promise("a deleted log leaves a tombstone: whoever asks for it hears `Deleted`");
    for key in [chat("w", "a"), world("w")] {
        deleted_log(promise, &store, key.clone()).await?;
        is_tombstone(promise, &store, &key).await?;
        // Asking does not bring it back.
        is_tombstone(promise, &store, &key).await?;
    }
    Ok(())
}

/// Whoever deleted a log cannot append to it any more.
///
/// # Errors
///
/// The promise, broken.
pub async fn a_deleted_log_takes_no_append(store: Arc<dyn Store>) -> Outcome {
    let promise = Promise("a deleted log takes no append");
    let writer = deleted_log(promise, &store, chat("w", "a")).await?;
    let answer = writer.offer(writer.head(), &writer.next(1, "late")).await;
    promise.rejected("an append after the deletion", answer)?;
    let first = entries(&writer.key, Seq::ZERO, 1, "late");
    let answer = writer.offer(Seq::ZERO, &first).await;
    promise.rejected("a first append after the deletion", answer)?;
    is_tombstone(promise, &store, &writer.key).await
}

/// A deleted chat is in no list.
///
/// # Errors
///
/// The promise, broken.
pub async fn a_deleted_chat_is_in_no_list(store: Arc<dyn Store>) -> Outcome {
    let promise = Promise("a deleted chat is in no list");
    Writer::with_entries(promise, &store, chat("w", "b"), 1).await?;
    let gone = deleted_log(promise, &store, chat("w", "a")).await?;
    let listed = store.list(gone.key.world(), &Page::first(10)).await;
    let listed = promise.done("a list", listed)?;
    let ids: Vec<_> = listed.iter().map(|summary| summary.chat_id.as_str()).collect();
    promise.equal("the list", &ids, &vec!["b"])
}

/// Deleting a log again is no error.
///
/// # Errors
///
/// The promise, broken.
pub async fn deleting_again_is_no_error(store: Arc<dyn Store>) -> Outcome {
    let promise = Promise("deleting a log again is no error");
    let writer = deleted_log(promise, &store, chat("w", "a")).await?;
    for _ in 0..3 {
        promise.done("deleting again", store.delete(&writer.fence).await)?;
    }
    is_tombstone(promise, &store, &writer.key).await
}

/// Only whoever opened a log last may delete it.
///
/// # Errors
///
/// The promise, broken.
pub async fn an_older_opener_cannot_delete(store: Arc<dyn Store>) -> Outcome {
    let promise = Promise("deletions by older openers are refused as fenced");
    let older = Writer::with_entries(promise, &store, chat("w", "a"), 2).await?;
    let mut newer = older.reopened().await?;
    let answer = store.delete(&older.fence).await;
    promise.refused("a deletion by an older opener", answer, StoreErrorKind::Fenced)?;
    newer.goes_on().await
}

/// Deleting a log leaves all others as they are (REQ-12).
///
/// # Errors
///
/// The promise, broken.
pub async fn deleting_one_log_leaves_the_others(store: Arc<dyn Store>) -> Outcome {
    let promise = Promise("deleting one log leaves the others as they are");
    let keys = [chat("w", "b"), chat("v", "a"), chat("v", "b"), world("w"), world("a")];
    let mut others = Vec::new();
    for key in keys {
        others.push(Writer::with_entries(promise, &store, key, 2).await?);
    }
    deleted_log(promise, &store, chat("w", "a")).await?;
    for other in &mut others {
        other.goes_on().await?;
    }
    deleted_log(promise, &store, world("u")).await?;
    for other in &mut others {
        other.reopened().await?.goes_on().await?;
    }
    Ok(())
}
