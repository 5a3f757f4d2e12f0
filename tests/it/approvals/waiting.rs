//! While a call waits for a person: no place, no actor, no deadline; what ends the waiting; and
//! restarts in the middle of it.

use std::time::Duration;

use polychat::{
    Chat, FailureKind, PromptHandle, PromptOutcome, StatusKind, ToolCallId,
    tool::ApprovalDecision::AllowOnce,
};
use polychat_testkit::faulty_store::{Call, Fault};
use tokio::time::Instant;

use crate::{
    at_both_doors,
    support::{
        House, WorldWatcher, activity, asked, assert_sound, assert_sound_so_far, code, count,
        failure, messages, outcome, pass, pending, said, settle, watch, within, world_of_tools,
    },
};

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3_600);

/// A turn that waits for a person, and the call it waits about.
async fn awaiting(house: &House, chat: &Chat, text: &str) -> (PromptHandle, ToolCallId) {
    let prompt = house.begin_calls(chat, text, [asked("act", text)]).await;
    settle().await;
    let waiting = pending(chat).await;
    assert_eq!(waiting.len(), 1);
    assert_eq!(status(chat).await, StatusKind::Awaiting);
    (prompt, waiting[0].tool_call_id)
}

async fn status(chat: &Chat) -> StatusKind {
    within(chat.snapshot()).await.unwrap().status.kind
}

at_both_doors! {
    /// law 5: cancel, close, interrupt and revise end what waits, together with its turn.
    async fn what_ends_the_turn_ends_what_it_waits_for(house in world_of_tools()) {
        for how in ["cancel", "close", "interrupt", "revise"] {
            let chat = house.chat(how).await;
            let (prompt, call) = awaiting(&house, &chat, how).await;
            match how {
                "cancel" => chat.cancel().await.unwrap(),
                "close" => chat.close().await.unwrap(),
                "interrupt" => {
                    chat.prompt("now").interrupt().await.unwrap();
                    house.answer("now", "yes?").await;
                }
                _ => {
                    let first = chat.snapshot().await.unwrap().messages[0].id;
                    chat.revise(first, "rather").await.unwrap();
                    house.answer("rather", "as you like").await;
                }
            }
            assert_eq!(outcome(&prompt).await, PromptOutcome::Cancelled, "{how}");
            assert_eq!(code(chat.decide(call, AllowOnce).await), "approval_not_pending", "{how}");
            settle().await;
            assert!(pending(&chat).await.is_empty(), "{how}");
            let log = activity(&chat).await;
            let ends = (count(&log, "dropped 0"), count(&log, "error 0 cancelled"));
            assert_eq!(ends, (1, 1), "{how}: {log:?}");
            let calm = if how == "close" { StatusKind::Closed } else { StatusKind::Idle };
            assert_eq!(status(&chat).await, calm, "{how}");
            assert_sound(&chat).await;
        }
        assert_eq!(house.tools.calls_seen(), 0);
    }

    /// law 5: delete; watchers see how it ended.
    async fn a_deleted_chat_waits_for_nobody(house in world_of_tools()) {
        let chat = house.chat("a").await;
        let mut seen = watch(&chat).await;
        let (_, call) = awaiting(&house, &chat, "hello").await;
        seen.drain().await;
        chat.delete().await.unwrap();
        seen.until_ended().await;
        let names = seen.names();
        let terminal = ["approval.resolved", "tool.error", "turn.ended", "chat.deleted"];
        assert_eq!(names[names.len() - 4..], terminal);
        assert_eq!(code(chat.decide(call, AllowOnce).await), "chat_deleted");
    }

    /// Issue 3: prompts behind a turn that waits do as they would behind one that runs.
    async fn prompts_behind_a_turn_that_waits_wait_too_and_steering_ones_join_later(
        house in world_of_tools()
    ) {
        let chat = house.chat("a").await;
        let (prompt, call) = awaiting(&house, &chat, "hello").await;
        let queued = chat.prompt("queued").await.unwrap();
        let steer = chat.prompt("and this").steer().await.unwrap();
        assert_eq!(code(chat.prompt("busy?").reject_if_busy().await), "chat_busy");
        house.no_further_call().await;
        assert_eq!(status(&chat).await, StatusKind::Awaiting);
        chat.decide(call, AllowOnce).await.unwrap();
        house.running("hello").await.result("done");
        let model = house.call_for("and this").await;
        let expected = ["user: hello", "assistant: ", "tool: done", "user: and this"];
        assert_eq!(said(model.request()), expected);
        model.text("both").finish();
        assert_eq!(outcome(&prompt).await, PromptOutcome::Completed);
        assert_eq!(outcome(&steer).await, PromptOutcome::Completed);
        house.answer("queued", "at last").await;
        assert_eq!(outcome(&queued).await, PromptOutcome::Completed);
        assert_sound(&chat).await;
    }

    /// Design: a turn waiting for approval survives a drain; it is decided in another life.
    async fn what_waits_outlives_its_world_and_is_decided_in_another_life(house in world_of_tools()) {
        let chat = house.chat("a").await;
        let (prompt, call) = awaiting(&house, &chat, "hello").await;
        let began = Instant::now();
        within(house.local.shutdown()).await;
        assert!(began.elapsed() < SECOND, "nobody waits for a person's decision");
        let second = house.reopened().await;
        let mut feed = WorldWatcher::new(&second.world).await;
        feed.until_status(&chat, StatusKind::Awaiting).await;
        let chat = second.world.chat("a").unwrap();
        assert_sound_so_far(&chat).await;
        assert_eq!(pending(&chat).await[0].tool_call_id, call);
        chat.decide(call, AllowOnce).await.unwrap();
        second.running("hello").await.result("done");
        second.answer("hello", "well").await;
        settle().await;
        let state = chat.prompt_state(prompt.id()).await.unwrap();
        assert!(format!("{state:?}").contains("Completed"), "{state:?}");
        assert_eq!(messages(&chat).await.last().unwrap(), "assistant: well");
        assert_sound(&chat).await;
    }
}

