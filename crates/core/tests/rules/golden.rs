//! The stored form of every event, pinned: logs outlive the program that wrote them.
//!
//! `POLYCHAT_BLESS=1 cargo test -p polychat-core golden` writes the file anew. A change of what is in
//! it breaks every log there is.

use std::{fs, path::PathBuf, sync::Arc};

use polychat_core::{
    ChatId, Event, FailureKind, Metadata, Part, Recorded, Timestamp, TurnOutcome,
    agent::{ModelParams, WorldSettings},
    content::BlobSource,
    event::{
        ApprovalKind, FinishReason, ImportedMessage, Origin, PromptBody, PromptMode,
        TitleProvenance, WithdrawReason,
    },
    message::{Omitted, Usage},
    outcome::Failure,
    tool::{ApprovalDecision, PolicyMode, ToolCall, ToolOutput, ToolPolicy, ToolSelection},
    world::{WorldEvent, WorldRecorded},
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::harness::{agent, agent_name, call_id, message, prompt_id, seq, turn};

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Golden {
    chat: Vec<Recorded>,
    world: Vec<WorldRecorded>,
}

fn object() -> Metadata {
    Map::from_iter([("key".to_owned(), json!({"f": 0.5, "n": 1}))]).into()
}

fn parts() -> Vec<Part> {
    let media_type: Arc<str> = "image/png".into();
    let uri = BlobSource::Uri { uri: "https://example.org/a.png".into() };
    let data = BlobSource::Base64 { data: "AAAA".into() };
    vec![
        Part::text("hi"),
        Part::Blob { media_type: Arc::clone(&media_type), source: uri },
        Part::Blob { media_type, source: data },
        Part::Opaque { provider: "demo".into(), data: json!({"signature": "s"}) },
    ]
}

fn failure() -> Failure {
    Failure::new(FailureKind::RateLimited, "slow down").retryable()
}

fn call() -> ToolCall {
    let provider_call_id = Some("call_1".into());
    ToolCall { name: "read".into(), arguments: json!({"path": "/"}), provider_call_id }
}

fn chat_events() -> Vec<Event> {
    let chat_id = ChatId::new("source").unwrap();
    let output = || ToolOutput { parts: vec![Part::text("data")], cut_bytes: 3, unshown_bytes: 0 };
    let imported = |message| Event::MessageImported {
        source_id: Some("msg-1".into()),
        message: Box::new(message),
        written_at: Timestamp(5),
        metadata: object(),
    };
    vec![
        Event::ChatCreated {
            title: "Tea".into(),
            provenance: TitleProvenance::Manual,
            metadata: object(),
            agent: Some(agent_name("guide")),
            context: object(),
            origin: Some(Box::new(Origin::Fork { chat_id, message_id: message(7) })),
            archived: false,
        },
        Event::ChatCreated {
            title: "".into(),
            provenance: TitleProvenance::Default,
            metadata: Metadata::NONE,
            agent: None,
            context: Metadata::NONE,
            origin: Some(Box::new(Origin::Import {
                source: "agent-world".into(),
                created_at: Some(Timestamp(1_000)),
                updated_at: Some(Timestamp(2_000)),
            })),
            archived: true,
        },
        Event::ChatUpdated {
            title: Some("Coffee".into()),
            provenance: Some(TitleProvenance::Auto),
            metadata: Some(Metadata::NONE),
            archived: Some(true),
            agent: Some(agent_name("guide")),
        },
        Event::ChatClosed {},
        Event::ChatReopened {},
        Event::ChatDeleted {},
        imported(ImportedMessage::User { parts: parts() }),
        imported(ImportedMessage::Assistant {
            author: Some(agent_name("guide")),
            parts: parts(),
            reasoning: "hm".into(),
            tool_calls: vec![call()],
            usage: Usage::new(3, 4),
            failure: Some(failure()),
        }),
        imported(ImportedMessage::Tool { index: 0, output: output(), failure: Some(failure()) }),
        Event::ToolStart { tool_call_id: call_id("12.0"), name: "read".into() },
        Event::ToolResult { tool_call_id: call_id("12.0"), output: output() },
        Event::ToolError { tool_call_id: call_id("12.1"), failure: failure() },
        Event::HistoryTruncated { from: message(2) },
    ]
}

fn prompt_events() -> Vec<Event> {
    let body = PromptBody {
        parts: parts(),
        metadata: object(),
        agent: Some(agent_name("guide")),
        context: object(),
    };
    let accepted = |mode, body| Event::PromptAccepted { prompt_id: prompt_id("p1"), mode, body };
    let withdrawn = |reason| Event::PromptWithdrawn { prompt_id: prompt_id("p1"), reason };
    vec![
        accepted(PromptMode::Queue, body),
        accepted(PromptMode::Steer, PromptBody::text("hi")),
        accepted(PromptMode::Interrupt, PromptBody::text("hi")),
        accepted(PromptMode::Reject, PromptBody::text("hi")),
        Event::PromptEdited {
            prompt_id: prompt_id("p1"),
            parts: Some(parts()),
            mode: Some(PromptMode::Steer),
        },
        withdrawn(WithdrawReason::Requested),
        withdrawn(WithdrawReason::Closed),
        withdrawn(WithdrawReason::Deleted),
        Event::PromptJoined { prompt_id: prompt_id("p1"), turn_id: turn(3) },
    ]
}

fn turn_events() -> Vec<Event> {
    let ended = |outcome| Event::TurnEnded { turn_id: turn(3), outcome };
    let (from, to) = (agent_name("guide"), agent_name("poet"));
    let config = configured();
    vec![
        Event::TurnStarted {
            prompt_ids: vec![prompt_id("p1")],
            agent: agent_name("guide"),
            then: Vec::new(),
        },
        Event::TurnHandedOff { turn_id: turn(3), from, to },
        ended(TurnOutcome::Completed),
        ended(TurnOutcome::Cancelled),
        ended(TurnOutcome::Failed { failure: failure() }),
        ended(TurnOutcome::Interrupted),
        Event::MessageStart {
            turn_id: turn(3),
            step: 1,
            agent: Arc::new(config),
            omitted: Omitted::new(1, 2),
        },
        Event::MessageCheckpoint {
            message_id: message(4),
            text: "half".into(),
            reasoning: "hm".into(),
        },
        Event::MessageEnd {
            message_id: message(4),
            text: "half an answer".into(),
            reasoning: "hm".into(),
            opaque: parts().split_off(3),
            tool_calls: vec![call()],
            usage: Usage::new(7, 9),
            finish: FinishReason::ToolCalls,
        },
        Event::MessageError {
            message_id: message(4),
            text: "half".into(),
            reasoning: "hm".into(),
            failure: failure(),
        },
    ]
}

fn approval_events() -> Vec<Event> {
    let requested = |kind| Event::ApprovalRequested {
        tool_call_id: call_id("12.0"),
        kind,
        name: "write".into(),
        arguments: json!({"path": "/"}),
    };
    let resolved = |decision| Event::ApprovalResolved { tool_call_id: call_id("12.0"), decision };
    vec![
        requested(ApprovalKind::Permission),
        requested(ApprovalKind::Question),
        resolved(None),
        resolved(Some(ApprovalDecision::AllowOnce)),
        resolved(Some(ApprovalDecision::AllowForChat)),
        resolved(Some(ApprovalDecision::Deny { reason: "not today".into() })),
        resolved(Some(ApprovalDecision::Answer { data: json!(null) })),
    ]
}

/// What came later; the samples before keep their places.
fn events_of_tools_and_agents() -> Vec<Event> {
    let output = ToolOutput { parts: vec![Part::text("data")], cut_bytes: 0, unshown_bytes: 5 };
    vec![
        Event::TurnStarted {
            prompt_ids: vec![prompt_id("p1")],
            agent: agent_name("guide"),
            then: vec![agent_name("poet"), agent_name("writer")],
        },
        Event::ToolResult { tool_call_id: call_id("12.0"), output },
    ]
}

fn configured() -> polychat_core::AgentConfig {
    let mut params = ModelParams::default();
    params.temperature = Some(0.5);
    params.output_tokens_max = Some(100);
    params.reasoning_effort = Some("low".into());
    let mut policy = ToolPolicy::default();
    policy.mode = PolicyMode::Auto;
    policy.tools.insert("write".into(), PolicyMode::Read);
    let tools = ToolSelection::Only(vec!["read".into()]);
    agent("guide").system("Be brief.").params(params).policy(policy).tools(tools)
}

fn samples() -> Golden {
    let mut events = chat_events();
    events.extend(prompt_events());
    events.extend(turn_events());
    events.extend(approval_events());
    events.extend(events_of_tools_and_agents());
    let at = Timestamp(1_700_000_000_000);
    let record =
        |(n, event)| Recorded { chat_id: ChatId::new("a").unwrap(), seq: seq(n), at, event };
    let config = Arc::new(configured());
    let mut all_allowed = WorldSettings::default();
    (all_allowed.mentions, all_allowed.broadcast, all_allowed.titles) = (true, true, true);
    let world = [
        WorldEvent::WorldCreated { agent: Arc::clone(&config), settings: WorldSettings::default() },
        WorldEvent::WorldUpdated { settings: WorldSettings::default() },
        WorldEvent::AgentPut { agent: config },
        WorldEvent::AgentRemoved { agent: agent_name("guide") },
        WorldEvent::WorldUpdated { settings: all_allowed },
    ];
    let record_world = |(n, event)| WorldRecorded { seq: seq(n), at, event };
    Golden {
        chat: (1..).zip(events).map(record).collect(),
        world: (1..).zip(world).map(record_world).collect(),
    }
}

#[test]
fn the_stored_form_of_every_event_stays_as_it_is() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden/events.json");
    let samples = samples();
    let written = serde_json::to_string_pretty(&samples).unwrap() + "\n";
    if std::env::var_os("POLYCHAT_BLESS").is_some() {
        fs::write(&path, &written).unwrap();
    }
    let golden = fs::read_to_string(&path).unwrap();
    for (at, (written, golden)) in (1..).zip(written.lines().zip(golden.lines())) {
        assert_eq!(written, golden, "the stored form has changed at line {at}");
    }
    assert_eq!(written.len(), golden.len(), "the stored form has changed at its end");
    let read: Golden = serde_json::from_str(&golden).unwrap();
    assert_eq!(read, samples, "what was stored does not come back as it was");
}

