//! Who may write what, and when no longer.

use std::sync::Arc;

use polychat_chat_actor::feed::{FeedError, FeedLimits, PushError, Read};
use polychat_core::{
    ChatId, EndReason, Epoch, Event, Recorded, Seq, StartAt, Timestamp, ToolCallId,
};

use crate::support::{Chat, LIMITS, chat_id};

#[test]
fn a_sealed_message_takes_no_more_and_tells_exactly_what_was_shown() {
    // law 5, REQ-3
    let (mut chat, writer) = Chat::with_open_message(LIMITS);
    let message = writer.message();
    writer.reasoning("hm").unwrap();
    writer.text("héllo").unwrap();
    let shown = chat.feed.seal(message).unwrap();
    assert_eq!((&*shown.text, &*shown.reasoning), ("héllo", "hm"));
    assert_eq!(writer.text(" late"), Err(PushError::Sealed));
    assert_eq!(writer.reasoning(" late"), Err(PushError::Sealed));
    assert_eq!(chat.feed.seal(message), Some(shown), "sealing again answers the same");
    chat.end_message();
    assert_eq!(chat.feed.seal(message), None, "an ended message is not open");
    assert_eq!(writer.text("later"), Err(PushError::Sealed));
}

#[test]
fn an_old_messages_writer_cannot_write_into_the_next_message() {
    // law 5
    let (mut chat, old) = Chat::with_open_message(LIMITS);
    chat.end_message();
    let new = chat.start_message();
    assert_eq!(old.text("stray"), Err(PushError::Sealed));
    new.text("own").unwrap();
    assert_eq!(&*chat.feed.shown(new.message()).unwrap().text, "own");
}

#[test]
fn a_checkpoint_takes_only_what_is_new() {
    let (chat, writer) = Chat::with_open_message(LIMITS);
    writer.text("one ").unwrap();
    writer.text("two").unwrap();
    writer.reasoning("why").unwrap();
    let new = chat.feed.shown_after(writer.message(), 4, 3).unwrap();
    assert_eq!((&*new.text, &*new.reasoning), ("two", ""));
    assert_eq!(&*chat.feed.shown_after(writer.message(), 99, 0).unwrap().text, "");
}

#[test]
fn a_new_epoch_refuses_the_old_one_and_keeps_what_was_shown_until_it_is_recorded() {
    // law 5: a restarted actor that dies again still records all that was shown
    let (chat, writer) = Chat::with_open_message(LIMITS);
    writer.text("shown").unwrap();
    let shown = chat.feed.seal(writer.message());
    chat.feed.begin_epoch(Epoch(2), chat.head()).unwrap();
    assert_eq!(writer.text("late"), Err(PushError::StaleEpoch));
    let of_new_epoch = chat.feed.writer(Epoch(2), chat.turn.unwrap(), writer.message());
    assert_eq!(of_new_epoch.text("late"), Err(PushError::Sealed));
    let late = Arc::new(Recorded {
        chat_id: chat_id(),
        seq: chat.head().next(),
        at: Timestamp(0),
        event: Event::ChatClosed {},
    });
    let refused = chat.feed.publish(Epoch(1), &[late]);
    assert_eq!(refused, Err(FeedError::StaleEpoch { current: Epoch(2) }));
    assert_eq!(chat.feed.seal(writer.message()), shown);
    assert!(chat.feed.begin_epoch(Epoch(2), chat.head()).is_err(), "an epoch begins once");
}

#[test]
fn only_the_next_events_of_this_chat_are_shown_and_a_bad_batch_not_at_all() {
    // law 1, REQ-13
    let chat = Chat::new(LIMITS);
    let mut watcher = chat.watch(&StartAt::Now);
    let event = |id: &str, seq: u64| {
        Arc::new(Recorded {
            chat_id: ChatId::new(id).unwrap(),
            seq: Seq::try_from(seq).unwrap(),
            at: Timestamp(0),
            event: Event::ChatClosed {},
        })
    };
    let gap = chat.feed.publish(chat.epoch, &[event("a", 1), event("a", 3)]);
    let two = Seq::FIRST.next();
    assert_eq!(gap, Err(FeedError::WrongSeq { expected: two, found: two.next() }));
    let foreign = chat.feed.publish(chat.epoch, &[event("a", 1), event("b", 2)]);
    assert_eq!(foreign, Err(FeedError::ForeignChat { found: ChatId::new("b").unwrap() }));
    assert_eq!((watcher.poll(), chat.feed.head()), (None, Seq::ZERO));
    chat.feed.publish(chat.epoch, &[event("a", 1), event("a", 2)]).unwrap();
    assert_eq!(chat.feed.head(), two);
}

