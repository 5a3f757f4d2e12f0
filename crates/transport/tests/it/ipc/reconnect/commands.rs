//! Commands that were under way when their connection was lost, and commands sent in between.

use std::time::Duration;

use polychat_core::{
    Command, CommandError, FaultKind, Refusal, Reply, Scope, StartAt,
    command::{Accepted, PromptState, ReviseTarget},
    event::PromptMode,
    ports::WorldService,
};
use polychat_testkit::samples::{chat_id, message_id, prompt_body, prompt_id, seq, turn_id};
use tokio::time::{Instant, advance};

use super::{
    super::{
        by_hand::{ByHand, within},
        remote::{close, kind},
    },
    answer, answered, connected, grant_this, options, send, spelled,
};

fn prompt() -> Command {
    let (chat, prompt) = (chat_id("a"), prompt_id("p"));
    Command::SendPrompt { chat, prompt, mode: PromptMode::Reject, body: prompt_body() }
}

fn revision() -> Command {
    let target = ReviseTarget::Message { id: message_id(3), body: prompt_body() };
    Command::Revise { chat: chat_id("a"), target, prompt: prompt_id("p") }
}

/// Every state in which an accepted prompt can be.
fn states() -> [PromptState; 3] {
    let accepted_seq = seq(9);
    let outcome = polychat_core::PromptOutcome::Completed;
    [
        PromptState::Queued { accepted_seq },
        PromptState::Running { accepted_seq, turn_id: turn_id(10) },
        PromptState::Ended { accepted_seq, turn_id: None, outcome },
    ]
}

fn accepted() -> Result<Reply, CommandError> {
    Ok(Reply::Accepted(Accepted { prompt_id: prompt_id("p"), accepted_seq: seq(9) }))
}

fn unknown() -> Result<Reply, CommandError> {
    Err(CommandError::Refused(Refusal::UnknownPrompt { prompt_id: prompt_id("p") }))
}

fn conflict() -> Result<Reply, CommandError> {
    Err(CommandError::Refused(Refusal::Conflict { prompt_id: prompt_id("p") }))
}

/// Hears this very command.
async fn hears(server: &mut ByHand, command: &Command) {
    let request = server.hear().await.unwrap();
    let spelled = spelled(command.clone());
    assert_eq!((&request["method"], &request["params"]), (&spelled["method"], &spelled["params"]));
}

// law 5
#[tokio::test(start_paused = true)]
async fn a_prompt_that_had_arrived_is_answered_as_accepted() {
    for command in [prompt(), revision()] {
        for state in states() {
            let (remote, mut server, mut exchange) = connected(options()).await;
            let sent = send(&remote, command.clone());
            hears(&mut server, &command).await;
            drop(server);
            let mut server = exchange.serve().await;
            let asked = answer(&mut server, "prompt/outcome", Ok(Reply::Prompt(state))).await;
            assert_eq!(asked, serde_json::json!({ "chatId": "a", "promptId": "p" }));
            // It is there, so the same once more only tells whether it was the same.
            let method = command.name();
            answer(&mut server, method, accepted()).await;
            assert_eq!(sent.await.unwrap(), accepted());
        }
    }
}

// law 5: "accepted" would be a lie about words that nobody has
#[tokio::test(start_paused = true)]
async fn a_prompt_whose_id_another_one_has_is_a_conflict_after_a_loss_too() {
    let (remote, mut server, mut exchange) = connected(options()).await;
    let sent = send(&remote, prompt());
    hears(&mut server, &prompt()).await;
    drop(server);
    let mut server = exchange.serve().await;
    let [state, ..] = states();
    answer(&mut server, "prompt/outcome", Ok(Reply::Prompt(state))).await;
    answer(&mut server, "prompt/send", conflict()).await;
    assert_eq!(sent.await.unwrap(), conflict());
}

#[tokio::test(start_paused = true)]
async fn a_prompt_that_has_not_arrived_is_never_sent_by_itself_again() {
    let (remote, mut server, mut exchange) = connected(options()).await;
    let sent = send(&remote, prompt());
    hears(&mut server, &prompt()).await;
    drop(server);
    let mut server = exchange.serve().await;
    answer(&mut server, "prompt/outcome", unknown()).await;
    assert_eq!(kind(sent.await.unwrap()), FaultKind::ConnectionLost);
    // The next that the server hears is the next command.
    let next = send(&remote, close());
    answer(&mut server, "chat/close", Ok(Reply::Done)).await;
    assert_eq!(next.await.unwrap(), Ok(Reply::Done));
}

