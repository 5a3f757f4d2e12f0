//! Who owns what is stored and what is delivered: REQ-9, REQ-13, NFR-4, and the constraints.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use async_trait::async_trait;
use futures_util::StreamExt;
use polychat::{
    Command, CommandError, Cursor, Diagnostic, EndReason, Notice, Recorded, Reply, Scope, Seq,
    StartAt, Timestamp, World, WorldId,
    command::{ChatFilter, Page},
    ports::{Entry, LogKey, NoticeStream, OpenMode, Store, WorldService},
    transport,
};
use polychat_testkit::{
    clock::ManualClock,
    fake_world::lies::{foreign_notices, foreign_replies},
    faulty_store::{Call, CommitKind, Fault},
};

use crate::support::{
    WORLD, WorldWatcher, assert_sound, chat_id, code, field, house, log, outcome, settle, watch,
    within,
};

// REQ-9
#[tokio::test(start_paused = true)]
async fn everything_stored_names_the_chat_whose_log_it_stands_in() {
    let house = house().open().await;
    let foreign = Arc::new(AtomicUsize::new(0));
    let stored = Arc::new(Mutex::new(Vec::new()));
    let (of_foreign, of_stored) = (Arc::clone(&foreign), Arc::clone(&stored));
    house.faults.observe(move |commit| {
        let CommitKind::Acknowledged { entries } = &commit.kind else { return };
        let Some(chat) = commit.key.chat() else { return };
        for entry in entries {
            match entry {
                Entry::Chat(recorded) if recorded.chat_id == *chat => {
                    of_stored.lock().unwrap().push((chat.clone(), recorded.seq));
                }
                _ => {
                    of_foreign.fetch_add(1, Ordering::SeqCst);
                }
            }
        }
    });
    let mut running = Vec::new();
    for n in 0..20 {
        let chat = house.chat(&format!("{n}")).await;
        for turn in 0..3 {
            let prompt = chat.prompt(format!("{n}/{turn}")).metadata(field("chat", n));
            running.push((chat.clone(), n, turn, prompt.await.unwrap()));
        }
    }
    for turn in 0..3 {
        for n in (0..20).rev() {
            house.call_for(&format!("{n}/{turn}")).await.text(format!("{n}!")).finish();
        }
    }
    for (_, _, _, prompt) in &running {
        outcome(prompt).await;
    }
    assert_eq!(foreign.load(Ordering::SeqCst), 0);
    // Right at ten chats and at twenty: exactly the rows that there should be, each once.
    let mut rows = stored.lock().unwrap().clone();
    let count = rows.len();
    rows.sort();
    rows.dedup();
    assert_eq!(rows.len(), count, "no row was written twice");
    for (chat, n, _, _) in running.iter().filter(|(_, _, turn, _)| *turn == 0) {
        let snapshot = chat.snapshot().await.unwrap();
        assert_eq!(snapshot.messages.len(), 6);
        for user in snapshot.messages.iter().filter(|it| it.is_user()) {
            assert_eq!(user.metadata, field("chat", *n), "metadata stays with its message");
        }
        assert_sound(chat).await;
    }
}

// REQ-9, the constraint on message order
#[tokio::test(start_paused = true)]
async fn summaries_of_many_active_chats_say_what_their_own_logs_say() {
    let house = house().open().await;
    let (a, b) = (house.chat("a").await, house.chat("b").await);
    a.rename("About A").await.unwrap();
    let (_, _call) = house.begin(&a, "to a").await;
    a.prompt("a waits").await.unwrap();
    b.rename("About B").await.unwrap();
    let chats = house.world.chats(Page::first(9), ChatFilter::new()).await.unwrap().chats;
    for (chat, title, queued, messages) in [(&a, "About A", 1, 2), (&b, "About B", 0, 0)] {
        let summary = chats.iter().find(|it| it.chat_id == *chat.id()).unwrap();
        assert_eq!((&*summary.title, summary.queued), (title, queued));
        let snapshot = chat.snapshot().await.unwrap();
        assert_eq!(&snapshot.summary, summary, "list and snapshot agree");
        assert_eq!(summary.head.get() as usize, log(chat).await.len());
        assert!(summary.messages <= messages);
    }
}

// the constraint on existing persistence: ids are opaque strings
#[tokio::test(start_paused = true)]
async fn existing_ids_of_any_form_are_taken_as_they_are() {
    let house = house().open().await;
    let ids = ["chat-1699999999999-abc", "Ünïcödé ☃", "a/b\\c", "A", "a", " ", "%2e", "...", "0"];
    for id in ids {
        let chat = house.chat(id).await;
        house.turn(&chat, &format!("to {id}"), &format!("from {id}")).await;
    }
    for id in ids {
        let answer = house.world.chat(id).unwrap().snapshot().await.unwrap();
        assert_eq!(answer.messages[1].text(), format!("from {id}"));
    }
    let page = house.world.chats(Page::first(99), ChatFilter::new()).await.unwrap();
    assert_eq!(page.chats.len(), ids.len());
}

