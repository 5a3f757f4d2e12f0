//! What happens within a step: its message, and the calls that the message asks for.

use std::sync::Arc;

use super::Applied;
use crate::{
    event::Event,
    message::Role,
    rules::{
        ChatState,
        state::{Calls, OpenStep, Phase, Work},
        written::{Origin, written},
    },
    seq::{MessageId, Seq, Timestamp, ToolCallId},
    tool::ToolCall,
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
                turn.answered_by(agent);
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
            Event::MessageEnd { message_id, .. } | Event::MessageError { message_id, .. } => {
                self.close_message(*message_id, seq, at, event)
            }
            _ => Ok(()),
        }
    }

    fn close_message(&mut self, id: MessageId, seq: Seq, at: Timestamp, end: &Event) -> Applied {
        let turn = self.turn.as_mut().ok_or("a message ends outside a turn")?;
        let Work::Message(step) = &turn.work else { return Err("the message is not open") };
        if step.message != id {
            return Err("another message is open");
        }
        let origin = Origin { turn: turn.id, author: Some(&step.config.name) };
        let message = written(origin, seq, at, end).ok_or("no end of a message")?;
        let Role::Assistant { reasoning, tool_calls, .. } = &message.role else {
            return Err("no end of a message");
        };
        if tool_calls.len() > usize::from(u16::MAX) {
            return Err("a message asks for more calls than there are names for");
        }
        turn.output_bytes += crate::content::bytes_of(&message.parts) + reasoning.len();
        turn.work = if tool_calls.is_empty() {
            Work::Between
        } else {
            Work::Calls(Calls {
                message: id,
                config: Arc::clone(&step.config),
                calls: tool_calls.iter().map(|call| (call.clone(), Phase::Ready)).collect(),
            })
        };
        self.history.push(Arc::new(message));
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
        end: &Event,
    ) -> Applied {
        // A call that was refused, denied or stopped ends without a start; a result needs one.
        let failed = matches!(end, Event::ToolError { .. });
        let may = if failed { is_ready_or_running } else { is_running };
        self.move_call(id, may, Phase::Ended)?;
        let turn = self.turn.as_mut().ok_or("a call outside a turn")?;
        if let Work::Calls(calls) = &turn.work
            && calls.calls.iter().all(|(_, phase)| *phase == Phase::Ended)
        {
            turn.work = Work::Between;
        }
        let origin = Origin { turn: turn.id, author: None };
        let message = written(origin, seq, at, end).ok_or("no end of a call")?;
        self.history.push_in_order(Arc::new(message));
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
