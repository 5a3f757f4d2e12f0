//! Every interleaving of the feed's lock and wakers, explored by loom.
//!
//! `RUSTFLAGS="--cfg polychat_loom" cargo test --release -p polychat-chat-actor --test loom --target-dir target/loom`
//!
//! The cfg is our own; loom replaces the feed's mutex and the waker here, nothing else. Lost
//! wake-ups show as deadlocks.
#![cfg(polychat_loom)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may panic"
)]

use std::{future::poll_fn, sync::Arc};

use loom::{future::block_on, thread};
use polychat_chat_actor::feed::{Feed, FeedLimits, FeedReader, PushError, Read};
use polychat_core::{
    AgentConfig, AgentName, ChatId, EndReason, Epoch, Event, LiveBody, MessageId, ModelName,
    Recorded, Seq, StartAt, Timestamp, TurnId, TurnOutcome,
};

const LIMITS: FeedLimits =
    FeedLimits { recorded_max: 2, subscribers_max: 4, live_bytes_max: 10_000 };
const EPOCH: Epoch = Epoch(1);

fn event(seq: u64, event: Event) -> Arc<Recorded> {
    let (chat_id, seq) = (ChatId::new("a").unwrap(), Seq::try_from(seq).unwrap());
    Arc::new(Recorded { chat_id, seq, at: Timestamp(0), event })
}

fn turn() -> TurnId {
    TurnId(Seq::FIRST)
}

fn message() -> MessageId {
    MessageId(Seq::FIRST.next())
}

/// A feed whose turn has begun with seq 1 and whose message is open with seq 2.
fn feed() -> Arc<Feed> {
    let feed = Feed::new(ChatId::new("a").unwrap(), Seq::ZERO, LIMITS);
    feed.begin_epoch(EPOCH, Seq::ZERO).unwrap();
    let guide = AgentName::new("guide").unwrap();
    let agent = Arc::new(AgentConfig::new(guide.clone(), ModelName::new("demo").unwrap()));
    let start =
        Event::MessageStart { turn_id: turn(), step: 1, agent, omitted: Default::default() };
    let started = Event::TurnStarted { prompt_ids: Vec::new(), agent: guide, then: Vec::new() };
    feed.publish(EPOCH, &[event(1, started), event(2, start)]).unwrap();
    Arc::new(feed)
}

fn read(reader: &mut FeedReader) -> Read {
    block_on(poll_fn(|cx| reader.poll_read(cx)))
}

/// Reads until the feed ends; answers the text and the recorded seqs.
fn read_all(mut reader: FeedReader) -> (String, Vec<u64>) {
    let (mut text, mut seqs) = (String::new(), Vec::new());
    loop {
        match read(&mut reader) {
            Read::Live { event, .. } => match &event.body {
                LiveBody::MessageChunk { text: chunk, offset, .. } => {
                    assert_eq!(*offset, text.len() as u64);
                    text.push_str(chunk);
                }
                other => panic!("unexpected {other:?}"),
            },
            Read::Recorded { event, .. } => seqs.push(event.seq.get()),
            Read::Behind { after, until } => {
                seqs.extend(after.get() + 1..=until.get());
                reader.advance(until);
            }
            Read::Ended(_) => return (text, seqs),
        }
    }
}

#[test]
fn a_waiting_reader_is_woken_by_every_chunk_it_has_not_read() {
    // law 4
    loom::model(|| {
        let feed = feed();
        let reader = feed.subscribe(&StartAt::Now).unwrap();
        let writer = feed.writer(EPOCH, turn(), message());
        let writing = thread::spawn(move || {
            writer.text("a").unwrap();
            writer.text("b").unwrap();
            feed.end(EndReason::WorldClosed);
        });
        assert_eq!(read_all(reader), ("ab".to_owned(), Vec::new()));
        writing.join().unwrap();
    });
}