// law 7: it takes no place among the running turns, and gets one again when it goes on
#[tokio::test(start_paused = true)]
async fn a_turn_that_waits_for_a_person_takes_no_place() {
    let house = world_of_tools().limits(|limits| limits.turns_running_max = 1).open().await;
    let (a, b) = (house.chat("a").await, house.chat("b").await);
    let (in_a, call) = awaiting(&house, &a, "to a").await;
    assert_eq!(house.local.turns_running(), Some(0));
    let (in_b, model) = house.begin(&b, "to b").await;
    // It may go on now, but the only place is taken.
    a.decide(call, AllowOnce).await.unwrap();
    settle().await;
    assert_eq!((house.tools.calls_seen(), status(&a).await), (0, StatusKind::Running));
    assert_eq!(activity(&a).await[3..], ["decided 0"]);
    model.text("done").finish();
    assert_eq!(outcome(&in_b).await, PromptOutcome::Completed);
    house.running("to a").await.result("done");
    house.answer("to a", "done").await;
    assert_eq!(outcome(&in_a).await, PromptOutcome::Completed);
    assert_eq!(house.local.turns_running(), Some(0));
    assert_sound(&a).await;
}

// law 7: … first come, first served
#[tokio::test(start_paused = true)]
async fn turns_that_go_on_after_a_decision_get_their_places_in_order() {
    let house = world_of_tools().limits(|limits| limits.turns_running_max = 1).open().await;
    let mut waiting = Vec::new();
    for name in ["a", "b", "c"] {
        let chat = house.chat(name).await;
        let (_, call) = awaiting(&house, &chat, name).await;
        waiting.push((chat, call));
    }
    let busy = house.chat("busy").await;
    let (_, model) = house.begin(&busy, "busy").await;
    for (chat, call) in [&waiting[2], &waiting[0], &waiting[1]] {
        chat.decide(*call, AllowOnce).await.unwrap();
    }
    model.finish();
    for name in ["c", "a", "b"] {
        let call = within(house.tools.next_call()).await;
        assert_eq!(call.arguments()["which"], name);
        call.result("done");
        house.answer(name, "done").await;
    }
    settle().await;
    assert_eq!(house.tools.calls_at_once(), 1);
}

