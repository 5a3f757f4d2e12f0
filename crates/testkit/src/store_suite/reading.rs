//! Reading a log in pages.

use std::sync::Arc;

use polychat_core::{Seq, ports::Store};

use super::{
    promise::{Outcome, Promise},
    writer::{Writer, chat},
};
use crate::samples;

const ENTRIES: u64 = 7;

/// Pages of any size, one after the other, are the log.
///
/// # Errors
///
/// The promise, broken.
pub async fn pages_of_a_log_join_without_gap(store: Arc<dyn Store>) -> Outcome {
    let promise = Promise("pages of a log join without gap");
    let writer = Writer::with_entries(promise, &store, chat("w", "a"), ENTRIES).await?;
    for limit in 1..=ENTRIES as usize + 1 {
        let mut joined = Vec::new();
        // More rounds than any right store needs, so that a wrong one cannot go on for ever.
        for _ in 0..=ENTRIES {
            let after = joined.last().map_or(Seq::ZERO, polychat_core::ports::Entry::seq);
            joined.extend(promise.done("a page", store.read(&writer.key, after, limit).await)?);
        }
        promise.equal(&format!("a log read {limit} at a time"), &joined, &writer.stored)?;
    }
    Ok(())
}

/// Fewer entries than asked for come only at the head.
///
/// # Errors
///
/// The promise, broken.
pub async fn a_read_gives_as_much_as_was_asked_for_and_is_there(store: Arc<dyn Store>) -> Outcome {
    let promise = Promise("a read gives fewer entries than asked for only at the head");
    each_read(promise, &store, |found, there| found >= there).await
}

/// No more entries come than were asked for.
///
/// # Errors
///
/// The promise, broken.
pub async fn a_read_gives_no_more_than_was_asked_for(store: Arc<dyn Store>) -> Outcome {
    let promise = Promise("a read gives no more entries than were asked for");
    each_read(promise, &store, |found, there| found <= there).await
}

/// Reads from each place with each limit, and compares the number found with the right one.
async fn each_read(
    promise: Promise,
    store: &Arc<dyn Store>,
    right: fn(usize, usize) -> bool,
) -> Outcome {
    let writer = Writer::with_entries(promise, store, chat("w", "a"), ENTRIES).await?;
    for after in 0..=ENTRIES {
        for limit in 0..=ENTRIES as usize + 2 {
            let read = store.read(&writer.key, samples::seq(after), limit).await;
            let found = promise.done("a read", read)?.len();
            let there = limit.min((ENTRIES - after) as usize);
            promise.holds(right(found, there), || {
                format!("{found} entries came after {after} with a limit of {limit}")
            })?;
        }
    }
    Ok(())
}

/// A read at or beyond the head is empty, and no error.
///
/// # Errors
///
/// The promise, broken.
pub async fn a_read_beyond_the_head_is_empty(store: Arc<dyn Store>) -> Outcome {
    let promise = Promise("a read at or beyond the head is empty");
    let writer = Writer::with_entries(promise, &store, chat("w", "a"), ENTRIES).await?;
    for after in [writer.head(), writer.head().next(), writer.head().plus(1_000), Seq::MAX] {
        let read = store.read(&writer.key, after, 10).await;
        let found = promise.done(&format!("a read after {after}"), read)?;
        promise.equal(&format!("what is read after {after}"), &found, &Vec::new())?;
    }
    Ok(())
}
