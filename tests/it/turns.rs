//! Turns: deadlines, retries with back-off, usage, reasoning, what is kept of a turn that broke off.

use std::time::Duration;

use polychat::{
    AgentConfig, AgentName, Event, FailureKind, Metadata, ModelName, PromptOutcome,
    message::{Role, Usage},
    ports::{ModelError, ModelErrorKind},
};
use tokio::time::Instant;

use crate::support::{
    House, assert_sound, failure, house, log, messages, names, outcome, pass, said, settle, watch,
    within,
};

const SECOND: Duration = Duration::from_secs(1);

fn unavailable() -> ModelError {
    ModelError::new(ModelErrorKind::Unavailable, "try later").retryable()
}

fn rate_limited(pause: Duration) -> ModelError {
    ModelError::new(ModelErrorKind::RateLimited, "too many").retry_after(pause)
}

// issue 2: a deadline per turn
#[tokio::test(start_paused = true)]
async fn a_turn_past_its_deadline_fails_and_keeps_its_text() {
    let house = house().limits(|limits| limits.turn_duration_max = 10 * SECOND).open().await;
    let chat = house.chat("a").await;
    let began = Instant::now();
    let (prompt, call) = house.begin(&chat, "hello").await;
    for word in ["it ", "takes ", "its ", "time "] {
        call.text(word).drained().await;
        pass(2 * SECOND).await;
    }
    assert_eq!(failure(&prompt).await.kind, FailureKind::Deadline);
    assert_eq!(began.elapsed().as_secs(), 10);
    within(call.dropped()).await;
    assert_eq!(messages(&chat).await[1], "assistant: it takes its time ");
    house.turn(&chat, "again", "quick").await;
    assert_sound(&chat).await;
}

// issue 2: … and one without progress
#[tokio::test(start_paused = true)]
async fn a_turn_without_progress_fails_and_progress_puts_that_off() {
    let house =
        house().limits(|limits| limits.turn_progress_duration_max = 10 * SECOND).open().await;
    let chat = house.chat("a").await;
    let began = Instant::now();
    let (prompt, call) = house.begin(&chat, "hello").await;
    for word in ["still ", "here "] {
        pass(8 * SECOND).await;
        call.text(word).drained().await;
    }
    assert_eq!(failure(&prompt).await.kind, FailureKind::NoProgress);
    assert_eq!(began.elapsed().as_secs(), 26);
    assert_eq!(messages(&chat).await[1], "assistant: still here ");
    assert_sound(&chat).await;
}

/// Fails every call of the running turn in the same way until its prompt has ended, and answers
/// with the moments at which the model was asked, counted from the first.
async fn moments(house: &House, prompt: &polychat::PromptHandle, error: &ModelError) -> Vec<u64> {
    let began = Instant::now();
    let mut moments = Vec::new();
    loop {
        tokio::select! {
            biased;
            call = house.script.next_call() => {
                moments.push(u64::try_from(began.elapsed().as_millis()).unwrap());
                call.fail(error.clone());
            }
            result = prompt.outcome() => {
                assert_eq!(result.unwrap().as_str(), "failed");
                return moments;
            }
        }
    }
}

// issue 2: retry with back-off
#[tokio::test(start_paused = true)]
async fn what_is_retryable_is_tried_again_with_pauses_that_double() {
    let house = house().open().await;
    let chat = house.chat("a").await;
    let prompt = chat.prompt("hello").await.unwrap();
    let moments = moments(&house, &prompt, &unavailable()).await;
    // A timer of tokio may ring a millisecond late.
    let rounded: Vec<u64> = moments.iter().map(|moment| moment / 100 * 100).collect();
    assert_eq!(rounded, [0, 500, 1_500, 3_500]);
    let failure = failure(&prompt).await;
    assert_eq!((failure.kind, failure.retryable), (FailureKind::ModelUnavailable, true));
    let starts = names(&chat).await.iter().filter(|name| **name == "message.start").count();
    assert_eq!(starts, 1, "attempts are one message");
    assert_sound(&chat).await;
}

// issue 2: honouring Retry-After
#[tokio::test(start_paused = true)]
async fn what_the_provider_asks_for_is_waited_for() {
    let house = house().open().await;
    let chat = house.chat("a").await;
    let prompt = chat.prompt("hello").await.unwrap();
    let moments = moments(&house, &prompt, &rate_limited(7 * SECOND)).await;
    let rounded: Vec<u64> = moments.iter().map(|moment| moment / 100 * 100).collect();
    assert_eq!(rounded, [0, 7_000, 14_000, 21_000]);
    assert_eq!(failure(&prompt).await.kind, FailureKind::RateLimited);
}

