//! Entries: kept as they are, in order, all of an append or none.

use std::{
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use futures_util::future::join_all;
use polychat_core::{
    AgentTable, Seq, Timestamp,
    agent::WorldSettings,
    ports::{AppendError, Entry, LogKey, OpenMode, Store, StoreErrorKind},
    world::{WorldEvent, WorldRecorded},
};
use tokio::task::yield_now;

use super::{
    promise::{Outcome, Promise},
    writer::{ALL, Writer, chat, entries, entry, poll_times, summary, world},
};
use crate::samples;

/// Every kind of event, of chats and of worlds, is read as it was appended.
///
/// # Errors
///
/// The promise, broken.
pub async fn every_event_comes_back_as_it_was_stored(store: Arc<dyn Store>) -> Outcome {
    let promise = Promise("entries are read as they were appended");
    let mut of_chat = Writer::create(promise, &store, chat("w", "a")).await?;
    let id = samples::chat_id("a");
    for event in samples::every_event() {
        let recorded = samples::recorded(&id, of_chat.head().next(), event);
        let new = [Entry::Chat(recorded)];
        promise.done("an append", of_chat.offer(of_chat.head(), &new).await)?;
        of_chat.stored.extend(new);
    }
    of_chat.unchanged().await?;

    let mut of_world = Writer::create(promise, &store, world("w")).await?;
    let agent = Arc::new(samples::agent_config());
    let settings = WorldSettings::default();
    let events = [
        WorldEvent::WorldCreated { agent: Arc::clone(&agent), settings: settings.clone() },
        WorldEvent::WorldUpdated { settings },
        WorldEvent::AgentPut { agent: Arc::clone(&agent) },
        WorldEvent::AgentRemoved { agent: agent.name.clone() },
    ];
    let mut seq = Seq::ZERO;
    let new = events.map(|event| {
        seq = seq.next();
        Entry::World(Arc::new(WorldRecorded { seq, at: Timestamp(seq.get()), event }))
    });
    promise.done("an append", of_world.offer(Seq::ZERO, &new).await)?;
    of_world.stored.extend(new);
    of_world.unchanged().await?;
    let events: Vec<_> = of_world.stored.iter().filter_map(world_event).collect();
    promise.holds(AgentTable::replay(events).is_some(), || "the world is gone".to_owned())
}

fn world_event(entry: &Entry) -> Option<&WorldEvent> {
    match entry {
        Entry::World(recorded) => Some(&recorded.event),
        Entry::Chat(_) => None,
    }
}

/// Acknowledged means kept: what was acknowledged is there after the log was opened again.
///
/// # Errors
///
/// The promise, broken.
pub async fn acknowledged_entries_survive_opening_again(store: Arc<dyn Store>) -> Outcome {
    let promise = Promise("acknowledged means kept");
    let mut writer = Writer::with_entries(promise, &store, chat("w", "a"), 2).await?;
    for _ in 0..3 {
        writer = writer.reopened().await?;
        writer.goes_on().await?;
    }
    Ok(())
}

/// Entries of a log are gap-free from 1; others are refused, and nothing of them is stored.
///
/// # Errors
///
/// The promise, broken.
pub async fn entries_that_do_not_follow_the_head_are_refused(store: Arc<dyn Store>) -> Outcome {
    let promise = Promise("entries of a log are gap-free from 1");
    let mut writer = Writer::create(promise, &store, chat("w", "a")).await?;
    promise.rejected("a first entry 0", offer_seqs(&writer, &[0]).await)?;
    promise.rejected("a first entry 2", offer_seqs(&writer, &[2]).await)?;
    writer.append(2).await?;
    for seqs in [&[4_u64, 5][..], &[3, 5], &[3, 3], &[1], &[2, 3], &[4, 3]] {
        let doing = format!("appending {seqs:?} after 2");
        promise.rejected(&doing, offer_seqs(&writer, seqs).await)?;
        writer.unchanged().await?;
    }
    writer.goes_on().await
}

async fn offer_seqs(writer: &Writer, seqs: &[u64]) -> Result<(), AppendError> {
    let new: Vec<_> = seqs.iter().map(|n| entry(&writer.key, samples::seq(*n), "bad")).collect();
    writer.offer(writer.head(), &new).await
}

/// `expected` must be the head.
///
/// # Errors
///
/// The promise, broken.
pub async fn an_append_with_a_wrong_head_is_refused(store: Arc<dyn Store>) -> Outcome {
    let promise = Promise("an append after anything but the head is refused as a wrong head");
    let mut writer = Writer::with_entries(promise, &store, chat("w", "a"), 3).await?;
    for n in [0, 1, 2, 4, 5, 100] {
        let expected = samples::seq(n);
        let new = entries(&writer.key, expected, 2, "bad");
        let doing = format!("appending after {n} where the head is 3");
        let kind = promise.rejected(&doing, writer.offer(expected, &new).await)?;
        promise.equal(&doing, &kind, &StoreErrorKind::WrongHead)?;
        writer.unchanged().await?;
    }
    writer.goes_on().await
}

/// Of an append that is refused for one entry, no other is stored either.
///
/// # Errors
///
/// The promise, broken.
pub async fn a_refused_batch_leaves_nothing(store: Arc<dyn Store>) -> Outcome {
    let promise = Promise("of one append all entries are stored, or none");
    let mut writer = Writer::with_entries(promise, &store, chat("w", "a"), 2).await?;
    let mut gap = writer.next(4, "batch");
    gap.remove(2);
    let mut foreign = writer.next(3, "batch");
    foreign.push(entry(&chat("w", "b"), writer.head().plus(4), "foreign"));
    for batch in [gap, foreign] {
        promise
            .rejected("a batch with one bad entry", writer.offer(writer.head(), &batch).await)?;
        writer.unchanged().await?;
    }
    writer.goes_on().await
}

/// Whoever reads while a batch is appended sees all of it or nothing.
///
/// # Errors
///
/// The promise, broken.
pub async fn a_reader_sees_a_whole_batch_or_none_of_it(store: Arc<dyn Store>) -> Outcome {
    const BATCH: u64 = 8;
    let promise = Promise("of one append all entries are seen, or none");
    let mut writer = Writer::with_entries(promise, &store, chat("w", "a"), 1).await?;
    let new = writer.next(BATCH, "batch");
    let (before, after) = (writer.stored.len(), writer.stored.len() + new.len());
    let done = AtomicBool::new(false);
    let appending = async {
        let appended = writer.offer(writer.head(), &new).await;
        done.store(true, Ordering::SeqCst);
        promise.done("appending a batch", appended)
    };
    let reading = async {
        while !done.load(Ordering::SeqCst) {
            let read = store.read(&writer.key, Seq::ZERO, ALL).await;
            let seen = promise.done("reading meanwhile", read)?.len();
            promise.holds(seen == before || seen == after, || {
                format!("a reader saw {seen} entries, where {before} became {after}")
            })?;
            yield_now().await;
        }
        Ok(())
    };
    let (appended, read) = tokio::join!(appending, reading);
    appended.and(read)?;
    writer.stored.extend(new);
    writer.goes_on().await
}

/// An append whose future is dropped half-way is stored whole or not at all.
///
/// # Errors
///
/// The promise, broken.
pub async fn an_append_that_is_dropped_is_stored_whole_or_not_at_all(
    store: Arc<dyn Store>,
) -> Outcome {
    let promise = Promise("of one append all entries are stored, or none, also when it is dropped");
    for polls in 0..6 {
        let key = chat("w", &format!("dropped-{polls}"));
        let mut writer = Writer::with_entries(promise, &store, key, 1).await?;
        let new = writer.next(6, "batch");
        {
            let append = pin!(writer.offer(writer.head(), &new));
            poll_times(append, polls).await;
        }
        let opened = store.open(&writer.key, OpenMode::Existing).await;
        let (fence, head) = promise.done("opening after the drop", opened)?;
        if head != writer.head() {
            writer.stored.extend(new);
        }
        promise.equal("the head after the drop", &head, &writer.head())?;
        writer.fence = fence;
        writer.goes_on().await?;
    }
    Ok(())
}

/// Of several appends after the same head at the same time one is stored.
///
/// # Errors
///
/// The promise, broken.
pub async fn one_head_admits_one_append(store: Arc<dyn Store>) -> Outcome {
    let promise = Promise("after one head one append is stored");
    let mut writer = Writer::with_entries(promise, &store, chat("w", "a"), 1).await?;
    let rivals: Vec<_> = (0..8).map(|n| writer.next(2, &format!("rival {n}"))).collect();
    let answers = join_all(rivals.iter().map(|new| writer.offer(writer.head(), new))).await;
    let mut winners = Vec::new();
    for (answer, new) in answers.into_iter().zip(rivals) {
        match answer {
            Ok(()) => winners.push(new),
            Err(error) => {
                let kind = promise.rejected("an append that came second", Err(error))?;
                promise.equal("the refusal", &kind, &StoreErrorKind::WrongHead)?;
            }
        }
    }
    promise.equal("the number of appends acknowledged", &winners.len(), &1)?;
    writer.stored.extend(winners.into_iter().flatten());
    writer.goes_on().await
}

/// A log holds entries of its own chat and its own sort only (REQ-9).
///
/// # Errors
///
/// The promise, broken.
pub async fn an_entry_of_another_log_is_refused(store: Arc<dyn Store>) -> Outcome {
    let promise = Promise("a log holds entries of its own chat and its own sort only");
    let mut of_chat = Writer::with_entries(promise, &store, chat("w", "a"), 1).await?;
    let mut of_world = Writer::with_entries(promise, &store, world("w"), 1).await?;
    let cases: [(&Writer, LogKey); 3] =
        [(&of_chat, chat("w", "b")), (&of_chat, world("w")), (&of_world, chat("w", "a"))];
    for (writer, other) in cases {
        let foreign = [entry(&other, writer.head().next(), "foreign")];
        let doing = format!("an entry of {other:?} in the log {:?}", writer.key);
        promise.rejected(&doing, writer.offer(writer.head(), &foreign).await)?;
        writer.unchanged().await?;
    }
    of_chat.goes_on().await?;
    of_world.goes_on().await
}

/// An append carries the summary of its own chat, and one to a world's log carries none (REQ-9).
///
/// # Errors
///
/// The promise, broken.
pub async fn a_summary_of_another_chat_is_refused(store: Arc<dyn Store>) -> Outcome {
    let promise = Promise("an append carries the summary of its own chat");
    let mut of_chat = Writer::with_entries(promise, &store, chat("w", "a"), 1).await?;
    let mut of_world = Writer::with_entries(promise, &store, world("w"), 1).await?;
    let other = summary(&chat("w", "b"), samples::seq(2));
    for writer in [&of_chat, &of_world] {
        let new = writer.next(1, "entry");
        let head = writer.head();
        let answer = store.append(&writer.fence, head, &new, other.as_ref()).await;
        promise.rejected(&format!("the summary of b with {:?}", writer.key), answer)?;
        writer.unchanged().await?;
    }
    let without = store.append(&of_chat.fence, of_chat.head(), &of_chat.next(1, "x"), None).await;
    promise.rejected("an append to a chat's log without a summary", without)?;
    of_chat.goes_on().await?;
    of_world.goes_on().await
}