#[test]
fn what_was_stored_before_there_were_broadcasts_titles_and_live_output_reads_as_without_them() {
    let event = |event: Value| {
        let mut record = json!({"chatId": "a", "seq": 1, "at": 0});
        record.as_object_mut().unwrap().extend(event.as_object().unwrap().clone());
        serde_json::from_value::<Recorded>(record).unwrap().event
    };
    let started = json!({"type": "turn.started", "promptIds": ["p1"], "agent": "guide"});
    let (prompt_ids, agent) = (vec![prompt_id("p1")], agent_name("guide"));
    assert_eq!(event(started), Event::TurnStarted { prompt_ids, agent, then: Vec::new() });
    let part = json!({"type": "text", "text": "data"});
    let result = json!({"type": "tool.result", "toolCallId": "12.0", "parts": [part]});
    let output = ToolOutput::text("data");
    assert_eq!(event(result), Event::ToolResult { tool_call_id: call_id("12.0"), output });
    let settings = json!({"mentions": true, "handoffsMax": 2, "contextBytesMax": 7});
    let settings: WorldSettings = serde_json::from_value(settings).unwrap();
    assert_eq!((settings.mentions, settings.handoffs_max), (true, 2));
    assert_eq!((settings.broadcast, settings.titles), (false, false));
}

