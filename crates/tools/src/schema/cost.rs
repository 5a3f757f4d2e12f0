//! How much work a schema may make, before it is compiled.
//!
//! A small schema can be huge once its references are followed: thirty definitions, each naming the
//! next one twice, would be checked a billion times. Servers send schemas, and checking runs on the
//! threads that all chats share, so such a schema is refused.

use std::{borrow::Cow, collections::HashMap};

use percent_encoding::percent_decode_str;
use serde_json::Value;

use super::InvalidSchema;

/// Schemas within a schema, those that are referred to counted once for each reference.
const SCHEMAS_MAX: u64 = 50_000;
/// Schemas within one another, through references too.
const DEPTH_MAX: usize = 128;

/// Whether a schema stays small when its references are followed.
pub(super) fn check(schema: &Value) -> Result<(), InvalidSchema> {
    Walk { root: schema, referred: HashMap::new() }.schema(schema, 0).map(drop)
}

struct Walk<'a> {
    root: &'a Value,
    /// How many schemas each reference stands for; `None` while it is being followed.
    referred: HashMap<&'a str, Option<u64>>,
}

impl<'a> Walk<'a> {
    /// How many schemas this one is.
    fn schema(&mut self, schema: &'a Value, depth: usize) -> Result<u64, InvalidSchema> {
        let Value::Object(keywords) = schema else { return Ok(1) };
        if depth > DEPTH_MAX {
            return Err(InvalidSchema::TooComplex);
        }
        let mut count: u64 = 1;
        for (keyword, value) in keywords {
            count = count.saturating_add(self.keyword(keyword, value, depth + 1)?);
        }
        if count > SCHEMAS_MAX { Err(InvalidSchema::TooComplex) } else { Ok(count) }
    }

    fn keyword(
        &mut self,
        name: &str,
        value: &'a Value,
        depth: usize,
    ) -> Result<u64, InvalidSchema> {
        match (name, value) {
            // Data, which may look like a schema.
            ("enum" | "const" | "default" | "examples", _) => Ok(0),
            ("$ref", Value::String(reference)) => self.reference(reference, depth),
            // These move or hide what a reference means; tools have no use for them.
            ("$dynamicRef" | "$recursiveRef", _) => Err(not_followed(name)),
            ("$id" | "id" | "$anchor" | "$dynamicAnchor", Value::String(_)) if depth > 1 => {
                Err(not_followed(name))
            }
            // Counted where it is referred to.
            ("$defs" | "definitions", Value::Object(named)) => {
                self.all(named.values(), depth).map(|_| 0)
            }
            (
                "properties" | "patternProperties" | "dependentSchemas" | "dependencies",
                Value::Object(named),
            ) => self.all(named.values(), depth),
            (_, Value::Object(_)) => self.schema(value, depth),
            (_, Value::Array(several)) => self.all(several.iter(), depth),
            _ => Ok(0),
        }
    }

    fn all(
        &mut self,
        schemas: impl Iterator<Item = &'a Value>,
        depth: usize,
    ) -> Result<u64, InvalidSchema> {
        let mut count: u64 = 0;
        for schema in schemas.filter(|schema| schema.is_object()) {
            count = count.saturating_add(self.schema(schema, depth)?);
        }
        Ok(count)
    }

    fn reference(&mut self, reference: &'a str, depth: usize) -> Result<u64, InvalidSchema> {
        match self.referred.get(reference) {
            Some(Some(count)) => return Ok(*count),
            // A type that contains itself: how often it is followed, `work` counts for each call.
            Some(None) => return Ok(1),
            None => {}
        }
        let target = target(self.root, reference).ok_or_else(|| not_followed(reference))?;
        self.referred.insert(reference, None);
        let count = self.schema(target, depth)?;
        self.referred.insert(reference, Some(count));
        Ok(count)
    }
}

/// What a reference within a schema means.
pub(super) fn target<'a>(root: &'a Value, reference: &str) -> Option<&'a Value> {
    let pointer: Cow<'_, str> =
        percent_decode_str(reference.strip_prefix('#')?).decode_utf8().ok()?;
    root.pointer(&pointer)
}

fn not_followed(what: &str) -> InvalidSchema {
    let what = polychat_core::outcome::cut(what, super::REASON_BYTES_MAX);
    InvalidSchema::NotCompiled(
        format!("only references of the form #/… are followed: {what}").into(),
    )
}
