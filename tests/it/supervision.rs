//! Supervision: crashes, restarts, giving up, quarantine, passivation.

use std::time::Duration;

use polychat::{
    CommandError, EndReason, FailureKind, FaultKind, PromptOutcome, Seq, StartAt, StatusKind,
};
use polychat_testkit::{
    faulty_store::{Call, Fault},
    view::MessageState,
};
use tokio::time::Instant;

use crate::support::{
    House, WorldWatcher, assert_sound, chat_id, code, house, messages, names, outcome, pass,
    settle, watch, within,
};

const SECOND: Duration = Duration::from_secs(1);

/// Lets the chat's actor panic at its next append, and makes it append. What the command hears is
/// the answer.
async fn crash(house: &House, chat: &polychat::Chat) -> Result<(), CommandError> {
    house.faults.for_chat(chat.id()).next(Call::Append, 1, Fault::Panic);
    within(chat.rename("crash")).await
}

// law 5, law 6
#[tokio::test(start_paused = true)]
async fn a_crashed_actor_restarts_and_settles_its_turn_with_exactly_the_text_shown() {
    let house = house().open().await;
    let (chat, other) = (house.chat("a").await, house.chat("b").await);
    let (_, other_call) = house.begin(&other, "to b").await;
    let (mut seen, mut feed) = (watch(&chat).await, WorldWatcher::new(&house.world).await);
    let (prompt, call) = house.begin(&chat, "hello").await;
    let queued = chat.prompt("queued").await.unwrap();
    call.reasoning("hmm").text("exactly this").drained().await;
    let lost = crash(&house, &chat).await.unwrap_err();
    assert!(matches!(&lost, CommandError::Fault(fault) if fault.kind == FaultKind::ChatRestarted));
    assert!(lost.retryable());
    within(call.dropped()).await;
    call.text(" and never this").finish();
    assert_eq!(seen.until_outcome(&prompt).await, PromptOutcome::Interrupted);
    let broken = seen.view.messages[1].clone();
    assert_eq!((&*broken.text, &*broken.reasoning), ("exactly this", "hmm"));
    assert!(
        matches!(&broken.state, MessageState::Broken(why) if why.kind == FailureKind::Interrupted)
    );
    feed.until_diagnostic("restarted").await;
    // The queue runs, the handle works, the other chat noticed nothing.
    house.call_for("queued").await.text("after all").finish();
    assert_eq!(seen.until_outcome(&queued).await, PromptOutcome::Completed);
    assert!(!seen.saw("never this"));
    chat.rename("works").await.unwrap();
    assert!(!other_call.is_dropped());
    assert_sound(&chat).await;
}

// law 5: a prompt whose actor was lost is sent again by its handle
#[tokio::test(start_paused = true)]
async fn a_prompt_whose_actor_is_lost_on_the_way_is_accepted_all_the_same() {
    let house = house().open().await;
    let chat = house.chat("a").await;
    for fault in [Fault::Panic, Fault::Panic] {
        house.faults.for_chat(chat.id()).next(Call::Append, 1, fault);
        let prompt = within(chat.prompt("hello").send()).await.unwrap();
        house.call_for("hello").await.finish();
        assert_eq!(outcome(&prompt).await, PromptOutcome::Completed);
    }
    let accepted = names(&chat).await.iter().filter(|it| **it == "prompt.accepted").count();
    assert_eq!(accepted, 2, "each exactly once");
    assert_sound(&chat).await;
}

// law 5, law 7: commands that the lost actor had not touched go to its successor
#[tokio::test(start_paused = true)]
async fn mail_that_a_lost_actor_had_not_touched_is_delivered_to_its_successor() {
    let house = house().open().await;
    let chat = house.chat("a").await;
    let gate = house.faults.for_chat(chat.id()).hang_next(Call::Append, 1);
    let first = tokio::spawn({
        let chat = chat.clone();
        async move { chat.rename("held").await }
    });
    gate.arrived(1).await;
    let doomed = tokio::spawn({
        let chat = chat.clone();
        async move { chat.rename("doomed").await }
    });
    settle().await;
    house.faults.for_chat(chat.id()).next(Call::Append, 1, Fault::Panic);
    let mut behind = Vec::new();
    for n in 0..20 {
        let prompt = chat.prompt(format!("behind {n}")).send();
        behind.push(tokio::spawn(prompt));
    }
    let reading = tokio::spawn({
        let chat = chat.clone();
        async move { chat.snapshot().await }
    });
    settle().await;
    gate.open();
    within(first).await.unwrap().unwrap();
    assert_eq!(code(within(doomed).await.unwrap()), "chat_restarted");
    for prompt in behind {
        within(prompt).await.unwrap().unwrap();
    }
    within(reading).await.unwrap().unwrap();
    let accepted = names(&chat).await.iter().filter(|it| **it == "prompt.accepted").count();
    assert_eq!(accepted, 20);
}

