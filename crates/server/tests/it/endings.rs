//! How a child ends: in order whenever its parent has gone or a signal asks, at once if it must,
//! and what is in its file then.

use polychat::transport::ipc::Framing;
use polychat::{EndReason, Notice, TurnOutcome};
use rustix::process::Signal;
use serde_json::json;
use tokio::io::{AsyncBufReadExt, BufReader};

use super::child::{
    ByHand, Place, Served, answer, complaints, over, polychat, send, stored_outcomes, until, within,
};

// law 5: `interrupted` is recorded by the process itself, not found out by the next one
#[tokio::test]
async fn when_its_parent_has_gone_a_child_records_what_it_interrupts_and_ends_in_order() {
    let place = Place::new();
    let mut served = Served::start(&mut over(&place.file()));
    let hanging = served.hanging("a").await;
    // All that holds the pipes: nothing is left of the parent.
    drop((hanging, served.world));
    let status = within(served.child.wait()).await.unwrap();
    assert_eq!(status.code(), Some(0));
    assert_eq!(stored_outcomes(&place.file(), "a").await, [TurnOutcome::Interrupted]);
}

// law 5: as apps end their children, with both
#[tokio::test]
async fn a_signal_after_the_pipes_were_closed_leaves_the_child_its_time() {
    let place = Place::new();
    let file = place.file();
    let file_name = file.to_str().unwrap();
    let mut command = polychat(["stdio", "--grace", "1", "--log", "info", "--data", file_name]);
    let mut served = Served::start(&mut command);
    let mut logged = BufReader::new(served.child.stderr.take().unwrap()).lines();
    let hanging = served.hanging("a").await;
    drop((hanging, served.world));
    // Now it knows; the turn still has its second.
    while !within(logged.next_line()).await.unwrap().unwrap().contains("closing") {}
    send(&served.child, Signal::TERM);
    assert_eq!(within(served.child.wait()).await.unwrap().code(), Some(0));
    assert_eq!(stored_outcomes(&file, "a").await, [TurnOutcome::Interrupted]);
}

// law 5
#[tokio::test]
async fn every_signal_that_asks_to_end_is_heard_and_watchers_are_told() {
    for signal in [Signal::TERM, Signal::INT, Signal::HUP] {
        let place = Place::new();
        let mut served = Served::start_in(
            over(&place.file()).args(["--framing", "content-length"]),
            Framing::ContentLength,
        );
        let (_chat, mut seen) = served.hanging("a").await;
        served.signal(signal);
        let end = until(&mut seen, |notice| matches!(notice, Notice::Ended(_))).await;
        assert_eq!(end, Notice::Ended(EndReason::WorldClosed), "{signal:?}");
        assert_eq!(served.ended().await.code(), Some(0), "{signal:?}");
        assert_eq!(stored_outcomes(&place.file(), "a").await, [TurnOutcome::Interrupted]);
    }
}

// The client stays: that it hears the end is enough, it is not waited for.
#[tokio::test]
async fn after_a_signal_a_client_that_stays_is_let_go_once_it_is_told() {
    let mut command = polychat(["stdio", "--memory", "--log", "polychat=debug"]);
    let mut served = Served::start(&mut command);
    within(served.world.info()).await.unwrap();
    served.signal(Signal::TERM);
    assert_eq!(served.ended().await.code(), Some(0));
    // Who has to be left behind after a time leaves no such words.
    let log = complaints(served.child.stderr.take()).await;
    assert!(log.contains("closed=ByServer"), "{log}");
}

// Turns get their time; whoever does not want to wait asks twice.
#[tokio::test]
async fn a_second_signal_ends_it_at_once_and_nothing_acknowledged_is_lost() {
    let place = Place::new();
    let file = place.file();
    let mut command = polychat(["stdio", "--grace", "86400", "--data", file.to_str().unwrap()]);
    let mut served = Served::start(&mut command);
    let _hanging = served.hanging("a").await;
    served.signal(Signal::TERM);
    // The first one was noticed when the world takes nothing more.
    within(async { while served.world.info().await.is_ok() {} }).await;
    assert_eq!(served.world.info().await.unwrap_err().code(), "world_closed");
    served.signal(Signal::TERM);
    assert_eq!(served.ended().await.code(), Some(143));
    assert_eq!(stored_outcomes(&file, "a").await, []);
    let mut next = Served::start(&mut over(&file));
    let again = within(next.world.open_chat("a")).await.unwrap();
    answer(&again, "hello").await;
    drop((again, next.world));
    assert_eq!(within(next.child.wait()).await.unwrap().code(), Some(0));
    let outcomes = stored_outcomes(&file, "a").await;
    assert_eq!(outcomes, [TurnOutcome::Interrupted, TurnOutcome::Completed]);
}

