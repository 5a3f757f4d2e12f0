//! What a turn has in flight: the texts that grow, and what may still write.

use std::sync::Arc;

use polychat_core::{
    ChatId, Event, Live, LiveBody, MessageId, Recorded, ToolCallId, TurnId, content::Text,
    outcome::cut,
};

use super::{CHUNK_BYTES_MAX, Shown, entry::Source};

/// The texts of a turn, each stored once, and what is open in it.
#[derive(Default)]
pub(super) struct Flight {
    /// The turn that runs, as far as this feed saw it begin.
    turn: Option<TurnId>,
    open: Option<Open>,
    calls: Vec<ToolCallId>,
    texts: Vec<Growing>,
    /// The last chunk handed out: readers in step share it.
    last_chunk: Option<LastChunk>,
}

/// The message that takes chunks.
struct Open {
    message: MessageId,
    turn: TurnId,
    sealed: bool,
}

/// A text that grows.
struct Growing {
    source: Source,
    turn: TurnId,
    text: String,
}

struct LastChunk {
    index: usize,
    from: usize,
    to: usize,
    event: Arc<Live>,
}

impl Flight {
    /// Whether no turn runs that may still write.
    pub(super) fn is_idle(&self) -> bool {
        self.turn.is_none()
    }

    /// Follows the log: who may write from here on.
    pub(super) fn note(&mut self, recorded: &Recorded) {
        match &recorded.event {
            Event::TurnStarted { .. } => {
                *self = Self { turn: Some(TurnId(recorded.seq)), ..Self::default() };
            }
            Event::TurnEnded { .. } => {
                self.turn = None;
                self.open = None;
                self.calls = Vec::new();
            }
            Event::MessageStart { turn_id, .. } => {
                self.turn = Some(*turn_id);
                let message = MessageId(recorded.seq);
                self.open = Some(Open { message, turn: *turn_id, sealed: false });
            }
            Event::MessageEnd { message_id, .. } | Event::MessageError { message_id, .. } => {
                self.open.take_if(|open| open.message == *message_id);
            }
            Event::ToolStart { tool_call_id, .. } => self.calls.push(*tool_call_id),
            Event::ToolResult { tool_call_id, .. } | Event::ToolError { tool_call_id, .. } => {
                self.calls.retain(|call| call != tool_call_id);
            }
            _ => {}
        }
    }

    /// Nothing of an earlier epoch may write; the text of the open message stays, sealed, until its
    /// end is recorded. Entries into it are gone.
    pub(super) fn begin_epoch(&mut self) {
        let open = self.open.take().map(|open| Open { sealed: true, ..open });
        let message = open.as_ref().map(|open| open.message);
        let mut texts = std::mem::take(&mut self.texts);
        texts.retain(|t| message.is_some() && t.source.message() == message);
        *self = Self { open, texts, ..Self::default() };
    }

    /// Lets go of the texts of an ended turn.
    pub(super) fn drop_texts(&mut self) {
        if self.open.is_none() {
            self.texts = Vec::new();
            self.last_chunk = None;
        }
    }

    /// Whether chunks of this source are taken now.
    pub(super) fn takes(&self, turn: TurnId, source: Source) -> bool {
        match source {
            Source::Text(message) | Source::Reasoning(message) => self
                .open
                .as_ref()
                .is_some_and(|o| o.message == message && o.turn == turn && !o.sealed),
            Source::Output(call) => self.takes_call(call),
        }
    }

    /// Whether output and progress of this call are taken now.
    pub(super) fn takes_call(&self, call: ToolCallId) -> bool {
        self.calls.contains(&call)
    }

    /// Appends to the text of a source. Answers its index, and where the new part begins and ends.
    pub(super) fn append(
        &mut self,
        turn: TurnId,
        source: Source,
        text: &str,
    ) -> (usize, usize, usize) {
        // A turn that began before this feed did is known by its first output.
        self.turn.get_or_insert(turn);
        // What is written now was usually written last.
        let index = self.texts.iter().rposition(|growing| growing.source == source);
        let index = index.unwrap_or_else(|| {
            self.texts.push(Growing { source, turn, text: String::new() });
            self.texts.len() - 1
        });
        let Some(growing) = self.texts.get_mut(index) else { return (index, 0, 0) };
        let start = growing.text.len();
        growing.text.push_str(text);
        (index, start, growing.text.len())
    }

    /// The chunk that begins at byte `from` of a text and ends at `end`, or sooner when that would
    /// be too much. Answers the chunk and where it ends.
    pub(super) fn chunk(
        &mut self,
        chat: &ChatId,
        index: usize,
        from: usize,
        end: usize,
    ) -> Option<(Arc<Live>, usize)> {
        let growing = self.texts.get(index)?;
        let text = cut(growing.text.get(from..end)?, CHUNK_BYTES_MAX);
        let to = from + text.len();
        if let Some(last) = &self.last_chunk
            && (last.index, last.from, last.to) == (index, from, to)
        {
            return Some((Arc::clone(&last.event), to));
        }
        let body = growing.source.chunk(from as u64, text.into());
        let event = Arc::new(Live { chat_id: chat.clone(), turn_id: growing.turn, body });
        self.last_chunk = Some(LastChunk { index, from, to, event: Arc::clone(&event) });
        Some((event, to))
    }

    /// Whether byte `at` of a text begins a character or is the end.
    pub(super) fn is_boundary(&self, index: usize, at: usize) -> bool {
        self.texts.get(index).is_some_and(|growing| growing.text.is_char_boundary(at))
    }

    /// Bytes of all texts together.
    pub(super) fn bytes(&self) -> usize {
        self.texts.iter().map(|growing| growing.text.len()).sum()
    }

    /// Refuses later chunks of the open message.
    pub(super) fn seal(&mut self, message: MessageId) {
        if let Some(open) = &mut self.open
            && open.message == message
        {
            open.sealed = true;
        }
    }

    /// The open message.
    pub(super) fn open(&self) -> Option<MessageId> {
        self.open.as_ref().map(|open| open.message)
    }

    /// The texts of the open message from these bytes on.
    pub(super) fn shown(&self, message: MessageId, text: usize, reasoning: usize) -> Option<Shown> {
        if self.open() != Some(message) {
            return None;
        }
        Some(Shown {
            text: self.text_from(Source::Text(message), text),
            reasoning: self.text_from(Source::Reasoning(message), reasoning),
        })
    }

    fn text_from(&self, source: Source, from: usize) -> Text {
        let growing = self.texts.iter().rfind(|growing| growing.source == source);
        growing.and_then(|growing| growing.text.get(from..)).unwrap_or_default().into()
    }
}

impl Source {
    fn chunk(self, offset: u64, text: Text) -> LiveBody {
        match self {
            Self::Text(message_id) => LiveBody::MessageChunk { message_id, offset, text },
            Self::Reasoning(message_id) => LiveBody::ReasoningChunk { message_id, offset, text },
            Self::Output(tool_call_id) => LiveBody::ToolOutput { tool_call_id, offset, text },
        }
    }
}