// the same where supervisor, actor and callers really run in parallel
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn under_load_no_command_is_lost_and_none_is_done_twice_when_actors_crash() {
    let house = house().limits(|limits| limits.restarts_max = 1_000).open().await;
    let chat = house.chat("a").await;
    let mut tasks = Vec::new();
    for n in 0..40 {
        let (chat, faults) = (chat.clone(), house.faults.for_chat(&chat_id("a")));
        tasks.push(tokio::spawn(async move {
            if n % 10 == 5 {
                faults.next(Call::Append, 1, Fault::Panic);
            }
            chat.prompt(format!("{n}")).await
        }));
    }
    let script = house.script.clone();
    let answering = tokio::spawn(async move {
        loop {
            script.next_call().await.text("ok").finish();
        }
    });
    let mut accepted = Vec::new();
    for task in tasks {
        match task.await.unwrap() {
            Ok(prompt) => accepted.push(prompt),
            Err(error) => assert!(error.retryable(), "{error:?}"),
        }
    }
    for prompt in &accepted {
        prompt.outcome().await.unwrap();
    }
    answering.abort();
    assert_sound(&chat).await;
}

// law 7: restarts_max in restart_window
#[tokio::test(start_paused = true)]
async fn after_three_restarts_within_a_minute_a_chat_has_failed_and_reopen_tries_again() {
    let house = house().open().await;
    let (chat, other) = (house.chat("a").await, house.chat("b").await);
    house.turn(&chat, "one", "first").await;
    let mut feed = WorldWatcher::new(&house.world).await;
    for _ in 0..4 {
        assert_eq!(code(crash(&house, &chat).await), "chat_restarted");
        pass(SECOND).await;
    }
    feed.until_diagnostic("gave_up").await;
    feed.until_status(&chat, StatusKind::Failed).await;
    let restarts = feed.diagnostics().iter().filter(|it| *it == "a restarted").count();
    assert_eq!(restarts, 3);
    let refused = chat.prompt("two").await.unwrap_err();
    assert_eq!(refused.code(), "chat_failed");
    // It can be read and watched; nobody else is concerned.
    let snapshot = chat.snapshot().await.unwrap();
    assert_eq!((snapshot.status.kind, snapshot.messages.len()), (StatusKind::Failed, 2));
    assert!(chat.subscribe(StartAt::Start).await.is_ok());
    house.turn(&other, "to b", "fine").await;
    chat.reopen().await.unwrap();
    feed.until_status(&chat, StatusKind::Idle).await;
    house.turn(&chat, "two", "second").await;
    assert_sound(&chat).await;
}

// law 5: a failed chat can be deleted
#[tokio::test(start_paused = true)]
async fn a_failed_chat_can_be_deleted() {
    let house = house().open().await;
    let chat = house.chat("a").await;
    for _ in 0..4 {
        let _ = crash(&house, &chat).await;
        pass(SECOND).await;
    }
    assert_eq!(code(chat.prompt("two").await), "chat_failed");
    chat.delete().await.unwrap();
    assert_eq!(code(chat.snapshot().await), "chat_deleted");
}

// law 7: failures that lie further apart are forgiven
#[tokio::test(start_paused = true)]
async fn crashes_that_lie_far_apart_never_fail_a_chat() {
    let house = house().open().await;
    let chat = house.chat("a").await;
    for _ in 0..10 {
        assert_eq!(code(crash(&house, &chat).await), "chat_restarted");
        pass(25 * SECOND).await;
    }
    chat.rename("lives").await.unwrap();
}

// design: restart from the log with back-off
#[tokio::test(start_paused = true)]
async fn restarts_in_a_row_come_with_pauses_that_double() {
    let house = house().open().await;
    let chat = house.chat("a").await;
    let mut pauses = Vec::new();
    for _ in 0..3 {
        let began = Instant::now();
        assert_eq!(code(crash(&house, &chat).await), "chat_restarted");
        chat.rename("alive again").await.unwrap();
        pauses.push(began.elapsed().as_millis() / 50 * 50);
    }
    assert_eq!(pauses, [0, 100, 200]);
}

// NFR-1, REQ-13: a damaged log is quarantined, and nothing else
#[tokio::test(start_paused = true)]
async fn a_log_that_is_damaged_foreign_or_has_gaps_is_quarantined_and_reopen_tries_again() {
    let corrupt = Fault::Corrupt(Seq::try_from(3).unwrap());
    let gap = Fault::Gap(Seq::try_from(2).unwrap());
    for (fault, is_foreign) in
        [(corrupt, false), (gap, false), (Fault::Foreign(chat_id("b")), true)]
    {
        let first = house().open().await;
        let chat = first.chat("a").await;
        first.turn(&chat, "one", "first").await;
        let other = first.chat("b").await;
        first.local.shutdown().await;
        let second = first.reopened().await;
        let (chat, other) =
            (second.world.chat(chat.id()).unwrap(), second.world.chat(other.id()).unwrap());
        let mut feed = WorldWatcher::new(&second.world).await;
        second.faults.for_chat(chat.id()).every(Call::Read, fault.clone());
        assert_eq!(code(chat.prompt("two").await), "chat_failed", "{fault:?}");
        let diagnostic = feed.until_diagnostic("quarantined").await;
        assert_eq!(diagnostic.chat_id.as_ref(), Some(chat.id()));
        if is_foreign {
            feed.until_diagnostic("foreign_record").await;
        }
        feed.until_status(&chat, StatusKind::Failed).await;
        second.turn(&other, "to b", "fine").await;
        // Nothing was written, and once the log is whole again, so is the chat.
        second.faults.clear();
        chat.reopen().await.unwrap();
        feed.until_status(&chat, StatusKind::Idle).await;
        second.turn(&chat, "two", "second").await;
        assert_eq!(messages(&chat).await.len(), 4);
        assert_sound(&chat).await;
    }
}

