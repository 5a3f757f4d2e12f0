//! What fits a tool: its name, and the arguments of a call.
//!
//! Schemas are compiled once, when a toolbox is built or a server says what it has. Checking runs
//! inside the rules of a chat, so it must be quick and must not fail on any input.

use std::{fmt, sync::Arc};

use jsonschema::{PatternOptions, Validator};
use polychat_core::{Failure, FailureKind, content::Text, outcome::cut};
use serde_json::Value;

/// The longest name of a tool, in bytes, that all providers take.
pub const TOOL_NAME_BYTES_MAX: usize = 64;

/// How many things that are wrong a model is told of at once.
const ERRORS_SHOWN_MAX: usize = 8;
/// How much of each, in bytes; a schema may name many properties, and so may the arguments.
const ERROR_BYTES_MAX: usize = 200;
/// The size of one compiled pattern, in bytes.
const PATTERN_BYTES_MAX: usize = 1024 * 1024;

/// Whether providers take this as the name of a tool: 1 to 64 of `A-Z a-z 0-9 _ -`.
#[must_use]
pub fn is_tool_name(name: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    (1..=TOOL_NAME_BYTES_MAX).contains(&name.len()) && name.bytes().all(fits)
}

/// The compiled schema of a tool's arguments.
///
/// ```
/// use polychat_tools::ArgumentSchema;
/// use serde_json::json;
///
/// let schema = ArgumentSchema::compile(&json!({
///     "type": "object",
///     "properties": { "city": { "type": "string" } },
///     "required": ["city"],
/// }))?;
/// assert!(schema.check(&json!({ "city": "Bergen" })).is_ok());
/// let failure = schema.check(&json!({ "city": 5 })).unwrap_err();
/// assert!(failure.message.contains(r#"/city: value is not of type "string""#), "{failure}");
/// # Ok::<(), polychat_tools::InvalidSchema>(())
/// ```
#[derive(Clone)]
pub struct ArgumentSchema(Arc<Validator>);

impl ArgumentSchema {
    /// Compiles a schema. Nothing is fetched: references must stay inside it.
    ///
    /// # Errors
    ///
    /// [`InvalidSchema`] if it is none, refers to what is elsewhere, or describes anything but an
    /// object, which no provider takes.
    pub fn compile(schema: &Value) -> Result<Self, InvalidSchema> {
        if schema.get("type").and_then(Value::as_str) != Some("object") {
            return Err(InvalidSchema::NoObject);
        }
        // The engine without backtracking: a pattern and an argument together must never take long.
        let patterns = PatternOptions::regex().size_limit(PATTERN_BYTES_MAX);
        let options = jsonschema::options().offline().with_pattern_options(patterns);
        match options.build(schema) {
            Ok(validator) => Ok(Self(Arc::new(validator))),
            Err(error) => {
                let error = error.masked().to_string();
                Err(InvalidSchema::NotCompiled(cut(&error, ERROR_BYTES_MAX).into()))
            }
        }
    }

    /// Whether these arguments fit.
    ///
    /// # Errors
    ///
    /// A [`Failure`] of kind `InvalidArguments`, whose message tells a model what to mend: where it
    /// is wrong and what is expected there, the first few of all that is wrong. It does not repeat
    /// the arguments.
    pub fn check(&self, arguments: &Value) -> Result<(), Failure> {
        if self.0.is_valid(arguments) {
            return Ok(());
        }
        let mut message = String::from("the arguments do not fit the schema:");
        let mut errors = self.0.iter_errors(arguments);
        for error in errors.by_ref().take(ERRORS_SHOWN_MAX) {
            let place = error.instance_path().to_string();
            let place = if place.is_empty() { "/" } else { &place };
            let expected = error.masked().to_string();
            let (place, expected) = (cut(place, ERROR_BYTES_MAX), cut(&expected, ERROR_BYTES_MAX));
            message.push_str(&format!("\n{place}: {expected}"));
        }
        if errors.next().is_some() {
            message.push_str("\nand more");
        }
        Err(Failure::new(FailureKind::InvalidArguments, &message))
    }
}

impl fmt::Debug for ArgumentSchema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ArgumentSchema { .. }")
    }
}

/// Why a schema cannot be used for arguments.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidSchema {
    /// Its root is not of `"type": "object"`.
    #[error("arguments are an object, so its root must say \"type\": \"object\"")]
    NoObject,
    /// It is no schema, or refers to what is not in it.
    #[error("{0}")]
    NotCompiled(Text),
}
