//! One of each refusal and fault.

use polychat_core::{CommandError, Cursor, Fault, FaultKind, Refusal};

use crate::samples;

/// Every refusal, with all its facts, and once more without those that may be missing.
#[must_use]
pub fn every_refusal() -> Vec<Refusal> {
    let mut refusals = refusals_of_chats();
    refusals.extend(refusals_of_prompts());
    refusals.extend(refusals_of_worlds());
    refusals
}

fn refusals_of_chats() -> Vec<Refusal> {
    let chat_id = samples::chat_id("a");
    let turn_id = samples::turn_id(4);
    vec![
        Refusal::UnknownChat { chat_id: chat_id.clone() },
        Refusal::ChatExists { chat_id: chat_id.clone() },
        Refusal::ChatDeleted { chat_id },
        Refusal::ChatClosed {},
        Refusal::ChatBusy { turn_id: Some(turn_id), queued: 2 },
        Refusal::ChatBusy { turn_id: None, queued: 0 },
        Refusal::ChatFailed { reason: "damaged log".into() },
        Refusal::ChatStalled { reason: "disk full".into() },
        Refusal::ChatFull { events: 10, max: 10 },
        Refusal::LogFull { events: 10, max: 10 },
        Refusal::NothingRunning {},
        Refusal::TurnNotRunning { turn_id, running: Some(samples::turn_id(7)) },
        Refusal::TurnNotRunning { turn_id, running: None },
        Refusal::UnknownMessage { message_id: samples::message_id(5) },
        Refusal::UnknownTurn { turn_id },
        Refusal::ApprovalNotPending { tool_call_id: samples::tool_call_id(5, 0) },
        Refusal::DecisionMismatch { tool_call_id: samples::tool_call_id(5, 1) },
        Refusal::CursorInvalid { cursor: Cursor::after(samples::seq(12)), head: samples::seq(9) },
    ]
}

fn refusals_of_prompts() -> Vec<Refusal> {
    let prompt_id = samples::prompt_id("p-1");
    vec![
        Refusal::QueueFull { max: 256 },
        Refusal::TooLarge { what: "prompt".into(), bytes: 11, max: 10 },
        Refusal::InvalidInput { what: "limit".into(), why: "is 0".into() },
        Refusal::Conflict { prompt_id: prompt_id.clone() },
        Refusal::UnknownPrompt { prompt_id: prompt_id.clone() },
        Refusal::PromptNotWaiting { prompt_id },
    ]
}

fn refusals_of_worlds() -> Vec<Refusal> {
    let agent = samples::agent_name("guide");
    vec![
        Refusal::UnknownAgent { agent: agent.clone() },
        Refusal::AgentInUse { agent },
        Refusal::Overloaded { scope: "chat".into(), max: 64 },
        Refusal::LiveChatsFull { max: 20_000 },
        Refusal::SubscribersFull { max: 1_024 },
        Refusal::RateLimited { max: 60, wait_ms: 1_500 },
        Refusal::WorldClosed {},
        Refusal::Unsupported { what: "search".into() },
        Refusal::Forbidden {},
        Refusal::NameTaken { what: "tool".into(), name: "dice".into() },
        Refusal::UnknownCall { call_id: "c7".into() },
    ]
}

/// Every fault.
#[must_use]
pub fn every_fault() -> Vec<Fault> {
    [
        FaultKind::StoreUnavailable,
        FaultKind::ChatRestarted,
        FaultKind::Protocol,
        FaultKind::ConnectionLost,
    ]
    .map(|kind| Fault::new(kind, "it broke"))
    .into()
}

/// Every refusal and every fault.
#[must_use]
pub fn every_error() -> Vec<CommandError> {
    let refusals = every_refusal().into_iter().map(CommandError::Refused);
    refusals.chain(every_fault().into_iter().map(CommandError::Fault)).collect()
}
