//! Law 4: one log, many cursors.

use std::time::Duration;

use futures_util::StreamExt;
use polychat::{Cursor, EndReason, LiveBody, Notice, Seq, StartAt};
use polychat_testkit::{
    faulty_store::{Call, Fault},
    view::{ChatView, MessageState},
};

use crate::support::{
    Watcher, WorldWatcher, assert_sound, chat_id, code, house, outcome, watch, within,
};

// law 4
#[tokio::test(start_paused = true)]
async fn a_reader_that_lags_gets_the_same_text_in_fewer_chunks_and_holds_up_nobody() {
    let house = house().open().await;
    let chat = house.chat("a").await;
    let (mut slow, mut fast) = (watch(&chat).await, watch(&chat).await);
    slow.drain().await;
    let (prompt, call) = house.begin(&chat, "hello").await;
    for n in 0..100 {
        call.text(format!("{n} ")).drained().await;
        fast.drain().await;
    }
    call.finish();
    outcome(&prompt).await;
    fast.until_event("turn.ended").await;
    slow.until_event("turn.ended").await;
    assert_eq!(slow.view, fast.view);
    assert_eq!(slow.chunks(), fast.chunks());
    let live =
        |seen: &Watcher| seen.notices.iter().filter(|n| matches!(n, Notice::Live { .. })).count();
    assert_eq!(live(&fast), 100, "a reader in step sees every chunk");
    assert_eq!(live(&slow), 1, "a lagging one sees one");
}

// law 4
#[tokio::test(start_paused = true)]
async fn resuming_at_every_cursor_ends_with_the_view_of_who_never_left() {
    let house = house().open().await;
    let chat = house.chat("a").await;
    let mut stays = watch(&chat).await;
    let (first, call) = house.begin(&chat, "one").await;
    call.reasoning("hmm ").drained().await;
    stays.drain().await;
    for word in ["the ", "first ", "answer"] {
        call.text(word).drained().await;
        stays.drain().await;
    }
    call.finish();
    outcome(&first).await;
    let (_, call) = house.begin(&chat, "two").await;
    for word in ["süß ", "and ", "half"] {
        call.text(word).drained().await;
        stays.drain().await;
    }
    // Every cursor that was handed out, the one in the middle of the running text included.
    for (place, notice) in stays.notices.iter().enumerate() {
        let (Notice::Recorded { cursor, .. } | Notice::Live { cursor, .. }) = notice else {
            continue;
        };
        let mut view = ChatView::new(chat.id().clone());
        for seen in &stays.notices[..=place] {
            view.apply(seen).unwrap();
        }
        let mut back = Watcher::going_on(&chat, StartAt::After(*cursor), view).await;
        back.drain().await;
        assert_eq!(back.view, stays.view, "resumed after {cursor}");
        let last_seen = seqs_up_to(&stays.notices[..=place]);
        assert_eq!(back.seqs(), (last_seen + 1..=stays.view.head.get()).collect::<Vec<_>>());
    }
    // And again once the turn has ended.
    let cursors: Vec<_> = stays.notices.iter().filter_map(cursor_of).collect();
    let before = stays.notices.len();
    call.text(" done").finish();
    stays.until_event("turn.ended").await;
    for (place, cursor) in (0..before).zip(cursors) {
        let mut view = ChatView::new(chat.id().clone());
        for seen in &stays.notices[..=place] {
            view.apply(seen).unwrap();
        }
        let mut back = Watcher::going_on(&chat, StartAt::After(cursor), view).await;
        back.drain().await;
        assert_eq!(back.view, stays.view, "resumed after {cursor} when the turn was over");
    }
}

fn cursor_of(notice: &Notice) -> Option<Cursor> {
    match notice {
        Notice::Recorded { cursor, .. } | Notice::Live { cursor, .. } => Some(*cursor),
        _ => None,
    }
}

fn seqs_up_to(notices: &[Notice]) -> u64 {
    let seq = |notice: &Notice| cursor_of(notice).map(|cursor| cursor.seq.get());
    notices.iter().rev().find_map(seq).unwrap_or(0)
}

