//! Tools from functions.

use std::{fmt, pin::Pin, sync::Arc, time::Duration};

use async_trait::async_trait;
use polychat_core::{
    Failure, FailureKind,
    content::Text,
    ports::{Tool, ToolInput, ToolSink},
    tool::{ToolKind, ToolOutput, ToolSpec},
};
use schemars::JsonSchema;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;

use crate::{context::ToolContext, result::IntoToolResult, schema::schema_of};

/// Makes a tool of an async function of one argument, whose type describes what the tool takes.
///
/// The doc comments of the type and of its fields become the descriptions in the schema. The type
/// must be a struct (or another thing whose JSON is an object); anything else is refused when the
/// toolbox is built. What it answers is an [`IntoToolResult`].
///
/// Until it says [`reads_only`](FnTool::reads_only), it counts as a tool that acts, and a person is
/// asked before each call unless the policy says otherwise.
///
/// ```
/// use polychat_tools::tool;
/// # use {schemars::JsonSchema, serde::Deserialize};
///
/// #[derive(Deserialize, JsonSchema)]
/// struct Lookup {
///     /// The name of the city.
///     city: String,
/// }
///
/// async fn population(lookup: Lookup) -> Result<u64, String> {
///     match lookup.city.as_str() {
///         "Bergen" => Ok(291_940),
///         other => Err(format!("I do not know {other}")),
///     }
/// }
///
/// let population = tool("population", "how many people live in a city", population).reads_only();
/// # let _ = population;
/// ```
pub fn tool<A, F, Fut>(name: impl Into<Text>, description: impl Into<Text>, function: F) -> FnTool
where
    A: DeserializeOwned + JsonSchema + Send + 'static,
    F: Fn(A) -> Fut + Send + Sync + 'static,
    Fut: Future<Output: IntoToolResult> + Send + 'static,
{
    tool_with(name, description, move |arguments, _| function(arguments))
}

/// Makes a tool of an async function that also takes the [`ToolContext`] of its call.
///
/// ```
/// use polychat_tools::{NoArguments, Progress, tool_with};
///
/// let count = tool_with("count", "counts to three", |_: NoArguments, context| async move {
///     for number in 1..=3 {
///         context.progress(Progress::new(number.into()).total(3.0));
///     }
///     "counted"
/// });
/// # let _ = count;
/// ```
pub fn tool_with<A, F, Fut>(
    name: impl Into<Text>,
    description: impl Into<Text>,
    function: F,
) -> FnTool
where
    A: DeserializeOwned + JsonSchema + Send + 'static,
    F: Fn(A, ToolContext) -> Fut + Send + Sync + 'static,
    Fut: Future<Output: IntoToolResult> + Send + 'static,
{
    FnTool::new::<A>(name.into(), description.into(), move |arguments, context| {
        match parse(arguments) {
            Ok(arguments) => {
                let running = function(arguments, context);
                Box::pin(async move { running.await.into_tool_result() })
            }
            Err(failure) => Box::pin(async { Err(failure) }),
        }
    })
}

/// The arguments of a tool that takes none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
pub struct NoArguments {}

type Running = Pin<Box<dyn Future<Output = Result<ToolOutput, Failure>> + Send>>;
type Function = dyn Fn(Value, ToolContext) -> Running + Send + Sync;

/// A tool from a function; see [`tool`]. A clone is the same tool.
#[derive(Clone)]
pub struct FnTool {
    spec: ToolSpec,
    function: Arc<Function>,
}

impl FnTool {
    pub(crate) fn new<A: JsonSchema>(
        name: Text,
        description: Text,
        function: impl Fn(Value, ToolContext) -> Running + Send + Sync + 'static,
    ) -> Self {
        let spec = ToolSpec::new(name, description, schema_of::<A>());
        Self { spec, function: Arc::new(function) }
    }

    /// Says that the tool only reads: policies let such tools run without asking.
    #[must_use]
    pub fn reads_only(self) -> Self {
        self.kind(ToolKind::Read)
    }

    #[must_use]
    pub(crate) fn kind(mut self, kind: ToolKind) -> Self {
        self.spec = self.spec.kind(kind);
        self
    }

    /// Changes what the argument type could not say.
    #[cfg(feature = "builtin")]
    #[must_use]
    pub(crate) fn edit_schema(mut self, edit: impl FnOnce(&mut Value)) -> Self {
        edit(&mut self.spec.schema);
        self
    }

    /// Makes every call wait for a person, whatever the policy says.
    #[must_use]
    pub fn needs_approval(mut self) -> Self {
        self.spec = self.spec.needs_approval();
        self
    }

    /// Says how long one call may take; a world's own limit holds where it is shorter.
    #[must_use]
    pub fn duration_max(mut self, duration: Duration) -> Self {
        self.spec = self.spec.duration_max(duration);
        self
    }

    /// Says how large the result may be, in bytes; a world's own limit holds where it is smaller.
    #[must_use]
    pub fn result_bytes_max(mut self, bytes: usize) -> Self {
        self.spec = self.spec.result_bytes_max(bytes);
        self
    }
}

impl fmt::Debug for FnTool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FnTool").field("spec", &self.spec).finish_non_exhaustive()
    }
}

#[async_trait]
impl Tool for FnTool {
    fn spec(&self) -> ToolSpec {
        self.spec.clone()
    }

    async fn call(&self, input: ToolInput, output: ToolSink) -> Result<ToolOutput, Failure> {
        (self.function)(input.arguments, ToolContext::new(input.context, output)).await
    }
}

/// Reads arguments that fit the schema, but may still not fit the type.
pub(crate) fn parse<A: DeserializeOwned>(arguments: Value) -> Result<A, Failure> {
    serde_json::from_value(arguments)
        .map_err(|error| Failure::new(FailureKind::InvalidArguments, &error.to_string()))
}
