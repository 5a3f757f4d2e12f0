//! How each event changes a [`ChatView`].

use polychat_core::{
    Event, Live, LiveBody, PromptId, PromptOutcome, Recorded, Seq, ToolCallId, TurnId,
    content::{Part, text_of},
    event::{ImportedMessage, PromptBody, PromptMode},
    seq::MessageId,
    tool::ToolCall,
};

use super::{
    CallState, ChatView, MessageState, Speaker, ViewCall, ViewError, ViewMessage, ViewPrompt,
    ViewPromptState,
};
use crate::checker::place::Place;

impl ViewMessage {
    fn new(id: MessageId, turn: Option<TurnId>, speaker: Speaker, text: String) -> Self {
        Self {
            id,
            turn,
            speaker,
            text,
            reasoning: String::new(),
            state: MessageState::Ended,
            text_saved: 0,
            reasoning_saved: 0,
        }
    }

    fn end(&mut self, text: &str, reasoning: &str, state: MessageState) {
        // The record supersedes whatever was shown.
        self.text = text.to_owned();
        self.reasoning = reasoning.to_owned();
        (self.text_saved, self.reasoning_saved) = (text.len(), reasoning.len());
        self.state = state;
    }
}

impl ChatView {
    pub(super) fn recorded(&mut self, recorded: &Recorded) -> Result<(), ViewError> {
        if recorded.chat_id != self.chat_id {
            return Err(ViewError::ForeignChat(recorded.chat_id.clone()));
        }
        let (expected, got) = (self.head.next(), recorded.seq);
        if got != expected {
            return Err(ViewError::OutOfOrder { expected, got });
        }
        self.head = got;
        let after_cut = std::mem::take(&mut self.cut);
        match &recorded.event {
            Event::PromptAccepted { prompt_id, mode, body } => {
                let place = if after_cut { Place::first(got) } else { Place::sent(*mode, got) };
                self.accept(prompt_id, place, body, got);
            }
            Event::MessageImported { message, .. } => self.import(MessageId(got), message),
            event => {
                self.fold_chat(event);
                self.fold_prompts(got, event);
                self.fold_messages(got, event);
                self.fold_calls(event);
            }
        }
        Ok(())
    }

