//! What readers get: merged, resumed, trimmed, woken.

use std::{
    sync::Arc,
    task::{Context, Waker},
};

use polychat_chat_actor::feed::{CHUNK_BYTES_MAX, FeedLimits, FeedReader, Read};
use polychat_core::{Cursor, Epoch, Event, LiveBody, Refusal, Seq, StartAt, ToolCallId};

use crate::support::{Alarm, Chat, LIMITS};

#[test]
fn a_reader_that_lags_gets_one_bigger_chunk_and_loses_nothing() {
    // law 4
    let (chat, writer) = Chat::with_open_message(LIMITS);
    let (mut quick, mut slow) = (chat.watch(&StartAt::Now), chat.watch(&StartAt::Now));
    for word in ["one ", "two ", "three"] {
        writer.text(word).unwrap();
        assert_eq!(quick.chunk().as_deref(), Some(word));
    }
    assert_eq!(slow.chunk().as_deref(), Some("one two three"));
    assert_eq!((quick.poll(), slow.poll()), (None, None));
    assert_eq!(quick.reader.cursor(), slow.reader.cursor());
}

#[test]
fn text_and_reasoning_merge_with_their_own_kind_only() {
    let (chat, writer) = Chat::with_open_message(LIMITS);
    let mut reader = chat.watch(&StartAt::Now);
    writer.reasoning("a").unwrap();
    writer.reasoning("b").unwrap();
    writer.text("c").unwrap();
    writer.reasoning("d").unwrap();
    let chunks: Vec<_> = std::iter::from_fn(|| reader.chunk()).take(3).collect();
    assert_eq!(chunks, ["ab", "c", "d"]);
    assert_eq!(reader.poll(), None);
}

#[test]
fn readers_in_step_share_one_event() {
    let (chat, writer) = Chat::with_open_message(LIMITS);
    let (mut one, mut other) = (chat.watch(&StartAt::Now), chat.watch(&StartAt::Now));
    writer.text("shared").unwrap();
    match (one.poll(), other.poll()) {
        (Some(Read::Live { event: one, .. }), Some(Read::Live { event: other, .. })) => {
            assert!(Arc::ptr_eq(&one, &other));
        }
        other => panic!("two live events, not {other:?}"),
    }
}

#[test]
fn one_read_is_bounded_and_ends_at_a_character() {
    // law 7
    let (chat, writer) = Chat::with_open_message(LIMITS);
    let mut readers = [chat.watch(&StartAt::Now), chat.watch(&StartAt::Now)];
    let text = format!("x{}", "é".repeat(CHUNK_BYTES_MAX));
    writer.text(&text).unwrap();
    for reader in &mut readers {
        let first = reader.chunk().unwrap();
        assert_eq!(first.len(), CHUNK_BYTES_MAX - 1);
        let (second, third) = (reader.chunk().unwrap(), reader.chunk().unwrap());
        assert_eq!(first + &second + &third, text);
        assert_eq!(reader.poll(), None);
    }
}

#[test]
fn newer_progress_supersedes_what_was_not_read_and_is_never_missed() {
    // REQ-4
    let (mut chat, _writer) = Chat::with_open_message(LIMITS);
    let message = chat.message.unwrap();
    chat.end_message();
    let calls = [0, 1].map(|index| ToolCallId { message, index });
    let tools = calls.map(|call| chat.start_tool(call));
    let (mut quick, mut slow) = (chat.watch(&StartAt::Now), chat.watch(&StartAt::Now));
    for done in 1..=3 {
        tools[0].progress(done.into()).unwrap();
        tools[1].progress((done * 10).into()).unwrap();
        quick.read_all(&chat.log);
        assert_eq!(
            quick.view.progress,
            [(calls[0], done.into()), (calls[1], (done * 10).into())].into()
        );
    }
    tools[1].progress(99.into()).unwrap();
    quick.read_all(&chat.log);
    let mut seen = Vec::new();
    while let Some(Read::Live { event, .. }) = slow.poll() {
        if let LiveBody::ToolProgress { progress, .. } = &event.body {
            seen.push(progress.clone());
        }
    }
    assert_eq!(seen, [3, 99]);
    assert_eq!(quick.view.progress[&calls[1]], 99);
}

/// Every cursor at which a reader of a chat that says all kinds of things may stand.
fn every_cursor(chat: &Chat) -> Vec<Cursor> {
    let mut cursors = Vec::new();
    let Cursor { seq, epoch, .. } = chat.feed.position();
    for seq in (1..=seq.get()).map(|seq| Seq::try_from(seq).unwrap()) {
        for live in 0..6 {
            for offset in 0..12 {
                let cursor = Cursor { seq, epoch, live, offset };
                if chat.feed.subscribe(&StartAt::After(cursor)).is_ok() {
                    cursors.push(cursor);
                }
            }
        }
    }
    cursors
}

