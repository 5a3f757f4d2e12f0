//! `?wait=outcome` before a scripted world: what is followed, and what ends the waiting.

use std::{sync::Arc, time::Duration};

use axum::{Router, http::Method};
use polychat_core::{
    Command, CommandError, Cursor, EndReason, Event, Fault, FaultKind, Notice, Recorded, Refusal,
    Reply, Scope, StartAt, TurnOutcome,
    command::{Accepted, MessagePage},
    event::WithdrawReason,
    message::{Message, Role},
};
use polychat_testkit::{
    fake_world::{FakeSubscription, FakeWorld, lies},
    samples::{agent_name, chat_id, prompt_id, recorded, seq, turn_id},
};
use polychat_transport::http::HttpOptions;
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use super::{Answer, ask, door};

/// A world in which prompt `p` of chat `a` is accepted as event 3.
fn world(messages: Result<Vec<MessagePage>, CommandError>) -> Arc<FakeWorld> {
    Arc::new(FakeWorld::answering(move |command| {
        let reply = match command {
            Command::SendPrompt { prompt, .. } => {
                Ok(Reply::Accepted(Accepted { prompt_id: prompt, accepted_seq: seq(3) }))
            }
            // Each page says by its `next` which one follows.
            Command::ListMessages { page, .. } => messages.clone().map(|pages| {
                let after = page.after.unwrap();
                let at = pages.iter().position(|it| it.next.as_ref() == Some(&after));
                Reply::Messages(pages[at.map_or(0, |at| at + 1)].clone())
            }),
            other => panic!("{other:?}"),
        };
        std::future::ready(reply)
    }))
}

/// Sends the prompt and waits, in a task of its own.
fn waiting(router: &Router) -> JoinHandle<Answer> {
    let router = router.clone();
    let body = json!({ "promptId": "p", "parts": [{ "type": "text", "text": "hello" }] });
    tokio::spawn(async move {
        ask(&router, Method::POST, "/chats/a/prompts?wait=outcome", Some(&body)).await
    })
}

fn notice(at: u64, event: Event) -> Notice {
    let event: Arc<Recorded> = recorded(&chat_id("a"), seq(at), event);
    Notice::Recorded { cursor: Cursor::after(seq(at)), event }
}

fn started(at: u64, prompts: &[&str]) -> Notice {
    let prompt_ids = prompts.iter().map(|id| prompt_id(id)).collect();
    notice(at, Event::TurnStarted { prompt_ids, agent: agent_name("guide"), then: Vec::new() })
}

fn over(at: u64, turn: u64, outcome: TurnOutcome) -> Notice {
    notice(at, Event::TurnEnded { turn_id: turn_id(turn), outcome })
}

fn withdrawn(at: u64, prompt: &str) -> Notice {
    let reason = WithdrawReason::Requested;
    notice(at, Event::PromptWithdrawn { prompt_id: prompt_id(prompt), reason })
}

fn message(id: u64, turn: u64) -> Arc<Message> {
    Arc::new(Message {
        id: polychat_testkit::samples::message_id(id),
        turn_id: Some(turn_id(turn)),
        source_id: None,
        at: polychat_core::Timestamp(1),
        role: Role::User { prompt_id: None },
        parts: Vec::new(),
        failure: None,
        metadata: polychat_core::Metadata::NONE,
    })
}

fn page(messages: &[(u64, u64)], next: Option<&str>) -> MessagePage {
    let messages = messages.iter().map(|(id, turn)| message(*id, *turn)).collect();
    MessagePage { messages, next: next.map(Into::into) }
}

async fn subscribed(world: &FakeWorld) -> FakeSubscription {
    let inside = world.next_subscription().await;
    assert_eq!(inside.scope, Scope::Chat(chat_id("a")));
    assert_eq!(inside.start, StartAt::After(Cursor::after(seq(3))));
    inside
}

fn ids(answer: &Answer) -> Vec<u64> {
    let answer = answer.json();
    let messages = answer["messages"].as_array().unwrap();
    messages.iter().map(|message| message["id"].as_u64().unwrap()).collect()
}

fn accepted() -> Value {
    json!({ "type": "accepted", "promptId": "p", "acceptedSeq": 3 })
}

// law 5, issue 6: this prompt's outcome, and the messages of its turn over as many pages as it takes
#[tokio::test]
async fn the_answer_is_the_end_of_the_prompts_own_turn_and_what_was_said_in_it() {
    let pages = vec![
        page(&[(6, 8), (9, 8)], Some("9")),
        page(&[(10, 8)], Some("10")),
        page(&[(11, 8), (15, 14)], Some("15")),
    ];
    let world = world(Ok(pages));
    let answer = waiting(&door(world.clone(), HttpOptions::default()));
    let inside = subscribed(&world).await;
    for notice in [
        // A turn that ran before, another prompt that is withdrawn, and one that joins nothing of it.
        over(4, 2, TurnOutcome::Cancelled),
        withdrawn(5, "q"),
        started(6, &["q"]),
        over(7, 6, TurnOutcome::Interrupted),
        started(8, &["q", "p"]),
        over(12, 2, TurnOutcome::Cancelled),
        over(13, 8, TurnOutcome::Completed),
    ] {
        inside.send(notice).await;
    }
    let answer = answer.await.unwrap();
    assert_eq!(answer.status, 200);
    let said = answer.json();
    assert_eq!(said["type"], "outcome");
    assert_eq!((&said["promptId"], &said["acceptedSeq"]), (&json!("p"), &json!(3)));
    assert_eq!(said["outcome"], json!({ "kind": "completed" }));
    assert_eq!(ids(&answer), [6, 9, 10, 11], "the next turn's are not its own");
    assert!(inside.is_unsubscribed());
}

