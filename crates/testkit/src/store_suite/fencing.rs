//! Fences: whoever opened a log last may write to it, nobody else.

use std::{pin::pin, sync::Arc};

use polychat_core::{
    Seq,
    ports::{OpenMode, Store, StoreErrorKind},
};

use super::{
    promise::{Outcome, Promise},
    writer::{Writer, chat, poll_times, world},
};

/// Each opening of a log has a larger epoch than all before.
///
/// # Errors
///
/// The promise, broken.
pub async fn each_opening_has_a_larger_epoch(store: Arc<dyn Store>) -> Outcome {
    let promise = Promise("each opening of a log has a larger epoch than all before");
    let key = chat("w", "a");
    let mut last = Writer::create(promise, &store, key.clone()).await?;
    for round in 0..6 {
        let next = if round < 3 {
            Writer::create(promise, &store, key.clone()).await?
        } else {
            last.append(1).await?;
            last.reopened().await?
        };
        let (older, newer) = (last.fence.epoch, next.fence.epoch);
        promise.holds(newer > older, || format!("epoch {newer} came after epoch {older}"))?;
        promise.equal("the key of the fence", &next.fence.key, &key)?;
        last = next;
    }
    Ok(())
}

/// After a log was opened again, appends by older openers are refused.
///
/// # Errors
///
/// The promise, broken.
pub async fn an_older_opener_cannot_append(store: Arc<dyn Store>) -> Outcome {
    let promise = Promise("appends by older openers are refused as fenced");
    for key in [chat("w", "a"), world("w")] {
        let older = Writer::with_entries(promise, &store, key, 2).await?;
        let mut newer = older.reopened().await?;
        refuse_old(promise, &older).await?;
        newer.goes_on().await?;
        // Knowing the newest head gives no right to write.
        refuse_old(promise, &Writer { fence: older.fence.clone(), ..newer.clone() }).await?;
        newer.goes_on().await?;
    }
    Ok(())
}

/// Of two that create the same log, the later one may write.
///
/// # Errors
///
/// The promise, broken.
pub async fn an_older_creator_cannot_append(store: Arc<dyn Store>) -> Outcome {
    let promise = Promise("of two creators of a log the later one may write");
    let key = chat("w", "a");
    let older = Writer::create(promise, &store, key.clone()).await?;
    let mut newer = Writer::create(promise, &store, key).await?;
    refuse_old(promise, &older).await?;
    newer.append(1).await?;
    refuse_old(promise, &older).await?;
    newer.goes_on().await
}

async fn refuse_old(promise: Promise, older: &Writer) -> Outcome {
    let answer = older.offer(older.head(), &older.next(2, "old")).await;
    let kind = promise.rejected("an append by an older opener", answer)?;
    promise.equal("the refusal", &kind, &StoreErrorKind::Fenced)
}

/// An append that is under way when the log is opened is stored before the answered head, or
/// never.
///
/// # Errors
///
/// The promise, broken.
pub async fn an_append_under_way_is_settled_by_the_next_opening(store: Arc<dyn Store>) -> Outcome {
    let promise = Promise("the head that an opening answers is final, whatever was under way");
    for polls in 0..12 {
        let key = chat("w", &format!("under-way-{polls}"));
        let mut writer = Writer::with_entries(promise, &store, key, 2).await?;
        let new = writer.next(3, "under way");
        let (answer, opened) = {
            let mut append = pin!(writer.offer(writer.head(), &new));
            let early = poll_times(append.as_mut(), polls).await;
            let late = async {
                match early {
                    Some(answer) => answer,
                    None => append.await,
                }
            };
            tokio::join!(late, store.open(&writer.key, OpenMode::Existing))
        };
        let (fence, head) = promise.done("opening meanwhile", opened)?;
        if head != writer.head() {
            writer.stored.extend(new);
        } else {
            promise.holds(answer.is_err(), || {
                format!("the append was acknowledged, but the head is {head}")
            })?;
        }
        promise.equal("the head answered", &head, &writer.head())?;
        writer.fence = fence;
        writer.goes_on().await?;
    }
    Ok(())
}

/// An opening answers the last entry of the log.
///
/// # Errors
///
/// The promise, broken.
pub async fn opening_answers_the_head(store: Arc<dyn Store>) -> Outcome {
    let promise = Promise("an opening answers the last entry of the log");
    let mut writer = Writer::create(promise, &store, chat("w", "a")).await?;
    for _ in 0..4 {
        writer.append(2).await?;
        let opened = store.open(&writer.key, OpenMode::Existing).await;
        let (fence, head) = promise.done("opening", opened)?;
        promise.equal("the head answered", &head, &writer.head())?;
        promise.holds(head > Seq::ZERO, || "a log with entries looks empty".to_owned())?;
        writer.fence = fence;
    }
    Ok(())
}

/// Opening a log takes the right to write from its own older openers only.
///
/// # Errors
///
/// The promise, broken.
pub async fn opening_one_log_fences_no_other(store: Arc<dyn Store>) -> Outcome {
    let promise = Promise("opening one log fences no other");
    let keys = [chat("w", "a"), chat("w", "b"), chat("v", "a"), world("w")];
    let mut writers = Vec::new();
    for key in keys {
        writers.push(Writer::with_entries(promise, &store, key, 1).await?);
    }
    for n in 0..writers.len() {
        if let Some(writer) = writers.get_mut(n) {
            *writer = writer.reopened().await?;
        }
        for writer in &mut writers {
            writer.goes_on().await?;
        }
    }
    Ok(())
}
