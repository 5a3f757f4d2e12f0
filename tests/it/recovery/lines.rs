//! A log as lines that people can compare.

use std::{collections::HashMap, sync::Arc};

use polychat::{
    Event, PromptId, Recorded,
    content::{bytes_of, text_of},
    event::WithdrawReason,
};

/// One line for each event. Prompts are named by their first text.
pub(super) fn lines(log: &[Arc<Recorded>]) -> Vec<String> {
    let mut texts = HashMap::new();
    log.iter().map(|recorded| line(&recorded.event, &mut texts)).collect()
}

fn line(event: &Event, texts: &mut HashMap<PromptId, String>) -> String {
    let text = |texts: &HashMap<PromptId, String>, id: &PromptId| {
        texts.get(id).cloned().unwrap_or_else(|| "?".to_owned())
    };
    match event {
        Event::PromptAccepted { prompt_id, body, .. } => {
            let said = text_of(&body.parts);
            texts.insert(prompt_id.clone(), said.clone());
            format!("accepted {said}")
        }
        Event::PromptJoined { prompt_id, .. } => format!("joined {}", text(texts, prompt_id)),
        Event::PromptWithdrawn { prompt_id, reason } => {
            let why = match reason {
                WithdrawReason::Requested => "requested",
                WithdrawReason::Closed => "closed",
                _ => "deleted",
            };
            format!("withdrawn {} {why}", text(texts, prompt_id))
        }
        Event::TurnStarted { prompt_ids, .. } => {
            let prompts: Vec<_> = prompt_ids.iter().map(|id| text(texts, id)).collect();
            format!("turn {}", prompts.join(", "))
        }
        Event::TurnHandedOff { to, .. } => format!("handed on to {to}"),
        Event::TurnEnded { outcome, .. } => format!("ended {}", outcome.as_str()),
        Event::MessageStart { agent, .. } => format!("asks {}", agent.name),
        Event::MessageCheckpoint { text, reasoning, .. } => {
            format!("saved {}", said(text, reasoning))
        }
        Event::MessageEnd { text, reasoning, .. } => format!("said {}", said(text, reasoning)),
        Event::MessageError { text, reasoning, failure, .. } => {
            format!("broke {} {}", said(text, reasoning), failure.kind.as_str())
        }
        Event::ToolStart { tool_call_id, .. } => format!("start {}", tool_call_id.index),
        Event::ToolResult { tool_call_id, output } => {
            format!("result {} of {} bytes", tool_call_id.index, bytes_of(&output.parts))
        }
        Event::ToolError { tool_call_id, failure } => {
            format!("error {} {}", tool_call_id.index, failure.kind.as_str())
        }
        Event::ApprovalRequested { tool_call_id, .. } => format!("asked {}", tool_call_id.index),
        Event::ApprovalResolved { tool_call_id, decision } => {
            let how = if decision.is_some() { "decided" } else { "dropped" };
            format!("{how} {}", tool_call_id.index)
        }
        other => other.name().to_owned(),
    }
}

/// Text, and behind a bar what was thought aloud.
fn said(text: &str, reasoning: &str) -> String {
    if reasoning.is_empty() { format!("{text:?}") } else { format!("{text:?} | {reasoning:?}") }
}
