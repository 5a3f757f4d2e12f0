//! Violations that stand in one chat's log. The healthy log of `a` ends at 34, idle.

use polychat_core::{
    ChatId, Event, TurnOutcome,
    event::{PromptMode, WithdrawReason},
};
use polychat_testkit::checker::{
    LogFault as F, OpenWork,
    RunState::{Live, Quiet},
    Violation::Log,
};

use crate::{
    Plant,
    company::{asked, asks_for, starts},
    plant,
    story::{
        Story, accepted, begins, call, chat, created, ended, message, prompt, saves, says, seq,
        started, tool_result, turn,
    },
};

const QUEUE: PromptMode = PromptMode::Queue;
const INTERRUPT: PromptMode = PromptMode::Interrupt;

/// A prompt `x` at 35, its turn at 36, its first message at 37.
fn turn_with(story: &mut Story, more: Vec<Event>) {
    let begin = vec![accepted("x", QUEUE, "x"), started(&["x"]), begins(36, 1)];
    story.commit("a", [begin, more].concat());
}

fn withdrawn(id: &str) -> Event {
    Event::PromptWithdrawn { prompt_id: prompt(id), reason: WithdrawReason::Requested }
}
fn edited(id: &str) -> Event {
    Event::PromptEdited { prompt_id: prompt(id), parts: None, mode: Some(INTERRUPT) }
}
fn joined(id: &str, n: u64) -> Event {
    Event::PromptJoined { prompt_id: prompt(id), turn_id: turn(n) }
}
fn resolved(n: u64) -> Event {
    Event::ApprovalResolved { tool_call_id: call(n), decision: None }
}
fn imported() -> Event {
    let message = polychat_core::event::ImportedMessage::User { parts: Vec::new() };
    let written_at = polychat_core::Timestamp(0);
    Event::MessageImported {
        source_id: None,
        message: Box::new(message),
        written_at,
        metadata: polychat_core::Metadata::NONE,
    }
}
fn b() -> ChatId {
    chat("b")
}

#[rustfmt::skip]
pub(crate) fn plants() -> Vec<Plant> {
    let mut plants = shape();
    plants.extend(turns_and_messages());
    plants.extend(calls());
    plants.extend(prompts());
    plants
}

#[rustfmt::skip]
fn shape() -> Vec<Plant> {
    vec![
        plant!("a seq is given twice", Live,
            |story, _| { let again = story.facts[story.stored("a", 32)].clone(); story.facts.push(again); },
            Log { fault: F::SeqReused, .. }),
        plant!("a seq is left out", Live,
            |story, _| { story.commit("a", vec![Event::ChatReopened {}]); story.alter("a", 35, |r| r.seq = seq(36)); },
            Log { fault: F::SeqGap { .. }, .. }),
        plant!("a record of another chat", Live,
            |story, _| { story.commit("a", vec![Event::ChatReopened {}]); story.alter("a", 35, |r| r.chat_id = b()); },
            Log { fault: F::ForeignRecord { .. }, .. }),
        plant!("created a second time", Live, |story, _| { story.commit("a", vec![created()]); },
            Log { fault: F::CreatedMisplaced, .. }),
        plant!("an event after the deletion", Live, |story, _| { story.commit("b", vec![Event::ChatReopened {}]); },
            Log { fault: F::AfterDelete, .. }),
        plant!("deleted with a turn open", Live, |story, _| turn_with(story, vec![Event::ChatDeleted {}]),
            Log { fault: F::EndedWithOpen { open: OpenWork::Message(_) }, .. }),
        plant!("copied history in the middle of a life", Live, |story, _| { story.commit("a", vec![imported()]); },
            Log { fault: F::ImportedLate, .. }),
        plant!("history cut in the middle of a turn", Live,
            |story, _| turn_with(story, vec![Event::HistoryTruncated { from: message(2) }]),
            Log { fault: F::TruncatedMidTurn { .. }, .. }),
        plant!("history cut from what is cut already", Live,
            |story, _| { story.commit("a", vec![Event::HistoryTruncated { from: message(19) }]); },
            Log { fault: F::TruncatedUnknown { .. }, .. }),
    ]
}

