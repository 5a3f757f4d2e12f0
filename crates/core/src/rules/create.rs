//! How a log begins: a new chat, a fork, an import.

use super::{ChatState, Decision, draft::Draft, state::Life};
use crate::{
    command::{ImportedChat, ImportedEntry, NewChat},
    content::Metadata,
    event::{Event, ImportedMessage, Origin, TitleProvenance},
    id::ChatId,
    limits::Limits,
    message::Role,
    refusal::Refusal,
    seq::{MessageId, Timestamp},
};

/// Decides the first append of a chat's log.
///
/// # Errors
///
/// [`Refusal::TooLarge`] for a title, metadata or context beyond its limit.
pub fn create(
    chat_id: &ChatId,
    chat: NewChat,
    at: Timestamp,
    limits: &Limits,
) -> Result<Decision, Refusal> {
    created(chat_id, chat, Copied::default(), at, limits)
}

/// Decides the first append of a chat's log with history from another system.
///
/// # Errors
///
/// As [`create`]; [`Refusal::InvalidInput`] for a tool's result that answers no call of the last
/// assistant's message, [`Refusal::ChatFull`] for more messages than a log may hold, and
/// [`Refusal::TooLarge`] for a history beyond [`Limits::import_bytes_max`].
pub fn import(
    chat_id: &ChatId,
    imported: ImportedChat,
    at: Timestamp,
    limits: &Limits,
) -> Result<Decision, Refusal> {
    let ImportedChat { chat, provenance, archived, source, created_at, updated_at, history } =
        imported;
    let (events, max) = (1 + history.len() as u64, limits.log_events_max);
    if events > max {
        return Err(Refusal::ChatFull { events, max });
    }
    check_size("source", source.len(), limits.title_bytes_max)?;
    check_results(&history)?;
    let times = history.iter().map(|entry| ("writtenAt", entry.written_at));
    let times = times.chain(created_at.map(|at| ("createdAt", at)));
    times.chain(updated_at.map(|at| ("updatedAt", at))).try_for_each(check_time)?;
    let bytes = history.iter().map(ImportedEntry::bytes).fold(0, usize::saturating_add);
    check_size("history", bytes, limits.import_bytes_max)?;
    for entry in &history {
        check_metadata("metadata of a message", &entry.metadata, limits)?;
    }
    let origin = Some(Origin::Import { source, created_at, updated_at });
    created(chat_id, chat, Copied { origin, history, provenance, archived }, at, limits)
}

/// A time is one that calendars and other languages can write.
fn check_time((what, at): (&str, Timestamp)) -> Result<(), Refusal> {
    if at <= YEAR_9999 {
        return Ok(());
    }
    let why = "this is beyond the year 9999; times are milliseconds since 1970".into();
    Err(Refusal::InvalidInput { what: what.into(), why })
}

/// A tool's result says which call of the last assistant's message it answers.
fn check_results(history: &[ImportedEntry]) -> Result<(), Refusal> {
    let mut calls = 0;
    for entry in history {
        match &entry.message {
            ImportedMessage::Assistant { tool_calls, .. } => calls = tool_calls.len(),
            ImportedMessage::Tool { index, .. } if usize::from(*index) >= calls => {
                let why = "a tool's result answers no call of the last assistant's message".into();
                return Err(Refusal::InvalidInput { what: "history".into(), why });
            }
            _ => {}
        }
    }
    Ok(())
}

/// The last moment of the year 9999.
const YEAR_9999: Timestamp = Timestamp(253_402_300_799_999);

/// What a new log takes over.
#[derive(Default)]
struct Copied {
    origin: Option<Origin>,
    history: Vec<ImportedEntry>,
    /// Who gave the title, when it was taken over too.
    provenance: Option<TitleProvenance>,
    archived: bool,
}