// design: passivation is invisible
#[tokio::test(start_paused = true)]
async fn an_idle_chat_is_passivated_and_nobody_can_tell() {
    let house = house().open().await;
    let chat = house.chat("a").await;
    let mut seen = watch(&chat).await;
    house.turn(&chat, "one", "first").await;
    seen.drain().await;
    let opens = house.faults.for_chat(chat.id()).calls(Call::Open);
    pass(1_000 * SECOND).await;
    assert!(seen.drain().await.is_empty(), "nothing was said");
    // Reading and subscribing answer as before, and revive nobody.
    assert_eq!(messages(&chat).await, ["user: one", "assistant: first"]);
    assert_eq!(chat.snapshot().await.unwrap().status.kind, StatusKind::Idle);
    let _also = chat.subscribe(StartAt::Start).await.unwrap();
    assert!(chat.log(Seq::ZERO, 9).await.is_ok());
    assert!(chat.waiting_prompts().await.unwrap().is_empty());
    assert_eq!(house.faults.for_chat(chat.id()).calls(Call::Open), opens, "nobody revived it");
    // The next command does, and the subscription has lived through it.
    let (prompt, call) = house.begin(&chat, "two").await;
    assert_eq!(house.faults.for_chat(chat.id()).calls(Call::Open), opens + 1, "it was passivated");
    call.text("second").finish();
    assert_eq!(seen.until_outcome(&prompt).await, PromptOutcome::Completed);
    let head = seen.view.head.get();
    assert_eq!(seen.seqs(), (1..=head).collect::<Vec<_>>());
    assert_sound(&chat).await;
}

// design: … and never while something is under way
#[tokio::test(start_paused = true)]
async fn a_chat_with_something_under_way_is_never_passivated() {
    let setup = house().limits(|limits| {
        limits.passivate_after = 4 * SECOND;
        limits.turn_progress_duration_max = 10_000 * SECOND;
    });
    let house = setup.open().await;
    let (busy, resting) = (house.chat("busy").await, house.chat("resting").await);
    let (prompt, call) = house.begin(&busy, "takes long").await;
    pass(100 * SECOND).await;
    assert!(!call.is_dropped());
    call.text("done").finish();
    assert_eq!(outcome(&prompt).await, PromptOutcome::Completed);
    let opens = house.faults.for_chat(busy.id()).calls(Call::Open);
    assert_eq!(opens, 1, "one life only");
    pass(10 * SECOND).await;
    busy.rename("revived").await.unwrap();
    resting.rename("revived").await.unwrap();
    assert_eq!(house.faults.for_chat(busy.id()).calls(Call::Open), 2);
    assert_eq!(house.faults.for_chat(resting.id()).calls(Call::Open), 2);
}

// law 4: watching through crash and restart
#[tokio::test(start_paused = true)]
async fn a_subscription_lives_through_crashes_and_a_failed_chat() {
    let house = house().open().await;
    let chat = house.chat("a").await;
    let mut seen = watch(&chat).await;
    for n in 0..3 {
        let (prompt, call) = house.begin(&chat, &format!("q{n}")).await;
        call.text(format!("a{n}")).drained().await;
        let _ = crash(&house, &chat).await;
        assert_eq!(seen.until_outcome(&prompt).await, PromptOutcome::Interrupted);
        assert_eq!(seen.view.messages.last().unwrap().text, format!("a{n}"));
    }
    pass(61 * SECOND).await;
    house.turn(&chat, "last", "still here").await;
    seen.until_text("still here").await;
    let head = seen.view.head.get();
    seen.drain().await;
    assert!(seen.seqs().starts_with(&(1..=head).collect::<Vec<_>>()));
    chat.delete().await.unwrap();
    assert_eq!(seen.until_ended().await, EndReason::Deleted);
}

// law 5: a panic of the model is an end of its turn, not of its actor
#[tokio::test(start_paused = true)]
async fn a_panicking_model_costs_its_turn_and_no_restart() {
    let house = house().open().await;
    let chat = house.chat("a").await;
    let mut feed = WorldWatcher::new(&house.world).await;
    for n in 0..5 {
        let (prompt, call) = house.begin(&chat, &format!("{n}")).await;
        call.text("half").panic("on purpose");
        let failure = crate::support::failure(&prompt).await;
        assert_eq!((failure.kind, &*failure.message), (FailureKind::Panicked, "on purpose"));
    }
    feed.drain().await;
    assert!(!feed.diagnostics().contains(&"a restarted".to_owned()));
    assert_sound(&chat).await;
}