// law 4
#[tokio::test(start_paused = true)]
async fn start_now_and_after_begin_where_they_say() {
    let house = house().open().await;
    let chat = house.chat("a").await;
    house.turn(&chat, "one", "first").await;
    let head = chat.snapshot().await.unwrap().summary.head;
    let mut from_start = watch(&chat).await;
    from_start.drain().await;
    assert_eq!(from_start.seqs(), (1..=head.get()).collect::<Vec<_>>());
    let mut now = within(chat.subscribe(StartAt::Now)).await.unwrap();
    let mut after = within(chat.subscribe_after(Cursor::after(head))).await.unwrap();
    house.turn(&chat, "two", "second").await;
    for stream in [&mut now, &mut after] {
        let first = within(stream.next()).await.unwrap();
        assert!(matches!(&first, Notice::Recorded { event, .. } if event.seq == head.next()));
    }
    // "Now" in the middle of a text means: what comes, not what came.
    let (_, call) = house.begin(&chat, "three").await;
    call.text("old ").drained().await;
    let mut now = within(chat.subscribe(StartAt::Now)).await.unwrap();
    call.text("new").drained().await;
    let Some(Notice::Live { event, .. }) = within(now.next()).await else { panic!("a chunk") };
    let LiveBody::MessageChunk { offset, text, .. } = &event.body else { panic!("a chunk") };
    assert_eq!((*offset, &**text), (4, "new"));
}

// law 4
#[tokio::test(start_paused = true)]
async fn a_snapshot_and_what_follows_its_cursor_are_one_stream() {
    let house = house().open().await;
    let chat = house.chat("a").await;
    house.turn(&chat, "one", "first").await;
    let (_, call) = house.begin(&chat, "two").await;
    call.reasoning("let me see").text("half ").drained().await;
    let mut stays = watch(&chat).await;
    stays.drain().await;
    let snapshot = chat.snapshot().await.unwrap();
    let open = snapshot.open.clone().expect("a message is being written");
    assert_eq!((&*open.text, &*open.reasoning), ("half ", "let me see"));
    assert_eq!(snapshot.summary.head, snapshot.cursor.seq);
    let mut follows = within(chat.subscribe_after(snapshot.cursor)).await.unwrap();
    call.text("and whole").finish();
    stays.until_event("turn.ended").await;
    let mut text = open.text.to_string();
    loop {
        match within(follows.next()).await.unwrap() {
            Notice::Live { event, .. } => {
                let LiveBody::MessageChunk { offset, text: chunk, .. } = &event.body else {
                    panic!("only text is missing: {event:?}")
                };
                assert_eq!(*offset, text.len() as u64, "exactly what the snapshot did not have");
                text.push_str(chunk);
            }
            Notice::Recorded { event, .. } if event.event.name() == "turn.ended" => break,
            Notice::Recorded { event, .. } => assert!(event.seq > snapshot.cursor.seq),
            other => panic!("{other:?}"),
        }
    }
    let last = stays.view.messages.last().unwrap();
    assert_eq!((&last.text, &last.state), (&text, &MessageState::Ended));
}

// law 4
#[tokio::test(start_paused = true)]
async fn what_the_feed_no_longer_holds_comes_from_the_store_without_a_gap() {
    let house = house().limits(|limits| limits.feed_recorded_max = 4).open().await;
    let chat = house.chat("a").await;
    let mut early = watch(&chat).await;
    early.next().await;
    for n in 0..20 {
        house.turn(&chat, &format!("q{n}"), &format!("a{n}")).await;
    }
    let reads = house.faults.calls(Call::Read);
    early.drain().await;
    assert!(house.faults.calls(Call::Read) > reads, "it really was behind");
    let head = early.view.head.get();
    assert_eq!(early.seqs(), (1..=head).collect::<Vec<_>>());
    assert_eq!(early.view.messages.len(), 40);
    assert_sound(&chat).await;
}