#[test]
fn a_resume_at_every_possible_cursor_reads_exactly_the_rest() {
    // law 4
    let (mut chat, writer) = Chat::with_open_message(LIMITS);
    let _stays = chat.watch(&StartAt::Now);
    writer.text("aé").unwrap();
    writer.reasoning("ß").unwrap();
    writer.text("漢字").unwrap();
    chat.record(Event::ChatReopened {});
    writer.text("end").unwrap();
    // Behind seq 1 is one place; behind seq 2 are 0,1,3 + 0,2 + 0,3,6; behind seq 3 are 0,1,2,3.
    let cursors = every_cursor(&chat);
    assert_eq!(cursors.len(), 1 + 8 + 4, "{cursors:?}");
    let whole = "aéßend".len() + "漢字".len();
    let mut rests = Vec::new();
    for cursor in cursors {
        let mut reader = chat.watch(&StartAt::After(cursor));
        let (mut rest, mut last) = (0, cursor);
        while let Some(read) = reader.poll() {
            let (next, bytes) = match read {
                Read::Live { cursor, event } => match &event.body {
                    LiveBody::MessageChunk { text, .. } | LiveBody::ReasoningChunk { text, .. } => {
                        (cursor, text.len())
                    }
                    other => panic!("no chunk: {other:?}"),
                },
                Read::Recorded { cursor, .. } => (cursor, 0),
                other => panic!("unexpected {other:?}"),
            };
            assert!(next > last, "cursors are ordered as what they follow");
            (rest, last) = (rest + bytes, next);
        }
        assert_eq!(last.seq, chat.head());
        rests.push(rest);
    }
    assert!(rests.is_sorted_by(|earlier, later| earlier >= later), "{rests:?}");
    assert_eq!((rests[0], rests[rests.len() - 1]), (whole, 0));
}

#[test]
fn a_cursor_beyond_what_was_shown_is_refused() {
    let (chat, writer) = Chat::with_open_message(LIMITS);
    writer.text("é").unwrap();
    let end = chat.feed.position();
    let wrong = [
        Cursor::after(chat.head().next()),
        Cursor { offset: 1, ..end },
        Cursor { offset: 3, ..end },
        Cursor { live: 1, offset: 0, ..end },
        Cursor { live: 1, offset: 1, ..end },
        Cursor { live: 2, offset: 0, ..end },
        Cursor { live: u64::MAX, offset: u64::MAX, ..end },
    ];
    for cursor in wrong {
        let refusal = chat.feed.subscribe(&StartAt::After(cursor)).unwrap_err();
        assert_eq!(refusal, Refusal::CursorInvalid { cursor, head: chat.head() });
    }
    let foreign = Cursor { epoch: Epoch(77), live: 9, offset: 9, ..end };
    let mut reader = chat.watch(&StartAt::After(foreign));
    assert_eq!(reader.chunk().as_deref(), Some("é"), "a foreign epoch resumes after its seq");
}

#[test]
fn a_reader_in_the_middle_of_dropped_live_entries_goes_on_with_the_record() {
    // law 4
    let (mut chat, writer) = Chat::with_open_message(LIMITS);
    let mut reader = chat.watch(&StartAt::Start);
    writer.text("shown").unwrap();
    reader.read_all(&chat.log);
    let middle = reader.reader.cursor();
    writer.text(" unread").unwrap();
    chat.end_message();
    chat.end_turn();
    assert_eq!(
        chat.watch(&StartAt::After(middle)).chunk().as_deref(),
        Some(" unread"),
        "the chunks are still there"
    );
    chat.start_turn();
    chat.end_turn();
    chat.start_turn();
    let mut resumed = chat.watch(&StartAt::After(middle));
    resumed.view = reader.view.clone();
    for reader in [&mut reader, &mut resumed] {
        reader.read_all(&chat.log);
        assert_eq!(reader.view.messages[&writer.message()].0, "shown unread");
        assert_eq!(reader.view.seen, chat.head());
    }
}

#[test]
fn the_last_chunk_of_a_turn_reaches_a_reader_although_the_next_turn_began_at_once() {
    // law 4: the end of a turn and the beginning of the next one are often one append.
    let (mut chat, writer) = Chat::with_open_message(LIMITS);
    let mut reader = chat.watch(&StartAt::Start);
    writer.text("first ").unwrap();
    assert_eq!(reader.chunks(&chat.log), ["first "]);
    writer.text("last").unwrap();
    chat.end_message();
    chat.end_turn();
    chat.start_turn();
    let next = chat.start_message();
    next.text("next").unwrap();
    assert_eq!(reader.chunks(&chat.log), ["last", "next"]);
}

#[test]
fn a_reader_that_never_reads_keeps_the_chunks_of_two_turns_and_no_more() {
    // law 7
    let (mut chat, first) = Chat::with_open_message(LIMITS);
    let mut asleep = chat.watch(&StartAt::Start);
    let mut writer = first;
    for turn in ["one", "two", "three", "four"] {
        writer.text(turn).unwrap();
        chat.end_message();
        chat.end_turn();
        chat.start_turn();
        writer = chat.start_message();
    }
    writer.text("five").unwrap();
    assert_eq!(asleep.chunks(&chat.log), ["four", "five"]);
}

