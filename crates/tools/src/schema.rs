//! What fits a tool: its name, and the arguments of a call.
//!
//! Schemas are compiled once, when a toolbox is built or a server says what it has. Checking runs
//! inside the rules of a chat, so it must be quick and must not fail, whatever the schema of a
//! server and the arguments of a model are.

mod cost;
mod message;
mod shape;
mod work;

use std::{fmt, sync::Arc};

use jsonschema::{PatternOptions, Validator};
use polychat_core::{Failure, content::Text, outcome::cut};
use serde_json::Value;

pub(crate) use shape::{schema_of, tidied};

/// The longest name of a tool, in bytes, that all providers take.
pub const TOOL_NAME_BYTES_MAX: usize = 64;

/// How much of a reason is told, in bytes; a schema may name many properties.
const REASON_BYTES_MAX: usize = 200;
/// The size of one compiled pattern, in bytes.
const PATTERN_BYTES_MAX: usize = 1024 * 1024;

/// Whether providers take this as the name of a tool: 1 to 64 of `A-Z a-z 0-9 _ -`.
///
/// ```
/// use polychat_tools::is_tool_name;
/// assert!(is_tool_name("read_file"));
/// assert!(!is_tool_name("read file"));
/// ```
#[must_use]
pub fn is_tool_name(name: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    (1..=TOOL_NAME_BYTES_MAX).contains(&name.len()) && name.bytes().all(fits)
}

/// The compiled schema of a tool's arguments. A clone is the same one.
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
/// assert!(failure.message.ends_with(r#"arguments/city: value is not of type "string""#));
/// # Ok::<(), polychat_tools::InvalidSchema>(())
/// ```
#[derive(Clone)]
pub struct ArgumentSchema(Arc<Compiled>);

struct Compiled {
    validator: Validator,
    /// What it was compiled from: how much work a check is, is counted there.
    source: Value,
}

impl ArgumentSchema {
    /// Compiles a schema. Nothing is fetched: references must stay inside it.
    ///
    /// # Errors
    ///
    /// [`InvalidSchema`] if it is none, if providers refuse it, or if checking it might take long.
    pub fn compile(schema: &Value) -> Result<Self, InvalidSchema> {
        shape::check(schema)?;
        cost::check(schema)?;
        // The engine without backtracking: a pattern and an argument together must never take long.
        let patterns = PatternOptions::regex().size_limit(PATTERN_BYTES_MAX);
        let options = jsonschema::options().offline().with_pattern_options(patterns);
        match options.build(schema) {
            Ok(validator) => Ok(Self(Arc::new(Compiled { validator, source: schema.clone() }))),
            Err(error) => {
                let reason = error.masked().to_string();
                Err(InvalidSchema::NotCompiled(cut(&reason, REASON_BYTES_MAX).into()))
            }
        }
    }

    /// Whether these arguments fit.
    ///
    /// # Errors
    ///
    /// A [`Failure`] of kind `InvalidArguments`, whose message tells a model what to mend: where it
    /// is wrong and what is expected there, the first few of all that is wrong. It does not repeat
    /// the values. Arguments that would take more than a few milliseconds to check, because they are
    /// very large or because the schema tries many choices within choices, fail without being
    /// checked.
    pub fn check(&self, arguments: &Value) -> Result<(), Failure> {
        let Compiled { validator, source } = &*self.0;
        let Ok(work) = work::of(source, arguments) else { return Err(message::too_much()) };
        if validator.is_valid(arguments) {
            return Ok(());
        }
        Err(message::of(validator, arguments, work))
    }
}

#[cfg(feature = "mcp")]
impl ArgumentSchema {
    /// Whether it was compiled from this very schema.
    pub(crate) fn is_of(&self, schema: &Value) -> bool {
        self.0.source == *schema
    }

    #[cfg(test)]
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
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
    /// Its root is not of `"type": "object"`: providers refuse a request with such a tool.
    #[error("arguments are an object: the root must say \"type\": \"object\"")]
    NoObject,
    /// Its root combines schemas: providers refuse a request with such a tool.
    #[error("the root must not have {keyword:?}: put it into a property")]
    CombinedAtRoot {
        /// What it has: `anyOf`, `oneOf`, `allOf`, `enum` or `not`.
        keyword: &'static str,
    },
    /// With all references followed it is so large that checking might take long.
    #[error("it is too large or too deep once its references are followed")]
    TooComplex,
    /// It is no schema, or refers to what is not in it.
    #[error("{0}")]
    NotCompiled(Text),
}
