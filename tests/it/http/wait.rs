//! `?wait=outcome`: each request is answered with its own prompt's turn, whatever else happens.

use std::time::Duration;

use axum::http::{Method, StatusCode};
use polychat::StatusKind;
use polychat_testkit::faulty_store::{Call, Fault};
use serde_json::json;
use tokio::task::JoinHandle;

use super::{Answer, ask, door, told, waiting};
use crate::support::{
    House, asked, assert_sound, house, names, pass, settle, within, world_of_tools,
};

const SECOND: Duration = Duration::from_secs(1);

async fn answered(waiting: JoinHandle<Answer>) -> Answer {
    within(waiting).await.unwrap()
}

/// Ends the turns of this many model calls, the last one first, each by its own answer.
async fn answer_all(house: &House, calls: usize) {
    let mut open = Vec::new();
    for _ in 0..calls {
        open.push(within(house.script.next_call()).await);
    }
    for call in open.iter().rev() {
        call.text(format!("re {}", call.last_user_text())).finish();
    }
}

// issue 6, law 5, law 6: the trap of the world-wide idle
#[tokio::test(start_paused = true)]
async fn two_hundred_requests_over_a_hundred_chats_are_each_answered_with_their_own_turn() {
    const CHATS: usize = 100;
    let house = house().open().await;
    let router = door(&house.local);
    let hung = house.chat("hung").await;
    let hanging = waiting(&router, "hung", "h", "never answered");
    let call = house.call_for("never answered").await;
    call.text("half a w").drained().await;

    let mut requests = Vec::new();
    for round in 0..2 {
        for chat in 0..CHATS {
            if round == 0 {
                house.chat(&format!("c{chat}")).await;
            }
            let text = format!("{round} to c{chat}");
            let request = waiting(&router, &format!("c{chat}"), &format!("p{round}"), &text);
            requests.push((text, format!("p{round}"), request));
        }
        // The second round waits in the queues of its chats, behind the first.
        settle().await;
    }
    assert!(requests.iter().all(|(_, _, request)| !request.is_finished()));
    answer_all(&house, CHATS).await;
    answer_all(&house, CHATS).await;
    for (text, prompt, request) in requests {
        let answer = answered(request).await;
        let expected = ("completed".to_owned(), vec![format!("assistant: re {text}")]);
        assert_eq!(told(&answer), expected, "{text}");
        assert_eq!(answer.json()["promptId"], prompt);
    }
    // Nobody waited for the neighbour, who still says half a word.
    assert_eq!(hung.snapshot().await.unwrap().status.kind, StatusKind::Running);
    assert!(!hanging.is_finished());
    call.text("ord").finish();
    assert_eq!(told(&answered(hanging).await).1, ["assistant: half a word"]);
}

// issue 6: idempotent by prompt id, also in another life of the world
#[tokio::test(start_paused = true)]
async fn asking_again_gives_the_same_answer_and_runs_nothing_and_another_body_is_a_conflict() {
    let house = house().open().await;
    let chat = house.chat("a").await;
    let router = door(&house.local);
    let first = waiting(&router, "a", "p", "hello");
    // A second request for the same prompt, while the first one waits.
    let beside = waiting(&router, "a", "p", "hello");
    house.answer("hello", "well").await;
    let first = answered(first).await;
    assert_eq!(told(&first), ("completed".into(), vec!["assistant: well".into()]));
    assert_eq!(answered(beside).await, first);
    house.turn(&chat, "something else", "later").await;
    assert_eq!(answered(waiting(&router, "a", "p", "hello")).await, first);

    let other = answered(waiting(&router, "a", "p", "other")).await;
    assert_eq!(other.status, StatusCode::CONFLICT);
    assert_eq!(other.json()["code"], "conflict");
    house.local.shutdown().await;
    let again = house.reopened().await;
    assert_eq!(answered(waiting(&door(&again.local), "a", "p", "hello")).await, first);
    again.no_further_call().await;
}

// law 5: across a crash of the chat's actor
#[tokio::test(start_paused = true)]
async fn a_request_waits_through_a_crash_of_its_chat_and_one_behind_it_too() {
    let house = house().open().await;
    let chat = house.chat("a").await;
    let router = door(&house.local);
    let lost = waiting(&router, "a", "p", "hello");
    house.call_for("hello").await.text("half").drained().await;
    let behind = waiting(&router, "a", "q", "and then");
    settle().await;
    house.faults.for_chat(chat.id()).next(Call::Append, 1, Fault::Panic);
    within(chat.rename("crash")).await.unwrap_err();
    assert_eq!(told(&answered(lost).await), ("interrupted".into(), vec!["assistant: half".into()]));
    house.answer("and then", "well").await;
    assert_eq!(told(&answered(behind).await).1, ["assistant: well"]);
    assert_sound(&chat).await;
}