// issue 2: a provider that asks for too much ends the turn at once
#[tokio::test(start_paused = true)]
async fn a_pause_that_is_too_long_is_not_waited_for() {
    let house = house().open().await;
    let chat = house.chat("a").await;
    let began = Instant::now();
    let (prompt, call) = house.begin(&chat, "hello").await;
    call.fail(rate_limited(61 * SECOND));
    let failure = failure(&prompt).await;
    assert_eq!((failure.kind, failure.retryable), (FailureKind::RateLimited, true));
    assert!(began.elapsed() < SECOND);
    assert_eq!(house.script.calls_seen(), 1);
}

// issue 2: only for what the driver calls retryable, and only before the first chunk
#[tokio::test(start_paused = true)]
async fn neither_a_final_error_nor_one_after_the_first_chunk_is_tried_again() {
    let house = house().open().await;
    let chat = house.chat("a").await;
    let (prompt, call) = house.begin(&chat, "final").await;
    call.fail(ModelError::new(ModelErrorKind::Refused, "never"));
    assert_eq!(failure(&prompt).await.kind, FailureKind::ModelRefused);
    let (prompt, call) = house.begin(&chat, "half").await;
    call.text("half an answer").fail(unavailable());
    assert_eq!(failure(&prompt).await.kind, FailureKind::ModelUnavailable);
    let (prompt, call) = house.begin(&chat, "only thoughts").await;
    call.reasoning("hm").fail(unavailable());
    assert_eq!(failure(&prompt).await.kind, FailureKind::ModelUnavailable);
    pass(60 * SECOND).await;
    assert_eq!(house.script.calls_seen(), 3);
    assert_eq!(messages(&chat).await[3], "assistant: half an answer");
    assert_sound(&chat).await;
}

// issue 2: the second attempt answers as if it were the first
#[tokio::test(start_paused = true)]
async fn a_second_attempt_gets_the_same_request_and_nobody_sees_the_first() {
    let house = house().open().await;
    let chat = house.chat("a").await;
    let mut seen = watch(&chat).await;
    let (prompt, call) = house.begin(&chat, "hello").await;
    let first = said(call.request());
    call.fail(unavailable());
    let call = house.call_for("hello").await;
    assert_eq!(said(call.request()), first);
    call.text("at last").finish();
    assert_eq!(seen.until_outcome(&prompt).await, PromptOutcome::Completed);
    assert_eq!(seen.chunks(), "at last");
    assert!(!seen.names().contains(&"message.error"));
}

// issue 2, law 5
#[tokio::test(start_paused = true)]
async fn a_turn_can_be_cancelled_while_it_waits_to_try_again() {
    let house = house().open().await;
    let chat = house.chat("a").await;
    let (prompt, call) = house.begin(&chat, "hello").await;
    call.fail(rate_limited(30 * SECOND));
    within(call.dropped()).await;
    settle().await;
    let cancelled = Instant::now();
    chat.cancel().await.unwrap();
    assert_eq!(outcome(&prompt).await, PromptOutcome::Cancelled);
    assert!(cancelled.elapsed() < SECOND);
    pass(120 * SECOND).await;
    assert_eq!(house.script.calls_seen(), 1);
    assert_eq!(house.local.turns_running(), Some(0));
    assert_sound(&chat).await;
}

// issue 2: the deadline counts the pauses as well
#[tokio::test(start_paused = true)]
async fn a_deadline_ends_a_turn_that_waits_to_try_again() {
    let house = house().limits(|limits| limits.turn_duration_max = 5 * SECOND).open().await;
    let chat = house.chat("a").await;
    let began = Instant::now();
    let (prompt, call) = house.begin(&chat, "hello").await;
    call.fail(rate_limited(30 * SECOND));
    assert_eq!(failure(&prompt).await.kind, FailureKind::Deadline);
    assert_eq!(began.elapsed().as_secs(), 5);
}

// issue 2: usage counts; reasoning is kept
#[tokio::test(start_paused = true)]
async fn usage_and_reasoning_are_recorded_with_the_message() {
    let house = house().open().await;
    let chat = house.chat("a").await;
    let mut seen = watch(&chat).await;
    let (prompt, call) = house.begin(&chat, "hello").await;
    call.reasoning("thinking ").reasoning("aloud").text("hi").usage(12, 34).finish();
    assert_eq!(seen.until_outcome(&prompt).await, PromptOutcome::Completed);
    assert_eq!(seen.view.messages[1].reasoning, "thinking aloud");
    let snapshot = chat.snapshot().await.unwrap();
    let Role::Assistant { reasoning, usage, author, .. } = &snapshot.messages[1].role else {
        panic!("an assistant's message")
    };
    assert_eq!((&**reasoning, *usage), ("thinking aloud", Usage::new(12, 34)));
    assert_eq!(author.as_ref().map(AgentName::as_str), Some("assistant"));
}

