//! The actor shell: a mailbox in front of a [`Chat`], and nothing else.
//!
//! Mailboxes are unbounded, so everything that a caller puts in carries its places; what a turn
//! puts in is bounded by the turn. Chunks never come here.

use std::sync::{Arc, atomic::AtomicBool};

use polychat_core::{MessageId, rules::TurnInput};
use ractor::{Actor, ActorProcessingErr, ActorRef};
use tokio::sync::oneshot;

use crate::{
    chat::Chat, envelope::Envelope, environment::Environment, gate::TurnPermit, slot::Slot,
};

/// What reaches a chat's actor.
pub(crate) enum Mail {
    /// A caller asks.
    Envelope(Envelope),
    /// Work of a turn reports.
    Turn(TurnInput),
    /// Text of this message is not saved yet; the flag is lowered once it is.
    CheckpointDue(MessageId, Arc<AtomicBool>),
    /// A place among the running turns came free; `None` once the world lets none in any more.
    Admitted(Option<TurnPermit>),
    /// Read the log now, whether or not somebody asks for something.
    Load,
    /// Try the store again.
    TryStore,
    /// End if there has been nothing to do since this tick.
    Rest {
        /// A tick of the world's.
        unused_since: u64,
    },
    /// The world is full: end if there is nothing to do, or else say that there is something.
    MakeRoom(oneshot::Sender<()>),
    /// The world shuts down.
    Interrupt,
}

/// Where a live chat's actor is reached.
#[derive(Clone)]
pub struct ChatRef(pub(crate) ActorRef<Mail>);

impl ChatRef {
    /// Sends work. If the actor is gone, the envelope returns to its sender by itself.
    pub fn send(&self, envelope: Envelope) {
        self.mail(Mail::Envelope(envelope));
    }

    /// Lets the actor read its log and settle what the last life left open.
    pub fn load(&self) {
        self.mail(Mail::Load);
    }

    /// Ends the actor if it has had nothing to do since this tick.
    pub fn rest(&self, unused_since: u64) {
        self.mail(Mail::Rest { unused_since });
    }

    /// Ends the actor if it has nothing to do. The future answers whether it declined.
    pub fn make_room(&self) -> impl Future<Output = bool> + Send + 'static {
        let (decline, declined) = oneshot::channel();
        self.mail(Mail::MakeRoom(decline));
        async move { declined.await.is_ok() }
    }

    /// Ends the running turn as interrupted, then the actor.
    pub fn interrupt(&self) {
        self.mail(Mail::Interrupt);
    }

    /// Whether this is the same actor, not just the same chat.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.0.get_id() == other.0.get_id()
    }

    /// Mail to an actor that is gone is dropped, and with it what it holds: places, permits.
    pub(crate) fn mail(&self, mail: Mail) {
        let _ = self.0.send_message(mail);
    }

    /// Takes no more mail, and ends once what has come in is handled.
    pub(crate) fn drain(&self) {
        let _ = self.0.drain();
    }
}

/// What an actor is started with.
pub(crate) struct ChatArguments {
    /// What the chat gets from its world.
    pub(crate) environment: Arc<Environment>,
    /// What of the chat outlives the actor.
    pub(crate) slot: Arc<Slot>,
}

/// The actor of one chat.
pub(crate) struct ChatActor;

impl Actor for ChatActor {
    type Msg = Mail;
    type State = Chat;
    type Arguments = ChatArguments;

    /// Trivial, because it runs in the supervisor's task: the log is read by a message.
    async fn pre_start(
        &self,
        myself: ActorRef<Mail>,
        arguments: ChatArguments,
    ) -> Result<Chat, ActorProcessingErr> {
        Ok(Chat::new(arguments.environment, arguments.slot, ChatRef(myself)))
    }

    async fn handle(
        &self,
        _myself: ActorRef<Mail>,
        mail: Mail,
        chat: &mut Chat,
    ) -> Result<(), ActorProcessingErr> {
        // On the heap, so that an idle actor's task does not carry the largest of its handlers.
        Box::pin(chat.handle(mail)).await.map_err(Into::into)
    }
}

/// The wall between the two actor crates: the only place where types of ractor are public.
pub mod supervise {
    use std::sync::Arc;

    use ractor::{Actor, ActorCell, ActorId, ActorProcessingErr, SpawnErr};

    pub use super::ChatRef;
    use super::{ChatActor, ChatArguments};
    use crate::{chat::Broken, environment::Environment, slot::Slot};

    /// What operators may hear of why an actor failed. The text of a panic may quote a message, so
    /// it stays where the panic hook put it.
    #[must_use]
    pub fn fault_of(error: &ActorProcessingErr) -> String {
        match error.downcast_ref::<Broken>() {
            Some(broken) => broken.to_string(),
            None => "it panicked".to_owned(),
        }
    }

    /// Starts the actor of a chat under a supervisor. It does nothing before its first mail.
    ///
    /// # Errors
    ///
    /// Those of ractor; starting does no I/O, so only a supervisor that ends causes one.
    pub async fn start(
        environment: Arc<Environment>,
        slot: Arc<Slot>,
        supervisor: ActorCell,
    ) -> Result<(ChatRef, ActorId), SpawnErr> {
        let arguments = ChatArguments { environment, slot };
        let (actor, _) = ChatActor::spawn_linked(None, ChatActor, arguments, supervisor).await?;
        let id = actor.get_id();
        Ok((ChatRef(actor), id))
    }
}