#[rustfmt::skip]
fn turns_and_messages() -> Vec<Plant> {
    vec![
        plant!("two active turns", Live,
            |story, _| { story.commit("a", vec![accepted("x", QUEUE, "x"), accepted("y", QUEUE, "y"), started(&["x"]), started(&["y"])]); },
            Log { fault: F::TwoTurns { .. }, .. }),
        plant!("a turn for no prompt", Live, |story, _| { story.commit("a", vec![started(&[])]); },
            Log { fault: F::TurnWithoutPrompts, .. }),
        plant!("a turn in a closed chat", Live,
            |story, _| { story.commit("a", vec![accepted("x", QUEUE, "x"), Event::ChatClosed {}, started(&["x"])]); },
            Log { fault: F::TurnWhileClosed, .. }),
        plant!("an ended turn ends again", Live,
            |story, _| { story.commit("a", vec![ended(28, TurnOutcome::Completed)]); },
            Log { fault: F::ForeignTurn { running: None, .. }, .. }),
        plant!("a turn ends with its message open", Live,
            |story, _| turn_with(story, vec![ended(36, TurnOutcome::Completed)]),
            Log { fault: F::EndedWithOpen { open: OpenWork::Message(_) }, .. }),
        plant!("a turn ends with a call unanswered", Live,
            |story, _| turn_with(story, vec![asks_for(37, "", &["read"]), ended(36, TurnOutcome::Completed)]),
            Log { fault: F::EndedWithOpen { open: OpenWork::Call(_) }, .. }),
        plant!("a message without an end", Quiet, |story, _| turn_with(story, vec![]),
            Log { fault: F::Unfinished { open: OpenWork::Message(_) }, .. }),
        plant!("a turn without an end", Quiet, |story, _| turn_with(story, vec![says(37, "", 0)]),
            Log { fault: F::Unfinished { open: OpenWork::Turn(_) }, .. }),
        plant!("a message with two ends", Live, |story, _| { story.commit("a", vec![says(29, "Better.", 0)]); },
            Log { fault: F::MessageEndedTwice { .. }, .. }),
        plant!("the end of no message", Live, |story, _| { story.commit("a", vec![says(33, "", 0)]); },
            Log { fault: F::MessageNotOpen { .. }, .. }),
        plant!("two open messages", Live, |story, _| turn_with(story, vec![begins(36, 2)]),
            Log { fault: F::TwoMessages { .. }, .. }),
        plant!("a message of a turn that has ended", Live, |story, _| { story.commit("a", vec![begins(28, 1)]); },
            Log { fault: F::ForeignTurn { .. } | F::StepOutOfOrder { .. }, .. }),
        plant!("a step is left out", Live, |story, _| turn_with(story, vec![says(37, "", 0), begins(36, 3)]),
            Log { fault: F::StepOutOfOrder { .. }, .. }),
        plant!("the next step before the results of this one", Live,
            |story, _| turn_with(story, vec![says(37, "", 1), begins(36, 2)]),
            Log { fault: F::StepBeforeResults { .. }, .. }),
        plant!("a checkpoint that is no prefix", Live, |story, _| story.alter("a", 5, |r| r.event = saves(4, "I saw ")),
            Log { fault: F::CheckpointNotPrefix { .. }, .. }),
        plant!("a text that the model never said", Live, |story, _| story.alter("a", 30, |r| r.event = says(29, "Bitter.", 0)),
            Log { fault: F::TextNotReleased { .. }, .. }),
        plant!("a text whose end was lost", Live, |story, _| story.alter("a", 30, |r| r.event = says(29, "Bett", 0)),
            Log { fault: F::TextNotReleased { .. }, .. }),
    ]
}

#[rustfmt::skip]
fn calls() -> Vec<Plant> {
    vec![
        plant!("a tool result without a start", Live,
            |story, _| turn_with(story, vec![asks_for(37, "", &["read"]), tool_result(37, "")]),
            Log { fault: F::CallNotStarted { .. }, .. }),
        plant!("a tool that starts twice", Live,
            |story, _| turn_with(story, vec![asks_for(37, "", &["read"]), starts(37, 0, "read"), starts(37, 0, "read")]),
            Log { fault: F::CallStartedTwice { .. }, .. }),
        plant!("a late tool result of an ended turn", Live, |story, _| { story.commit("a", vec![tool_result(4, "late")]); },
            Log { fault: F::CallEndedTwice { .. }, .. }),
        plant!("two results of one call", Live,
            |story, _| turn_with(story, vec![asks_for(37, "", &["read"]), starts(37, 0, "read"), tool_result(37, ""), tool_result(37, "")]),
            Log { fault: F::CallEndedTwice { .. }, .. }),
        plant!("a call that nobody asked for", Live,
            |story, _| turn_with(story, vec![says(37, "", 0), starts(37, 0, "read")]),
            Log { fault: F::UnknownCall { .. }, .. }),
        plant!("an approval after the start", Live,
            |story, _| turn_with(story, vec![asks_for(37, "", &["read"]), starts(37, 0, "read"), asked(37, 0, "read")]),
            Log { fault: F::ApprovalAfterStart { .. }, .. }),
        plant!("a start before the approval", Live,
            |story, _| turn_with(story, vec![asks_for(37, "", &["look"]), asked(37, 0, "look"), starts(37, 0, "look")]),
            Log { fault: F::StartWithoutApproval { .. }, .. }),
        plant!("a start of what nobody allowed", Live,
            |story, _| turn_with(story, vec![asks_for(37, "", &["look"]), asked(37, 0, "look"), resolved(37), starts(37, 0, "look")]),
            Log { fault: F::StartWithoutApproval { .. }, .. }),
        plant!("an approval that is asked for twice", Live,
            |story, _| turn_with(story, vec![asks_for(37, "", &["look"]), asked(37, 0, "look"), asked(37, 0, "look")]),
            Log { fault: F::ApprovalAskedTwice { .. }, .. }),
        plant!("an approval with two decisions", Live,
            |story, _| turn_with(story, vec![asks_for(37, "", &["look"]), asked(37, 0, "look"), resolved(37), resolved(37)]),
            Log { fault: F::ApprovalNotPending { .. }, .. }),
    ]
}