#[test]
fn old_events_are_let_go_and_the_running_turns_chunks_are_not() {
    // law 7, law 4
    let (mut chat, writer) = Chat::with_open_message(FeedLimits { recorded_max: 2, ..LIMITS });
    let _stays = chat.watch(&StartAt::Now);
    writer.text("early ").unwrap();
    for _ in 0..10 {
        chat.record(Event::ChatReopened {});
    }
    writer.text("late").unwrap();
    let mut reader = chat.watch(&StartAt::Start);
    let seq = |number: u64| Seq::try_from(number).unwrap();
    assert_eq!(reader.poll(), Some(Read::Behind { after: Seq::ZERO, until: seq(2) }));
    reader.reader.advance(seq(2));
    assert_eq!(reader.chunk().as_deref(), Some("early "));
    assert_eq!(reader.poll(), Some(Read::Behind { after: seq(2), until: seq(10) }));
    reader.reader.advance(seq(10));
    assert!(matches!(reader.poll(), Some(Read::Recorded { event, .. }) if event.seq == seq(11)));
    assert!(matches!(reader.poll(), Some(Read::Recorded { event, .. }) if event.seq == seq(12)));
    assert_eq!(reader.chunk().as_deref(), Some("late"));
}

#[test]
fn an_idle_chat_without_readers_holds_no_events() {
    let (mut chat, writer) = Chat::with_open_message(LIMITS);
    let reader = chat.watch(&StartAt::Now);
    writer.text("text").unwrap();
    chat.end_message();
    chat.end_turn();
    assert_eq!(Arc::strong_count(&chat.log[0]), 2);
    drop(reader);
    assert!(chat.log.iter().all(|event| Arc::strong_count(event) == 1));
    let mut later = chat.watch(&StartAt::Start);
    later.read_all(&chat.log);
    assert_eq!(later.view.messages[&writer.message()].0, "text");
}

#[test]
fn missing_events_of_a_restart_are_read_from_the_store() {
    // law 1, law 4
    let (mut chat, writer) = Chat::with_open_message(LIMITS);
    let mut reader = chat.watch(&StartAt::Start);
    writer.text("shown").unwrap();
    reader.read_all(&chat.log);
    chat.restart(3);
    reader.read_all(&chat.log);
    assert_eq!(reader.view.seen, chat.head());
    assert_eq!(reader.view.messages[&writer.message()].0, "shown");
}

#[test]
fn a_snapshot_and_its_cursor_are_one_moment() {
    let (chat, writer) = Chat::with_open_message(LIMITS);
    writer.text("before").unwrap();
    let snapshot = chat.feed.snapshot();
    writer.text(" after").unwrap();
    let (message, shown) = snapshot.open.unwrap();
    assert_eq!((message, &*shown.text), (writer.message(), "before"));
    let mut reader = chat.watch(&StartAt::After(snapshot.cursor));
    assert_eq!(reader.chunk().as_deref(), Some(" after"));
}

#[test]
fn places_of_readers_are_bounded_and_used_again() {
    // law 7
    let chat = Chat::new(FeedLimits { subscribers_max: 2, ..LIMITS });
    let (one, _two) = (chat.watch(&StartAt::Now), chat.watch(&StartAt::Now));
    let refusal = chat.feed.subscribe(&StartAt::Now).unwrap_err();
    assert_eq!(refusal, Refusal::SubscribersFull { max: 2 });
    drop(one);
    let three = chat.watch(&StartAt::Now);
    assert_eq!(chat.feed.readers(), 2);
    drop(three);
    assert_eq!(chat.feed.readers(), 1);
}

fn waits(reader: &mut FeedReader, alarm: &Arc<Alarm>) -> bool {
    let waker = Waker::from(Arc::clone(alarm));
    reader.poll_read(&mut Context::from_waker(&waker)).is_pending()
}

#[test]
fn only_those_who_wait_are_woken_and_once() {
    let (chat, writer) = Chat::with_open_message(LIMITS);
    let alarms = [(); 3].map(|()| Arc::new(Alarm::default()));
    let mut readers = [(); 3].map(|()| chat.watch(&StartAt::Now).reader);
    assert!(waits(&mut readers[0], &alarms[0]));
    assert!(waits(&mut readers[1], &alarms[1]));
    assert!(waits(&mut readers[1], &alarms[1]), "waiting twice is waiting once");
    writer.text("a").unwrap();
    writer.text("b").unwrap();
    assert_eq!(alarms.each_ref().map(|alarm| alarm.count()), [1, 1, 0]);
    assert!(!waits(&mut readers[0], &alarms[0]) && waits(&mut readers[0], &alarms[0]));
    let other = Arc::new(Alarm::default());
    assert!(waits(&mut readers[0], &other), "the last waker counts");
    let [first, second, third] = readers;
    drop(second);
    writer.text("c").unwrap();
    assert_eq!((alarms[0].count(), other.count(), alarms[1].count()), (1, 1, 1));
    drop((first, third));
    assert_eq!(Arc::strong_count(&other), 1, "no waker stays behind");
}
