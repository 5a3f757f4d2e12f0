//! The parameters of commands as they travel: plain strings and numbers that nobody has checked.
//!
//! They become domain values in [`super::command`], by `TryFrom`. Unknown fields are refused.

use polychat_core::{
    AgentConfig, Part, Timestamp,
    agent::WorldSettings,
    command::ImportedEntry,
    content::Text,
    event::{PromptMode, TitleProvenance},
    tool::ApprovalDecision,
};
use serde::{Deserialize, Serialize};

pub use super::object::Object;

/// Declares parameters: strict camelCase structs.
macro_rules! params {
    ($($(#[$doc:meta])* $name:ident { $($(#[$field_meta:meta])* $field:ident: $type:ty,)* })*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        #[cfg_attr(feature = "ts", derive(ts_rs::TS))]
        #[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
        #[serde(rename_all = "camelCase", deny_unknown_fields)]
        #[non_exhaustive]
        pub struct $name { $($(#[$field_meta])* pub $field: $type,)* }
    )*};
}

params! {
    /// No parameters: `{}`, or left out.
    NoParams {}

    /// What a new chat is given.
    NewChatParams {
        /// Its id; left out to let the world choose one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "openapi", schemars(with = "Option<polychat_core::ChatId>"))]
        chat_id: Option<String>,
        /// Its title.
        #[serde(default = "no_text", skip_serializing_if = "str::is_empty")]
        title: Text,
        /// What the embedder attaches.
        #[serde(default, skip_serializing_if = "Object::is_empty")]
        metadata: Object,
        /// Its default agent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "openapi", schemars(with = "Option<polychat_core::AgentName>"))]
        agent: Option<String>,
        /// The stored part of the host context.
        #[serde(default, skip_serializing_if = "Object::is_empty")]
        context: Object,
    }

    /// What is copied, and up to where.
    ForkParams {
        /// The chat to copy.
        from: String,
        /// The last message to take over.
        at: u64,
        /// What the new one is given.
        chat: NewChatParams,
    }

    /// A chat of another system, whole.
    ImportParams {
        /// What it is given.
        chat: NewChatParams,
        /// Who gave the title there.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        provenance: Option<TitleProvenance>,
        /// Whether it is hidden in lists.
        #[serde(default)]
        #[cfg_attr(feature = "ts", ts(optional = nullable))]
        archived: bool,
        /// Which system it comes from, for people.
        source: Text,
        /// When it was created there.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        created_at: Option<Timestamp>,
        /// When something last happened in it there.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        updated_at: Option<Timestamp>,
        /// Its messages, in order.
        history: Vec<ImportedEntry>,
    }

    /// What is looked for.
    SearchParams {
        /// Words as a person types them.
        text: Text,
        /// Only messages of this chat.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        chat_id: Option<String>,
        /// The `next` of the page before.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        after: Option<Text>,
        /// Hits at most.
        limit: usize,
    }

    /// Which chats.
    ChatsParams {
        /// The `next` of the page before.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        after: Option<Text>,
        /// Entries at most.
        limit: usize,
        /// Only chats whose title contains this.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        title_contains: Option<Text>,
        /// Also chats that are archived.
        #[serde(default)]
        #[cfg_attr(feature = "ts", ts(optional = nullable))]
        archived: bool,
    }

    /// Which chat.
    ChatParams {
        /// The chat.
        chat_id: String,
    }

    /// What changes in a chat; what is left out stays.
    UpdateParams {
        /// The chat.
        chat_id: String,
        /// The new title.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        title: Option<Text>,
        /// The new metadata, as a whole; `{}` removes it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        metadata: Option<Object>,
        /// Whether it is hidden in lists.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        archived: Option<bool>,
        /// The new default agent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        agent: Option<String>,
    }

    /// A message and how it is sent.
    SendParams {
        /// The chat.
        chat_id: String,
        /// Names the prompt.
        prompt_id: String,
        /// What it asks for when the chat is busy; `queue` when left out.
        #[serde(default)]
        #[cfg_attr(feature = "ts", ts(optional = nullable))]
        mode: PromptMode,
        /// The message.
        parts: Vec<Part>,
        /// What the embedder attached.
        #[serde(default, skip_serializing_if = "Object::is_empty")]
        metadata: Object,
        /// The agent to answer.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        agent: Option<String>,
        /// The stored part of the host context.
        #[serde(default, skip_serializing_if = "Object::is_empty")]
        context: Object,
    }

    /// A message by itself.
    BodyParams {
        /// The message.
        #[cfg_attr(feature = "openapi", schemars(length(min = 1)))]
        parts: Vec<Part>,
        /// What the embedder attached.
        #[serde(default, skip_serializing_if = "Object::is_empty")]
        metadata: Object,
        /// The agent to answer.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "openapi", schemars(with = "Option<polychat_core::AgentName>"))]
        agent: Option<String>,
        /// The stored part of the host context.
        #[serde(default, skip_serializing_if = "Object::is_empty")]
        context: Object,
    }

    /// What changes in a waiting prompt; what is left out stays.
    EditParams {
        /// The chat.
        chat_id: String,
        /// The prompt.
        prompt_id: String,
        /// Its new content.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        parts: Option<Vec<Part>>,
        /// Its new mode.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        mode: Option<PromptMode>,
    }

    /// Which prompt of which chat.
    PromptParams {
        /// The chat.
        chat_id: String,
        /// The prompt.
        prompt_id: String,
    }

    /// Which turn to stop.
    CancelParams {
        /// The chat.
        chat_id: String,
        /// The turn; left out for whichever runs.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        turn_id: Option<u64>,
    }

    /// What is replaced, and by what.
    ReviseParams {
        /// The chat.
        chat_id: String,
        /// Names the new prompt.
        prompt_id: String,
        /// What is replaced.
        target: WireTarget,
    }

    /// A decision about a call.
    DecideParams {
        /// The chat.
        chat_id: String,
        /// The call.
        tool_call_id: String,
        /// The decision.
        decision: ApprovalDecision,
    }

    /// Which messages.
    MessagesParams {
        /// The chat.
        chat_id: String,
        /// The `next` of the page before.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        after: Option<Text>,
        /// Entries at most.
        limit: usize,
    }

    /// Which recorded events.
    LogParams {
        /// The chat.
        chat_id: String,
        /// Events after this one; 0 for the beginning.
        after: u64,
        /// Events at most.
        limit: usize,
    }

    /// The settings of a world.
    SettingsParams {
        /// The new settings, as a whole.
        settings: WorldSettings,
    }

    /// An agent as a whole.
    PutAgentParams {
        /// The agent; what is left out besides its name and model has a default.
        #[cfg_attr(feature = "ts", ts(type = "Pick<AgentConfig, \"name\" | \"model\"> & Partial<AgentConfig>"))]
        agent: AgentConfig,
    }

    /// The name of an agent.
    AgentParams {
        /// The agent.
        agent: String,
    }
}

/// What a revision replaces.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(rename = "ReviseTarget"))]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "ReviseTarget"))]
#[serde(
    tag = "kind",
    rename_all = "camelCase",
    rename_all_fields = "camelCase",
    deny_unknown_fields
)]
#[non_exhaustive]
pub enum WireTarget {
    /// A user's message, with a new text.
    Message {
        /// The message.
        #[cfg_attr(feature = "openapi", schemars(with = "polychat_core::Seq"))]
        message_id: u64,
        /// Its new content.
        body: BodyParams,
    },
    /// The first prompt of a turn, with the same text.
    Turn {
        /// The turn.
        #[cfg_attr(feature = "openapi", schemars(with = "polychat_core::Seq"))]
        turn_id: u64,
    },
}

fn no_text() -> Text {
    Text::from("")
}
