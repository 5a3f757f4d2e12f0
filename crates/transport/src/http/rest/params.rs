//! What stands in paths, queries and bodies: plain strings and numbers that nobody has checked.
//!
//! A body that names nothing which the path names already is a struct of [`crate::wire`]; the
//! others stand here. Unknown fields are refused.

use polychat_core::{Part, content::Text, event::PromptMode, tool::ApprovalDecision};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::wire::{NewChatParams, Object, WireTarget};

/// Entries of a page whose size nobody asked for.
const PAGE_DEFAULT: usize = 100;

/// Declares what stands in a path. What else stands there, such as the world, is another's to read.
macro_rules! path {
    ($($(#[$doc:meta])* $name:ident { $($(#[$field_meta:meta])* $field:ident,)* })*) => {$(
        $(#[$doc])*
        #[derive(Debug, Deserialize)]
        #[serde(rename_all = "camelCase")]
        pub(in crate::http) struct $name {
            $($(#[$field_meta])* pub(in crate::http) $field: String,)*
        }
    )*};
}

/// Declares queries and bodies: strict camelCase structs.
macro_rules! strict {
    ($($(#[$doc:meta])* $name:ident { $($(#[$field_meta:meta])* $field:ident: $type:ty,)* })*) => {$(
        $(#[$doc])*
        #[derive(Debug, Deserialize)]
        #[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
        #[serde(rename_all = "camelCase", deny_unknown_fields)]
        pub(in crate::http) struct $name {
            $($(#[$field_meta])* pub(in crate::http) $field: $type,)*
        }
    )*};
}

path! {
    /// A chat.
    ChatPath {
        /// Absent only in the one path whose last step is a word.
        #[serde(default = "import")]
        chat,
    }

    /// A prompt of a chat.
    PromptPath {
        chat,
        prompt,
    }

    /// A tool call of a chat.
    CallPath {
        chat,
        tool_call_id,
    }

    /// An agent.
    AgentPath {
        agent,
    }
}

strict! {
    /// Nothing may be asked for beside the path.
    NoQuery {}

    /// One page.
    PageQuery {
        /// The `next` of the page before.
        after: Option<Text>,
        /// Entries at most.
        #[serde(default = "page")]
        limit: usize,
    }

    /// Which chats.
    ChatsQuery {
        /// The `next` of the page before.
        after: Option<Text>,
        /// Entries at most.
        #[serde(default = "page")]
        limit: usize,
        /// Only chats whose title contains this.
        title_contains: Option<Text>,
        /// Also chats that are archived.
        #[serde(default)]
        archived: bool,
    }

    /// Which recorded events.
    LogQuery {
        /// Events after this one, the `next` of the page before; 0 for the beginning.
        #[serde(default)]
        #[cfg_attr(feature = "openapi", schemars(with = "polychat_core::Seq"))]
        after: u64,
        /// Events at most.
        #[serde(default = "page")]
        limit: usize,
    }

    /// What is looked for.
    SearchQuery {
        /// Words as a person types them.
        text: Text,
        /// Only messages of this chat.
        #[cfg_attr(feature = "openapi", schemars(with = "Option<polychat_core::ChatId>"))]
        chat_id: Option<String>,
        /// The `next` of the page before.
        after: Option<Text>,
        /// Hits at most.
        #[serde(default = "page")]
        limit: usize,
    }

    /// What the answer to a prompt waits for.
    WaitQuery {
        /// Nothing, unless it is said.
        wait: Option<WaitFor>,
    }

    /// In which form chats are taken out.
    ExportQuery {
        /// JSON Lines, unless it is said.
        #[serde(default)]
        format: super::export::ExportFormat,
    }

    /// A message and how it is sent.
    SendBody {
        /// Names the prompt; left out, the server makes a name, and sending again is another prompt.
        #[cfg_attr(feature = "openapi", schemars(with = "Option<polychat_core::PromptId>"))]
        prompt_id: Option<String>,
        /// What it asks for when the chat is busy.
        #[serde(default)]
        mode: PromptMode,
        /// The message.
        #[cfg_attr(feature = "openapi", schemars(length(min = 1)))]
        parts: Vec<Part>,
        /// What the embedder attached.
        #[serde(default)]
        metadata: Object,
        /// The agent to answer.
        #[cfg_attr(feature = "openapi", schemars(with = "Option<polychat_core::AgentName>"))]
        agent: Option<String>,
        /// The stored part of the host context.
        #[serde(default)]
        context: Object,
    }

    /// What changes in a waiting prompt; what is left out stays.
    EditBody {
        /// Its new content.
        #[cfg_attr(feature = "openapi", schemars(length(min = 1)))]
        parts: Option<Vec<Part>>,
        /// Its new mode.
        mode: Option<PromptMode>,
    }

    /// Which turn to stop.
    CancelBody {
        /// The turn; left out for whichever runs.
        #[cfg_attr(feature = "openapi", schemars(with = "Option<polychat_core::Seq>"))]
        turn_id: Option<u64>,
    }

    /// What is replaced.
    ReviseBody {
        /// Names the new prompt; left out, the server makes a name.
        #[cfg_attr(feature = "openapi", schemars(with = "Option<polychat_core::PromptId>"))]
        prompt_id: Option<String>,
        /// What is replaced.
        target: WireTarget,
    }

    /// A decision about a call.
    DecideBody {
        /// The decision.
        decision: ApprovalDecision,
    }

    /// Up to where a chat is copied, and what the copy is given.
    ForkBody {
        /// The last message to take over.
        #[cfg_attr(feature = "openapi", schemars(with = "polychat_core::Seq"))]
        at: u64,
        /// What the new chat is given.
        chat: NewChatParams,
    }

    /// What changes in a chat; what is left out stays.
    UpdateBody {
        /// The new title.
        title: Option<Text>,
        /// The new metadata, as a whole; `{}` removes it.
        metadata: Option<Object>,
        /// Whether it is hidden in lists.
        archived: Option<bool>,
        /// The new default agent.
        #[cfg_attr(feature = "openapi", schemars(with = "Option<polychat_core::AgentName>"))]
        agent: Option<String>,
    }

    /// An agent as a whole.
    AgentBody {
        /// Its configuration; its name may be left out, because the path says it.
        #[cfg_attr(
            feature = "openapi",
            schemars(schema_with = "crate::http::openapi::agent_of_the_path")
        )]
        agent: Map<String, Value>,
    }
}

/// What the answer to a prompt waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub(in crate::http) enum WaitFor {
    /// The prompt's own outcome.
    Outcome,
}

fn page() -> usize {
    PAGE_DEFAULT
}

fn import() -> String {
    "import".into()
}
