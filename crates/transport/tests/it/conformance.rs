//! The conformance suite for each transport, and what only transports themselves can show.

use std::sync::{Arc, Mutex};

use futures_util::StreamExt;
use polychat_core::{
    Command, Diagnostic, Notice, Scope, StartAt, diagnostic::DiagnosticKind, ports::WorldService,
};
use polychat_testkit::{
    clock::ManualClock,
    fake_world::{FakeWorld, lies},
    samples::{chat_id, world_id},
};
use polychat_transport::{Loopback, Rejections, in_process, loopback, wire::WireLimits};

mod through_in_process {
    use super::*;

    polychat_testkit::transport_suite!(|world: Arc<dyn WorldService>| -> Arc<dyn WorldService> {
        Arc::new(in_process(world))
    });
}

mod through_loopback {
    use super::*;

    polychat_testkit::transport_suite!(|world: Arc<dyn WorldService>| -> Arc<dyn WorldService> {
        Arc::new(loopback(world_id("w"), world))
    });
}

mod through_both_one_behind_the_other {
    use super::*;

    polychat_testkit::transport_suite!(|world: Arc<dyn WorldService>| -> Arc<dyn WorldService> {
        Arc::new(loopback(world_id("w"), Arc::new(in_process(world))))
    });
}

/// What a hook was told.
#[derive(Default)]
pub(crate) struct Told(Mutex<Vec<Diagnostic>>);

pub(crate) fn reporting(path: &'static str) -> (Arc<Told>, Arc<Rejections>) {
    let told = Arc::new(Told::default());
    let hears = Arc::clone(&told);
    let clock = Arc::new(ManualClock::at(polychat_core::Timestamp(42)));
    let rejections = Rejections::reporting(path, clock, move |diagnostic| {
        hears.0.lock().unwrap().push(diagnostic);
    });
    (told, Arc::new(rejections))
}

/// Has the world lie in every way there is, and checks that each lie is counted and surfaced.
pub(crate) async fn every_lie_is_counted_and_surfaced(
    world: Arc<FakeWorld>,
    door: Arc<dyn WorldService>,
    told: Arc<Told>,
    rejections: Arc<Rejections>,
    path: &str,
) {
    let lies = lies::foreign_notices(&chat_id("b"));
    for (n, lie) in (1..).zip(&lies) {
        let mut stream = door.subscribe(Scope::Chat(chat_id("a")), StartAt::Now).await.unwrap();
        let inside = world.next_subscription().await;
        assert!(inside.send(lie.clone()).await);
        assert!(matches!(stream.next().await, Some(Notice::Ended(_))));
        assert_eq!(rejections.count(), n);
    }
    let told = told.0.lock().unwrap();
    assert_eq!(told.len(), lies.len());
    for diagnostic in told.iter() {
        assert_eq!(diagnostic.at, polychat_core::Timestamp(42));
        assert_eq!(diagnostic.chat_id, Some(chat_id("a")), "the chat that was watched");
        assert!(
            matches!(&diagnostic.kind, DiagnosticKind::ForeignRecord { path: p, .. } if **p == *path),
            "{diagnostic:?}"
        );
    }
    let claimed = |d: &Diagnostic| matches!(&d.kind, DiagnosticKind::ForeignRecord { claimed, .. } if &**claimed == "b");
    assert!(told.iter().filter(|d| claimed(d)).count() >= 2, "what the records said: {told:?}");
}

// REQ-13
#[tokio::test]
async fn in_process_counts_and_surfaces_every_foreign_record() {
    let world = Arc::new(FakeWorld::always(Ok(polychat_core::Reply::Done)));
    let (told, rejections) = reporting("in_process");
    let door = in_process(world.clone()).rejections(Arc::clone(&rejections));
    every_lie_is_counted_and_surfaced(world, Arc::new(door), told, rejections, "in_process").await;
}

// REQ-13
#[tokio::test]
async fn the_loopback_counts_and_surfaces_every_foreign_record() {
    let world = Arc::new(FakeWorld::always(Ok(polychat_core::Reply::Done)));
    let (told, rejections) = reporting("loopback");
    let counted = Arc::clone(&rejections);
    let door = Loopback::new(world_id("w"), world.clone(), WireLimits::default(), counted);
    every_lie_is_counted_and_surfaced(world, Arc::new(door), told, rejections, "loopback").await;
}

// REQ-13: an answer is an inbound path too
#[tokio::test]
async fn a_foreign_answer_is_counted_and_an_answer_of_the_wrong_kind_is_only_refused() {
    let mut counts = Vec::new();
    for (command, reply) in lies::foreign_replies(&chat_id("a"), &chat_id("b")) {
        let door = loopback(world_id("w"), Arc::new(FakeWorld::always(Ok(reply))));
        door.call(command.clone()).await.unwrap_err();
        counts.push((command.name(), door.rejected()));
    }
    let expected = [
        ("chat/snapshot", 1),
        ("chat/snapshot", 1),
        ("log/read", 1),
        ("chat/close", 0),
        ("prompt/send", 0),
    ];
    assert_eq!(counts, expected);
}

// law 7
#[tokio::test]
async fn a_command_beyond_the_byte_limit_is_refused_before_the_world_sees_it() {
    let mut limits = WireLimits::default();
    limits.command_bytes_max = 60;
    let world = Arc::new(FakeWorld::always(Ok(polychat_core::Reply::Done)));
    let rejections = Arc::new(Rejections::new("loopback"));
    let door = Loopback::new(world_id("w"), world.clone(), limits, rejections);
    let close = |chat: &str| Command::CloseChat { chat: chat_id(chat) };
    assert_eq!(door.call(close("a")).await, Ok(polychat_core::Reply::Done));
    let error = door.call(close(&"a".repeat(40))).await.unwrap_err();
    assert_eq!(error.code(), "too_large");
    assert_eq!(world.commands(), [close("a")]);
}