// design: passivation is invisible; the chat may passivate while it waits, a decision revives it
#[tokio::test(start_paused = true)]
async fn a_chat_that_waits_is_passivated_and_a_decision_revives_it() {
    let house = world_of_tools().limits(|limits| limits.passivate_after = 4 * SECOND).open().await;
    let chat = house.chat("a").await;
    let (mut seen, mut feed) = (watch(&chat).await, WorldWatcher::new(&house.world).await);
    let (prompt, call) = awaiting(&house, &chat, "hello").await;
    let opens = || house.faults.for_chat(chat.id()).calls(Call::Open);
    let before = (opens(), tasks());
    seen.drain().await;
    feed.drain().await;
    pass(100 * SECOND).await;
    assert!(tasks() < before.1, "its actor is gone");
    assert!(seen.drain().await.is_empty() && feed.drain().await.is_empty(), "nobody can tell");
    // Looking at it revives nobody.
    assert_eq!((status(&chat).await, pending(&chat).await.len()), (StatusKind::Awaiting, 1));
    assert_eq!(
        WorldWatcher::new(&house.world).await.next().await,
        feed_status(&chat, &house).await
    );
    assert_eq!(opens(), before.0);
    chat.decide(call, AllowOnce).await.unwrap();
    assert_eq!(opens(), before.0 + 1, "it had been passivated");
    house.running("hello").await.result("done");
    house.answer("hello", "well").await;
    assert_eq!(seen.until_outcome(&prompt).await, PromptOutcome::Completed);
    let head = seen.view.head.get();
    assert_eq!(seen.seqs(), (1..=head).collect::<Vec<_>>());
    assert_sound(&chat).await;
}

/// The status of a chat as the world's feed says it.
async fn feed_status(chat: &Chat, house: &House) -> polychat::Notice {
    let status = within(chat.snapshot()).await.unwrap().status;
    assert_eq!(house.local.turns_running(), Some(0));
    polychat::Notice::World(polychat::notice::WorldNotice::Status { status })
}

/// How many tasks live.
fn tasks() -> usize {
    tokio::runtime::Handle::current().metrics().num_alive_tasks()
}

// law 7: live_chats_max; chats that wait make room
#[tokio::test(start_paused = true)]
async fn chats_that_wait_make_room_in_a_full_world() {
    let house = world_of_tools().limits(|limits| limits.live_chats_max = 2).open().await;
    let mut waiting = Vec::new();
    for n in 0..20 {
        let name = format!("chat {n}");
        let chat = house.chat(&name).await;
        let (prompt, call) = awaiting(&house, &chat, &name).await;
        waiting.push((name, chat, prompt, call));
    }
    for (name, chat, prompt, call) in &waiting {
        chat.decide(*call, AllowOnce).await.unwrap();
        house.running(name).await.result("done");
        house.answer(name, "well").await;
        assert_eq!(outcome(prompt).await, PromptOutcome::Completed);
        assert_sound(chat).await;
    }
}

// law 7: a decision about a chat for which there is no room is refused, and can be made again
#[tokio::test(start_paused = true)]
async fn a_decision_that_finds_no_room_for_its_chat_is_refused_and_loses_nothing() {
    let house = world_of_tools().limits(|limits| limits.live_chats_max = 1).open().await;
    let a = house.chat("a").await;
    let (prompt, call) = awaiting(&house, &a, "hello").await;
    let busy = house.chat("busy").await;
    let (_, model) = house.begin(&busy, "busy").await;
    assert_eq!(code(a.decide(call, AllowOnce).await), "live_chats_full");
    assert_eq!((status(&a).await, pending(&a).await.len()), (StatusKind::Awaiting, 1));
    model.finish();
    settle().await;
    a.decide(call, AllowOnce).await.unwrap();
    house.running("hello").await.result("done");
    house.answer("hello", "well").await;
    assert_eq!(outcome(&prompt).await, PromptOutcome::Completed);
    assert_sound(&a).await;
}

// law 5: a chat that cannot store anything decides nothing
#[tokio::test(start_paused = true)]
async fn a_decision_about_a_stalled_chat_is_refused_until_it_has_healed() {
    let house = world_of_tools().open().await;
    let chat = house.chat("a").await;
    let (_, call) = awaiting(&house, &chat, "hello").await;
    house.faults.for_chat(chat.id()).every(Call::Append, Fault::Unavailable);
    house.faults.for_chat(chat.id()).every(Call::Open, Fault::Unavailable);
    assert_eq!(code(chat.rename("x").await), "store_unavailable");
    let refused = chat.decide(call, AllowOnce).await.unwrap_err();
    assert_eq!((refused.code(), refused.retryable()), ("chat_stalled", true));
    pass(400 * SECOND).await;
    house.faults.clear();
    pass(30 * SECOND).await;
    assert_eq!((status(&chat).await, pending(&chat).await.len()), (StatusKind::Awaiting, 1));
    chat.decide(call, AllowOnce).await.unwrap();
    house.running("hello").await.result("done");
    house.answer("hello", "well").await;
    settle().await;
    assert_sound(&chat).await;
}

