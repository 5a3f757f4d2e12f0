//! Commands that were under way when their connection was lost, and commands sent in between.

use std::{sync::Arc, time::Duration};

use polychat_core::{
    Command, CommandError, FaultKind, PromptOutcome, Refusal, Reply,
    command::{Accepted, PromptState, ReviseTarget},
    event::PromptMode,
    ports::WorldService,
};
use polychat_testkit::samples::{chat_id, message_id, prompt_body, prompt_id, seq};
use polychat_transport::http::client::{Headers, HttpWorld};
use tokio::{
    task::JoinHandle,
    time::{Instant, sleep},
};

use super::by_hand::{near, options, within};

const PROBLEM: &str = "application/problem+json";

fn prompt() -> Command {
    let (chat, prompt) = (chat_id("a"), prompt_id("p"));
    Command::SendPrompt { chat, prompt, mode: PromptMode::Queue, body: prompt_body() }
}

fn revision() -> Command {
    let target = ReviseTarget::Message { id: message_id(3), body: prompt_body() };
    Command::Revise { chat: chat_id("a"), target, prompt: prompt_id("p") }
}

fn close() -> Command {
    Command::CloseChat { chat: chat_id("a") }
}

/// A command on its way, until it is answered.
fn send(near: &Arc<HttpWorld>, command: Command) -> JoinHandle<Result<Reply, CommandError>> {
    let near = Arc::clone(near);
    tokio::spawn(async move { within(near.call(command)).await })
}

fn accepted() -> Result<Reply, CommandError> {
    Ok(Reply::Accepted(Accepted { prompt_id: prompt_id("p"), accepted_seq: seq(9) }))
}

fn ended() -> Result<Reply, CommandError> {
    let (accepted_seq, outcome) = (seq(9), PromptOutcome::Completed);
    Ok(Reply::Prompt(PromptState::Ended { accepted_seq, turn_id: None, outcome }))
}

fn refused(refusal: Refusal) -> Result<Reply, CommandError> {
    Err(refusal.into())
}