#[test]
fn every_event_has_a_sample_and_its_name_is_its_type() {
    let samples = samples();
    let mut names: Vec<_> = samples.chat.iter().map(|recorded| recorded.event.name()).collect();
    names.sort_unstable();
    names.dedup();
    // A new event changes this number, and then needs a sample.
    assert_eq!(names.len(), 23, "{names:?}");
    for recorded in &samples.chat {
        let stored = serde_json::to_value(recorded).unwrap();
        assert_eq!(stored["type"], recorded.event.name());
        assert_eq!(stored["chatId"], "a");
    }
}

#[test]
fn an_event_of_a_newer_program_is_an_error_and_not_skipped() {
    let newer = json!({"chatId": "a", "seq": 1, "at": 0, "type": "chat.teleported"});
    let error = serde_json::from_value::<Recorded>(newer).unwrap_err().to_string();
    assert!(error.contains("chat.teleported"), "{error}");
    let newer = json!({"seq": 1, "at": 0, "type": "world.ended"});
    assert!(serde_json::from_value::<WorldRecorded>(newer).is_err());
}

#[test]
fn a_record_without_a_valid_chat_or_place_is_an_error() {
    // REQ-13
    let good = json!({"chatId": "a", "seq": 1, "at": 0, "type": "chat.closed"});
    assert!(serde_json::from_value::<Recorded>(good.clone()).is_ok());
    let with = |key: &str, value: Value| {
        let mut record = good.clone();
        record[key] = value;
        serde_json::from_value::<Recorded>(record)
    };
    for id in [json!(null), json!(""), json!(".."), json!("a\nb"), json!("x".repeat(129))] {
        assert!(with("chatId", id).is_err());
    }
    assert!(with("seq", json!(1_u64 << 53)).is_err());
    assert!(with("seq", json!(-1)).is_err());
    let mut without = good.clone();
    without.as_object_mut().unwrap().remove("chatId");
    assert!(serde_json::from_value::<Recorded>(without).is_err());
}