// issue 3: the deadline of the turn does not count the waiting
#[tokio::test(start_paused = true)]
async fn the_time_in_which_a_turn_waits_for_a_person_does_not_count() {
    let house = world_of_tools()
        .limits(|limits| {
            limits.turn_duration_max = 10 * SECOND;
            // Its actor stays, and with it the clock.
            limits.passivate_after = 10 * HOUR;
        })
        .open()
        .await;
    for (name, tool, ends) in [("in time", 5, Ok(())), ("too late", 7, Err(FailureKind::Deadline))]
    {
        let chat = house.chat(name).await;
        let (prompt, model) = house.begin(&chat, name).await;
        pass(4 * SECOND).await;
        model.tool_call(asked("act", name)).finish();
        settle().await;
        pass(HOUR).await;
        let decided = Instant::now();
        chat.decide(pending(&chat).await[0].tool_call_id, AllowOnce).await.unwrap();
        let call = house.running(name).await;
        pass(tool * SECOND).await;
        match ends {
            Ok(()) => {
                call.result("done");
                house.answer(name, "well").await;
                assert_eq!(outcome(&prompt).await, PromptOutcome::Completed);
            }
            Err(kind) => {
                assert_eq!(failure(&prompt).await.kind, kind);
                assert!(call.is_cancelled());
                assert!(decided.elapsed() <= 7 * SECOND + Duration::from_millis(10));
                // The six seconds that were left, and not the ten of a fresh turn.
                let log = crate::support::log(&chat).await;
                let at = |name| log.iter().rfind(|it| it.event.name() == name).unwrap().at.0;
                let left = at("turn.ended") - at("tool.start");
                assert!((5_950..=6_010).contains(&left), "{left}");
            }
        }
        assert_sound(&chat).await;
    }
}

// issue 3: … and a turn whose chat was passivated meanwhile has all its time again
#[tokio::test(start_paused = true)]
async fn a_turn_that_comes_back_with_a_new_life_of_its_chat_has_its_whole_time() {
    let house =
        world_of_tools().limits(|limits| limits.turn_duration_max = 10 * SECOND).open().await;
    let chat = house.chat("a").await;
    let (prompt, model) = house.begin(&chat, "hello").await;
    pass(8 * SECOND).await;
    model.tool_call(asked("act", "x")).finish();
    settle().await;
    pass(HOUR).await;
    chat.decide(pending(&chat).await[0].tool_call_id, AllowOnce).await.unwrap();
    let call = house.running("x").await;
    pass(9 * SECOND).await;
    assert!(!call.is_dropped());
    pass(2 * SECOND).await;
    assert_eq!(failure(&prompt).await.kind, FailureKind::Deadline);
    assert_sound(&chat).await;
}

// issue 3: nor does it count for the calls that run beside it, which have their own
#[tokio::test(start_paused = true)]
async fn a_call_beside_one_that_waits_has_its_own_deadline() {
    let house =
        world_of_tools().limits(|limits| limits.tool_duration_max = 10 * SECOND).open().await;
    let chat = house.chat("a").await;
    house.begin_calls(&chat, "hello", [asked("act", "x"), asked("look", "y")]).await;
    house.running("y").await;
    assert_eq!(house.local.turns_running(), Some(1), "something runs");
    pass(11 * SECOND).await;
    assert_eq!((house.local.turns_running(), status(&chat).await), (Some(0), StatusKind::Awaiting));
    pass(HOUR).await;
    chat.decide(pending(&chat).await[0].tool_call_id, AllowOnce).await.unwrap();
    house.running("x").await.result("done");
    let model = house.call_for("hello").await;
    let heard = crate::support::answers(model.request());
    assert!(heard[0] == "done" && heard[1].starts_with("deadline: "), "{heard:?}");
}

