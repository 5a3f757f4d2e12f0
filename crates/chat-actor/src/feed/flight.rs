//! What a turn has in flight: the texts that grow, and what may still write.

use std::{collections::BTreeMap, sync::Arc};

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
    /// The texts of ended messages and of tool calls.
    others: BTreeMap<Source, Growing>,
    /// The last chunk that several readers may ask for: readers in step share it.
    last_chunk: Option<LastChunk>,
}

/// The message that takes chunks, with its texts.
struct Open {
    message: MessageId,
    turn: TurnId,
    sealed: bool,
    text: String,
    reasoning: String,
}

struct Growing {
    turn: TurnId,
    text: String,
}

struct LastChunk {
    source: Source,
    from: usize,
    to: usize,
    event: Arc<Live>,
}

// Who may write.
impl Flight {
    /// Whether no turn runs that may still write.
    pub(super) fn is_idle(&self) -> bool {
        self.turn.is_none()
    }

    /// Follows the log: who may write from here on.
    pub(super) fn note(&mut self, recorded: &Recorded) {
        match &recorded.event {
            Event::TurnStarted { .. } => {
                self.close();
                self.turn = Some(TurnId(recorded.seq));
                self.calls = Vec::new();
            }
            Event::TurnEnded { .. } => {
                self.turn = None;
                self.close();
                self.calls = Vec::new();
            }
            Event::MessageStart { turn_id, .. } => {
                self.close();
                self.turn = Some(*turn_id);
                self.open = Some(Open::new(MessageId(recorded.seq), *turn_id));
            }
            Event::MessageEnd { message_id, .. } | Event::MessageError { message_id, .. }
                if self.open() == Some(*message_id) =>
            {
                self.close();
            }
            Event::ToolStart { tool_call_id, .. } => self.calls.push(*tool_call_id),
            Event::ToolResult { tool_call_id, .. } | Event::ToolError { tool_call_id, .. } => {
                self.calls.retain(|call| call != tool_call_id);
            }
            _ => {}
        }
    }

    /// The open message takes no more; its texts stay for readers that are still in them.
    fn close(&mut self) {
        let Some(Open { message, turn, text, reasoning, .. }) = self.open.take() else { return };
        for (source, text) in
            [(Source::Text(message), text), (Source::Reasoning(message), reasoning)]
        {
            if !text.is_empty() {
                self.others.insert(source, Growing { turn, text });
            }
        }
    }

    /// Nothing of an earlier epoch may write; the text of the open message stays, sealed, until its
    /// end is recorded. Entries into it are gone.
    pub(super) fn begin_epoch(&mut self) {
        let open = self.open.take().map(|open| Open { sealed: true, ..open });
        *self = Self { open, ..Self::default() };
    }

    /// Lets go of the texts of an ended turn.
    pub(super) fn drop_texts(&mut self) {
        self.others = BTreeMap::new();
        self.last_chunk = None;
    }

    /// Lets go of the texts of turns that began before this one.
    pub(super) fn drop_texts_before(&mut self, turn: TurnId) {
        self.others.retain(|_, growing| growing.turn >= turn);
        self.last_chunk = None;
    }

    /// Whether this call runs, and so its output and progress are taken.
    pub(super) fn takes_call(&self, call: ToolCallId) -> bool {
        self.calls.contains(&call)
    }

    /// The text of a source that may be written now.
    pub(super) fn growing(&mut self, turn: TurnId, source: &Source) -> Option<&mut String> {
        let (message, is_reasoning) = match source {
            Source::Text(message) => (message, false),
            Source::Reasoning(message) => (message, true),
            Source::Output(call) => return self.output(turn, *call),
        };
        let open = self.open.as_mut()?;
        if open.sealed || open.message != *message || open.turn != turn {
            return None;
        }
        Some(if is_reasoning { &mut open.reasoning } else { &mut open.text })
    }

    fn output(&mut self, turn: TurnId, call: ToolCallId) -> Option<&mut String> {
        if !self.takes_call(call) {
            return None;
        }
        // A turn that began before this feed did is known by its first output.
        self.turn.get_or_insert(turn);
        let new = || Growing { turn, text: String::new() };
        Some(&mut self.others.entry(Source::Output(call)).or_insert_with(new).text)
    }

    /// Refuses later chunks of the open message.
    pub(super) fn seal(&mut self, message: MessageId) {
        if let Some(open) = self.open.as_mut().filter(|open| open.message == message) {
            open.sealed = true;
        }
    }

    /// The open message.
    pub(super) fn open(&self) -> Option<MessageId> {
        self.open.as_ref().map(|open| open.message)
    }
}

// What was written.
impl Flight {
    fn text(&self, source: Source) -> Option<(TurnId, &str)> {
        match (source, &self.open) {
            (Source::Text(message), Some(open)) if open.message == message => {
                Some((open.turn, &open.text))
            }
            (Source::Reasoning(message), Some(open)) if open.message == message => {
                Some((open.turn, &open.reasoning))
            }
            _ => self.others.get(&source).map(|growing| (growing.turn, growing.text.as_str())),
        }
    }

    /// The chunk that begins at byte `from` of a text and ends at `end`, or sooner when that would
    /// be too much. Answers the chunk and where it ends.
    pub(super) fn chunk(
        &self,
        chat: &ChatId,
        source: Source,
        from: usize,
        end: usize,
    ) -> Option<(Arc<Live>, usize)> {
        let (turn_id, text) = self.text(source)?;
        let text = cut(text.get(from..end)?, CHUNK_BYTES_MAX);
        let body = source.chunk(from as u64, text.into());
        Some((Arc::new(Live { chat_id: chat.clone(), turn_id, body }), from + text.len()))
    }

    /// As [`chunk`](Self::chunk), for one of several readers: those in step get the same `Arc`.
    pub(super) fn shared_chunk(
        &mut self,
        chat: &ChatId,
        source: Source,
        from: usize,
        end: usize,
    ) -> Option<(Arc<Live>, usize)> {
        if let Some(last) = &self.last_chunk
            && (last.source, last.from) == (source, from)
            && (last.to == end || last.to - from > CHUNK_BYTES_MAX - 4)
        {
            return Some((Arc::clone(&last.event), last.to));
        }
        let (event, to) = self.chunk(chat, source, from, end)?;
        self.last_chunk = Some(LastChunk { source, from, to, event: Arc::clone(&event) });
        Some((event, to))
    }

    /// Whether byte `at` of a text begins a character or is the end.
    pub(super) fn is_boundary(&self, source: Source, at: usize) -> bool {
        self.text(source).is_some_and(|(_, text)| text.is_char_boundary(at))
    }

    /// Bytes of all texts together.
    pub(super) fn bytes(&self) -> usize {
        let open = self.open.as_ref().map_or(0, |open| open.text.len() + open.reasoning.len());
        open + self.others.values().map(|growing| growing.text.len()).sum::<usize>()
    }

    /// The texts of the open message from these bytes on.
    pub(super) fn shown(&self, message: MessageId, text: usize, reasoning: usize) -> Option<Shown> {
        let open = self.open.as_ref().filter(|open| open.message == message)?;
        Some(Shown {
            text: open.text.get(text..).unwrap_or_default().into(),
            reasoning: open.reasoning.get(reasoning..).unwrap_or_default().into(),
        })
    }
}

impl Open {
    fn new(message: MessageId, turn: TurnId) -> Self {
        Self { message, turn, sealed: false, text: String::new(), reasoning: String::new() }
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
