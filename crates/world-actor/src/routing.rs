//! From a command to whoever answers it.

use std::sync::Arc;

use polychat_chat_actor::{
    envelope::{Delivery, Envelope, Work},
    query::Query,
    slot::{Place, Places, Slot},
    supervise::ChatRef,
};
use polychat_core::{
    ChatId, Command, CommandError, Fault, FaultKind, Refusal, Reply,
    command::{ImportedChat, NewChat},
    rules::{self, ChatCommand},
    world::WorldChange,
};
use tokio::sync::oneshot;

use crate::{supervisor::Order, world::Shared};

/// How often a command that was certainly not touched is sent again before its sender hears of it.
const DELIVERIES_MAX: usize = 32;

impl Shared {
    /// Finds who answers a command, and lets them.
    pub(crate) async fn route(&self, command: Command) -> Result<Reply, CommandError> {
        let reserved = command.is_reserved();
        let world = if reserved { self.lanes.enter_reserved() } else { self.lanes.enter() }?;
        let way = Way { place: world, reserved };
        match command {
            Command::CreateChat { chat } => self.create(chat, way).await,
            Command::ForkChat { from, at, chat } => {
                self.check_agent(&chat)?;
                let state = self.replay(&from).await?;
                let id = chat.id.clone().unwrap_or_else(|| self.ids.chat());
                let (now, limits) = (self.environment.clock.now(), &self.environment.limits);
                let decision = state.fork(at, &id, chat, now, limits)?;
                self.deliver(&id, Work::Create(Box::new(decision)), way).await
            }
            Command::ImportChat { chat } => self.import(*chat, way).await,
            Command::Search { query } => self.search(query).await,
            Command::ListChats { page, filter } => self.list(page, &filter).await,
            Command::ReadLog { chat, after, limit } => self.read_log(&chat, after, limit).await,
            Command::Snapshot { chat } => self.read(&chat, Query::Snapshot, way).await,
            Command::ListPrompts { chat } => self.read(&chat, Query::Prompts, way).await,
            Command::LookUpPrompt { chat, prompt } => {
                self.read(&chat, Query::Prompt(prompt), way).await
            }
            Command::ListMessages { chat, page } => {
                self.read(&chat, Query::Messages(page), way).await
            }
            Command::GetWorld => Ok(self.info()),
            Command::UpdateWorld { settings } => {
                self.log.change(WorldChange::Settings(settings), &self.environment.agents).await
            }
            Command::PutAgent { agent } => {
                self.log.change(WorldChange::Put(agent), &self.environment.agents).await
            }
            Command::RemoveAgent { agent } => {
                self.log.change(WorldChange::Remove(agent), &self.environment.agents).await
            }
            command => match into_change(command) {
                Some((chat, change)) => self.change(&chat, change, way).await,
                None => Err(Refusal::Unsupported { what: "this command".into() }.into()),
            },
        }
    }

    async fn create(&self, chat: NewChat, way: Way) -> Result<Reply, CommandError> {
        self.check_agent(&chat)?;
        let id = chat.id.clone().unwrap_or_else(|| self.ids.chat());
        let (now, limits) = (self.environment.clock.now(), &self.environment.limits);
        let decision = rules::create(&id, chat, now, limits)?;
        self.deliver(&id, Work::Create(Box::new(decision)), way).await
    }

    async fn import(&self, chat: ImportedChat, way: Way) -> Result<Reply, CommandError> {
        self.check_agent(&chat.chat)?;
        let id = chat.chat.id.clone().unwrap_or_else(|| self.ids.chat());
        let (now, limits) = (self.environment.clock.now(), &self.environment.limits);
        let decision = rules::import(&id, chat, now, limits)?;
        self.deliver(&id, Work::Create(Box::new(decision)), way).await
    }

    fn check_agent(&self, chat: &NewChat) -> Result<(), Refusal> {
        match &chat.agent {
            Some(agent) if self.environment.agents.get().get(agent).is_none() => {
                Err(Refusal::UnknownAgent { agent: agent.clone() })
            }
            _ => Ok(()),
        }
    }

    async fn change(
        &self,
        chat: &ChatId,
        change: ChatCommand,
        way: Way,
    ) -> Result<Reply, CommandError> {
        self.deliver(chat, Work::Change(Box::new(change)), way).await
    }

    /// Reads from the live chat if there is one, else from its stored log.
    async fn read(&self, chat: &ChatId, query: Query, way: Way) -> Result<Reply, CommandError> {
        let result = self.read_slot(chat, query, way).await;
        self.directory.forget_unused(chat);
        result
    }