#[rustfmt::skip]
fn prompts() -> Vec<Plant> {
    vec![
        plant!("a prompt accepted twice", Live, |story, _| { story.commit("a", vec![accepted("p1", QUEUE, "heron")]); },
            Log { fault: F::AcceptedTwice { .. }, .. }),
        plant!("a prompt accepted by a closed chat", Live,
            |story, _| { story.commit("a", vec![Event::ChatClosed {}, accepted("x", QUEUE, "x")]); },
            Log { fault: F::AcceptedWhileClosed { .. }, .. }),
        plant!("a busy chat accepts what asked to be rejected", Live,
            |story, _| turn_with(story, vec![accepted("y", PromptMode::Reject, "y")]),
            Log { fault: F::AcceptedWhileBusy { .. }, .. }),
        plant!("a prompt that never ends", Quiet, |story, _| { story.commit("a", vec![accepted("x", QUEUE, "x")]); },
            Log { fault: F::Unfinished { open: OpenWork::Queue }, .. }),
        plant!("a prompt with two outcomes", Live, |story, _| { story.commit("a", vec![withdrawn("p1")]); },
            Log { fault: F::TwoOutcomes { .. }, .. }),
        plant!("a withdrawn prompt that runs", Live,
            |story, _| { story.commit("a", vec![accepted("x", QUEUE, "x"), withdrawn("x"), started(&["x"])]); },
            Log { fault: F::TwoOutcomes { .. }, .. }),
        plant!("a prompt in two turns", Live, |story, _| { story.commit("a", vec![started(&["p1"])]); },
            Log { fault: F::PromptInTwoTurns { .. }, .. }),
        plant!("a turn for a prompt that nobody sent", Live, |story, _| { story.commit("a", vec![started(&["ghost"])]); },
            Log { fault: F::UnknownPrompt { .. }, .. }),
        plant!("an edit of a prompt that has run", Live, |story, _| { story.commit("a", vec![edited("p1")]); },
            Log { fault: F::PromptNotWaiting { .. }, .. }),
        plant!("a prompt that joins a foreign turn", Live,
            |story, _| turn_with(story, vec![says(37, "", 0), accepted("y", PromptMode::Steer, "y"), joined("y", 28)]),
            Log { fault: F::ForeignTurn { .. }, .. }),
        plant!("a prompt that joins though it only queued", Live,
            |story, _| turn_with(story, vec![says(37, "", 0), accepted("y", QUEUE, "y"), joined("y", 36)]),
            Log { fault: F::JoinedWithoutSteering { .. }, .. }),
        plant!("a later prompt runs before an earlier one", Live,
            |story, _| { story.commit("a", vec![accepted("x", QUEUE, "x"), accepted("y", QUEUE, "y"), started(&["y"])]); },
            Log { fault: F::QueueOrder { .. }, .. }),
        plant!("an older interrupt runs before a newer one", Live,
            |story, _| { story.commit("a", vec![accepted("x", INTERRUPT, "x"), accepted("y", INTERRUPT, "y"), started(&["x"])]); },
            Log { fault: F::QueueOrder { .. }, .. }),
        plant!("the queue runs before a prompt that steered in vain", Live,
            |story, _| { story.commit("a", vec![accepted("x", QUEUE, "x"), accepted("y", PromptMode::Steer, "y"), started(&["x"])]); },
            Log { fault: F::QueueOrder { .. }, .. }),
        plant!("an edit to interrupt that moves nothing", Live,
            |story, _| { story.commit("a", vec![accepted("x", QUEUE, "x"), accepted("y", QUEUE, "y"), edited("y"), started(&["x"])]); },
            Log { fault: F::QueueOrder { .. }, .. }),
        plant!("a turn goes on after an interrupt", Live,
            |story, _| turn_with(story, vec![accepted("y", INTERRUPT, "y"), says(37, "", 0), begins(36, 2)]),
            Log { fault: F::WorkAfterInterrupt { .. }, .. }),
    ]
}
