//! Attached JSON objects on the wire, where "none" and "not set" must stay two things.
//!
//! [`Metadata`] without content serialises as `null`, which an optional field could not tell from
//! being absent. On the wire no metadata is `{}`.

use polychat_core::Metadata;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A JSON object that an embedder attached; `{}` when there is none.
#[derive(Debug, Clone, PartialEq, Default)]
#[cfg_attr(
    feature = "ts",
    derive(ts_rs::TS),
    ts(rename = "Metadata", type = "Record<string, JsonValue>")
)]
pub struct Object(pub Metadata);

impl Object {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Serialize for Object {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0.is_empty() {
            Map::new().serialize(serializer)
        } else {
            self.0.serialize(serializer)
        }
    }
}

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(Metadata::new(Map::<String, Value>::deserialize(deserializer)?)))
    }
}

#[cfg(feature = "openapi")]
impl schemars::JsonSchema for Object {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Object".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "object" })
    }
}