// law 4: across passivation
#[tokio::test(start_paused = true)]
async fn a_request_waits_while_its_chat_is_passivated_and_revived() {
    let house = world_of_tools().limits(|limits| limits.passivate_after = 4 * SECOND).open().await;
    let chat = house.chat("a").await;
    let router = door(&house.local);
    let request = waiting(&router, "a", "p", "hello");
    house.call_for("hello").await.tool_call(asked("act", "it")).finish();
    let opens = || house.faults.for_chat(chat.id()).calls(Call::Open);
    settle().await;
    let before = opens();
    pass(100 * SECOND).await;
    let approvals = ask(&router, Method::GET, "/chats/a/approvals", None).await.json();
    let call = approvals["approvals"][0]["toolCallId"].as_str().unwrap().to_owned();
    let allow = json!({ "decision": { "kind": "allowOnce" } });
    let path = format!("/chats/a/approvals/{call}");
    assert_eq!(ask(&router, Method::POST, &path, Some(&allow)).await.status, StatusCode::OK);
    assert_eq!(opens(), before + 1, "it had been passivated");
    house.running("it").await.result("done");
    house.answer("hello", "well").await;
    let answer = answered(request).await;
    assert_eq!(told(&answer).1, ["assistant: ", "tool: done", "assistant: well"]);
}

// issue 6: disconnecting cancels nothing
#[tokio::test(start_paused = true)]
async fn a_client_that_goes_away_loses_nothing_and_finds_its_answer_when_it_comes_back() {
    let house = house().open().await;
    let chat = house.chat("a").await;
    let router = door(&house.local);
    let request = waiting(&router, "a", "p", "hello");
    let call = house.call_for("hello").await;
    request.abort();
    assert!(request.await.unwrap_err().is_cancelled());
    settle().await;
    assert!(!call.is_cancelled() && !call.is_dropped());
    call.text("well").finish();
    settle().await;
    assert_eq!(told(&answered(waiting(&router, "a", "p", "hello")).await).1, ["assistant: well"]);
    let accepted = names(&chat).await.iter().filter(|name| **name == "prompt.accepted").count();
    assert_eq!(accepted, 1);
}

// law 5: every way to end is an answer
#[tokio::test(start_paused = true)]
async fn a_prompt_that_is_cancelled_withdrawn_or_deleted_with_its_chat_is_answered_as_such() {
    let house = house().open().await;
    house.chat("a").await;
    let router = door(&house.local);
    let running = waiting(&router, "a", "p", "hello");
    house.call_for("hello").await.text("hal").drained().await;
    let withdrawn = waiting(&router, "a", "q", "not this");
    settle().await;
    ask(&router, Method::DELETE, "/chats/a/prompts/q", None).await;
    assert_eq!(told(&answered(withdrawn).await), ("withdrawn".into(), Vec::new()));
    ask(&router, Method::POST, "/chats/a/cancel", None).await;
    let (outcome, said) = told(&answered(running).await);
    assert_eq!((outcome.as_str(), said), ("cancelled", vec!["assistant: hal".to_owned()]));

    let deleted = waiting(&router, "a", "r", "more");
    house.call_for("more").await;
    let behind = waiting(&router, "a", "s", "and more");
    settle().await;
    assert_eq!(ask(&router, Method::DELETE, "/chats/a", None).await.status, StatusCode::OK);
    // What was said is gone with the chat; how it ended was recorded before that.
    assert_eq!(told(&answered(deleted).await), ("cancelled".into(), Vec::new()));
    assert_eq!(told(&answered(behind).await), ("withdrawn".into(), Vec::new()));
    let gone = ask(&router, Method::GET, "/chats/a", None).await;
    assert_eq!((gone.status, &gone.json()["code"]), (StatusCode::GONE, &json!("chat_deleted")));
}

// issue 6: a prompt that joins the turn that runs is answered with that turn, from its own message on
#[tokio::test(start_paused = true)]
async fn a_prompt_that_steers_is_answered_with_what_was_said_after_it() {
    let house = world_of_tools().open().await;
    let chat = house.chat("a").await;
    let router = door(&house.local);
    let first = waiting(&router, "a", "p", "hello");
    let call = house.call_for("hello").await;
    let steer = json!({
        "promptId": "q",
        "mode": "steer",
        "parts": [{ "type": "text", "text": "shorter" }],
    });
    let path = "/chats/a/prompts?wait=outcome";
    let asks = router.clone();
    let steering = tokio::spawn(async move { ask(&asks, Method::POST, path, Some(&steer)).await });
    settle().await;
    call.tool_call(asked("look", "it")).finish();
    house.running("it").await.result("seen");
    house.answer("shorter", "well").await;
    let said = ["assistant: ", "tool: seen", "user: shorter", "assistant: well"];
    assert_eq!(told(&answered(first).await).1, said);
    assert_eq!(told(&answered(steering).await).1, ["assistant: well"]);
    assert_sound(&chat).await;
}