/// A world that answers and notifies for another chat than was asked for.
struct Lying {
    notices: Vec<Notice>,
    reply: Option<Reply>,
}

#[async_trait]
impl WorldService for Lying {
    async fn call(&self, _command: Command) -> Result<Reply, CommandError> {
        Ok(self.reply.clone().expect("the test gave one"))
    }

    async fn subscribe(&self, _: Scope, _: StartAt) -> Result<NoticeStream, CommandError> {
        Ok(Box::pin(futures_util::stream::iter(self.notices.clone())))
    }
}

type Seen = Arc<Mutex<Vec<Diagnostic>>>;

fn collecting() -> (Seen, Arc<transport::guard::Rejections>) {
    let seen = Seen::default();
    let clock = Arc::new(ManualClock::at(Timestamp(5)));
    let kept = Arc::clone(&seen);
    let hook = move |diagnostic| kept.lock().unwrap().push(diagnostic);
    (seen, Arc::new(transport::guard::Rejections::reporting("test", clock, hook)))
}

/// Both ways of reading a world that somebody else serves.
fn doors(lying: Lying) -> Vec<(World, Seen)> {
    let lying: Arc<dyn WorldService> = Arc::new(lying);
    let (seen_near, near) = collecting();
    let (seen_far, far) = collecting();
    let in_process = transport::in_process(Arc::clone(&lying)).rejections(near);
    let id = WorldId::new(WORLD).unwrap();
    let wire = transport::Loopback::new(id, lying, transport::wire::WireLimits::default(), far);
    vec![
        (World::of_service(Arc::new(in_process)), seen_near),
        (World::of_service(Arc::new(wire)), seen_far),
    ]
}

// REQ-13; acceptance: events with a missing or invalid chatId are blocked for chat-scoped
// subscriptions and surfaced via diagnostics. What bytes can say beyond types, the transport's own
// tests try.
#[tokio::test(start_paused = true)]
async fn notices_of_another_chat_are_blocked_and_surfaced_on_every_way_in() {
    let (own, other) = (chat_id("a"), chat_id("b"));
    for lie in foreign_notices(&other) {
        for (world, seen) in doors(Lying { notices: vec![lie.clone()], reply: None }) {
            let chat = world.chat(own.as_str()).unwrap();
            let mut notices = within(chat.subscribe(StartAt::Start)).await.unwrap();
            let first = within(notices.next()).await;
            assert_eq!(first, Some(Notice::Ended(EndReason::Damaged)), "{lie:?}");
            assert!(within(notices.next()).await.is_none());
            let seen = seen.lock().unwrap();
            assert_eq!(seen.len(), 1, "{lie:?}");
            assert_eq!(seen[0].chat_id.as_ref(), Some(&own), "it names who was to get it");
        }
    }
}

// REQ-13
#[tokio::test(start_paused = true)]
async fn answers_that_hold_records_of_another_chat_are_refused() {
    let (own, other) = (chat_id("a"), chat_id("b"));
    for (command, reply) in foreign_replies(&own, &other) {
        for (world, _) in doors(Lying { notices: Vec::new(), reply: Some(reply.clone()) }) {
            let result = within(world.service().call(command.clone())).await;
            assert_eq!(code(result), "protocol", "{command:?}");
        }
    }
}

// REQ-13, NFR-4: the store is an inbound path as well
#[tokio::test(start_paused = true)]
async fn a_store_that_hands_out_another_chats_record_is_caught_wherever_it_is_read() {
    let house = house().limits(|limits| limits.feed_recorded_max = 1).open().await;
    let (chat, other) = (house.chat("a").await, house.chat("b").await);
    house.turn(&chat, "one", "first").await;
    house.turn(&other, "secret of b", "b's answer").await;
    let mut feed = WorldWatcher::new(&house.world).await;
    let lie = || house.faults.for_chat(chat.id()).next(Call::Read, 1, Fault::Foreign(chat_id("b")));
    lie();
    let mut seen = watch(&chat).await;
    assert_eq!(seen.until_ended().await, EndReason::Damaged);
    assert!(seen.names().is_empty(), "nothing of it was shown");
    assert_eq!(feed.until_diagnostic("foreign_record").await.chat_id.as_ref(), Some(chat.id()));
    lie();
    assert_eq!(code(chat.log(Seq::ZERO, 9).await), "chat_failed");
    feed.until_diagnostic("foreign_record").await;
    // The other chat's watchers see nothing of that.
    let mut calm = watch(&other).await;
    calm.drain().await;
    assert!(calm.saw_only(&other));
    settle().await;
}