// law 5: a prompt that joins a running turn shares its outcome
#[tokio::test]
async fn a_prompt_that_joined_ends_with_its_turn_and_one_that_was_withdrawn_without() {
    let world = world(Ok(vec![page(&[(7, 2)], None)]));
    let router = door(world.clone(), HttpOptions::default());
    let joined = waiting(&router);
    let inside = subscribed(&world).await;
    let join = Event::PromptJoined { prompt_id: prompt_id("p"), turn_id: turn_id(2) };
    inside.send(notice(6, join)).await;
    inside.send(over(9, 2, TurnOutcome::Cancelled)).await;
    let joined = joined.await.unwrap();
    assert_eq!(joined.json()["outcome"]["kind"], "cancelled");
    assert_eq!(ids(&joined), [7]);

    let taken_back = waiting(&router);
    subscribed(&world).await.send(withdrawn(4, "p")).await;
    let taken_back = taken_back.await.unwrap();
    assert_eq!(taken_back.json()["outcome"]["kind"], "withdrawn");
    assert_eq!(ids(&taken_back), Vec::<u64>::new());
}

// issue 6: what is accepted is answered as accepted, whatever becomes of the waiting
#[tokio::test]
async fn when_waiting_ends_without_an_outcome_the_prompt_is_still_accepted() {
    let world = world(Ok(Vec::new()));
    let router = door(world.clone(), HttpOptions::default());
    for reason in [
        EndReason::Deleted,
        EndReason::WorldClosed,
        EndReason::Unreadable,
        EndReason::Damaged,
        EndReason::Failed,
    ] {
        let answer = waiting(&router);
        subscribed(&world).await.send(Notice::Ended(reason)).await;
        let answer = answer.await.unwrap();
        assert_eq!((answer.status.as_u16(), answer.json()), (202, accepted()), "{reason}");
    }
    // A stream that breaks off without a reason.
    let answer = waiting(&router);
    drop(subscribed(&world).await);
    assert_eq!(answer.await.unwrap().status, 202);

    world.refuse_subscriptions(Refusal::SubscribersFull { max: 1 }.into());
    assert_eq!(waiting(&router).await.unwrap().json(), accepted());
}

// REQ-13: a record of another chat ends no prompt of this one
#[tokio::test]
async fn an_end_that_another_chat_recorded_is_not_taken_for_the_prompts_own() {
    let mut options = HttpOptions::default();
    options.rejections = Arc::new(polychat_transport::Rejections::new("http"));
    let rejections = Arc::clone(&options.rejections);
    let world = world(Ok(Vec::new()));
    let router = door(world.clone(), options);
    for lie in lies::foreign_notices(&chat_id("b")) {
        let answer = waiting(&router);
        let inside = subscribed(&world).await;
        inside.send(lie).await;
        assert_eq!(answer.await.unwrap().status, 202);
    }
    assert!(rejections.count() > 0);
}

// issue 6: the outcome is never told without what was said, unless nothing of it is left
#[tokio::test]
async fn messages_that_cannot_be_read_now_are_not_left_out_and_those_that_are_gone_are() {
    let gone = Refusal::UnknownMessage { message_id: polychat_testkit::samples::message_id(3) };
    for (error, status) in [
        (CommandError::from(Fault::new(FaultKind::StoreUnavailable, "away")), 202),
        (Refusal::Overloaded { scope: "chat".into(), max: 1 }.into(), 202),
        (Refusal::WorldClosed {}.into(), 202),
        (gone.into(), 200),
        (Refusal::ChatDeleted { chat_id: chat_id("a") }.into(), 200),
    ] {
        let world = world(Err(error.clone()));
        let answer = waiting(&door(world.clone(), HttpOptions::default()));
        let inside = subscribed(&world).await;
        inside.send(started(4, &["p"])).await;
        inside.send(over(5, 4, TurnOutcome::Completed)).await;
        let answer = answer.await.unwrap();
        assert_eq!(answer.status.as_u16(), status, "{error}");
        if status == 200 {
            assert_eq!(ids(&answer), Vec::<u64>::new());
        }
    }
}

// law 7: no request waits for ever
#[tokio::test(start_paused = true)]
async fn who_waits_too_long_is_told_that_the_prompt_was_accepted() {
    let mut options = HttpOptions::default();
    options.wait_duration_max = Duration::from_secs(60);
    let world = world(Ok(Vec::new()));
    let answer = waiting(&door(world.clone(), options));
    let inside = subscribed(&world).await;
    inside.send(started(4, &["p"])).await;
    tokio::time::sleep(Duration::from_secs(59)).await;
    assert!(!answer.is_finished());
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(answer.await.unwrap().json(), accepted());
    inside.unsubscribed().await;
}

// issue 6: disconnecting cancels nothing
#[tokio::test]
async fn a_client_that_goes_away_while_it_waits_unsubscribes_and_asks_for_nothing() {
    let world = world(Ok(Vec::new()));
    let request = waiting(&door(world.clone(), HttpOptions::default()));
    let inside = subscribed(&world).await;
    request.abort();
    inside.unsubscribed().await;
    let names: Vec<_> = world.commands().iter().map(Command::name).collect();
    assert_eq!(names, ["prompt/send"]);
}
