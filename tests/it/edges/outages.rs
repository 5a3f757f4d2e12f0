//! A store that goes away, hangs, or hears of somebody else, at the least convenient moment.

use polychat::{
    Event, Limits, PromptOutcome, Recorded, Timestamp, WorldId,
    command::NewChat,
    ports::{Entry, LogKey, OpenMode, Store},
};
use polychat_testkit::faulty_store::{Call, Fault};

use super::{SECOND, assert_room_for};
use crate::support::{
    House, WORLD, WorldWatcher, assert_sound, assert_sound_so_far, chat_id, code, house, messages,
    names, outcome, pass, settle, watch, within,
};

// law 7: live_chats_max; what the store did not say is found out later
#[tokio::test(start_paused = true)]
async fn chats_that_turn_out_not_to_exist_after_an_outage_leave_no_actor_behind() {
    let room = 3;
    let house = house().limits(|limits| limits.live_chats_max = room).open().await;
    house.faults.outage();
    for n in 0..room {
        let nobody = house.world.chat(format!("nobody {n}")).unwrap();
        assert_eq!(code(within(nobody.rename("x")).await), "chat_stalled");
    }
    house.faults.clear();
    pass(2 * Limits::default().stall_retry_delay_max).await;
    assert_room_for(&house, room).await;
}

/// The next life of a world that left a turn open and a prompt waiting. It cannot open that chat.
async fn away_from_its_open_turn() -> House {
    let first = house().open().await;
    let chat = first.chat("a").await;
    let (_, _call) = first.begin(&chat, "hello").await;
    chat.prompt("queued").await.unwrap();
    let faults = first.faults.for_chat(chat.id());
    faults.every(Call::Append, Fault::Unavailable);
    within(first.local.shutdown()).await;
    faults.clear();
    faults.every(Call::Open, Fault::Unavailable);
    let second = first.reopened().await;
    settle().await;
    let left = names(&second.world.chat("a").unwrap()).await;
    assert!(!left.contains(&"turn.ended"), "{left:?}");
    second
}

// law 5: whoever asks while the store is away does not make the world forget what it has to settle
#[tokio::test(start_paused = true)]
async fn asking_for_a_chat_during_an_outage_does_not_strand_its_work() {
    for passed in [0, 1, 600] {
        let house = away_from_its_open_turn().await;
        assert!(within(house.world.open_chat("a")).await.is_err());
        let create = house.world.create_chat(NewChat::with_id(chat_id("a")));
        assert_eq!(code(within(create).await), "store_unavailable");
        pass(passed * SECOND).await;
        house.faults.clear();
        house.call_for("queued").await.text("at last").finish();
        settle().await;
        let chat = house.world.chat("a").unwrap();
        assert_eq!(messages(&chat).await.last().unwrap(), "assistant: at last");
        assert_sound(&chat).await;
    }
}

// law 6, law 7: turns_running_max; a place is for a turn that runs
#[tokio::test(start_paused = true)]
async fn a_chat_that_stalls_before_its_turn_began_holds_no_place_among_running_turns() {
    let house = house().limits(|limits| limits.turns_running_max = 1).open().await;
    let (stalled, other) = (house.chat("a").await, house.chat("b").await);
    let mut feed = WorldWatcher::new(&house.world).await;
    let (_, call) = house.begin(&other, "to b").await;
    let waiting = stalled.prompt("to a").await.unwrap();
    let faults = house.faults.for_chat(stalled.id());
    faults.every(Call::Append, Fault::Unavailable);
    faults.every(Call::Open, Fault::Unavailable);
    call.finish();
    feed.until_status(&stalled, polychat::StatusKind::Stalled).await;
    house.turn(&other, "to b again", "fine").await;
    pass(60 * SECOND).await;
    house.turn(&other, "and again", "fine").await;
    faults.clear();
    house.call_for("to a").await.finish();
    assert_eq!(outcome(&waiting).await, PromptOutcome::Completed);
    assert_sound(&stalled).await;
}

