//! Tools as the rules see them: what they are, when they may run, what they answered.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    content::{Part, Text},
    outcome::Failure,
};

/// What a tool is, as models and rules see it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ToolSpec {
    /// Its name, unique among the tools of a world.
    pub name: Text,
    /// What it does, for the model.
    pub description: Text,
    /// The JSON schema of its arguments.
    pub schema: Value,
    /// What running it means.
    pub kind: ToolKind,
    /// Whether a person must allow each call that the policy would let run. A person may do so for
    /// a whole chat.
    pub needs_approval: bool,
    /// How long one call may take, in milliseconds, where that is less than
    /// [`Limits::tool_duration_max`](crate::Limits::tool_duration_max).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_max_ms: Option<u64>,
    /// How large the result of one call may be, in bytes, where that is less than
    /// [`Limits::tool_result_bytes_max`](crate::Limits::tool_result_bytes_max).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result_bytes_max: Option<usize>,
}

impl ToolSpec {
    /// A tool that acts and follows the policy.
    #[must_use]
    pub fn new(name: impl Into<Text>, description: impl Into<Text>, schema: Value) -> Self {
        Self {
            name: name.into(),
            description: description.into(),
            schema,
            kind: ToolKind::Act,
            needs_approval: false,
            duration_max_ms: None,
            result_bytes_max: None,
        }
    }

    /// Says what running it means.
    #[must_use]
    pub fn kind(mut self, kind: ToolKind) -> Self {
        self.kind = kind;
        self
    }

    /// Makes every call wait for a person.
    #[must_use]
    pub fn needs_approval(mut self) -> Self {
        self.needs_approval = true;
        self
    }

    /// Says how long one call may take; a world's own limit holds where it is shorter.
    #[must_use]
    pub fn duration_max(mut self, duration: Duration) -> Self {
        self.duration_max_ms = Some(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX));
        self
    }

    /// Says how large the result of one call may be; a world's own limit holds where it is smaller.
    #[must_use]
    pub fn result_bytes_max(mut self, bytes: usize) -> Self {
        self.result_bytes_max = Some(bytes);
        self
    }
}

/// What running a tool means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum ToolKind {
    /// It only reads.
    Read,
    /// It may change something.
    Act,
    /// It is a question to a person: never run, its answer is the result.
    Question,
}

/// A call that a model asked for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ToolCall {
    /// The tool's name.
    pub name: Text,
    /// Its arguments, as the model gave them.
    pub arguments: Value,
    /// The provider's own id of the call, given back in the next request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider_call_id: Option<Text>,
}

impl ToolCall {
    /// The size of its arguments as compact JSON, in bytes.
    #[must_use]
    pub fn arguments_bytes(&self) -> usize {
        crate::content::json_bytes(&self.arguments)
    }
}

/// What a tool answered.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default)]
pub struct ToolOutput {
    /// The answer, for the model and for people.
    pub parts: Vec<Part>,
    /// How many bytes of the answer were cut off at its limit; 0 when nothing was.
    #[serde(skip_serializing_if = "is_zero")]
    #[cfg_attr(feature = "ts", ts(optional = nullable))]
    pub cut_bytes: u64,
    /// How many bytes of live output were not shown, being over their limit; 0 when all was shown.
    #[serde(skip_serializing_if = "is_zero")]
    #[cfg_attr(feature = "ts", ts(optional = nullable))]
    pub unshown_bytes: u64,
}

impl ToolOutput {
    /// An answer of one text, nothing of it cut.
    pub fn text(text: impl Into<Text>) -> Self {
        Self { parts: vec![Part::text(text)], ..Self::default() }
    }
}

#[allow(clippy::trivially_copy_pass_by_ref)] // serde asks for a reference
fn is_zero(n: &u64) -> bool {
    *n == 0
}

