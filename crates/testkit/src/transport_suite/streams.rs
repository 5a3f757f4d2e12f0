//! Subscriptions through a transport.

use std::sync::Arc;

use polychat_core::{
    CommandError, Cursor, EndReason, Epoch, Notice, Refusal, Reply, Scope, StartAt,
};

use super::{
    Through,
    errors::every_error,
    must, next,
    notices::{END_REASONS, every_chat_notice, every_world_notice},
    subscribed, within,
};
use crate::{
    fake_world::{FakeWorld, lies},
    samples::{chat_id, seq},
};

fn world() -> Arc<FakeWorld> {
    Arc::new(FakeWorld::always(Ok(Reply::Done)))
}

fn of(chat: &str) -> Scope {
    Scope::Chat(chat_id(chat))
}

/// One notice of this chat that is easy to tell from others.
fn numbered(chat: &str, n: u64) -> Notice {
    let event = polychat_core::Event::ChatClosed {};
    Notice::Recorded {
        cursor: Cursor::after(seq(n)),
        event: crate::samples::recorded(&chat_id(chat), seq(n), event),
    }
}

/// Scope and start arrive inside as they were given.
///
/// # Panics
///
/// When the transport breaks this.
pub async fn every_subscription_arrives_as_it_was_made(through: Through<'_>) {
    let world = world();
    let door = through(world.clone());
    let cursor = Cursor { seq: seq(7), epoch: Epoch(3), live: 2, offset: 11 };
    for scope in [of("a"), of("ü ?&=%2F.#+\"\\"), Scope::World] {
        for start in [StartAt::Start, StartAt::Now, StartAt::After(cursor)] {
            let subscribing = door.subscribe(scope.clone(), start.clone());
            let _stream = must("subscribe", within("the answer", subscribing).await);
            let inside = within("the subscription inside", world.next_subscription()).await;
            assert_eq!((&inside.scope, &inside.start), (&scope, &start));
        }
    }
}

/// An id may hold what parts the steps of a path elsewhere. Only a transport whose questions are
/// paths may refuse it.
///
/// # Panics
///
/// When the transport breaks this.
pub async fn a_slash_in_the_id_of_a_chat_is_like_any_letter(through: Through<'_>) {
    let world = world();
    let door = through(world.clone());
    let (_stream, inside) = subscribed(&door, &world, of("a/../b")).await;
    assert_eq!(inside.scope, of("a/../b"));
    let command = polychat_core::Command::CloseChat { chat: chat_id("/") };
    let answer = within("an answer", door.call(command.clone())).await;
    assert_eq!((answer, world.commands()), (Ok(Reply::Done), vec![command]));
}

/// A refused subscription says why, like a refused command.
///
/// # Panics
///
/// When the transport breaks this.
pub async fn a_refused_subscription_comes_back_with_its_facts(through: Through<'_>) {
    let world = world();
    let door = through(world.clone());
    for error in every_error() {
        world.refuse_subscriptions(error.clone());
        let answer = within("the answer", door.subscribe(of("a"), StartAt::Now)).await;
        assert_eq!(answer.err(), Some(error));
    }
    let closed = CommandError::Refused(Refusal::WorldClosed {});
    world.refuse_subscriptions(closed.clone());
    let answer = within("the answer", door.subscribe(Scope::World, StartAt::Now)).await;
    assert_eq!(answer.err(), Some(closed));
}

/// Every notice of a chat and of a world arrives equal, once, in order (REQ-3, REQ-4).
///
/// # Panics
///
/// When the transport breaks this.
pub async fn every_notice_arrives_once_and_in_order(through: Through<'_>) {
    let world = world();
    let door = through(world.clone());
    let of_world = every_world_notice().into_iter().map(Notice::World).collect();
    for (scope, notices) in [(of("a"), every_chat_notice(&chat_id("a"))), (Scope::World, of_world)]
    {
        let (mut stream, inside) = subscribed(&door, &world, scope).await;
        for notice in &notices {
            assert!(inside.send(notice.clone()).await);
        }
        for notice in notices {
            assert_eq!(next(&mut stream).await, Some(notice));
        }
    }
}

/// Each reason to end arrives, after all that came before it, and nothing comes after it.
///
/// # Panics
///
/// When the transport breaks this.
pub async fn every_reason_to_end_arrives_and_is_the_last(through: Through<'_>) {
    let world = world();
    let door = through(world.clone());
    for reason in END_REASONS {
        for scope in [of("a"), Scope::World] {
            let (mut stream, inside) = subscribed(&door, &world, scope).await;
            inside.send(Notice::Ended(reason)).await;
            // A world that goes on after the end is not listened to.
            inside.send(numbered("a", 1)).await;
            assert_eq!(next(&mut stream).await, Some(Notice::Ended(reason)));
            assert_eq!(next(&mut stream).await, None);
            within("the end inside", inside.unsubscribed()).await;
        }
    }
}

/// Dropping a stream unsubscribes inside, and no other stream notices (REQ-10).
///
/// # Panics
///
/// When the transport breaks this.
pub async fn dropping_a_stream_unsubscribes_inside_and_ends_no_other(through: Through<'_>) {
    let world = world();
    let door = through(world.clone());
    let (mut kept, inside_kept) = subscribed(&door, &world, of("a")).await;
    for scope in [of("a"), of("b"), Scope::World] {
        let (dropped, inside) = subscribed(&door, &world, scope).await;
        drop(dropped);
        within("the stream is given up inside", inside.unsubscribed()).await;
        assert!(!inside_kept.is_unsubscribed());
    }
    inside_kept.send(numbered("a", 1)).await;
    assert_eq!(next(&mut kept).await, Some(numbered("a", 1)));
}