#[test]
fn live_output_is_bounded_and_what_is_refused_is_not_shown_in_part() {
    // law 7
    let limits = FeedLimits { live_bytes_max: 100, ..LIMITS };
    let (mut chat, writer) = Chat::with_open_message(limits);
    writer.text(&"x".repeat(30)).unwrap();
    assert_eq!(writer.text("seven b"), Err(PushError::OverLimit));
    writer.text("six by").unwrap();
    assert_eq!(chat.feed.shown(writer.message()).unwrap().text.len(), 36);
    assert_eq!(writer.reasoning(""), Ok(()), "nothing costs nothing");
    chat.end_message();
    chat.end_turn();
    chat.start_turn();
    chat.start_message().text(&"y".repeat(36)).unwrap();
}

#[test]
fn a_tool_that_floods_leaves_the_answer_its_room() {
    // law 7, issue 3
    let limits = FeedLimits { live_bytes_max: 10_000, ..LIMITS };
    let (mut chat, _writer) = Chat::with_open_message(limits);
    let call = ToolCallId { message: chat.message.unwrap(), index: 0 };
    chat.end_message();
    let tool = chat.start_tool(call);
    assert_eq!(tool.output(&"x".repeat(6_000)), Err(PushError::OverLimit));
    while tool.output(&"x".repeat(400)).is_ok() {}
    assert_eq!(tool.progress("x".repeat(400).into()), Err(PushError::OverLimit));
    chat.end_tool(call);
    chat.start_message().text(&"y".repeat(4_900)).unwrap();
}

#[test]
fn a_tools_output_ends_with_its_call() {
    // REQ-4, law 5
    let (mut chat, _writer) = Chat::with_open_message(LIMITS);
    let call = ToolCallId { message: chat.message.unwrap(), index: 0 };
    chat.end_message();
    let tool = chat.start_tool(call);
    tool.output("4").unwrap();
    tool.progress(1.into()).unwrap();
    chat.end_tool(call);
    assert_eq!(tool.output("2"), Err(PushError::Sealed));
    assert_eq!(tool.progress(2.into()), Err(PushError::Sealed));
}

#[test]
fn an_ended_feed_shows_everything_recorded_and_then_the_reason() {
    let (mut chat, writer) = Chat::with_open_message(LIMITS);
    let mut watcher = chat.watch(&StartAt::Start);
    writer.text("bye").unwrap();
    chat.end_message();
    chat.feed.end(EndReason::WorldClosed);
    assert_eq!(writer.text("late"), Err(PushError::Sealed));
    let refused = chat.feed.publish(chat.epoch, &[]);
    assert_eq!(refused, Err(FeedError::Ended));
    watcher.read_all(&chat.log);
    assert_eq!(watcher.view.seen, chat.head());
    assert_eq!(watcher.poll(), Some(Read::Ended(EndReason::WorldClosed)));
    assert_eq!(watcher.poll(), Some(Read::Ended(EndReason::WorldClosed)));
    chat.restart(0);
    assert_eq!(chat.watch(&StartAt::Now).poll(), None, "a new life of the chat goes on");
    chat.feed.end(EndReason::Deleted);
    chat.feed.end(EndReason::WorldClosed);
    assert_eq!(chat.watch(&StartAt::Now).poll(), Some(Read::Ended(EndReason::Deleted)));
    assert_eq!(chat.feed.begin_epoch(Epoch(9), chat.head()), Err(FeedError::Ended));
}