/// Which tools an agent may use.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[cfg_attr(
    feature = "openapi",
    derive(schemars::JsonSchema),
    schemars(transform = crate::schema::names_only_where_they_are_read)
)]
#[serde(tag = "kind", content = "names", rename_all = "camelCase")]
#[non_exhaustive]
pub enum ToolSelection {
    /// None.
    #[default]
    None,
    /// All that the world has.
    All,
    /// Those named.
    Only(Vec<Text>),
}

impl ToolSelection {
    /// Whether the agent may use the tool of this name.
    #[must_use]
    pub fn includes(&self, name: &str) -> bool {
        match self {
            Self::None => false,
            Self::All => true,
            Self::Only(names) => names.iter().any(|n| &**n == name),
        }
    }
}

/// When a person must allow a call.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct ToolPolicy {
    /// For all tools that `tools` does not name.
    pub mode: PolicyMode,
    /// For single tools.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[cfg_attr(feature = "ts", ts(optional = nullable))]
    pub tools: BTreeMap<Text, PolicyMode>,
}

/// One rule of a [`ToolPolicy`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum PolicyMode {
    /// Tools that only read may run, others are denied.
    Read,
    /// Tools that only read may run, others ask.
    #[default]
    Ask,
    /// All may run.
    Auto,
}

/// What a policy says of one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It may run.
    Allow,
    /// A person decides.
    Ask,
    /// It may not run.
    Deny,
}

impl ToolPolicy {
    /// What this policy says of a tool, before a chat's own permissions.
    ///
    /// ```
    /// use polychat_core::tool::{ToolKind, ToolPolicy, ToolSpec, Verdict};
    /// let read = ToolSpec::new("clock", "tells the time", serde_json::json!({})).kind(ToolKind::Read);
    /// assert_eq!(ToolPolicy::default().verdict(&read), Verdict::Allow);
    /// ```
    #[must_use]
    pub fn verdict(&self, spec: &ToolSpec) -> Verdict {
        let mode = self.tools.get(&spec.name).copied().unwrap_or(self.mode);
        match (mode, spec.kind) {
            (_, ToolKind::Question) => Verdict::Ask,
            // Where only reading is allowed, nobody is asked for more.
            (PolicyMode::Read, ToolKind::Act) => Verdict::Deny,
            (PolicyMode::Ask, ToolKind::Act) => Verdict::Ask,
            (PolicyMode::Auto, ToolKind::Act) | (_, ToolKind::Read) if spec.needs_approval => {
                Verdict::Ask
            }
            (PolicyMode::Auto, ToolKind::Act) | (_, ToolKind::Read) => Verdict::Allow,
        }
    }
}

/// What a person decided about a call that waits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(tag = "kind", rename_all = "camelCase")]
#[non_exhaustive]
pub enum ApprovalDecision {
    /// This call may run.
    AllowOnce,
    /// This call, all that wait beside it and every later one of the same tool in this chat may
    /// run. A fork asks anew.
    AllowForChat,
    /// It may not run; the model hears why.
    Deny {
        /// Why, for the model.
        reason: Text,
    },
    /// The answer to a question.
    Answer {
        /// What the model receives as the result.
        data: Value,
    },
}

/// The tools of a world at one moment, as the rules may ask about them.
///
/// A catalog does not change: when tools come or go, there is a new one.
pub trait ToolCatalog: Send + Sync {
    /// The tool of this name, if the arguments fit its schema.
    ///
    /// # Errors
    ///
    /// A [`Failure`] of kind `UnknownTool` or `InvalidArguments`, which goes back to the model.
    fn check(&self, call: &ToolCall) -> Result<Arc<ToolSpec>, Failure>;

    /// All tools, in a stable order.
    fn specs(&self) -> Vec<Arc<ToolSpec>>;
}

/// A world without tools: every call is refused as unknown.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoTools;

impl ToolCatalog for NoTools {
    fn check(&self, call: &ToolCall) -> Result<Arc<ToolSpec>, Failure> {
        let message = format!("there is no tool named {:?}", call.name);
        Err(Failure::new(crate::FailureKind::UnknownTool, &message))
    }

    fn specs(&self) -> Vec<Arc<ToolSpec>> {
        Vec::new()
    }
}