    pub(super) fn live(&mut self, live: &Live) -> Result<(), ViewError> {
        if live.chat_id != self.chat_id {
            return Err(ViewError::ForeignChat(live.chat_id.clone()));
        }
        match &live.body {
            LiveBody::MessageChunk { message_id, offset, text } => {
                let open = self.written(*message_id).ok_or(ViewError::NotOpen)?;
                extend(&mut open.text, *offset, text)
            }
            LiveBody::ReasoningChunk { message_id, offset, text } => {
                let open = self.written(*message_id).ok_or(ViewError::NotOpen)?;
                extend(&mut open.reasoning, *offset, text)
            }
            LiveBody::ToolOutput { tool_call_id, offset, text } => {
                let call = self.running(*tool_call_id).ok_or(ViewError::NotOpen)?;
                extend(&mut call.shown, *offset, text)
            }
            LiveBody::ToolProgress { tool_call_id, progress } => {
                let call = self.running(*tool_call_id).ok_or(ViewError::NotOpen)?;
                call.progress = Some(progress.clone());
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn fold_chat(&mut self, event: &Event) {
        match event {
            Event::ChatCreated { title, .. } => self.title = title.clone(),
            Event::ChatUpdated { title, archived, .. } => {
                if let Some(title) = title {
                    self.title = title.clone();
                }
                self.archived = archived.unwrap_or(self.archived);
            }
            Event::ChatClosed {} => self.closed = true,
            Event::ChatReopened {} => self.closed = false,
            Event::ChatDeleted {} => self.deleted = true,
            Event::HistoryTruncated { from } => self.truncate(*from),
            _ => {}
        }
    }

    fn fold_prompts(&mut self, seq: Seq, event: &Event) {
        match event {
            Event::PromptEdited { prompt_id, parts, mode } => {
                if let Some(prompt) = self.prompts.get_mut(prompt_id) {
                    prompt.edit(seq, parts.as_ref(), *mode);
                }
            }
            Event::PromptWithdrawn { prompt_id, .. } => {
                if let Some(prompt) = self.prompts.get_mut(prompt_id) {
                    prompt.state = ViewPromptState::Ended(PromptOutcome::Withdrawn);
                }
            }
            Event::PromptJoined { prompt_id, turn_id } => self.take(prompt_id, *turn_id),
            Event::TurnStarted { prompt_ids, .. } => {
                self.turn = Some(TurnId(seq));
                for prompt in prompt_ids {
                    self.take(prompt, TurnId(seq));
                }
            }
            Event::TurnEnded { turn_id, outcome } => {
                self.turn = None;
                for prompt in self.prompts.values_mut() {
                    if prompt.state == ViewPromptState::Running(*turn_id) {
                        prompt.state = ViewPromptState::Ended(outcome.clone().into());
                    }
                }
            }
            _ => {}
        }
    }

    fn fold_messages(&mut self, seq: Seq, event: &Event) {
        match event {
            Event::MessageStart { turn_id, .. } => {
                let (id, turn) = (MessageId(seq), Some(*turn_id));
                let mut message = ViewMessage::new(id, turn, Speaker::Assistant, String::new());
                message.state = MessageState::Open;
                self.messages.push(message);
            }
            Event::MessageCheckpoint { message_id, text, reasoning } => {
                if let Some(open) = self.written(*message_id) {
                    save(&mut open.text, &mut open.text_saved, text);
                    save(&mut open.reasoning, &mut open.reasoning_saved, reasoning);
                }
            }
            Event::MessageEnd { message_id, text, reasoning, tool_calls, .. } => {
                if let Some(open) = self.written(*message_id) {
                    open.end(text, reasoning, MessageState::Ended);
                }
                self.ask(*message_id, tool_calls);
            }
            Event::MessageError { message_id, text, reasoning, failure } => {
                if let Some(open) = self.written(*message_id) {
                    open.end(text, reasoning, MessageState::Broken(failure.clone()));
                }
            }
            _ => {}
        }
    }

    fn fold_calls(&mut self, event: &Event) {
        let (id, state, output) = match event {
            Event::ToolStart { tool_call_id, .. } => (tool_call_id, CallState::Running, None),
            Event::ToolResult { tool_call_id, output } => {
                (tool_call_id, CallState::Answered, Some(&output.parts))
            }
            Event::ToolError { tool_call_id, failure } => {
                (tool_call_id, CallState::Failed(failure.clone()), None)
            }
            Event::ApprovalRequested { tool_call_id, .. } => {
                (tool_call_id, CallState::Awaiting, None)
            }
            Event::ApprovalResolved { tool_call_id, .. } => {
                (tool_call_id, CallState::Decided, None)
            }
            _ => return,
        };
        let Some(call) = self.calls.get_mut(id) else { return };
        let ended = matches!(call.state, CallState::Answered | CallState::Failed(_));
        if !ended {
            call.state = state;
            call.shown.clear();
            call.progress = None;
            call.output = output.cloned().unwrap_or_default();
        }
    }

    fn accept(&mut self, id: &PromptId, place: Place, body: &PromptBody, accepted: Seq) {
        let state = ViewPromptState::Waiting;
        let prompt = ViewPrompt { accepted, parts: body.parts.clone(), state, place };
        self.prompts.insert(id.clone(), prompt);
    }

    fn take(&mut self, id: &PromptId, turn: TurnId) {
        let Some(prompt) = self.prompts.get_mut(id) else { return };
        prompt.state = ViewPromptState::Running(turn);
        let (message, text) = (MessageId(prompt.accepted), text_of(&prompt.parts));
        let speaker = Speaker::User(Some(id.clone()));
        self.messages.push(ViewMessage::new(message, Some(turn), speaker, text));
    }

    fn import(&mut self, id: MessageId, message: &ImportedMessage) {
        let (speaker, text) = match message {
            ImportedMessage::User { parts } => (Speaker::User(None), text_of(parts)),
            ImportedMessage::Assistant { parts, .. } => (Speaker::Assistant, text_of(parts)),
            ImportedMessage::Tool { output, .. } => (Speaker::Tool, text_of(&output.parts)),
            _ => return,
        };
        self.messages.push(ViewMessage::new(id, None, speaker, text));
    }

    fn ask(&mut self, message: MessageId, calls: &[ToolCall]) {
        for (index, call) in (0..=u16::MAX).zip(calls) {
            let asked = ViewCall {
                name: call.name.clone(),
                state: CallState::Asked,
                shown: String::new(),
                progress: None,
                output: Vec::new(),
            };
            self.calls.insert(ToolCallId { message, index }, asked);
        }
    }

    fn truncate(&mut self, from: MessageId) {
        self.cut = true;
        let Some(place) = self.messages.iter().position(|message| message.id == from) else {
            return;
        };
        let gone = self.messages.split_off(place);
        let gone: std::collections::HashSet<_> = gone.iter().map(|message| message.id).collect();
        self.calls.retain(|call, _| !gone.contains(&call.message));
    }

    fn written(&mut self, id: MessageId) -> Option<&mut ViewMessage> {
        let open = self.messages.iter_mut().rev();
        open.into_iter().find(|message| message.id == id && message.state == MessageState::Open)
    }

    fn running(&mut self, id: ToolCallId) -> Option<&mut ViewCall> {
        self.calls.get_mut(&id).filter(|call| call.state == CallState::Running)
    }
}

impl ViewPrompt {
    fn edit(&mut self, seq: Seq, parts: Option<&Vec<Part>>, mode: Option<PromptMode>) {
        if let Some(parts) = parts {
            self.parts.clone_from(parts);
        }
        if let Some(mode) = mode {
            self.place = Place::moved(mode, seq);
        }
    }
}

/// Appends what is new of a piece of text that begins at `offset`.
fn extend(known: &mut String, offset: u64, text: &str) -> Result<(), ViewError> {
    let expected = known.len() as u64;
    let Some(overlap) = expected.checked_sub(offset) else {
        return Err(ViewError::TextGap { expected, offset });
    };
    let new = usize::try_from(overlap).ok().and_then(|overlap| text.get(overlap..));
    known.push_str(new.unwrap_or_default());
    Ok(())
}

/// Appends what is new of a checkpoint, which follows what was saved before.
fn save(known: &mut String, saved: &mut usize, text: &str) {
    let overlap = known.len().saturating_sub(*saved);
    known.push_str(text.get(overlap..).unwrap_or_default());
    *saved += text.len();
}
