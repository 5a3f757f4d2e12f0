//! `?until=idle`: the end when all is told and nothing is at work, found by asking.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use polychat_core::{
    ChatStatus, Command, CommandError, Cursor, Fault, FaultKind, Refusal, Reply, StatusKind,
    command::{LogPage, Snapshot},
};
use polychat_testkit::{
    fake_world::FakeWorld,
    samples::{seq, summary, turn_id},
};
use polychat_transport::http::HttpOptions;

use super::{get, numbered, read};
use crate::http::door;

type Answer = Result<(StatusKind, usize, u64), CommandError>;

/// A world whose chats answer what the test says, one after the other; the last goes on for ever.
struct Chats {
    world: Arc<FakeWorld>,
    answers: Arc<Mutex<Vec<Answer>>>,
}

fn chats(answers: &[Answer]) -> Chats {
    let mut answers = answers.to_vec();
    answers.reverse();
    let answers = Arc::new(Mutex::new(answers));
    let told = Arc::clone(&answers);
    let world = FakeWorld::answering(move |command| {
        // Where "now" is, which is asked for whoever comes back.
        if let Command::ReadLog { .. } = command {
            let page = LogPage { events: Vec::new(), head: seq(7) };
            return std::future::ready(Ok(Reply::Log(page)));
        }
        let Command::Snapshot { chat } = command else { panic!("{command:?}") };
        let mut answers = told.lock().unwrap();
        let answer = answers.last().unwrap().clone();
        if answers.len() > 1 {
            answers.pop();
        }
        std::future::ready(answer.map(|(kind, queued, head)| {
            let head = seq(head);
            let turn_id = (kind == StatusKind::Running).then(|| turn_id(2));
            let status = ChatStatus {
                chat_id: chat.clone(),
                kind,
                turn_id,
                last_outcome: None,
                queued,
                head,
                title: "".into(),
            };
            Reply::Snapshot(Box::new(Snapshot {
                summary: summary(&chat, head),
                status,
                messages: Vec::new(),
                prompts: Vec::new(),
                open: None,
                approvals: Vec::new(),
                cursor: Cursor::after(head),
            }))
        }))
    });
    Chats { world: Arc::new(world), answers }
}

const IDLE: StatusKind = StatusKind::Idle;
const RUNNING: StatusKind = StatusKind::Running;

// issue 6: a browser that comes back behind the end is told to stay away
#[tokio::test]
async fn where_nothing_is_left_to_tell_there_is_no_stream() {
    for kind in [IDLE, StatusKind::Closed, StatusKind::Failed] {
        let chats = chats(&[Ok((kind, 0, 7))]);
        let router = door(chats.world.clone(), HttpOptions::default());
        for (query, last) in [("&after=7-0-0-0", None), ("", Some("7-0-0-0")), ("&start=now", None)]
        {
            let path = format!("/chats/a/events?until=idle{query}");
            let answer = get(&router, &path, last).await.err().unwrap_or_else(|| panic!("{path}"));
            assert_eq!((answer.status.as_u16(), answer.body.len()), (204, 0), "{path}");
            chats.world.next_subscription().await.unsubscribed().await;
        }
    }
}

// issue 6: idle, and all said
#[tokio::test]
async fn the_stream_of_an_idle_chat_ends_behind_its_last_event() {
    let chats = chats(&[Ok((IDLE, 0, 3))]);
    let router = door(chats.world.clone(), HttpOptions::default());
    let mut reader = read(&router, "/chats/a/events?until=idle", None).await;
    let inside = chats.world.next_subscription().await;
    // More than was there when it was asked is another matter.
    for n in 1..=4 {
        assert!(inside.send(numbered("a", n)).await);
    }
    for n in 1..=3 {
        assert_eq!(reader.told().await.seq(), n);
    }
    assert_eq!(reader.ends().await, "idle");
    assert_eq!(chats.world.commands().len(), 1);
}

