//! What became of a command whose answer was lost.
//!
//! The world keeps prompts by their ids, so of those it can be asked. Of anything else nobody knows.

use polychat_core::{
    ChatId, Command, CommandError, PromptId, Refusal, Reply,
    command::{Accepted, PromptState},
};

use super::connection::Connection;
use crate::bytes::ByteDoor;

/// A command that the world can be asked about later, by the id of its prompt.
pub(crate) struct InQuestion {
    chat: ChatId,
    prompt: PromptId,
    command: Command,
}

impl InQuestion {
    pub(crate) fn of(command: &Command) -> Option<Self> {
        let (Command::SendPrompt { chat, prompt, .. } | Command::Revise { chat, prompt, .. }) =
            command
        else {
            return None;
        };
        Some(Self { chat: chat.clone(), prompt: prompt.clone(), command: command.clone() })
    }

    /// The answer that was lost; `None` when the world knows of no such prompt.
    ///
    /// Nothing is sent twice unless it has arrived: a prompt that the world has is sent once more,
    /// which has no effect, only to hear whether it was this one, or another of the same id.
    pub(crate) async fn settle<D: ByteDoor>(
        &self,
        connection: &Connection<D>,
    ) -> Result<Option<Reply>, CommandError> {
        let (chat, prompt) = (self.chat.clone(), self.prompt.clone());
        let found = connection.call(Command::LookUpPrompt { chat, prompt }).await;
        let accepted_seq = match found {
            Ok(Reply::Prompt(
                PromptState::Queued { accepted_seq }
                | PromptState::Running { accepted_seq, .. }
                | PromptState::Ended { accepted_seq, .. },
            )) => accepted_seq,
            Err(error) if connection.lost(&error) => return Err(error),
            _ => return Ok(None),
        };
        match connection.call(self.command.clone()).await {
            Err(error @ CommandError::Refused(Refusal::Conflict { .. })) => Err(error),
            Err(error) if connection.lost(&error) => Err(error),
            // Whatever else is said of the second one, the first was accepted.
            _ => {
                let prompt_id = self.prompt.clone();
                Ok(Some(Reply::Accepted(Accepted { prompt_id, accepted_seq })))
            }
        }
    }
}