// REQ-9, REQ-13: a record of another chat cannot be put into a log in the first place
#[tokio::test(start_paused = true)]
async fn a_store_takes_no_record_of_another_chat() {
    let house = house().open().await;
    let (a, b) = (house.chat("a").await, house.chat("b").await);
    house.turn(&b, "secret of b", "b's answer").await;
    let stolen = (**log(&b).await.last().unwrap()).clone();
    let key = LogKey::Chat(WorldId::new(WORLD).unwrap(), a.id().clone());
    let summary = house.store.summary(&key).await.unwrap();
    let (fence, head) = house.store.open(&key, OpenMode::Existing).await.unwrap();
    let entry = Entry::Chat(Arc::new(Recorded { seq: head.next(), ..stolen }));
    let refused = house.store.append(&fence, head, &[entry], Some(&summary)).await;
    assert!(refused.is_err());
    assert_eq!(log(&a).await.len(), 1);
}

// REQ-13, REQ-5: a log that turns out to hold another chat's records
#[tokio::test(start_paused = true)]
async fn a_foreign_record_in_a_log_never_reaches_a_timeline_or_a_model() {
    let first = house().open().await;
    let (a, b) = (first.chat("a").await, first.chat("b").await);
    first.turn(&a, "one", "first").await;
    first.turn(&b, "secret of b", "b's answer").await;
    a.prompt("would run").await.unwrap();
    first.call_for("would run").await;
    a.prompt("waits").await.unwrap();
    within(first.local.shutdown()).await;
    first.faults.for_chat(a.id()).every(Call::Read, Fault::Foreign(b.id().clone()));
    let second = first.reopened().await;
    let a = second.world.chat("a").unwrap();
    let mut seen = watch(&a).await;
    assert_eq!(seen.until_ended().await, EndReason::Damaged);
    assert!(seen.names().is_empty());
    assert_eq!(code(a.prompt("two").await), "chat_failed");
    assert_eq!(code(a.snapshot().await), "chat_failed");
    second.no_further_call().await;
    let b = second.world.chat("b").unwrap();
    second.turn(&b, "b goes on", "fine").await;
    assert!(b.subscribe_after(Cursor::after(Seq::FIRST)).await.is_ok());
}

// NFR-4
#[tokio::test(start_paused = true)]
async fn every_diagnostic_of_a_chat_names_it() {
    let house = house().open().await;
    let (a, b) = (house.chat("a").await, house.chat("b").await);
    let mut feed = WorldWatcher::new(&house.world).await;
    let _ = a.cancel().await;
    let _ = b.prompt("").await;
    let (prompt, call) = house.begin(&a, "fails").await;
    call.panic("on purpose");
    outcome(&prompt).await;
    feed.drain().await;
    let diagnostics = feed.diagnostics();
    for expected in ["a refused nothing_running", "b refused invalid_input", "a turn_failed"] {
        assert!(diagnostics.contains(&expected.to_owned()), "{expected}: {diagnostics:?}");
    }
}

// NFR-4
#[tokio::test]
async fn log_records_carry_world_chat_and_turn_but_no_contents() {
    use tracing_subscriber::fmt::MakeWriter;
    #[derive(Clone, Default)]
    struct Buffer(Arc<Mutex<Vec<u8>>>);
    impl std::io::Write for Buffer {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    impl MakeWriter<'_> for Buffer {
        type Writer = Self;
        fn make_writer(&self) -> Self {
            self.clone()
        }
    }
    let buffer = Buffer::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::DEBUG)
        .with_ansi(false)
        .with_writer(buffer.clone())
        .finish();
    // With a single subscriber in the process, a thread without one may settle for all threads that
    // nobody is interested in a record. With two, every subscriber is asked.
    let _second = tracing::Dispatch::new(tracing_subscriber::registry());
    let _guard = tracing::subscriber::set_default(subscriber);
    let house = house().open().await;
    let chat = house.chat("traced").await;
    house.turn(&chat, "a secret question", "a secret answer").await;
    let _ = chat.cancel().await;
    let text = String::from_utf8(buffer.0.lock().unwrap().clone()).unwrap();
    let of_turns: Vec<&str> = text.lines().filter(|line| line.contains("turn ")).collect();
    assert!(of_turns.len() >= 2, "{text}");
    for line in of_turns {
        for part in ["world_id=home", "chat_id=traced", "turn_id="] {
            assert!(line.contains(part), "{part} in {line}");
        }
    }
    assert!(
        text.lines().any(|line| line.contains("diagnostic") && line.contains("chat_id=traced"))
    );
    assert!(!text.contains("secret"), "{text}");
}
