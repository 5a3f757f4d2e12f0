//! Every recorded and every live event.

use std::sync::Arc;

use polychat_core::{
    ChatId, Event, Live, LiveBody, Timestamp, TurnOutcome,
    event::{
        ApprovalKind, FinishReason, ImportedMessage, Origin, PromptMode, TitleProvenance,
        WithdrawReason,
    },
    message::{Omitted, Usage},
    tool::{ApprovalDecision, ToolOutput},
};
use serde_json::json;

use super::{
    agent_config, agent_name, chat_id, every_part, failure, message_id, metadata, prompt_body,
    prompt_id, tool_call, tool_call_id, turn_id,
};

/// The names of all recorded events, in the order in which the core declares them.
///
/// The enum may grow, so no `match` can prove that [`every_event`] is complete; a test compares
/// its names with these.
pub const EVENT_NAMES: [&str; 23] = [
    "chat.created",
    "chat.updated",
    "chat.closed",
    "chat.reopened",
    "chat.deleted",
    "message.imported",
    "prompt.accepted",
    "prompt.edited",
    "prompt.withdrawn",
    "prompt.joined",
    "turn.started",
    "turn.handed_off",
    "turn.ended",
    "message.start",
    "message.checkpoint",
    "message.end",
    "message.error",
    "tool.start",
    "tool.result",
    "tool.error",
    "approval.requested",
    "approval.resolved",
    "history.truncated",
];

/// The names of all live events, in the order in which the core declares them.
pub const LIVE_NAMES: [&str; 4] =
    ["message.chunk", "reasoning.chunk", "tool.output", "tool.progress"];

/// Every recorded event, with all fields set and with only what is required.
#[must_use]
pub fn every_event() -> Vec<Event> {
    let mut events = chat_events();
    events.extend(imported_events());
    events.extend(prompt_events());
    events.extend(turn_events());
    events.extend(message_events());
    events.extend(tool_events());
    events
}

fn chat_events() -> Vec<Event> {
    let created = |origin| Event::ChatCreated {
        title: "Plans".into(),
        provenance: TitleProvenance::Manual,
        metadata: metadata("chat"),
        agent: Some(agent_name("guide")),
        context: metadata("context"),
        origin: Some(Box::new(origin)),
        archived: true,
    };
    vec![
        created(Origin::Fork { chat_id: chat_id("source"), message_id: message_id(7) }),
        created(Origin::Import {
            source: "agent-world".into(),
            created_at: Some(Timestamp(1_000)),
            updated_at: Some(Timestamp(2_000)),
        }),
        Event::ChatCreated {
            title: "".into(),
            provenance: TitleProvenance::Default,
            metadata: Default::default(),
            agent: None,
            context: Default::default(),
            origin: None,
            archived: false,
        },
        Event::ChatUpdated {
            title: Some("Better plans".into()),
            provenance: Some(TitleProvenance::Auto),
            metadata: Some(metadata("changed")),
            archived: Some(true),
            agent: Some(agent_name("critic")),
        },
        Event::ChatUpdated {
            title: None,
            provenance: None,
            metadata: None,
            archived: Some(false),
            agent: None,
        },
        Event::ChatClosed {},
        Event::ChatReopened {},
        Event::ChatDeleted {},
    ]
}

pub(super) fn imported_events() -> Vec<Event> {
    let imported = |message| Event::MessageImported {
        source_id: Some("msg-1".into()),
        message: Box::new(message),
        written_at: Timestamp(1_600_000_000_000),
        metadata: metadata("imported"),
    };
    vec![
        imported(ImportedMessage::User { parts: every_part() }),
        imported(ImportedMessage::Assistant {
            author: Some(agent_name("guide")),
            parts: every_part(),
            reasoning: "hm".into(),
            tool_calls: vec![tool_call()],
            usage: Usage::new(3, 4),
            failure: Some(failure()),
        }),
        imported(ImportedMessage::Tool {
            index: 0,
            output: ToolOutput { parts: every_part(), cut_bytes: 9, unshown_bytes: 8 },
            failure: Some(failure()),
        }),
        Event::MessageImported {
            source_id: None,
            message: Box::new(ImportedMessage::Assistant {
                author: None,
                parts: Vec::new(),
                reasoning: "".into(),
                tool_calls: Vec::new(),
                usage: Usage::default(),
                failure: None,
            }),
            written_at: Timestamp(0),
            metadata: Default::default(),
        },
    ]
}

fn prompt_events() -> Vec<Event> {
    let modes = [PromptMode::Queue, PromptMode::Steer, PromptMode::Interrupt, PromptMode::Reject];
    let reasons = [WithdrawReason::Requested, WithdrawReason::Closed, WithdrawReason::Deleted];
    let mut events = Vec::new();
    events.extend(modes.map(|mode| Event::PromptAccepted {
        prompt_id: prompt_id("p-1"),
        mode,
        body: prompt_body(),
    }));
    events.push(Event::PromptEdited {
        prompt_id: prompt_id("p-1"),
        parts: Some(every_part()),
        mode: Some(PromptMode::Steer),
    });
    events.push(Event::PromptEdited { prompt_id: prompt_id("p-1"), parts: None, mode: None });
    events.extend(
        reasons.map(|reason| Event::PromptWithdrawn { prompt_id: prompt_id("p-1"), reason }),
    );
    events.push(Event::PromptJoined { prompt_id: prompt_id("p-2"), turn_id: turn_id(3) });
    events
}

