//! One of each: recorded events, live events, commands, and the small parts they are made of.
//!
//! For golden files, round trips and conformance suites. Each list holds every variant at least
//! once with all its fields set, and once more with only what is required where that differs. The
//! lists are no legal history of a chat: an event stands here for its form, not for its meaning.

mod commands;
mod events;

use std::sync::Arc;

use polychat_core::{
    AgentConfig, AgentName, ChatId, Event, Failure, FailureKind, MessageId, Metadata, ModelName,
    OutcomeKind, Part, PromptId, Recorded, Seq, StatusKind, Summary, Timestamp, ToolCallId, TurnId,
    WorldId,
    content::BlobSource,
    event::{PromptBody, TitleProvenance},
    tool::ToolCall,
};
use serde_json::json;

pub use self::{
    commands::{COMMAND_NAMES, every_command},
    events::{EVENT_NAMES, LIVE_NAMES, every_event, every_live},
};

/// The seq with this number.
///
/// # Panics
///
/// From 2⁵³ on.
#[must_use]
#[expect(clippy::expect_used, reason = "a test that asks for no seq is wrong")]
pub fn seq(n: u64) -> Seq {
    Seq::try_from(n).expect("a seq lies below 2^53")
}

macro_rules! id_of {
    ($($(#[$doc:meta])* $name:ident -> $id:ident;)*) => {$(
        $(#[$doc])*
        ///
        /// # Panics
        ///
        /// When the text is no id.
        #[must_use]
        pub fn $name(text: &str) -> $id {
            $id::new(text).expect("a test names things by valid ids")
        }
    )*};
}

id_of! {
    /// A world's id.
    world_id -> WorldId;
    /// A chat's id.
    chat_id -> ChatId;
    /// A prompt's id.
    prompt_id -> PromptId;
    /// An agent's name.
    agent_name -> AgentName;
    /// A model's name.
    model_name -> ModelName;
}

/// The turn that began with this event.
#[must_use]
pub fn turn_id(n: u64) -> TurnId {
    TurnId(seq(n))
}

/// The message that began with this event.
#[must_use]
pub fn message_id(n: u64) -> MessageId {
    MessageId(seq(n))
}

/// A call of the message that began with this event.
#[must_use]
pub fn tool_call_id(message: u64, index: u16) -> ToolCallId {
    ToolCallId { message: message_id(message), index }
}

/// Metadata with one key, a nested value, and text outside ASCII.
#[must_use]
pub fn metadata(word: &str) -> Metadata {
    let mut object = serde_json::Map::new();
    // In the order of their keys, which whether a build keeps orders or sorts does not change.
    object.insert("nested".to_owned(), json!({ "": "\u{1F511}", "größe": [1, 2.5, null, true] }));
    object.insert("word".to_owned(), json!(word));
    Metadata::new(object)
}

/// Parts of every kind.
#[must_use]
pub fn every_part() -> Vec<Part> {
    vec![
        Part::text("Grüße, \"world\"\n\u{1F30D}"),
        Part::Blob {
            media_type: "image/png".into(),
            source: BlobSource::Uri { uri: "https://example.org/a.png".into() },
        },
        Part::Blob {
            media_type: "text/plain".into(),
            source: BlobSource::Base64 { data: "aGVsbG8=".into() },
        },
        Part::Opaque { provider: "demo".into(), data: json!({ "signature": "c2ln" }) },
    ]
}

/// A prompt with everything that can be attached.
#[must_use]
pub fn prompt_body() -> PromptBody {
    PromptBody {
        parts: every_part(),
        metadata: metadata("prompt"),
        agent: Some(agent_name("guide")),
        context: metadata("context"),
    }
}

/// A call with a provider's own id.
#[must_use]
pub fn tool_call() -> ToolCall {
    ToolCall {
        name: "clock".into(),
        arguments: json!({ "deep": { "list": [1, "two"] }, "zone": "UTC" }),
        provider_call_id: Some("call_abc".into()),
    }
}

/// A failure that may pass.
#[must_use]
pub fn failure() -> Failure {
    Failure::new(FailureKind::ModelUnavailable, "the model broke off").retryable()
}

/// An agent's configuration with instructions.
#[must_use]
pub fn agent_config() -> AgentConfig {
    AgentConfig::new(agent_name("guide"), model_name("demo")).system("Answer in one sentence.")
}

/// A record of a chat; its time follows from its place.
#[must_use]
pub fn recorded(chat: &ChatId, at: Seq, event: Event) -> Arc<Recorded> {
    let moment = Timestamp(1_700_000_000_000 + at.get());
    Arc::new(Recorded { chat_id: chat.clone(), seq: at, at: moment, event })
}

/// The summary of an idle chat at `head`, with a title that says which chat and where.
#[must_use]
pub fn summary(chat: &ChatId, head: Seq) -> Summary {
    Summary {
        chat_id: chat.clone(),
        kind: StatusKind::Idle,
        last_outcome: Some(OutcomeKind::Failed),
        title: format!("{chat} at {head}").into(),
        provenance: TitleProvenance::Manual,
        archived: false,
        agent: Some(agent_name("guide")),
        metadata: metadata(chat.as_str()),
        origin: None,
        created_at: Timestamp(1_700_000_000_000),
        updated_at: Timestamp(1_700_000_000_000 + head.get()),
        head,
        messages: 1,
        queued: 0,
    }
}