/// Another process opens a chat's log and gives the chat a title.
async fn renamed_by_another_opener(house: &House, chat: &polychat::Chat, title: &str) {
    let key = LogKey::Chat(WorldId::new(WORLD).unwrap(), chat.id().clone());
    let (fence, head) = house.store.open(&key, OpenMode::Existing).await.unwrap();
    let event = Event::ChatUpdated {
        title: Some(title.into()),
        provenance: None,
        metadata: None,
        archived: None,
        agent: None,
    };
    let (chat_id, at) = (chat.id().clone(), Timestamp(2_000_000));
    let entry = Entry::Chat(Recorded { chat_id, seq: head.next(), at, event }.into());
    let summary = house.store.summary(&key).await.unwrap();
    house.store.append(&fence, head, &[entry], Some(&summary)).await.unwrap();
}

// law 1, law 5: an append is known by what is in it, not by how long it is
#[tokio::test(start_paused = true)]
async fn what_another_opener_wrote_is_not_taken_for_an_append_that_nobody_heard_of() {
    let house = house().open().await;
    let chat = house.chat("a").await;
    let (mut seen, mut feed) = (watch(&chat).await, WorldWatcher::new(&house.world).await);
    house.faults.for_chat(chat.id()).next(Call::Append, 1, Fault::RequestLost);
    assert_eq!(code(chat.rename("mine").await), "store_unavailable");
    renamed_by_another_opener(&house, &chat, "theirs").await;
    feed.until_diagnostic("restarted").await;
    house.turn(&chat, "hello", "hi").await;
    assert_eq!(&*chat.snapshot().await.unwrap().summary.title, "theirs");
    seen.drain().await;
    assert!(seen.saw("theirs") && !seen.saw("mine"), "what is not stored is not shown");
    let last = *seen.seqs().last().unwrap();
    assert_eq!(seen.seqs(), (1..=last).collect::<Vec<_>>());
    assert_sound(&chat).await;
}

/// What a life that begins now would know of the running message.
async fn saved_of_the_answer(house: &House) -> String {
    let next = house.reopened().await;
    settle().await;
    let chat = next.world.chat("a").unwrap();
    assert_sound_so_far(&chat).await;
    messages(&chat).await.pop().unwrap()
}

// law 5: checkpoint_interval; one that is asked for while another one is taken is not lost
#[tokio::test(start_paused = true)]
async fn text_shown_while_a_checkpoint_is_stored_is_saved_although_the_model_then_hangs() {
    let house = house().open().await;
    let chat = house.chat("a").await;
    let (_, call) = house.begin(&chat, "hello").await;
    let gate = house.faults.for_chat(chat.id()).hang_next(Call::Append, 1);
    call.text("before ").drained().await;
    within(gate.arrived(1)).await;
    call.text("meanwhile").drained().await;
    pass(3 * SECOND).await; // asked for, and waits behind the one that is being stored
    gate.open();
    pass(2 * Limits::default().checkpoint_interval).await;
    assert_eq!(saved_of_the_answer(&house).await, "assistant: before meanwhile");
}

// law 5: … nor is one that was asked for during an outage
#[tokio::test(start_paused = true)]
async fn text_shown_during_an_outage_is_saved_after_it_although_the_model_then_hangs() {
    let house = house().open().await;
    let chat = house.chat("a").await;
    let mut feed = WorldWatcher::new(&house.world).await;
    let (_, call) = house.begin(&chat, "hello").await;
    house.faults.outage();
    call.text("before ").drained().await;
    feed.until_status(&chat, polychat::StatusKind::Stalled).await;
    call.text("meanwhile").drained().await;
    pass(3 * SECOND).await;
    house.faults.clear();
    feed.until_diagnostic("recovered").await;
    pass(2 * Limits::default().checkpoint_interval).await;
    assert_eq!(saved_of_the_answer(&house).await, "assistant: before meanwhile");
}