fn created(
    chat_id: &ChatId,
    chat: NewChat,
    copied: Copied,
    at: Timestamp,
    limits: &Limits,
) -> Result<Decision, Refusal> {
    check_title(&chat.title, limits)?;
    check_metadata("metadata", &chat.metadata, limits)?;
    check_metadata("context", &chat.context, limits)?;
    let Copied { origin, history, provenance, archived } = copied;
    let provenance = provenance.unwrap_or_else(|| given_by_hand(&chat.title));
    let empty = ChatState::empty(chat_id.clone());
    let mut draft = Draft::new(&empty, at);
    draft.push(Event::ChatCreated {
        title: chat.title,
        provenance,
        metadata: chat.metadata,
        agent: chat.agent,
        context: chat.context,
        origin: origin.map(Box::new),
        archived,
    });
    for entry in history {
        let ImportedEntry { source_id, message, written_at, metadata } = entry;
        let message = Box::new(message);
        draft.push(Event::MessageImported { source_id, message, written_at, metadata });
    }
    Ok(draft.done())
}

/// When a chat was created and last changed, at the moment of its creation: what was brought in keeps
/// the times that it had.
pub(super) fn times(origin: Option<&Origin>, at: Timestamp) -> (Timestamp, Timestamp) {
    match origin {
        Some(Origin::Import { created_at, updated_at, .. }) => {
            let created_at = created_at.unwrap_or(at);
            (created_at, updated_at.unwrap_or(created_at))
        }
        _ => (at, at),
    }
}

/// Who gave a title that came with a command: nobody when it is empty.
pub(super) fn given_by_hand(title: &str) -> TitleProvenance {
    if title.is_empty() { TitleProvenance::Default } else { TitleProvenance::Manual }
}

pub(super) fn check_title(title: &str, limits: &Limits) -> Result<(), Refusal> {
    check_size("title", title.len(), limits.title_bytes_max)
}

pub(super) fn check_metadata(
    what: &str,
    metadata: &Metadata,
    limits: &Limits,
) -> Result<(), Refusal> {
    check_size(what, metadata.bytes(), limits.metadata_bytes_max)
}

pub(super) fn check_size(what: &str, bytes: usize, max: usize) -> Result<(), Refusal> {
    if bytes > max { Err(Refusal::TooLarge { what: what.into(), bytes, max }) } else { Ok(()) }
}

impl ChatState {
    /// Decides the first append of a fork of this chat, up to and including a message.
    ///
    /// Taken over are the messages of ended turns that were not truncated; prompts, approvals and
    /// open turns are not. Results of the calls that the message asks for come along.
    ///
    /// # Errors
    ///
    /// [`Refusal::UnknownMessage`] when the message is not part of an ended turn,
    /// [`Refusal::UnknownChat`] or [`Refusal::ChatDeleted`] when there is nothing to fork, or as
    /// [`create`].
    pub fn fork(
        &self,
        at_message: MessageId,
        new_id: &ChatId,
        mut chat: NewChat,
        at: Timestamp,
        limits: &Limits,
    ) -> Result<Decision, Refusal> {
        match self.life {
            Life::Absent => {
                return Err(Refusal::UnknownChat { chat_id: self.chat_id.clone() });
            }
            Life::Deleted => return Err(Refusal::ChatDeleted { chat_id: self.chat_id.clone() }),
            Life::Open | Life::Closed => {}
        }
        let unknown = Refusal::UnknownMessage { message_id: at_message };
        let position = self.history.position(at_message);
        let running = self.turn.as_ref().map(|turn| turn.id);
        let entries = self.history.entries();
        let last = match position.and_then(|at| Some((at, entries.get(at)?))) {
            Some((at, entry)) if running.is_none() || entry.turn_id != running => at,
            _ => return Err(unknown),
        };
        let mut len = last + 1;
        while entries.get(len).is_some_and(|entry| matches!(entry.role, Role::Tool { .. })) {
            len += 1;
        }
        let history = entries.iter().take(len).map(|entry| ImportedEntry::of(entry));
        let provenance = chat.title.is_empty().then_some(self.info.provenance);
        if provenance.is_some() {
            chat.title = self.info.title.clone();
        }
        chat.agent = chat.agent.or_else(|| self.info.agent.clone());
        if chat.context.is_empty() {
            chat.context = self.info.context.clone();
        }
        let origin = Origin::Fork { chat_id: self.chat_id.clone(), message_id: at_message };
        let history = history.collect();
        let copied = Copied { origin: Some(origin), history, provenance, archived: false };
        created(new_id, chat, copied, at, limits)
    }
}