    async fn read_slot(
        &self,
        chat: &ChatId,
        query: Query,
        way: Way,
    ) -> Result<Reply, CommandError> {
        let slot = self.directory.get_or_make(chat);
        let mut _places = way.places(&slot)?;
        if let Some(actor) = slot.actor() {
            let (envelope, answer) = Envelope::new(Work::Ask(query.clone()), _places);
            actor.send(envelope);
            match answer.wait().await {
                Delivery::Answered(result) => return result,
                Delivery::Returned(_, same) => _places = same,
                Delivery::Lost => return Err(lost()),
            }
        }
        // The places are held until the log is read, which costs as much as the log is long.
        self.query_stored(chat, &query).await
    }

    /// Brings work to a chat's actor, which is started or revived if need be.
    async fn deliver(&self, chat: &ChatId, work: Work, way: Way) -> Result<Reply, CommandError> {
        let insist = matches!(
            &work,
            Work::Change(change) if matches!(**change, ChatCommand::Reopen | ChatCommand::Delete)
        );
        let result = self.deliver_to_slot(chat, work, way, insist).await;
        if result.is_err() {
            self.directory.forget_unused(chat);
        }
        result
    }

    async fn deliver_to_slot(
        &self,
        chat: &ChatId,
        mut work: Work,
        way: Way,
        insist: bool,
    ) -> Result<Reply, CommandError> {
        let slot = self.directory.get_or_make(chat);
        let mut places = way.places(&slot)?;
        for _ in 0..DELIVERIES_MAX {
            let actor = match slot.actor() {
                Some(actor) => actor,
                None => self.start(&slot, insist).await?,
            };
            let (envelope, answer) = Envelope::new(work, places);
            actor.send(envelope);
            match answer.wait().await {
                Delivery::Answered(result) => return result,
                Delivery::Returned(same, same_places) => {
                    // Its supervisor may not know yet that it is gone.
                    slot.vacate_gone(&actor);
                    (work, places) = (same, same_places);
                }
                Delivery::Lost => return Err(lost()),
            }
        }
        Err(Fault::new(FaultKind::ChatRestarted, "the chat ends as often as it starts").into())
    }

    pub(crate) async fn start(
        &self,
        slot: &Arc<Slot>,
        insist: bool,
    ) -> Result<ChatRef, CommandError> {
        let (reply, started) = oneshot::channel();
        let order = Order::Start { slot: Arc::clone(slot), insist, reply };
        let closed = || CommandError::from(Refusal::WorldClosed {});
        self.supervisor.send_message(order).map_err(|_| closed())?;
        Ok(started.await.map_err(|_| closed())??)
    }
}

/// A command's place in the world's lanes, and the lane that it may use in its chat's.
struct Way {
    place: Place,
    reserved: bool,
}

impl Way {
    fn places(self, slot: &Slot) -> Result<Places, Refusal> {
        let lanes = &slot.lanes;
        let chat = if self.reserved { lanes.enter_reserved() } else { lanes.enter() }?;
        Ok(Places { world: self.place, chat })
    }
}

fn lost() -> CommandError {
    let text = "the chat was restarted while it worked on this; sending it again is safe";
    Fault::new(FaultKind::ChatRestarted, text).into()
}

/// A command that changes one chat; `None` for all others.
fn into_change(command: Command) -> Option<(ChatId, ChatCommand)> {
    Some(match command {
        Command::UpdateChat { chat, change } => (chat, ChatCommand::Update(change)),
        Command::CloseChat { chat } => (chat, ChatCommand::Close),
        Command::ReopenChat { chat } => (chat, ChatCommand::Reopen),
        Command::DeleteChat { chat } => (chat, ChatCommand::Delete),
        Command::SendPrompt { chat, prompt, mode, body } => {
            (chat, ChatCommand::Send { prompt, mode, body })
        }
        Command::EditPrompt { chat, prompt, change } => {
            (chat, ChatCommand::Edit { prompt, change })
        }
        Command::WithdrawPrompt { chat, prompt } => (chat, ChatCommand::Withdraw { prompt }),
        Command::CancelTurn { chat, target } => (chat, ChatCommand::Cancel(target)),
        Command::Revise { chat, target, prompt } => (chat, ChatCommand::Revise { target, prompt }),
        Command::DecideApproval { chat, call, decision } => {
            (chat, ChatCommand::Decide { call, decision })
        }
        _ => return None,
    })
}
