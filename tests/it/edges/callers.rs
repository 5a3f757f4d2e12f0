//! Callers that go away before they hear, and callers that wait for what is being taken away.

use std::{future::Future, pin::pin, sync::Arc, time::Duration};

use futures_util::FutureExt;
use polychat::{
    EndReason, Limits, Notice, OpenError, PromptOutcome, StatusKind, Worlds,
    ports::{Model, ModelRequest, ModelStream},
};
use polychat_testkit::faulty_store::Call;
use tokio::{sync::mpsc, time::timeout};

use super::{SECOND, assert_room_for};
use crate::{
    at_both_doors,
    support::{
        House, WorldWatcher, assert_sound, chat_id, code, house, names, pass, settle, watch, within,
    },
};

at_both_doors! {
    // law 5, law 4: the rows go with the chat, also those that the feed does not keep at hand
    async fn a_deletion_tells_the_outcome_of_more_prompts_than_the_feed_keeps_at_hand(house) {
        let chat = house.chat("a").await;
        let mut seen = watch(&chat).await;
        let (running, _call) = house.begin(&chat, "runs").await;
        let mut prompts = vec![running];
        for n in 0..2 * Limits::default().feed_recorded_max {
            prompts.push(chat.prompt(format!("waits {n}")).await.unwrap());
        }
        let waiting: Vec<_> = prompts
            .iter()
            .cloned()
            .map(|prompt| tokio::spawn(async move { prompt.outcome().await }))
            .collect();
        seen.drain().await;
        chat.delete().await.unwrap();
        for (n, heard) in waiting.into_iter().enumerate() {
            let expected =
                if n == 0 { PromptOutcome::Cancelled } else { PromptOutcome::Withdrawn };
            assert_eq!(within(heard).await.unwrap(), Ok(expected), "prompt {n}");
        }
        assert_eq!(seen.until_ended().await, EndReason::Deleted);
        assert_eq!(seen.names().last(), Some(&"chat.deleted"));
        let last = *seen.seqs().last().unwrap();
        assert_eq!(seen.seqs(), (1..=last).collect::<Vec<_>>());
    }
}

/// Polls a future so often, everybody else going on in between, and drops it.
async fn go_away_after(polls: usize, call: impl Future) {
    let mut call = pin!(call);
    for _ in 0..polls {
        if call.as_mut().now_or_never().is_some() {
            return;
        }
        tokio::task::yield_now().await;
    }
}

const ROOM: usize = 3;

/// A full world's worth of callers that ask something of chats that do not exist, and go away.
async fn visited_by_callers_that_go_away(polls: usize) -> House {
    let house = house().limits(|limits| limits.live_chats_max = ROOM).open().await;
    for n in 0..ROOM {
        let nobody = house.world.chat(format!("nobody {n}")).unwrap();
        go_away_after(polls, nobody.rename("x")).await;
    }
    house
}

// law 7: live_chats_max; a start that nobody waits for any more
#[tokio::test(start_paused = true)]
async fn callers_that_go_away_while_their_chats_start_leave_no_actor_behind() {
    for polls in 1..6 {
        let crowded = visited_by_callers_that_go_away(polls).await;
        assert_room_for(&crowded, ROOM).await;
        let later = visited_by_callers_that_go_away(polls).await;
        pass(2 * Limits::default().passivate_after).await;
        assert_room_for(&later, ROOM).await;
    }
}

// law 5, issue 2: closing again waits for the same end, whenever the call before was dropped
#[tokio::test(start_paused = true)]
async fn a_shutdown_that_was_dropped_is_finished_by_the_next_one() {
    for seconds in [1, 6, 9] {
        let house = house().open().await;
        let chat = house.chat("a").await;
        let (mut seen, mut feed) = (watch(&chat).await, WorldWatcher::new(&house.world).await);
        let (_, call) = house.begin(&chat, "hello").await;
        // Its end is not stored in time, so that each part of the closing takes a while.
        let _gate = house.faults.hang_next(Call::Append, 1);
        let given_up = timeout(seconds * SECOND, house.local.shutdown()).await;
        assert!(given_up.is_err(), "{seconds}");
        assert_eq!(code(chat.rename("late").await), "world_closed");
        within(house.local.shutdown()).await;
        assert_eq!(seen.until_ended().await, EndReason::WorldClosed);
        while feed.next().await != Notice::Ended(EndReason::WorldClosed) {}
        within(call.dropped()).await;
        within(house.local.shutdown()).await;
    }
}

// law 5, issue 2: … and if there is no next one, by whoever drops the last handle
#[tokio::test(start_paused = true)]
async fn a_shutdown_that_was_dropped_is_finished_when_the_last_handle_is() {
    for seconds in [0, 1, 6] {
        let House { world, local, script, faults, store, .. } = house().open().await;
        let chat = world.open_chat("a").await.unwrap();
        let (mut seen, mut feed) = (watch(&chat).await, WorldWatcher::new(&world).await);
        let prompt = chat.prompt("hello").await.unwrap();
        let call = within(script.call_for("hello")).await;
        // A store that answers late holds the closing up in its second part.
        let gate = faults.hang_next(Call::Append, 1);
        assert!(timeout(seconds * SECOND, local.shutdown()).await.is_err(), "{seconds}");
        drop((chat, prompt, world, local));
        gate.open();
        assert_eq!(seen.until_ended().await, EndReason::WorldClosed);
        while feed.next().await != Notice::Ended(EndReason::WorldClosed) {}
        within(call.dropped()).await;
        drop((seen, feed, faults));
        pass(20 * SECOND).await;
        assert_eq!(Arc::strong_count(&store), 1, "nothing of the world is left");
    }
}

