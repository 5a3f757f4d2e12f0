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

/// The same schema, spelt out as providers like it.
pub(crate) fn tidied(mut schema: Value) -> Value {
    if let Some(root) = schema.as_object_mut() {
        root.remove("$schema");
        if root.get("type").and_then(Value::as_str) == Some("object") {
            root.entry("properties").or_insert_with(|| Map::new().into());
        }
    }
    say_items(&mut schema);
    schema
}

/// Says of each array that does not that its items may be anything.
fn say_items(schema: &mut Value) {
    let Value::Object(keywords) = schema else { return };
    if says_type(keywords.get("type"), "array") {
        keywords.entry("items").or_insert_with(|| json!({}));
    }
    for (keyword, inner) in keywords {
        match (keyword.as_str(), inner) {
            // Data, which may look like a schema.
            ("enum" | "const" | "default" | "examples", _) => {}
            (
                "properties" | "patternProperties" | "dependentSchemas" | "dependencies" | "$defs"
                | "definitions",
                Value::Object(named),
            ) => named.values_mut().for_each(say_items),
            (_, Value::Array(several)) => several.iter_mut().for_each(say_items),
            (_, inner) => say_items(inner),
        }
    }
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
        if !says_type(schema.get("type"), "string") {
            schema.remove("format");
        }
    }
}

fn says_type(said: Option<&Value>, name: &str) -> bool {
    match said {
        Some(Value::String(only)) => only == name,
        Some(Value::Array(several)) => several.iter().any(|one| one == name),
        _ => false,
    }
}