#[tokio::test(start_paused = true)]
async fn a_loss_while_it_is_asked_what_became_of_a_prompt_is_asked_over_the_next_connection() {
    let (remote, mut server, mut exchange) = connected(options()).await;
    let sent = send(&remote, prompt());
    hears(&mut server, &prompt()).await;
    drop(server);
    let mut server = exchange.serve().await;
    assert_eq!(server.hear().await.unwrap()["method"], "prompt/outcome");
    drop(server);
    let mut server = exchange.serve().await;
    let [state, ..] = states();
    answer(&mut server, "prompt/outcome", Ok(Reply::Prompt(state.clone()))).await;
    assert_eq!(server.hear().await.unwrap()["method"], "prompt/send");
    drop(server);
    let mut server = exchange.serve().await;
    answer(&mut server, "prompt/outcome", Ok(Reply::Prompt(state))).await;
    // Busy now, it says; but the first one was accepted.
    let busy = Refusal::ChatBusy { turn_id: None, queued: 0 };
    answer(&mut server, "prompt/send", Err(busy.into())).await;
    assert_eq!(sent.await.unwrap(), accepted());
}

#[tokio::test(start_paused = true)]
async fn other_commands_that_were_under_way_are_faults_and_not_asked_about() {
    let (remote, mut server, mut exchange) = connected(options()).await;
    let sent = send(&remote, close());
    hears(&mut server, &close()).await;
    drop(server);
    assert_eq!(kind(sent.await.unwrap()), FaultKind::ConnectionLost);
    let mut server = exchange.serve().await;
    let next = send(&remote, Command::GetWorld);
    hears(&mut server, &Command::GetWorld).await;
    next.abort();
}

// a fault that a server hands on is an answer like any other
#[tokio::test(start_paused = true)]
async fn a_loss_behind_the_server_is_not_taken_for_one_here() {
    let (remote, mut server, _exchange) = connected(options()).await;
    let sent = send(&remote, prompt());
    let lost = polychat_core::Fault::new(FaultKind::ConnectionLost, "behind");
    let began = Instant::now();
    answer(&mut server, "prompt/send", Err(lost.clone().into())).await;
    assert_eq!(sent.await.unwrap(), Err(lost.into()));
    assert_eq!(began.elapsed(), Duration::ZERO, "nothing was asked for, and nothing waited for");
}

#[tokio::test(start_paused = true)]
async fn commands_and_subscriptions_wait_while_the_connection_is_away() {
    let (remote, server, mut exchange) = connected(options()).await;
    drop(server);
    let asked = exchange.asked().await;
    assert!(!remote.is_connected());
    let command = send(&remote, close());
    let subscribing = {
        let remote = std::sync::Arc::clone(&remote);
        let scope = Scope::Chat(chat_id("a"));
        tokio::spawn(async move { remote.subscribe(scope, StartAt::Start).await.map(drop) })
    };
    advance(Duration::from_secs(20)).await;
    assert!(!command.is_finished() && !subscribing.is_finished());
    drop(asked);
    let mut server = exchange.serve().await;
    // Two tasks, so which of them is first is nobody's promise.
    for _ in 0..2 {
        let request = server.hear().await.unwrap();
        if request["method"] == "chat/close" {
            server.say(answered(&request, Ok(Reply::Done))).await;
        } else {
            grant_this(&mut server, &request, "s1").await;
        }
    }
    assert_eq!(within(command).await.unwrap(), Ok(Reply::Done));
    assert_eq!(within(subscribing).await.unwrap(), Ok(()));
    assert!(remote.is_connected());
}

// law 7
#[tokio::test(start_paused = true)]
async fn they_wait_for_a_bounded_time_and_in_a_bounded_number() {
    let mut options = options();
    options.requests_waiting_max = 2;
    options.connect_duration_max = Duration::from_secs(7);
    let (remote, server, mut exchange) = connected(options).await;
    drop(server);
    let _asked = exchange.asked().await;
    let (began, two) = (Instant::now(), [send(&remote, close()), send(&remote, close())]);
    tokio::task::yield_now().await;
    let overloaded = Refusal::Overloaded { scope: "connection".into(), max: 2 };
    assert_eq!(remote.call(close()).await, Err(overloaded.clone().into()));
    let refused = remote.subscribe(Scope::World, StartAt::Now).await;
    assert_eq!(refused.err(), Some(overloaded.into()));
    for sent in two {
        assert_eq!(kind(sent.await.unwrap()), FaultKind::ConnectionLost);
    }
    assert_eq!(began.elapsed().as_secs(), 7);
    // Their places are free again.
    assert_eq!(kind(remote.call(close()).await), FaultKind::ConnectionLost);
}

// law 7
#[tokio::test(start_paused = true)]
async fn nobody_waits_longer_to_hear_what_became_of_a_prompt() {
    let mut options = options();
    options.connect_duration_max = Duration::from_secs(7);
    let (remote, mut server, mut exchange) = connected(options).await;
    let sent = send(&remote, prompt());
    hears(&mut server, &prompt()).await;
    drop(server);
    let began = Instant::now();
    let mut server = exchange.serve().await;
    assert_eq!(server.hear().await.unwrap()["method"], "prompt/outcome");
    assert_eq!(kind(sent.await.unwrap()), FaultKind::ConnectionLost);
    assert_eq!(began.elapsed().as_secs(), 7);
    assert_eq!(server.hear().await.unwrap()["method"], "$/cancelRequest");
}
