//! Isolation: one log's trouble, and one log's name, is its own (law 6).

use std::{pin::pin, sync::Arc};

use polychat_core::ports::Store;
use tokio::{task::JoinSet, time::timeout};

use super::{
    PATIENCE,
    promise::{Outcome, Promise},
    writer::{Writer, chat, poll_times, summary, world},
};

/// Chats with the same id in two worlds have nothing in common.
///
/// # Errors
///
/// The promise, broken.
pub async fn chats_with_the_same_id_in_two_worlds_are_two(store: Arc<dyn Store>) -> Outcome {
    let promise = Promise("chats with the same id in two worlds are two");
    let mut one = Writer::with_entries(promise, &store, chat("w", "a"), 3).await?;
    let mut other = Writer::with_entries(promise, &store, chat("v", "a"), 1).await?;
    one.goes_on().await?;
    other.goes_on().await?;
    promise.done("deleting one", store.delete(&one.fence).await)?;
    other.goes_on().await?;
    // Where one id ends and the next begins matters.
    let mut ab_c = Writer::with_entries(promise, &store, chat("ab", "c"), 1).await?;
    let mut a_bc = Writer::with_entries(promise, &store, chat("a", "bc"), 2).await?;
    let mut slash = Writer::with_entries(promise, &store, chat("a/b", "c"), 2).await?;
    let mut other_slash = Writer::with_entries(promise, &store, chat("a", "b/c"), 1).await?;
    for writer in [&mut ab_c, &mut a_bc, &mut slash, &mut other_slash] {
        writer.goes_on().await?;
    }
    Ok(())
}

/// The log of a world and that of a chat of the same name are two.
///
/// # Errors
///
/// The promise, broken.
pub async fn the_log_of_a_world_is_not_that_of_a_chat(store: Arc<dyn Store>) -> Outcome {
    let promise = Promise("the log of a world is not that of a chat of the same name");
    let mut of_world = Writer::with_entries(promise, &store, world("w"), 2).await?;
    let mut of_chat = Writer::with_entries(promise, &store, chat("w", "w"), 3).await?;
    of_world.goes_on().await?;
    of_chat.goes_on().await?;
    promise.done("deleting the chat", store.delete(&of_chat.fence).await)?;
    of_world.goes_on().await
}

/// An append that is refused leaves the other logs alone (REQ-11).
///
/// # Errors
///
/// The promise, broken.
pub async fn a_refused_append_leaves_other_logs_alone(store: Arc<dyn Store>) -> Outcome {
    let promise = Promise("an append to one log does not fail with another's");
    let one = Writer::with_entries(promise, &store, chat("w", "a"), 2).await?;
    let mut other = Writer::with_entries(promise, &store, chat("w", "b"), 2).await?;
    let newer = one.reopened().await?;
    promise.rejected("an old append", one.offer(one.head(), &one.next(1, "old")).await)?;
    other.goes_on().await?;
    let wrong = newer.offer(newer.head().next(), &newer.next(1, "bad")).await;
    promise.rejected("a wrong append", wrong)?;
    other.goes_on().await
}

/// While nobody waits for an append to one log, appends to others go on (REQ-11).
///
/// # Errors
///
/// The promise, broken.
pub async fn an_append_that_is_held_up_holds_no_other_log_up(store: Arc<dyn Store>) -> Outcome {
    let promise = Promise("an append to one log does not wait for another's");
    let mut one = Writer::with_entries(promise, &store, chat("w", "a"), 1).await?;
    let mut other = Writer::with_entries(promise, &store, chat("w", "b"), 1).await?;
    let new = one.next(2, "held up");
    {
        let mut held_up = pin!(one.offer(one.head(), &new));
        let early = poll_times(held_up.as_mut(), 1).await;
        // It decides only over a store that would never answer.
        let Ok(went_on) = timeout(PATIENCE / 2, other.goes_on()).await else {
            return promise.broken("an append to b was not answered while one to a was under way");
        };
        went_on?;
        let answer = match early {
            Some(answer) => answer,
            None => held_up.await,
        };
        promise.done("the append that was held up", answer)?;
    }
    one.stored.extend(new);
    one.goes_on().await
}

/// Many tasks that write to many logs at once disturb each other in nothing (REQ-15, NFR-1).
///
/// # Errors
///
/// The promise, broken.
pub async fn many_logs_at_once_stay_apart(store: Arc<dyn Store>) -> Outcome {
    const LOGS: usize = 24;
    const APPENDS: u64 = 8;
    let promise = Promise("many logs written at once stay apart");
    let mut tasks = JoinSet::new();
    for n in 0..LOGS {
        let store = Arc::clone(&store);
        let world = if n % 2 == 0 { "even" } else { "odd" };
        tasks.spawn(async move {
            let key = chat(world, &format!("c{}", n / 2));
            let mut writer = Writer::create(promise, &store, key).await?;
            for round in 1..=APPENDS {
                writer.append(round % 3 + 1).await?;
                writer.unchanged().await?;
                if round % 4 == 0 {
                    writer = writer.reopened().await?;
                }
                tokio::task::yield_now().await;
            }
            Ok(writer)
        });
    }
    let mut writers = Vec::new();
    while let Some(ended) = tasks.join_next().await {
        let ended = promise.done("a task that writes", ended)?;
        writers.push(ended?);
    }
    for writer in &writers {
        writer.unchanged().await?;
        let found = promise.done("a summary", store.summary(&writer.key).await)?;
        promise.equal("a summary", &Some(found), &summary(&writer.key, writer.head()))?;
    }
    promise.equal("the number of logs", &writers.len(), &LOGS)
}
