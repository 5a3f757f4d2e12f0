//! What happens within a step: its message, and the calls that the message asks for.

use std::sync::Arc;

use super::Applied;
use crate::{
    content::{Metadata, Part, Text},
    event::Event,
    message::{Message, Role, Usage},
    outcome::Failure,
    rules::{
        ChatState,
        state::{Calls, OpenStep, Phase, Work},
    },
    seq::{MessageId, Seq, Timestamp, ToolCallId},
    tool::{ToolCall, ToolOutput},
};

impl ChatState {
    pub(super) fn apply_message(&mut self, seq: Seq, at: Timestamp, event: &Event) -> Applied {
        match event {
            Event::MessageStart { turn_id, step, agent, omitted } => {
                let turn = self.running(*turn_id)?;
                if !matches!(turn.work, Work::Between) || *step != turn.step + 1 {
                    return Err("a message starts out of turn");
                }
                turn.step = *step;
                turn.config = Some(Arc::clone(agent));
                turn.work = Work::Message(OpenStep {
                    message: MessageId(seq),
                    config: Arc::clone(agent),
                    omitted_messages: omitted.messages as usize,
                    saved_text: String::new(),
                    saved_reasoning: String::new(),
                });
                Ok(())
            }
            Event::MessageCheckpoint { message_id, text, reasoning } => {
                let turn = self.turn.as_mut().ok_or("a checkpoint outside a turn")?;
                match &mut turn.work {
                    Work::Message(step) if step.message == *message_id => {
                        step.saved_text.push_str(text);
                        step.saved_reasoning.push_str(reasoning);
                        Ok(())
                    }
                    _ => Err("a checkpoint of a message that is not open"),
                }
            }
            Event::MessageEnd {
                message_id, text, reasoning, opaque, tool_calls, usage, ..
            } => {
                let calls = tool_calls.clone();
                let mut parts: Vec<Part> = Vec::with_capacity(1 + opaque.len());
                parts.extend((!text.is_empty()).then(|| Part::Text { text: Arc::clone(text) }));
                parts.extend(opaque.iter().cloned());
                let answer = Answer { parts, reasoning, calls, usage: *usage, failure: None };
                self.close_message(*message_id, at, answer)
            }
            Event::MessageError { message_id, text, reasoning, failure } => {
                let text = (!text.is_empty()).then(|| Part::Text { text: Arc::clone(text) });
                let answer = Answer {
                    parts: text.into_iter().collect(),
                    reasoning,
                    calls: Vec::new(),
                    usage: Usage::default(),
                    failure: Some(failure.clone()),
                };
                self.close_message(*message_id, at, answer)
            }
            _ => Ok(()),
        }
    }

    fn close_message(&mut self, id: MessageId, at: Timestamp, answer: Answer<'_>) -> Applied {
        let turn = self.turn.as_mut().ok_or("a message ends outside a turn")?;
        let Work::Message(step) = &turn.work else { return Err("the message is not open") };
        if step.message != id {
            return Err("another message is open");
        }
        let Answer { parts, reasoning, calls, usage, failure } = answer;
        if calls.len() > usize::from(u16::MAX) {
            return Err("a message asks for more calls than there are names for");
        }
        turn.output_bytes += crate::content::bytes_of(&parts) + reasoning.len();
        let (turn_id, author) = (turn.id, step.config.name.clone());
        turn.work = if calls.is_empty() {
            Work::Between
        } else {
            Work::Calls(Calls {
                message: id,
                config: Arc::clone(&step.config),
                calls: calls.iter().map(|call| (call.clone(), Phase::Ready)).collect(),
            })
        };
        self.history.push(Message {
            id,
            turn_id: Some(turn_id),
            at,
            role: Role::Assistant {
                author: Some(author),
                reasoning: Arc::clone(reasoning),
                tool_calls: calls,
                usage,
            },
            parts,
            failure,
            metadata: Metadata::NONE,
        });
        Ok(())
    }

    /// Moves a call of the running step to `to`, if it `may`, and answers with the call.
    pub(super) fn move_call(
        &mut self,
        id: ToolCallId,
        may: fn(Phase) -> bool,
        to: Phase,
    ) -> Result<ToolCall, &'static str> {
        let turn = self.turn.as_mut().ok_or("a call outside a turn")?;
        let Work::Calls(calls) = &mut turn.work else { return Err("no calls are open") };
        if calls.message != id.message {
            return Err("a call of another message");
        }
        let slot = calls.calls.get_mut(usize::from(id.index)).ok_or("no such call")?;
        if !may(slot.1) {
            return Err("the call is not at this point");
        }
        slot.1 = to;
        Ok(slot.0.clone())
    }

    pub(super) fn apply_tool_end(
        &mut self,
        seq: Seq,
        at: Timestamp,
        id: ToolCallId,
        output: ToolOutput,
        failure: Option<Failure>,
    ) -> Applied {
        // A call that was refused, denied or stopped ends without a start; a result needs one.
        let may = if failure.is_some() { is_ready_or_running } else { is_running };
        self.move_call(id, may, Phase::Ended)?;
        let turn = self.turn.as_mut().ok_or("a call outside a turn")?;
        let turn_id = turn.id;
        if let Work::Calls(calls) = &turn.work
            && calls.calls.iter().all(|(_, phase)| *phase == Phase::Ended)
        {
            turn.work = Work::Between;
        }
        self.history.push_tool(Message {
            id: MessageId(seq),
            turn_id: Some(turn_id),
            at,
            role: Role::Tool { tool_call_id: id },
            parts: output.parts,
            failure,
            metadata: Metadata::NONE,
        });
        Ok(())
    }
}

pub(super) fn is_ready(phase: Phase) -> bool {
    phase == Phase::Ready
}

fn is_running(phase: Phase) -> bool {
    phase == Phase::Running
}

fn is_ready_or_running(phase: Phase) -> bool {
    is_ready(phase) || is_running(phase)
}

/// What becomes of an open message.
struct Answer<'a> {
    parts: Vec<Part>,
    reasoning: &'a Text,
    calls: Vec<ToolCall>,
    usage: Usage,
    failure: Option<Failure>,
}