// issue 6: by the chat's state and never by a timer
#[tokio::test(start_paused = true)]
async fn a_chat_that_works_is_asked_again_when_something_was_recorded_and_not_before() {
    let chats = chats(&[
        Ok((RUNNING, 0, 2)),
        Ok((StatusKind::Awaiting, 0, 3)),
        Ok((IDLE, 1, 4)),
        Ok((StatusKind::Stalled, 0, 5)),
        Ok((IDLE, 0, 7)),
    ]);
    let mut options = HttpOptions::default();
    options.heartbeat_interval = Duration::from_secs(1_000_000);
    let router = door(chats.world.clone(), options);
    let mut reader = read(&router, "/chats/a/events?until=idle&after=2-0-0-0", None).await;
    let inside = chats.world.next_subscription().await;
    let told = tokio::spawn(async move {
        let mut told = Vec::new();
        loop {
            let block = reader.next().await.unwrap();
            if block.name.is_some() {
                return (told, block.reason().to_owned());
            }
            told.push(block.seq());
        }
    });
    for (n, asked) in [(3, 2), (4, 3), (5, 4), (6, 5)] {
        tokio::time::sleep(Duration::from_secs(3_600)).await;
        assert_eq!(chats.world.commands().len(), asked - 1, "before {n}");
        assert!(inside.send(numbered("a", n)).await);
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(chats.world.commands().len(), asked, "after {n}");
        assert!(!told.is_finished());
    }
    // It was idle at 7, which is not told yet.
    assert!(inside.send(numbered("a", 7)).await);
    assert_eq!(told.await.unwrap(), (vec![3, 4, 5, 6, 7], "idle".to_owned()));
    assert_eq!(chats.world.commands().len(), 5);
}

// issue 6: one that cannot answer is asked again, and nobody waits for an event that never comes
#[tokio::test(start_paused = true)]
async fn a_chat_that_could_not_answer_is_asked_again_with_the_next_heartbeat() {
    let chats = chats(&[
        Err(Fault::new(FaultKind::StoreUnavailable, "away").into()),
        Err(Refusal::Overloaded { scope: "chat".into(), max: 1 }.into()),
        Ok((IDLE, 0, 2)),
    ]);
    let router = door(chats.world.clone(), HttpOptions::default());
    let mut reader = read(&router, "/chats/a/events?until=idle&after=2-0-0-0", None).await;
    let _inside = chats.world.next_subscription().await;
    for _ in 0..2 {
        assert_eq!(reader.next().await.unwrap().name.as_deref(), Some("heartbeat"));
    }
    assert_eq!(reader.ends().await, "idle");
    assert_eq!(chats.answers.lock().unwrap().len(), 1);
}

// issue 6: several are idle when each is
#[tokio::test]
async fn a_stream_of_several_chats_ends_when_all_of_them_are_idle_and_told() {
    let chats = chats(&[Ok((IDLE, 0, 1)), Ok((RUNNING, 0, 1)), Ok((IDLE, 0, 1)), Ok((IDLE, 0, 2))]);
    let router = door(chats.world.clone(), HttpOptions::default());
    let mut reader = read(&router, "/events?chat=a&chat=b&until=idle", None).await;
    let (a, b) = (chats.world.next_subscription().await, chats.world.next_subscription().await);
    let told = tokio::spawn(async move {
        let mut told = Vec::new();
        while let Some(block) = reader.next().await {
            match &block.name {
                Some(_) => told.push(block.reason().to_owned()),
                None => told.push(format!("{} {}", block.chat(), block.seq())),
            }
        }
        told
    });
    assert!(a.send(numbered("a", 1)).await);
    tokio::task::yield_now().await;
    assert!(b.send(numbered("b", 1)).await);
    assert!(b.send(numbered("b", 2)).await);
    let told = told.await.unwrap();
    assert_eq!(told, ["a 1", "b 1", "b 2", "idle"]);
}
