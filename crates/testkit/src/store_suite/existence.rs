//! Existence: when a log is there, and when it is not.

use std::sync::Arc;

use polychat_core::{
    Seq,
    command::Page,
    ports::{LogKey, OpenMode, Store, StoreErrorKind},
};

use super::{
    promise::{Outcome, Promise},
    writer::{Writer, chat, world},
};

/// A log opened for creation exists once its first append is stored, and leaves nothing before.
///
/// # Errors
///
/// The promise, broken.
pub async fn a_log_exists_from_its_first_append_on(store: Arc<dyn Store>) -> Outcome {
    let promise = Promise("a log opened for creation exists once its first append is stored");
    for key in [chat("w", "a"), world("w")] {
        Writer::create(promise, &store, key.clone()).await?;
        missing(promise, &store, &key).await?;
        let listed = store.list(key.world(), &Page::first(10)).await;
        if key.chat().is_some() {
            promise.equal("the list", &promise.done("a list", listed)?, &Vec::new())?;
        }
        let mut writer = Writer::create(promise, &store, key).await?;
        writer.append(1).await?;
        writer.reopened().await?.goes_on().await?;
    }
    Ok(())
}

/// A log that exists cannot be created, and trying does not disturb whoever writes to it.
///
/// # Errors
///
/// The promise, broken.
pub async fn a_log_that_exists_cannot_be_created(store: Arc<dyn Store>) -> Outcome {
    let promise = Promise("a log that exists cannot be created");
    for key in [chat("w", "a"), world("w")] {
        let mut writer = Writer::with_entries(promise, &store, key, 1).await?;
        let opened = store.open(&writer.key, OpenMode::Create).await;
        promise.refused("creating it again", opened, StoreErrorKind::Exists)?;
        writer.goes_on().await?;
    }
    Ok(())
}

/// A log that never was is not found, by any call.
///
/// # Errors
///
/// The promise, broken.
pub async fn a_missing_log_is_not_found(store: Arc<dyn Store>) -> Outcome {
    let promise = Promise("a log that does not exist is not found");
    Writer::with_entries(promise, &store, chat("w", "a"), 1).await?;
    for key in [chat("w", "b"), chat("v", "a"), world("w")] {
        missing(promise, &store, &key).await?;
        missing(promise, &store, &key).await?;
    }
    Ok(())
}

async fn missing(promise: Promise, store: &Arc<dyn Store>, key: &LogKey) -> Outcome {
    let opened = store.open(key, OpenMode::Existing).await;
    promise.refused("opening it", opened, StoreErrorKind::NotFound)?;
    let read = store.read(key, Seq::ZERO, 10).await;
    promise.refused("reading it", read, StoreErrorKind::NotFound)?;
    if key.chat().is_some() {
        let summary = store.summary(key).await;
        promise.refused("its summary", summary, StoreErrorKind::NotFound)?;
    }
    Ok(())
}