fn turn_events() -> Vec<Event> {
    let outcomes = [
        TurnOutcome::Completed,
        TurnOutcome::Cancelled,
        TurnOutcome::Failed { failure: failure() },
        TurnOutcome::Interrupted,
    ];
    let mut events = vec![
        Event::TurnStarted {
            prompt_ids: vec![prompt_id("p-1"), prompt_id("p-2")],
            agent: agent_name("guide"),
            then: vec![agent_name("critic")],
        },
        Event::TurnHandedOff {
            turn_id: turn_id(3),
            from: agent_name("guide"),
            to: agent_name("critic"),
        },
    ];
    events.extend(outcomes.map(|outcome| Event::TurnEnded { turn_id: turn_id(3), outcome }));
    events
}

fn message_events() -> Vec<Event> {
    let finishes =
        [FinishReason::Stop, FinishReason::ToolCalls, FinishReason::Length, FinishReason::Filtered];
    let mut events = vec![
        Event::MessageStart {
            turn_id: turn_id(3),
            step: 1,
            agent: Arc::new(agent_config()),
            omitted: Omitted::new(2, 5),
        },
        Event::MessageCheckpoint {
            message_id: message_id(4),
            text: "Once upon".into(),
            reasoning: "hm".into(),
        },
    ];
    events.extend(finishes.map(|finish| Event::MessageEnd {
        message_id: message_id(4),
        text: "Once upon a time".into(),
        reasoning: "hm, a tale".into(),
        opaque: every_part(),
        tool_calls: vec![tool_call()],
        finish,
        usage: Usage::new(120, 34),
    }));
    events.push(Event::MessageEnd {
        message_id: message_id(4),
        text: "".into(),
        reasoning: "".into(),
        opaque: Vec::new(),
        tool_calls: Vec::new(),
        finish: FinishReason::Stop,
        usage: Usage::default(),
    });
    events.push(Event::MessageError {
        message_id: message_id(4),
        text: "Once".into(),
        reasoning: "hm".into(),
        failure: failure(),
    });
    events
}

fn tool_events() -> Vec<Event> {
    let call = tool_call_id(4, 0);
    let decisions = [
        None,
        Some(ApprovalDecision::AllowOnce),
        Some(ApprovalDecision::AllowForChat),
        Some(ApprovalDecision::Deny { reason: "not now".into() }),
        Some(ApprovalDecision::Answer { data: json!({ "yes": true }) }),
    ];
    let kinds = [ApprovalKind::Permission, ApprovalKind::Question];
    let mut events = vec![
        Event::ToolStart { tool_call_id: call, name: "clock".into() },
        Event::ToolResult {
            tool_call_id: call,
            output: ToolOutput { parts: every_part(), cut_bytes: 12, unshown_bytes: 34 },
        },
        Event::ToolResult { tool_call_id: call, output: ToolOutput::default() },
        Event::ToolError { tool_call_id: call, failure: failure() },
    ];
    events.extend(kinds.map(|kind| Event::ApprovalRequested {
        tool_call_id: call,
        kind,
        name: "clock".into(),
        arguments: tool_call().arguments,
    }));
    events
        .extend(decisions.map(|decision| Event::ApprovalResolved { tool_call_id: call, decision }));
    events.push(Event::HistoryTruncated { from: message_id(2) });
    events
}

/// Every live event of a chat.
#[must_use]
pub fn every_live(chat: &ChatId) -> Vec<Live> {
    let bodies = [
        LiveBody::MessageChunk { message_id: message_id(4), offset: 0, text: "Grüße ".into() },
        LiveBody::ReasoningChunk { message_id: message_id(4), offset: 7, text: "hm".into() },
        LiveBody::ToolOutput { tool_call_id: tool_call_id(4, 1), offset: 3, text: "tick".into() },
        LiveBody::ToolProgress {
            tool_call_id: tool_call_id(4, 1),
            progress: json!({ "done": 1, "total": 3, "message": "tick" }),
        },
    ];
    bodies.map(|body| Live { chat_id: chat.clone(), turn_id: turn_id(3), body }).into()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use polychat_core::Recorded;

    // the stored form freezes whole, so the golden files miss no event
    #[test]
    fn the_samples_hold_every_recorded_event() {
        let names: BTreeSet<_> = every_event().iter().map(Event::name).collect();
        assert_eq!(names, BTreeSet::from(EVENT_NAMES));
    }

    // the wire form freezes whole
    #[test]
    fn the_samples_hold_every_live_event() {
        let names: Vec<_> = every_live(&chat_id("a")).iter().map(|live| live.body.name()).collect();
        assert_eq!(names, LIVE_NAMES);
    }

    // REQ-9
    #[test]
    fn every_recorded_event_survives_its_stored_form() {
        for (n, event) in (1..).zip(every_event()) {
            let before = super::super::recorded(&chat_id("a"), super::super::seq(n), event);
            let text = serde_json::to_string(&*before).unwrap();
            let after: Recorded = serde_json::from_str(&text).unwrap();
            assert_eq!(after, *before, "{text}");
            assert!(text.contains(before.event.name()), "{text}");
        }
    }

    #[test]
    fn every_live_event_survives_its_wire_form() {
        for before in every_live(&chat_id("a")) {
            let text = serde_json::to_string(&before).unwrap();
            let after: Live = serde_json::from_str(&text).unwrap();
            assert_eq!(after, before, "{text}");
        }
    }
}
