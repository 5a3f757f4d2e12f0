//! Waiting for one prompt's own outcome: `?wait=outcome`.
//!
//! The chat's recorded events are read from the prompt's acceptance on, so it does not matter what
//! other prompts and chats do, nor how often the chat's actor ends and starts meanwhile. Nothing
//! is asked of the world as a whole: that all is idle is no prompt's outcome. Dropping the future
//! unsubscribes, and cancels nothing.

use futures_util::StreamExt;
use polychat_core::{
    ChatId, Command, CommandError, Cursor, Event, Notice, PromptId, PromptOutcome, Recorded,
    Refusal, Reply, Scope, Seq, StartAt, TurnId,
    command::{Accepted, Page},
    content::Text,
    message::SharedMessage,
};
use serde::Serialize;

use crate::http::state::Caller;

/// Messages that are asked for at a time.
const PAGE: usize = 100;

/// How a prompt ended, and what was said.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(tag = "type", rename = "outcome", rename_all = "camelCase")]
pub(in crate::http) struct Ended {
    /// The prompt.
    prompt_id: PromptId,
    /// The seq of its `prompt.accepted`.
    accepted_seq: Seq,
    /// How it ended.
    outcome: PromptOutcome,
    /// What was said in its turn after it, in order; of a withdrawn prompt nothing, and of a turn
    /// that was cut from the history since then nothing either.
    messages: Vec<SharedMessage>,
}

/// How a prompt ended; `None` when that cannot be waited for any longer.
pub(super) async fn ended(caller: &Caller, chat: &ChatId, accepted: &Accepted) -> Option<Ended> {
    let longest = caller.options().wait_duration_max;
    tokio::time::timeout(longest, until_the_end(caller, chat, accepted)).await.ok().flatten()
}

async fn until_the_end(caller: &Caller, chat: &ChatId, accepted: &Accepted) -> Option<Ended> {
    let scope = Scope::Chat(chat.clone());
    // Everything that becomes of a prompt is recorded after it was accepted.
    let start = StartAt::After(Cursor::after(accepted.accepted_seq));
    let mut notices = caller.watch(scope, start).await.ok()?;
    let mut prompt = Followed { prompt: &accepted.prompt_id, turn: None };
    loop {
        // The stream ends, always with a reason, when there is nothing more to wait for: the chat
        // was deleted or has failed, the world was closed, the log cannot be read.
        let Notice::Recorded { event, .. } = notices.next().await? else { continue };
        let Some(outcome) = prompt.hear(&event) else { continue };
        // What follows needs no place among the chat's subscribers.
        drop(notices);
        let messages = said(caller, chat, accepted.accepted_seq, prompt.turn).await?;
        let Accepted { prompt_id, accepted_seq } = accepted.clone();
        return Some(Ended { prompt_id, accepted_seq, outcome, messages });
    }
}

/// A prompt followed through what its chat records after its acceptance.
struct Followed<'a> {
    prompt: &'a PromptId,
    /// Its turn, once it has one.
    turn: Option<TurnId>,
}

impl Followed<'_> {
    /// Hears the next event; `Some` when it is the end of the prompt.
    fn hear(&mut self, recorded: &Recorded) -> Option<PromptOutcome> {
        match &recorded.event {
            Event::PromptWithdrawn { prompt_id, .. } if prompt_id == self.prompt => {
                return Some(PromptOutcome::Withdrawn);
            }
            Event::TurnStarted { prompt_ids, .. } if prompt_ids.contains(self.prompt) => {
                self.turn = Some(TurnId(recorded.seq));
            }
            Event::PromptJoined { prompt_id, turn_id } if prompt_id == self.prompt => {
                self.turn = Some(*turn_id);
            }
            Event::TurnEnded { turn_id, outcome } if self.turn == Some(*turn_id) => {
                return Some(outcome.clone().into());
            }
            _ => {}
        }
        None
    }
}

/// What stands in the history of this turn behind the prompt's own message, which is named by its
/// acceptance. `None` when it may well be there, but cannot be read now.
async fn said(
    caller: &Caller,
    chat: &ChatId,
    accepted: Seq,
    turn: Option<TurnId>,
) -> Option<Vec<SharedMessage>> {
    let mut said = Vec::new();
    if turn.is_none() {
        return Some(said);
    }
    let mut after = Text::from(accepted.to_string());
    loop {
        let command = Command::ListMessages { chat: chat.clone(), page: Page::after(after, PAGE) };
        let page = match caller.call(command).await {
            Ok(Reply::Messages(page)) => page,
            // Closed is not gone: it is said where the world is open again.
            Err(CommandError::Refused(Refusal::WorldClosed {})) => return None,
            Err(error) if !error.retryable() => return Some(Vec::new()),
            _ => return None,
        };
        for message in page.messages {
            if message.turn_id != turn {
                return Some(said);
            }
            said.push(message);
        }
        match page.next {
            Some(next) => after = next,
            None => return Some(said),
        }
    }
}