fn kind(answer: Result<Reply, CommandError>) -> FaultKind {
    match answer {
        Err(CommandError::Fault(fault)) => fault.kind,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn who_asks_and_what_is_asked_goes_with_the_request() {
    let mut options = options();
    options.headers = Headers::bearer("t0ken").unwrap();
    let (near, mut host) = near(options);
    let sent = send(&near, prompt());
    let asked = host.answer(accepted()).await;
    assert_eq!(asked.line, "POST /chats/a/prompts");
    assert_eq!(asked.header("host"), Some("somewhere"));
    assert_eq!(asked.header("authorization"), Some("Bearer t0ken"));
    assert_eq!(asked.header("content-type"), Some("application/json"));
    assert_eq!(asked.body["promptId"], "p");
    assert_eq!(asked.body.get("chatId"), None, "the path says it");
    assert_eq!(sent.await.unwrap(), accepted());
}

// law 5
#[tokio::test(start_paused = true)]
async fn a_prompt_that_had_arrived_is_answered_as_accepted() {
    for (command, line) in
        [(prompt(), "POST /chats/a/prompts"), (revision(), "POST /chats/a/revise")]
    {
        let (near, mut host) = near(options());
        let sent = send(&near, command);
        let (first, talk) = host.hear().await;
        assert_eq!(first.line, line);
        drop(talk);
        assert_eq!(host.answer(ended()).await.line, "GET /chats/a/prompts/p");
        // It is there, so the same once more only tells whether it was the same.
        let again = host.answer(accepted()).await;
        assert_eq!((again.line, again.body), (first.line, first.body));
        assert_eq!(sent.await.unwrap(), accepted());
    }
}

// law 5: "accepted" would be a lie about words that nobody has
#[tokio::test(start_paused = true)]
async fn a_prompt_whose_id_another_one_has_is_a_conflict_after_a_loss_too() {
    let conflict = || refused(Refusal::Conflict { prompt_id: prompt_id("p") });
    let (near, mut host) = near(options());
    let sent = send(&near, prompt());
    drop(host.hear().await);
    host.answer(ended()).await;
    host.answer(conflict()).await;
    assert_eq!(sent.await.unwrap(), conflict());
}

#[tokio::test(start_paused = true)]
async fn a_prompt_that_has_not_arrived_is_never_sent_by_itself_again() {
    let (near, mut host) = near(options());
    let sent = send(&near, prompt());
    drop(host.hear().await);
    // A loss while it is asked is asked again.
    drop(host.hear().await);
    host.answer(refused(Refusal::UnknownPrompt { prompt_id: prompt_id("p") })).await;
    assert_eq!(kind(sent.await.unwrap()), FaultKind::ConnectionLost);
    assert!(host.is_left_alone());
}

#[tokio::test(start_paused = true)]
async fn other_commands_that_were_under_way_are_faults_and_not_asked_about() {
    let (near, mut host) = near(options());
    let sent = send(&near, close());
    let (asked, talk) = host.hear().await;
    assert_eq!(asked.line, "POST /chats/a/close");
    drop(talk);
    assert_eq!(kind(sent.await.unwrap()), FaultKind::ConnectionLost);
    assert!(host.is_left_alone());
}

// law 7
#[tokio::test(start_paused = true)]
async fn an_answer_that_does_not_come_is_waited_for_no_longer_than_any_silence() {
    let (near, mut host) = near(options());
    let began = Instant::now();
    let sent = send(&near, close());
    let (_, mut talk) = host.hear().await;
    assert_eq!(kind(sent.await.unwrap()), FaultKind::ConnectionLost);
    assert_eq!(began.elapsed().as_secs(), 45);
    talk.closed().await;
}

#[tokio::test(start_paused = true)]
async fn commands_wait_while_the_server_is_away_and_are_sent_once() {
    let (near, mut host) = near(options());
    host.be_away(true);
    let sent = send(&near, close());
    sleep(Duration::from_secs(20)).await;
    host.be_away(false);
    assert_eq!(host.answer(Ok(Reply::Done)).await.line, "POST /chats/a/close");
    assert_eq!(sent.await.unwrap(), Ok(Reply::Done));
    assert!(host.is_left_alone());
}

// law 7: of a prompt that was never sent there is nothing to ask
#[tokio::test(start_paused = true)]
async fn they_wait_for_a_bounded_time() {
    let mut options = options();
    options.connect_duration_max = Duration::from_secs(7);
    let (near, mut host) = near(options);
    host.be_away(true);
    let began = Instant::now();
    assert_eq!(kind(near.call(prompt()).await), FaultKind::ConnectionLost);
    assert_eq!(began.elapsed().as_secs(), 7);
    host.be_away(false);
    sleep(Duration::from_secs(60)).await;
    assert!(host.is_left_alone());
}

// law 7
#[tokio::test(start_paused = true)]
async fn only_so_many_requests_are_under_way_and_the_others_wait() {
    let mut options = options();
    options.requests_in_flight_max = 1;
    let (near, mut host) = near(options);
    let calls = [send(&near, close()), send(&near, close())];
    let (_, talk) = host.hear().await;
    sleep(Duration::from_secs(1)).await;
    assert!(host.is_left_alone());
    talk.answer(Ok(Reply::Done)).await;
    host.answer(Ok(Reply::Done)).await;
    for call in calls {
        assert_eq!(call.await.unwrap(), Ok(Reply::Done));
    }
}

#[tokio::test(start_paused = true)]
async fn what_something_on_the_way_answers_is_typed() {
    let mut options = options();
    options.wire.reply_bytes_max = 512;
    let long = format!("{{\"type\":\"done\",\"x\":\"{}\"}}", "x".repeat(512));
    let answers = [
        ("401 Unauthorized", "text/plain", "who are you?", "forbidden"),
        ("403 Forbidden", "text/html", "<p>no", "forbidden"),
        ("404 Not Found", "text/html", "<p>nothing", "protocol"),
        ("502 Bad Gateway", "text/html", "<p>nobody there", "connection_lost"),
        ("503 Service Unavailable", "text/html", "<p>later", "connection_lost"),
        ("302 Found", "text/html", "", "protocol"),
        ("200 OK", "text/html", "<p>hello", "protocol"),
        ("500 Internal", PROBLEM, r#"{"code":"news","message":""}"#, "protocol"),
        // As `polychat serve` says it, before there is a world.
        ("401 Unauthorized", PROBLEM, r#"{"code":"unauthenticated","message":""}"#, "forbidden"),
        ("408 Request Timeout", PROBLEM, r#"{"code":"too_slow","message":""}"#, "connection_lost"),
        ("503 Service Unavailable", PROBLEM, r#"{"code":"world_closed"}"#, "world_closed"),
        ("200 OK", "application/json", &long, "protocol"),
    ];
    for (status, media_type, body, code) in answers {
        let (near, mut host) = near(options.clone());
        let sent = send(&near, close());
        let (_, talk) = host.hear().await;
        talk.say(status, media_type, body.as_bytes()).await;
        assert_eq!(sent.await.unwrap().unwrap_err().code(), code, "{status}");
    }
}

// law 7: a bound may be as far off as a duration can be
#[tokio::test(start_paused = true)]
async fn patience_without_end_is_no_mistake() {
    let mut options = options();
    options.connect_duration_max = Duration::MAX;
    options.silence_duration_max = Duration::MAX;
    let (near, mut host) = near(options);
    let sent = send(&near, close());
    host.answer(Ok(Reply::Done)).await;
    assert_eq!(sent.await.unwrap(), Ok(Reply::Done));
}
