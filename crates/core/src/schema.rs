//! JSON schemas of what has a form of its own on the wire; those of all other types are derived.
//!
//! Beside the types that they describe, for whoever describes a door to other programs.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Value, json};

use crate::{
    content::Metadata,
    id::{AgentName, ChatId, ModelName, PromptId, WorldId},
    notice::Cursor,
    seq::{Seq, ToolCallId},
};

/// Ids: what [`crate::id`] checks. A schema counts characters where we count bytes.
macro_rules! ids {
    ($($name:ident: $description:literal,)*) => { texts! { $($name: {
        "description": $description,
        "type": "string",
        "minLength": 1,
        "maxLength": 128,
        "pattern": r"^[^\u0000-\u001f\u007f-\u009f]+$",
        "not": { "enum": [".", ".."] }
    },)* } };
}

/// Texts and numbers with rules of their own.
macro_rules! texts {
    ($($name:ident: $schema:tt,)*) => {$(
        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!($schema)
            }
        }
    )*};
}

ids! {
    WorldId: "Names a world. At most 128 bytes of UTF-8.",
    ChatId: "Names a chat within its world; never used again. At most 128 bytes of UTF-8.",
    PromptId: "Names a prompt within its chat. At most 128 bytes of UTF-8.",
    AgentName: "Names an agent of a world. At most 128 bytes of UTF-8.",
    ModelName: "Names a model that a world has. At most 128 bytes of UTF-8.",
}

texts! {
    Seq: {
        "description": "A position in a chat's log: gap-free from 1; 0 stands for before the first.",
        "type": "integer",
        "minimum": 0,
        "maximum": 9_007_199_254_740_991_u64
    },
    ToolCallId: {
        "description": "Names a tool call: the message that asked for it, and its place there.",
        "type": "string",
        "pattern": r"^[0-9]{1,16}\.[0-9]{1,5}$"
    },
    Cursor: {
        "description": "A place in a chat's feed; opaque.",
        "type": "string"
    },
}

impl JsonSchema for Metadata {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Metadata".into()
    }

    /// Read leniently: none at all is an empty one.
    fn json_schema(schemas: &mut SchemaGenerator) -> Schema {
        if schemas.contract().is_deserialize() {
            json_schema!({ "type": ["object", "null"] })
        } else {
            json_schema!({ "type": "object" })
        }
    }
}

/// Names beside a selection that has none are refused.
pub(crate) fn names_only_where_they_are_read(selection: &mut Schema) {
    let Some(Value::Array(kinds)) = selection.get_mut("oneOf") else { return };
    for kind in kinds {
        if let Some(Value::Object(said)) = kind.get_mut("properties") {
            said.entry("names").or_insert_with(|| json!({ "type": "null" }));
        }
    }
}