/// A stream that ends inside ends no other, of the same chat or another (REQ-11, REQ-12).
///
/// # Panics
///
/// When the transport breaks this.
pub async fn a_stream_that_ends_ends_no_other(through: Through<'_>) {
    let world = world();
    let door = through(world.clone());
    let (mut ending, inside_ending) = subscribed(&door, &world, of("a")).await;
    let (mut same, inside_same) = subscribed(&door, &world, of("a")).await;
    let (mut other, inside_other) = subscribed(&door, &world, of("b")).await;
    inside_ending.send(Notice::Ended(EndReason::Deleted)).await;
    assert_eq!(next(&mut ending).await, Some(Notice::Ended(EndReason::Deleted)));
    inside_same.send(numbered("a", 1)).await;
    inside_other.send(numbered("b", 1)).await;
    assert_eq!(next(&mut same).await, Some(numbered("a", 1)));
    assert_eq!(next(&mut other).await, Some(numbered("b", 1)));
}

/// A stream that breaks off inside ends with a typed reason all the same.
///
/// # Panics
///
/// When the transport breaks this.
pub async fn a_stream_without_a_reason_to_end_gets_one(through: Through<'_>) {
    let world = world();
    let door = through(world.clone());
    let (mut stream, inside) = subscribed(&door, &world, of("a")).await;
    inside.send(numbered("a", 1)).await;
    drop(inside);
    assert_eq!(next(&mut stream).await, Some(numbered("a", 1)));
    assert_eq!(next(&mut stream).await, Some(Notice::Ended(EndReason::Unreadable)));
    assert_eq!(next(&mut stream).await, None);
}

/// A reader that does not read delays no other reader and no call (law 4, REQ-10).
///
/// # Panics
///
/// When the transport breaks this.
pub async fn a_reader_that_sleeps_delays_no_other(through: Through<'_>) {
    const NOTICES: u64 = 500;
    let world = world();
    let door = through(world.clone());
    let (asleep, inside_asleep) = subscribed(&door, &world, of("a")).await;
    let (mut awake, inside_awake) = subscribed(&door, &world, of("b")).await;
    let flood = async {
        for n in 1..=NOTICES {
            if !inside_asleep.send(numbered("a", n)).await {
                break;
            }
        }
    };
    let read = async {
        for n in 1..=NOTICES {
            inside_awake.send(numbered("b", n)).await;
            assert_eq!(next(&mut awake).await, Some(numbered("b", n)));
        }
        let call = door.call(polychat_core::Command::CloseChat { chat: chat_id("a") });
        assert_eq!(within("a call beside a reader that sleeps", call).await, Ok(Reply::Done));
        drop(asleep);
    };
    within("both", futures_util::future::join(flood, read)).await;
}

/// A record of another chat ends its own stream as damaged, and no other stream (REQ-5, REQ-13).
///
/// # Panics
///
/// When the transport breaks this.
pub async fn a_foreign_record_ends_its_own_stream_and_no_other(through: Through<'_>) {
    let world = world();
    let door = through(world.clone());
    let (mut other, inside_other) = subscribed(&door, &world, of("a")).await;
    for lie in lies::foreign_notices(&chat_id("b")) {
        let (mut stream, inside) = subscribed(&door, &world, of("a")).await;
        inside.send(numbered("a", 1)).await;
        inside.send(lie).await;
        inside.send(numbered("a", 2)).await;
        assert_eq!(next(&mut stream).await, Some(numbered("a", 1)));
        assert_eq!(next(&mut stream).await, Some(Notice::Ended(EndReason::Damaged)));
        assert_eq!(next(&mut stream).await, None);
        within("the end inside", inside.unsubscribed()).await;
    }
    let (mut of_world, inside) = subscribed(&door, &world, Scope::World).await;
    inside.send(numbered("a", 1)).await;
    assert_eq!(next(&mut of_world).await, Some(Notice::Ended(EndReason::Damaged)));
    inside_other.send(numbered("a", 3)).await;
    assert_eq!(next(&mut other).await, Some(numbered("a", 3)));
}

/// Readers of one chat that share its events see the same, each with its own cursor (law 4).
///
/// # Panics
///
/// When the transport breaks this.
pub async fn readers_of_one_chat_see_the_same(through: Through<'_>) {
    let world = world();
    let door = through(world.clone());
    let (mut first, inside_first) = subscribed(&door, &world, of("a")).await;
    let (mut second, inside_second) = subscribed(&door, &world, of("a")).await;
    for notice in every_chat_notice(&chat_id("a")) {
        let mut behind = notice.clone();
        if let Notice::Recorded { cursor, .. } | Notice::Live { cursor, .. } = &mut behind {
            cursor.offset += 1;
        }
        inside_first.send(notice.clone()).await;
        inside_second.send(behind.clone()).await;
        assert_eq!(next(&mut first).await, Some(notice));
        assert_eq!(next(&mut second).await, Some(behind));
    }
}