// law 1, law 5, REQ-9
#[tokio::test]
async fn a_child_that_was_killed_finds_its_chats_again_and_settles_what_ran() {
    let place = Place::new();
    let file = place.file();
    let mut served = Served::start(&mut over(&file));
    let ada = within(served.world.open_chat("ada")).await.unwrap();
    answer(&ada, "my name is Ada").await;
    let _hanging = served.hanging("hangs").await;
    served.signal(Signal::KILL);
    assert_eq!(served.ended().await.code(), None);
    assert_eq!(stored_outcomes(&file, "hangs").await, []);
    // Nobody holds the file any more, whatever was noted.
    let next = Served::start(&mut over(&file));
    let ada = within(next.world.open_chat("ada")).await.unwrap();
    assert!(answer(&ada, "what is my name?").await.contains("Ada"));
    let hangs = within(next.world.open_chat("hangs")).await.unwrap();
    answer(&hangs, "hello").await;
    let outcomes = stored_outcomes(&file, "hangs").await;
    assert_eq!(outcomes, [TurnOutcome::Interrupted, TurnOutcome::Completed]);
}

// `printf … | polychat stdio` hears its answers.
#[tokio::test]
async fn who_only_stops_speaking_still_hears_what_was_asked_for() {
    let mut child = ByHand::start(&mut polychat(["stdio", "--memory"]));
    child.initialize().await;
    child.follows(1, "a").await;
    child.prompts(3, "a", "hello").await;
    assert_eq!(child.outcome().await, "completed");
    // Some of it is still to be begun when the input ends, and all of it is more than a pipe takes.
    let mut questions = String::new();
    for id in 10..60 {
        let read = json!({ "chatId": "a", "after": 0, "limit": 100 });
        let create = json!({ "chatId": format!("b{id}") });
        for (id, method, params) in [(id, "log/read", read), (id + 100, "chat/create", create)] {
            let ask = json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params });
            questions += &format!("{ask}\n");
        }
    }
    child.write(questions.as_bytes()).await;
    child.stop_speaking();
    let mut answered = 0;
    while let Some(message) = child.hear().await {
        assert_eq!(message["error"], json!(null), "{message}");
        answered += usize::from(!message["result"].is_null());
    }
    assert_eq!(answered, 100);
    assert_eq!(child.ended().await.code(), Some(0));
}

#[tokio::test]
async fn a_parent_that_asks_for_the_end_gets_an_answer_and_the_end() {
    let place = Place::new();
    let mut child = ByHand::start(&mut over(&place.file()));
    child.initialize().await;
    child.asked(2, "chat/create", json!({ "chatId": "a" })).await;
    assert_eq!(child.asked(1, "shutdown", json!({})).await["result"], json!({}));
    assert_eq!(child.hear().await, None);
    assert_eq!(child.ended().await.code(), Some(0));
    // The file was closed: it holds everything, and nobody is noted as its holder.
    for left_open in ["chats.db-wal", "chats.db-holder"] {
        assert!(!place.path(left_open).exists(), "{left_open}");
    }
}

// It writes to nobody: the pipe breaks while a turn streams.
#[tokio::test]
async fn a_parent_that_stops_listening_has_gone() {
    let mut by_hand = ByHand::start(&mut polychat(["stdio", "--memory", "--grace", "0"]));
    by_hand.initialize().await;
    by_hand.follows(1, "a").await;
    by_hand.prompts(3, "a", "/flood").await;
    let (mut child, into) = by_hand.stop_listening();
    assert_eq!(within(child.wait()).await.unwrap().code(), Some(0));
    drop(into);
}