// issue 2: a cancelled turn keeps its text, and the next turn's model is told of it
#[tokio::test(start_paused = true)]
async fn what_was_shown_of_a_cancelled_turn_is_kept_whole_and_sent_along() {
    let house = house().open().await;
    let chat = house.chat("a").await;
    let (prompt, call) = house.begin(&chat, "hello").await;
    let long = "word ".repeat(3_000); // beyond several checkpoints
    call.reasoning("so far").text(&*long).drained().await;
    pass(2 * SECOND).await;
    call.text("and a bit more").drained().await;
    chat.cancel().await.unwrap();
    assert_eq!(outcome(&prompt).await, PromptOutcome::Cancelled);
    let whole = format!("{long}and a bit more");
    assert_eq!(messages(&chat).await[1], format!("assistant: {whole}"));
    assert!(names(&chat).await.contains(&"message.checkpoint"));
    let (_, call) = house.begin(&chat, "go on").await;
    assert_eq!(said(call.request())[1], format!("assistant: {whole}"));
    call.finish();
    settle().await;
    assert_sound(&chat).await;
}

// issue 2: checkpoints every second or 4 KiB
#[tokio::test(start_paused = true)]
async fn text_of_an_open_message_is_saved_by_time_and_by_size() {
    let house = house().open().await;
    let chat = house.chat("a").await;
    let checkpoints = async || {
        let names = names(&chat).await;
        names.iter().filter(|name| **name == "message.checkpoint").count()
    };
    let (_, call) = house.begin(&chat, "hello").await;
    call.text("a few words").drained().await;
    settle().await;
    assert_eq!(checkpoints().await, 0);
    pass(SECOND).await;
    assert_eq!(checkpoints().await, 1);
    pass(10 * SECOND).await;
    assert_eq!(checkpoints().await, 1, "nothing new, nothing saved");
    call.text("x".repeat(5_000)).drained().await;
    settle().await;
    assert_eq!(checkpoints().await, 2);
    call.finish();
    settle().await;
    assert_sound(&chat).await;
}

// issue 2: settings travel with the turn
#[tokio::test(start_paused = true)]
async fn a_prompt_can_name_its_agent_and_a_turn_records_the_one_it_used() {
    let house = house().open().await;
    let name = AgentName::new("poet").unwrap();
    let poet = AgentConfig::new(name.clone(), ModelName::new("assistant").unwrap());
    house.world.put_agent(poet.clone().system("In verse.")).await.unwrap();
    let (chat, other) = (house.chat("a").await, house.chat("b").await);
    let prompt = chat.prompt("hello").agent(name.clone()).await.unwrap();
    let call = house.call_for("hello").await;
    assert_eq!(&*call.request().system, "In verse.");
    // A change takes effect for turns that start from now on, in every chat.
    house.world.put_agent(poet.system("In prose.")).await.unwrap();
    call.finish();
    outcome(&prompt).await;
    let recorded = log(&chat).await.iter().find_map(|it| match &it.event {
        Event::MessageStart { agent, .. } => Some(agent.system.to_string()),
        _ => None,
    });
    assert_eq!(recorded.as_deref(), Some("In verse."));
    other.prompt("hello b").agent(name).await.unwrap();
    assert_eq!(&*house.call_for("hello b").await.request().system, "In prose.");
    let plain = chat.prompt("plain").metadata(Metadata::NONE).await.unwrap();
    let call = house.call_for("plain").await;
    assert_eq!(&*call.request().system, "", "the next prompt has the chat's own agent again");
    call.finish();
    outcome(&plain).await;
}

// law 5: a model that nobody registered fails its turn, not the chat
#[tokio::test(start_paused = true)]
async fn an_agent_without_a_registered_model_fails_its_turn_as_not_configured() {
    let house = house().open().await;
    let name = AgentName::new("lost").unwrap();
    let lost = AgentConfig::new(name.clone(), ModelName::new("nowhere").unwrap());
    house.world.put_agent(lost).await.unwrap();
    let chat = house.chat("a").await;
    let prompt = chat.prompt("hello").agent(name).await.unwrap();
    assert_eq!(failure(&prompt).await.kind, FailureKind::NotConfigured);
    house.turn(&chat, "again", "fine").await;
    assert_sound(&chat).await;
}
