//! The shape that providers take: what they refuse, and what is spelt out for them.
//!
//! `OpenAI` refuses a request if the schema of one of its tools is no object, has no `properties`,
//! has an array without `items`, or combines schemas at its root; Anthropic refuses the last too.
//! One such tool would make every request of its agent fail, so it is refused when it is made.

use schemars::{
    JsonSchema, Schema,
    generate::SchemaSettings,
    transform::{RecursiveTransform, Transform},
};
use serde_json::{Map, Value, json};

use super::InvalidSchema;

const NOT_AT_ROOT: [&str; 5] = ["anyOf", "oneOf", "allOf", "enum", "not"];

/// Whether providers take the root.
pub(super) fn check(schema: &Value) -> Result<(), InvalidSchema> {
    if schema.get("type").and_then(Value::as_str) != Some("object") {
        return Err(InvalidSchema::NoObject);
    }
    match NOT_AT_ROOT.into_iter().find(|keyword| schema.get(*keyword).is_some()) {
        Some(keyword) => Err(InvalidSchema::CombinedAtRoot { keyword }),
        None => Ok(()),
    }
}

/// The same schema, its root as providers like it.
pub(crate) fn tidied(mut schema: Value) -> Value {
    if let Some(root) = schema.as_object_mut() {
        root.remove("$schema");
        if root.get("type").and_then(Value::as_str) == Some("object") {
            root.entry("properties").or_insert_with(|| Map::new().into());
        }
    }
    schema
}

/// The schema of an argument type: everything in its place, because some providers know no `$ref`.
/// Only a type that contains itself still refers to itself.
pub(crate) fn schema_of<A: JsonSchema>() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.meta_schema = None;
        settings.inline_subschemas = true;
        settings.transforms.push(Box::new(RecursiveTransform(Plain)));
    });
    let mut schema = settings.into_generator().into_root_schema_for::<A>();
    // The name of a Rust type tells a model nothing that the tool's own name does not.
    schema.remove("title");
    tidied(schema.to_value())
}

/// Leaves out what says nothing to a validator and is refused by providers.
#[derive(Debug, Clone)]
struct Plain;

impl Transform for Plain {
    fn transform(&mut self, schema: &mut Schema) {
        // `uint32` and the like: the bounds of a number are said by `minimum` and `maximum`.
        if !says_type(schema, "string") {
            schema.remove("format");
        }
        if says_type(schema, "array") && schema.get("items").is_none() {
            schema.insert("items".to_owned(), json!({}));
        }
    }
}

fn says_type(schema: &Schema, name: &str) -> bool {
    match schema.get("type") {
        Some(Value::String(only)) => only == name,
        Some(Value::Array(several)) => several.iter().any(|one| one == name),
        _ => false,
    }
}
