//! The handle of an accepted prompt.

use futures_util::StreamExt;
use polychat_core::{
    CommandError, Cursor, EndReason, Event, Fault, FaultKind, Notice, PromptId, PromptOutcome,
    Refusal, Seq, StartAt, command::Accepted, content::Text,
};

use crate::{
    Chat,
    follow::{Follow, Place},
};

/// A prompt that was taken and stored.
#[derive(Debug, Clone)]
pub struct PromptHandle {
    chat: Chat,
    accepted: Accepted,
}

/// How a prompt ended, and the text of the last message of its turn.
struct Ended {
    outcome: PromptOutcome,
    answer: Text,
}

impl PromptHandle {
    pub(crate) fn new(chat: Chat, accepted: Accepted) -> Self {
        Self { chat, accepted }
    }

    /// The prompt's id.
    #[must_use]
    pub fn id(&self) -> &PromptId {
        &self.accepted.prompt_id
    }

    /// The seq of its `prompt.accepted`.
    #[must_use]
    pub fn accepted_seq(&self) -> Seq {
        self.accepted.accepted_seq
    }

    /// The chat it was sent to.
    #[must_use]
    pub fn chat(&self) -> &Chat {
        &self.chat
    }

    /// Waits for the prompt's outcome, whatever the chat's other prompts and other chats do.
    ///
    /// The outcome is recorded data, so this may be called at any time, again and again. Dropping
    /// the future cancels nothing.
    ///
    /// # Errors
    ///
    /// Refused as `chat_deleted` when the chat is gone before this was called, as `world_closed`
    /// when the world closes first, as `chat_failed` when the chat fails first or its log is
    /// damaged, as `subscribers_full` because waiting is watching; a fault when the log cannot be
    /// read. The prompt stays accepted: once a failed chat is reopened, this may be called again.
    pub async fn outcome(&self) -> Result<PromptOutcome, CommandError> {
        Ok(self.ended().await?.outcome)
    }

    /// Waits for the outcome and answers with the text of the last message that an agent wrote in
    /// the prompt's turn; empty if there is none. It may have broken off: see
    /// [`outcome`](Self::outcome).
    ///
    /// # Errors
    ///
    /// As [`outcome`](Self::outcome).
    pub async fn answer(&self) -> Result<String, CommandError> {
        Ok(self.ended().await?.answer.to_string())
    }

    async fn ended(&self) -> Result<Ended, CommandError> {
        // Everything that becomes of a prompt is recorded after it was accepted.
        let start = StartAt::After(Cursor::after(self.accepted.accepted_seq));
        let mut notices = self.chat.subscribe(start).await?;
        let mut follow = Follow::new(self.id().clone());
        let mut answer = Text::from("");
        while let Some(notice) = notices.next().await {
            match notice {
                Notice::Recorded { event, .. } => match (follow.hear(&event), &event.event) {
                    (Place::Over(outcome), _) => return Ok(Ended { outcome, answer }),
                    (
                        Place::Within(_),
                        Event::MessageEnd { text, .. } | Event::MessageError { text, .. },
                    ) => answer = text.clone(),
                    _ => {}
                },
                Notice::Ended(reason) => return Err(self.no_outcome(reason)),
                _ => {}
            }
        }
        Err(self.no_outcome(EndReason::Unreadable))
    }

    fn no_outcome(&self, reason: EndReason) -> CommandError {
        match reason {
            EndReason::Deleted => Refusal::ChatDeleted { chat_id: self.chat.id().clone() }.into(),
            EndReason::WorldClosed => Refusal::WorldClosed {}.into(),
            EndReason::Failed | EndReason::Damaged => {
                Refusal::ChatFailed { reason: reason.to_string().into() }.into()
            }
            other => Fault::new(FaultKind::StoreUnavailable, &other.to_string()).into(),
        }
    }
}
