//! Commands through a transport.

use std::sync::Arc;

use polychat_core::{Command, CommandError, Fault, FaultKind, Reply};
use tokio::sync::Notify;

use super::{
    Through,
    errors::every_error,
    must,
    replies::{every_reply, reply_to},
    within,
};
use crate::{
    fake_world::{FakeWorld, lies},
    samples::{chat_id, every_command},
};

/// Every command arrives inside equal to what was sent, once, and its answer comes back equal.
///
/// # Panics
///
/// When the transport breaks this.
pub async fn every_command_arrives_as_it_was_sent(through: Through<'_>) {
    let world = Arc::new(FakeWorld::answering(|command| async move { Ok(reply_to(&command)) }));
    let door = through(world.clone());
    for command in every_command() {
        let answer = within("an answer", door.call(command.clone())).await;
        assert_eq!(answer, Ok(reply_to(&command)), "the answer to {}", command.name());
    }
    assert_eq!(world.commands(), every_command());
}

/// Every reply comes back equal to what the world gave.
///
/// # Panics
///
/// When the transport breaks this.
pub async fn every_reply_comes_back_as_it_was_given(through: Through<'_>) {
    for (command, reply) in every_reply() {
        let door = through(Arc::new(FakeWorld::always(Ok(reply.clone()))));
        assert_eq!(within("an answer", door.call(command)).await, Ok(reply));
    }
}

/// Every refusal and fault comes back with its code, its facts, and whether to try again.
///
/// # Panics
///
/// When the transport breaks this.
pub async fn every_refusal_and_fault_comes_back_with_its_facts(through: Through<'_>) {
    for error in every_error() {
        let door = through(Arc::new(FakeWorld::always(Err(error.clone()))));
        let came = within("an answer", door.call(Command::GetWorld)).await;
        assert_eq!(came, Err(error.clone()), "{}", error.code());
    }
}

/// A call that hangs blocks no other, neither of its own chat nor of another (REQ-1, REQ-7).
///
/// # Panics
///
/// When the transport breaks this.
pub async fn a_call_that_hangs_blocks_no_other(through: Through<'_>) {
    let (arrived, release) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (arrives, released) = (Arc::clone(&arrived), Arc::clone(&release));
    let world = FakeWorld::answering(move |command| {
        let (arrives, released) = (Arc::clone(&arrives), Arc::clone(&released));
        async move {
            if let Command::CloseChat { .. } = command {
                arrives.notify_one();
                released.notified().await;
            }
            Ok(reply_to(&command))
        }
    });
    let door = through(Arc::new(world));
    let hanging = Command::CloseChat { chat: chat_id("a") };
    let others = async {
        within("the hanging call inside", arrived.notified()).await;
        for chat in ["a", "b"] {
            let command = Command::ListPrompts { chat: chat_id(chat) };
            let answer = within("a call beside the hanging one", door.call(command.clone())).await;
            assert_eq!(answer, Ok(reply_to(&command)));
        }
        release.notify_one();
    };
    let hung = within("the hanging call", door.call(hanging));
    let (answer, ()) = futures_util::future::join(hung, others).await;
    assert_eq!(answer, Ok(Reply::Done));
}

/// A caller that goes away disturbs nobody else.
///
/// # Panics
///
/// When the transport breaks this.
pub async fn a_call_that_is_dropped_disturbs_no_other(through: Through<'_>) {
    let arrived = Arc::new(Notify::new());
    let arrives = Arc::clone(&arrived);
    let world = FakeWorld::answering(move |command| {
        let arrives = Arc::clone(&arrives);
        async move {
            if let Command::CloseChat { .. } = command {
                arrives.notify_one();
                std::future::pending::<()>().await;
            }
            Ok(reply_to(&command))
        }
    });
    let door = through(Arc::new(world));
    let answered = tokio::select! {
        _ = door.call(Command::CloseChat { chat: chat_id("a") }) => true,
        () = within("the call inside", arrived.notified()) => false,
    };
    assert!(!answered, "a call that hangs was answered");
    let command = Command::ReopenChat { chat: chat_id("a") };
    assert_eq!(must("a later call", within("an answer", door.call(command)).await), Reply::Done);
}

/// An answer about another chat or prompt, or of another kind, never reaches the caller (REQ-13).
///
/// # Panics
///
/// When the transport breaks this.
pub async fn an_answer_of_another_chat_or_kind_is_refused(through: Through<'_>) {
    for (command, reply) in lies::foreign_replies(&chat_id("a"), &chat_id("b")) {
        let door = through(Arc::new(FakeWorld::always(Ok(reply))));
        let name = command.name();
        let came = within("an answer", door.call(command)).await;
        assert!(
            matches!(came, Err(CommandError::Fault(Fault { kind: FaultKind::Protocol, .. }))),
            "a foreign answer to {name} came through: {came:?}"
        );
    }
}