// law 5: a crash while a call waits
#[tokio::test(start_paused = true)]
async fn a_call_that_waits_outlives_a_crash_of_its_actor() {
    let house = world_of_tools().open().await;
    let chat = house.chat("a").await;
    let (prompt, call) = awaiting(&house, &chat, "hello").await;
    let queued = chat.prompt("queued").await.unwrap();
    house.faults.for_chat(chat.id()).next(Call::Append, 1, Fault::Panic);
    assert_eq!(code(within(chat.rename("crash")).await), "chat_restarted");
    settle().await;
    assert_eq!((status(&chat).await, pending(&chat).await.len()), (StatusKind::Awaiting, 1));
    // Also when it crashes over the decision itself.
    house.faults.for_chat(chat.id()).next(Call::Append, 1, Fault::Panic);
    assert_eq!(code(chat.decide(call, AllowOnce).await), "chat_restarted");
    settle().await;
    chat.decide(call, AllowOnce).await.unwrap();
    house.running("hello").await.result("done");
    house.answer("hello", "well").await;
    assert_eq!(outcome(&prompt).await, PromptOutcome::Completed);
    house.answer("queued", "well").await;
    assert_eq!(outcome(&queued).await, PromptOutcome::Completed);
    assert_eq!(activity(&chat).await.iter().filter(|line| *line == "start 0").count(), 1);
    assert_sound(&chat).await;
}

// design: a call that was allowed and has not started yet is no lost one
#[tokio::test(start_paused = true)]
async fn a_call_that_was_allowed_and_had_no_place_yet_runs_in_the_next_life() {
    for crash in [false, true] {
        let house = world_of_tools().limits(|limits| limits.turns_running_max = 1).open().await;
        let (a, busy) = (house.chat("a").await, house.chat("busy").await);
        let (_, call) = awaiting(&house, &a, "to a").await;
        let (_, _model) = house.begin(&busy, "busy").await;
        a.decide(call, AllowOnce).await.unwrap();
        settle().await;
        assert_eq!(house.tools.calls_seen(), 0);
        let second = if crash {
            house.faults.for_chat(a.id()).next(Call::Append, 1, Fault::Panic);
            assert_eq!(code(within(a.rename("crash")).await), "chat_restarted");
            settle().await;
            assert_eq!(house.tools.calls_seen(), 0, "the place is still taken");
            busy.cancel().await.unwrap();
            house
        } else {
            within(house.local.shutdown()).await;
            house.reopened().await
        };
        second.running("to a").await.result("done");
        second.answer("to a", "well").await;
        settle().await;
        let a = second.world.chat("a").unwrap();
        assert_eq!(activity(&a).await.last().unwrap(), "ended completed");
        assert_eq!(second.tools.calls_seen(), 1);
        assert_sound(&a).await;
    }
}

// law 5: a shutdown while one call waits and another one runs
#[tokio::test(start_paused = true)]
async fn a_turn_that_runs_and_waits_at_once_ends_with_its_world() {
    let house = world_of_tools().open().await;
    let chat = house.chat("a").await;
    house.begin_calls(&chat, "hello", [asked("act", "x"), asked("look", "y")]).await;
    house.running("y").await;
    within(house.local.shutdown()).await;
    let second = house.reopened().await;
    let chat = second.world.chat("a").unwrap();
    let log = activity(&chat).await;
    assert_eq!(
        log[4..],
        ["dropped 0", "error 0 interrupted", "error 1 unknown_outcome", "ended interrupted"]
    );
    assert_sound(&chat).await;
}

// law 5: … unless what runs ends in time: what only waits stays
#[tokio::test(start_paused = true)]
async fn a_turn_whose_running_calls_end_within_the_shutdown_goes_on_waiting() {
    let house = world_of_tools().open().await;
    let chat = house.chat("a").await;
    house.begin_calls(&chat, "hello", [asked("act", "x"), asked("look", "y")]).await;
    let y = house.running("y").await;
    let closing = tokio::spawn({
        let world = house.local.clone();
        async move { world.shutdown().await }
    });
    settle().await;
    y.result("in time");
    within(closing).await.unwrap();
    let second = house.reopened().await;
    let chat = second.world.chat("a").unwrap();
    let waiting = pending(&chat).await;
    assert_eq!(waiting.len(), 1);
    chat.decide(waiting[0].tool_call_id, AllowOnce).await.unwrap();
    second.running("x").await.result("done");
    let model = second.call_for("hello").await;
    assert_eq!(crate::support::answers(model.request()), ["done", "in time"]);
}