#[test]
fn a_seal_and_a_push_agree_on_what_was_shown() {
    // law 5: the sealed text, the accepted text and the text read are the same
    loom::model(|| {
        let feed = feed();
        let reader = feed.subscribe(&StartAt::Now).unwrap();
        let writer = feed.writer(EPOCH, turn(), message());
        let writing = thread::spawn(move || {
            ["a", "b"].into_iter().take_while(|text| writer.text(text).is_ok()).collect::<String>()
        });
        let shown = feed.seal(message()).unwrap();
        feed.end(EndReason::WorldClosed);
        assert_eq!(writing.join().unwrap(), *shown.text);
        assert_eq!(read_all(reader).0, *shown.text);
    });
}

#[test]
fn a_restart_and_a_push_of_the_old_life_agree_on_what_was_shown() {
    // law 5
    loom::model(|| {
        let feed = feed();
        let writer = feed.writer(EPOCH, turn(), message());
        let writing = thread::spawn(move || writer.text("a"));
        let shown = feed.seal(message()).unwrap();
        feed.begin_epoch(Epoch(2), feed.head()).unwrap();
        let pushed = writing.join().unwrap();
        assert_eq!(pushed.is_ok(), &*shown.text == "a");
        assert!(matches!(pushed, Ok(()) | Err(PushError::Sealed | PushError::StaleEpoch)));
        assert_eq!(feed.seal(message()), Some(shown));
    });
}

#[test]
fn published_events_reach_a_reader_once_and_in_order() {
    // law 4
    loom::model(|| {
        let feed = feed();
        let reader = feed.subscribe(&StartAt::Start).unwrap();
        let publishing = thread::spawn(move || {
            feed.publish(EPOCH, &[event(3, Event::ChatReopened {})]).unwrap();
            feed.publish(EPOCH, &[event(4, Event::ChatReopened {})]).unwrap();
            feed.end(EndReason::WorldClosed);
        });
        assert_eq!(read_all(reader).1, [1, 2, 3, 4]);
        publishing.join().unwrap();
    });
}

#[test]
fn trimming_and_resuming_lose_and_repeat_nothing() {
    // law 4, law 7: `recorded_max` is 2, so that each event pushes another one out
    loom::model(|| {
        let feed = feed();
        feed.writer(EPOCH, turn(), message()).text("a").unwrap();
        let publisher = Arc::clone(&feed);
        let publishing = thread::spawn(move || {
            let outcome = TurnOutcome::Completed;
            let ended = Event::TurnEnded { turn_id: turn(), outcome };
            let agent = AgentName::new("guide").unwrap();
            let next = Event::TurnStarted { prompt_ids: Vec::new(), agent, then: Vec::new() };
            publisher.publish(EPOCH, &[event(3, ended)]).unwrap();
            publisher.publish(EPOCH, &[event(4, next)]).unwrap();
            publisher.end(EndReason::WorldClosed);
        });
        let mut reader = feed.subscribe(&StartAt::Start).unwrap();
        let first = match read(&mut reader) {
            Read::Recorded { cursor, .. } => cursor.seq.get(),
            Read::Behind { until, .. } => {
                reader.advance(until);
                until.get()
            }
            other => panic!("unexpected {other:?}"),
        };
        let cursor = reader.cursor();
        drop(reader);
        let (text, rest) = read_all(feed.subscribe(&StartAt::After(cursor)).unwrap());
        assert_eq!(rest, (first + 1..=4).collect::<Vec<_>>());
        assert!(text.is_empty() || text == "a");
        publishing.join().unwrap();
    });
}

#[test]
fn a_reader_that_leaves_takes_no_wake_up_from_another() {
    // law 4
    loom::model(|| {
        let feed = feed();
        let mut leaves = feed.subscribe(&StartAt::Now).unwrap();
        let stays = feed.subscribe(&StartAt::Now).unwrap();
        let leaving = thread::spawn(move || {
            let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
            let _ = leaves.poll_read(&mut cx);
        });
        // The end is the one thing to be woken by: three threads with more to do are too many states.
        let ending = thread::spawn(move || feed.end(EndReason::WorldClosed));
        assert_eq!(read_all(stays), Default::default());
        leaving.join().unwrap();
        ending.join().unwrap();
    });
}
