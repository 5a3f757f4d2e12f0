//! How a command travels to a chat's actor and its answer back.
//!
//! A sender learns one of three things: the answer; that the command was certainly not touched, and
//! gets it back; or that the actor was lost while it worked on it. So a command may be sent again
//! silently in the second case, and fails as safe to retry in the third (a cast that succeeded
//! means nothing).

use polychat_core::{
    CommandError, Refusal, Reply,
    rules::{ChatCommand, Decision},
};
use tokio::sync::oneshot;

use crate::{query::Query, slot::Places};

/// What is asked of a chat's actor.
#[derive(Debug)]
pub enum Work {
    /// Begin the log with this append.
    Create(Box<Decision>),
    /// Change the chat.
    Change(Box<ChatCommand>),
    /// Read the chat.
    Ask(Query),
}

/// What became of an [`Envelope`].
#[derive(Debug)]
pub enum Delivery {
    /// The actor answered.
    Answered(Result<Reply, CommandError>),
    /// The actor never touched it.
    Returned(Work, Places),
    /// The actor was lost while it worked on it.
    Lost,
}

/// Work on its way, with its places in the lanes. Dropping it returns it to its sender.
#[derive(Debug)]
pub struct Envelope(Option<Inner>);

#[derive(Debug)]
struct Inner {
    work: Work,
    responder: Responder,
}

/// The way back. Dropping it without an answer tells the sender that the actor was lost.
#[derive(Debug)]
pub struct Responder {
    reply: oneshot::Sender<Delivery>,
    places: Places,
}

/// Where the sender waits.
#[derive(Debug)]
pub struct Answer(oneshot::Receiver<Delivery>);

impl Envelope {
    /// Puts work into an envelope.
    #[must_use]
    pub fn new(work: Work, places: Places) -> (Self, Answer) {
        let (reply, answer) = oneshot::channel();
        let inner = Inner { work, responder: Responder { reply, places } };
        (Self(Some(inner)), Answer(answer))
    }

    /// Takes the work out: from here on it counts as touched.
    #[must_use]
    pub fn open(mut self) -> Option<(Work, Responder)> {
        self.0.take().map(|inner| (inner.work, inner.responder))
    }
}

impl Drop for Envelope {
    fn drop(&mut self) {
        if let Some(Inner { work, responder }) = self.0.take() {
            // A sender that is gone does not want it back.
            let _ = responder.reply.send(Delivery::Returned(work, responder.places));
        }
    }
}

impl Responder {
    /// Answers. A sender that no longer waits does not hear it.
    pub fn answer(self, result: Result<Reply, CommandError>) {
        let _ = self.reply.send(Delivery::Answered(result));
    }

    /// Declines.
    pub fn refuse(self, refusal: Refusal) {
        self.answer(Err(refusal.into()));
    }
}

impl Answer {
    /// Waits for what becomes of the work. Dropping the future does not take the work back.
    pub async fn wait(self) -> Delivery {
        self.0.await.unwrap_or(Delivery::Lost)
    }
}