// law 4
#[tokio::test(start_paused = true)]
async fn a_cursor_beyond_the_head_or_of_nowhere_is_refused() {
    let house = house().open().await;
    let chat = house.chat("a").await;
    house.turn(&chat, "one", "first").await;
    let head = chat.snapshot().await.unwrap().cursor;
    let beyond = Cursor::after(head.seq.next());
    assert_eq!(code(chat.subscribe_after(beyond).await.map(drop)), "cursor_invalid");
    let unknown = house.world.chat("nobody").unwrap();
    assert_eq!(code(unknown.subscribe(StartAt::Start).await.map(drop)), "unknown_chat");
    assert!(chat.subscribe_after(head).await.is_ok());
    assert!(chat.subscribe_after(Cursor::after(Seq::ZERO)).await.is_ok());
}

// law 4
#[tokio::test(start_paused = true)]
async fn a_cursor_of_an_earlier_life_resumes_after_its_recorded_event() {
    let first = house().open().await;
    let chat = first.chat("a").await;
    let mut seen = watch(&chat).await;
    let (prompt, call) = first.begin(&chat, "hello").await;
    call.text("half").drained().await;
    seen.until_text("half").await;
    let cursor = seen.cursor();
    call.text(" and half").finish();
    outcome(&prompt).await;
    let view = seen.view;
    first.local.shutdown().await;
    let second = first.reopened().await;
    let chat = second.world.chat("a").unwrap();
    let mut back = Watcher::going_on(&chat, StartAt::After(cursor), view).await;
    back.until_event("turn.ended").await;
    let last = back.view.messages.last().unwrap();
    assert_eq!((&*last.text, &last.state), ("half and half", &MessageState::Ended));
    assert_eq!(back.seqs()[0], cursor.seq.get() + 1, "nothing twice");
}

// law 4: a reader that never reads costs nobody anything, and finds everything later.
#[tokio::test(start_paused = true)]
async fn readers_that_never_read_hold_up_neither_the_turn_nor_the_world() {
    let house = house().open().await;
    let chat = house.chat("a").await;
    let mut sleepers = Vec::new();
    for _ in 0..50 {
        sleepers.push(watch(&chat).await);
    }
    let _feed = WorldWatcher::new(&house.world).await;
    for n in 0..10 {
        house.turn(&chat, &format!("q{n}"), &format!("a{n}")).await;
    }
    let mut last = sleepers.pop().unwrap();
    last.drain().await;
    assert_eq!(last.view.messages.len(), 20);
}

// law 4: streams end only with a typed reason.
#[tokio::test(start_paused = true)]
async fn a_reader_whose_store_is_away_is_told_so_and_goes_on_where_it_was() {
    let house = house().limits(|limits| limits.feed_recorded_max = 2).open().await;
    let chat = house.chat("a").await;
    for n in 0..4 {
        house.turn(&chat, &format!("q{n}"), &format!("a{n}")).await;
    }
    let mut seen = watch(&chat).await;
    house.faults.for_chat(chat.id()).next(Call::Read, 1, Fault::Unavailable);
    assert_eq!(seen.until_ended().await, EndReason::Unreadable);
    let start = match seen.notices.iter().rev().find_map(cursor_of) {
        Some(cursor) => StartAt::After(cursor),
        None => StartAt::Start,
    };
    let mut back = Watcher::going_on(&chat, start, seen.view).await;
    back.drain().await;
    assert_eq!(back.view.messages.len(), 8);
}

// law 4, law 7: text that would need copies per reader is shared by them.
#[tokio::test(start_paused = true)]
async fn readers_in_step_are_given_the_same_chunk_not_copies() {
    let house = house().open().await;
    let chat = house.chat("a").await;
    let (_, call) = house.begin(&chat, "hello").await;
    let mut one = within(chat.subscribe(StartAt::Now)).await.unwrap();
    let mut two = within(chat.subscribe(StartAt::Now)).await.unwrap();
    call.text("shared").drained().await;
    let (first, second) = (within(one.next()).await.unwrap(), within(two.next()).await.unwrap());
    let (Notice::Live { event: first, .. }, Notice::Live { event: second, .. }) = (first, second)
    else {
        panic!("chunks")
    };
    assert!(std::sync::Arc::ptr_eq(&first, &second));
    assert_eq!(first.chat_id, chat_id("a"));
    crate::support::pass(Duration::from_millis(1)).await;
}