fn is_open_already(result: &Result<polychat::World, polychat::Error>) -> bool {
    matches!(result, Err(polychat::Error::Open(OpenError::AlreadyOpen(_))))
}

// law 6, issue 2: a world that closes slowly keeps nobody from the others
#[tokio::test(start_paused = true)]
async fn a_world_that_closes_slowly_is_in_nobodys_way() {
    let house = house().open().await;
    let worlds = Arc::new(Worlds::new(house.builder()));
    let (slow, _) = (worlds.open("slow").await.unwrap(), worlds.open("other").await.unwrap());
    let chat = slow.open_chat("a").await.unwrap();
    let (_, _call) = house.begin(&chat, "hello").await;
    let closing = tokio::spawn({
        let worlds = Arc::clone(&worlds);
        async move { worlds.close("slow").await }
    });
    settle().await;
    let other = worlds.get("other").unwrap().expect("it is open");
    other.open_chat("b").await.unwrap();
    assert!(worlds.get("slow").unwrap().is_none());
    assert_eq!(worlds.list().len(), 1);
    assert!(is_open_already(&worlds.open("slow").await));
    worlds.open("third").await.unwrap();
    assert!(within(worlds.close("third")).await.unwrap());
    assert!(!closing.is_finished(), "it waits for its turn");
    assert!(within(closing).await.unwrap().unwrap());
    worlds.open("slow").await.unwrap();
    within(worlds.close_all()).await;
}

// issue 2: `Worlds` when its callers go away
#[tokio::test(start_paused = true)]
async fn a_dropped_opening_or_closing_of_a_world_leaves_its_place_usable() {
    let house = house().open().await;
    let worlds = Worlds::new(house.builder());
    let gate = house.faults.hang_next(Call::Open, 1);
    assert!(timeout(SECOND, worlds.open("w")).await.is_err(), "the store hangs");
    gate.open();
    assert!(worlds.get("w").unwrap().is_none());
    let world = worlds.open("w").await.unwrap();
    let chat = world.open_chat("a").await.unwrap();
    let (_, _call) = house.begin(&chat, "hello").await;
    assert!(timeout(SECOND, worlds.close("w")).await.is_err(), "a turn runs");
    assert!(worlds.get("w").unwrap().is_some(), "it is there to be closed again");
    assert!(is_open_already(&worlds.open("w").await));
    assert!(within(worlds.close("w")).await.unwrap());
    let again = worlds.open("w").await.unwrap();
    assert_sound(&again.chat("a").unwrap()).await;
}

/// Says nothing, and holds the thread that polls it until it is let go.
struct Stubborn {
    polled: mpsc::UnboundedSender<()>,
    let_go: Arc<std::sync::Mutex<std::sync::mpsc::Receiver<()>>>,
}

impl Model for Stubborn {
    fn stream(&self, _: ModelRequest) -> ModelStream {
        let (polled, let_go) = (self.polled.clone(), Arc::clone(&self.let_go));
        Box::pin(futures_util::stream::poll_fn(move |_| {
            let _ = polled.send(());
            // Other tasks leave this thread, so that it alone is lost.
            let _ = tokio::task::block_in_place(|| let_go.lock().unwrap().recv());
            std::task::Poll::Ready(None)
        }))
    }
}

// law 6, NFR-4: on threads, as no other clock can tell of a thread that is held. Nothing here
// waits for time but for what follows from it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn operators_hear_of_a_model_call_that_goes_on_after_it_was_stopped() {
    let (polled, mut was_polled) = mpsc::unbounded_channel();
    let (free, let_go) = std::sync::mpsc::channel();
    let let_go = Arc::new(std::sync::Mutex::new(let_go));
    let mut limits = Limits::default();
    limits.shutdown_drain_duration = Duration::from_millis(1);
    let builder = polychat::WorldBuilder::new("home", Stubborn { polled, let_go });
    let world = builder.limits(limits).open().await.unwrap();
    let chat = world.open_chat("a").await.unwrap();
    let mut feed = WorldWatcher::new(&world).await;
    let prompt = chat.prompt("hello").await.unwrap();
    was_polled.recv().await.unwrap();
    chat.cancel().await.unwrap();
    assert_eq!(prompt.outcome().await.unwrap(), PromptOutcome::Cancelled);
    // Only a failure takes that long.
    let told = timeout(60 * SECOND, feed.until_diagnostic("task_lingers")).await.unwrap();
    assert_eq!(told.chat_id, Some(chat_id("a")));
    feed.until_status(&chat, StatusKind::Idle).await;
    assert!(names(&chat).await.contains(&"turn.ended"));
    drop(free);
    world.shutdown().await;
}
