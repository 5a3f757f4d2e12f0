//! Who waits for whom, by a table, and what becomes of the queues.

use futures_util::FutureExt;
use polychat_core::{
    MessageId, Seq, ToolCallId, TurnId, event::PromptBody, tool::ApprovalDecision,
};

use super::*;

fn chat() -> ChatId {
    ChatId::new("a").unwrap()
}

fn close(chat: &str) -> Command {
    Command::CloseChat { chat: ChatId::new(chat).unwrap() }
}

fn prompt(id: &str) -> PromptId {
    PromptId::new(id).unwrap()
}

fn send(chat: ChatId, id: &str, mode: PromptMode) -> Command {
    Command::SendPrompt { chat, prompt: prompt(id), mode, body: PromptBody::text("x") }
}

/// A command by its word: `send p1`, `withdraw p1`, `cancel`, `cancel t1`, `decide`, `delete`, …
fn command(word: &str) -> Command {
    let chat = chat();
    match word.split_once(' ').unwrap_or((word, "")) {
        ("send", id) => send(chat, id, PromptMode::Queue),
        ("steer", id) => send(chat, id, PromptMode::Steer),
        ("withdraw", id) => Command::WithdrawPrompt { chat, prompt: prompt(id) },
        ("cancel", "") => Command::CancelTurn { chat, target: CancelTarget::Running },
        ("cancel", _) => {
            Command::CancelTurn { chat, target: CancelTarget::Turn(TurnId(Seq::FIRST)) }
        }
        ("decide", _) => {
            let call = ToolCallId { message: MessageId(Seq::FIRST), index: 0 };
            Command::DecideApproval { chat, call, decision: ApprovalDecision::AllowOnce }
        }
        ("delete", _) => Command::DeleteChat { chat },
        ("read", _) => Command::Snapshot { chat },
        _ => close("a"),
    }
}

/// Which of these may begin while those marked `-` have gone again, and none has ended.
fn begun(words: &[&str]) -> Vec<bool> {
    let mut order = Order::default();
    let mut places: Vec<Option<Place>> = words
        .iter()
        .map(|word| Some(order.place_of(&command(word.trim_start_matches('-')))))
        .collect();
    for (place, word) in places.iter_mut().zip(words) {
        if word.starts_with('-') {
            place.take();
        }
    }
    let turn = |place: Option<Place>| place.map(|place| place.turn());
    let mut turns: Vec<_> = places.into_iter().map(turn).map(|turn| turn.map(Box::pin)).collect();
    // Those that may begin stay where they are.
    let mut held = Vec::new();
    let mut begun = Vec::new();
    for turn in &mut turns {
        let place = turn.as_mut().and_then(|turn| turn.now_or_never());
        begun.push(place.is_some());
        held.push(place);
    }
    begun
}

// law 4, constraint: message order within each chat is preserved
#[test]
fn what_ends_named_work_passes_prompts_and_nothing_else_passes_anything() {
    let table: [(&[&str], &[bool]); 17] = [
        (&["close", "close", "read"], &[true, false, true]),
        (&["send p1", "send p2"], &[true, false]),
        (&["send p1", "send p2", "cancel t1"], &[true, false, true]),
        (&["send p1", "send p2", "decide"], &[true, false, true]),
        (&["send p1", "send p2", "delete"], &[true, false, true]),
        (&["send p1", "send p2", "withdraw p0"], &[true, false, true]),
        // What is meant for a prompt does not overtake it.
        (&["send p1", "send p2", "withdraw p1"], &[true, false, false]),
        (&["send p1", "send p2", "withdraw p2"], &[true, false, false]),
        (&["send p1", "send p2", "cancel"], &[true, false, false]),
        (&["send p1", "close"], &[true, false]),
        (&["steer p1", "cancel t1"], &[true, false]),
        // Nothing overtakes what is no prompt, also when that waits.
        (&["close", "cancel t1"], &[true, false]),
        (&["send p1", "cancel", "decide"], &[true, false, false]),
        (&["send p1", "decide", "delete"], &[true, true, false]),
        // Nor does what comes behind one that has passed.
        (&["send p1", "decide", "send p2"], &[true, true, false]),
        // One that went away holds up nobody, and lets nobody begin too early.
        (&["send p1", "-close", "cancel t1"], &[true, false, true]),
        (&["send p1", "-send p2", "send p3"], &[true, false, false]),
    ];
    for (words, expected) in table {
        assert_eq!(begun(words), expected, "{words:?}");
    }
}

#[test]
fn who_is_done_lets_the_next_begin_and_who_passed_is_waited_for() {
    let mut order = Order::default();
    let mut next = |word: &str| Box::pin(order.place_of(&command(word)).turn());
    let (mut first, mut second) = (next("send p1"), next("send p2"));
    let (mut passes, mut third) = (next("cancel t1"), next("close"));
    let first = first.as_mut().now_or_never();
    let passes = passes.as_mut().now_or_never();
    assert!(first.is_some() && passes.is_some());
    drop(first);
    let second = second.as_mut().now_or_never();
    assert!(second.is_some());
    drop(second);
    assert!(third.as_mut().now_or_never().is_none());
    drop(passes);
    assert!(third.as_mut().now_or_never().is_some());
}

// law 7
#[test]
fn chats_in_which_nothing_changes_any_more_are_forgotten() {
    let mut order = Order::default();
    let Place(asked) = order.place_of(&close("asked"));
    for n in 0..10_000 {
        order.place_of(&close(&n.to_string()));
    }
    assert!(order.by_chat.len() < 16);
    let known = order.queue(&ChatId::new("asked").unwrap());
    assert!(Arc::ptr_eq(&asked.as_ref().unwrap().queue, &known));
    drop(asked);
    assert!(known.lock().present.is_empty());
}
