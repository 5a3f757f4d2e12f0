//! What functions that are tools may answer.

use std::{any::Any, borrow::Cow, fmt::Display, sync::Arc};

use polychat_core::{Failure, FailureKind, Part, tool::ToolOutput};
use serde::Serialize;

/// Whatever a function may answer that becomes a tool.
///
/// Text, numbers, truth values, `()`, [`Part`]s, a whole [`ToolOutput`], anything serialisable
/// through [`Json`], or a `Result` of these with any error that prints.
pub trait IntoToolResult {
    /// The outcome of the call.
    ///
    /// # Errors
    ///
    /// The [`Failure`] that the model hears.
    fn into_tool_result(self) -> Result<ToolOutput, Failure>;
}

/// Answers with anything serialisable, as compact JSON.
///
/// ```
/// use polychat_tools::{IntoToolResult, Json};
/// let output = Json([1, 2, 3]).into_tool_result()?;
/// assert_eq!(output.parts[0].as_text(), Some("[1,2,3]"));
/// # Ok::<(), polychat_core::Failure>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Json<T>(pub T);

impl<T: Serialize> IntoToolResult for Json<T> {
    fn into_tool_result(self) -> Result<ToolOutput, Failure> {
        serde_json::to_string(&self.0).map(ToolOutput::text).map_err(failure_of)
    }
}

impl IntoToolResult for ToolOutput {
    fn into_tool_result(self) -> Result<ToolOutput, Failure> {
        Ok(self)
    }
}

impl IntoToolResult for Part {
    fn into_tool_result(self) -> Result<ToolOutput, Failure> {
        vec![self].into_tool_result()
    }
}

impl IntoToolResult for Vec<Part> {
    fn into_tool_result(self) -> Result<ToolOutput, Failure> {
        Ok(ToolOutput { parts: self, ..ToolOutput::default() })
    }
}

impl IntoToolResult for () {
    fn into_tool_result(self) -> Result<ToolOutput, Failure> {
        Ok(ToolOutput::text("done"))
    }
}

/// An error of kind `ToolFailed` with the error's words; a [`Failure`] goes through as it is.
impl<T: IntoToolResult, E: Display + 'static> IntoToolResult for Result<T, E> {
    fn into_tool_result(self) -> Result<ToolOutput, Failure> {
        self.map_err(failure_of)?.into_tool_result()
    }
}

macro_rules! as_text {
    ($($type:ty),*) => {$(
        impl IntoToolResult for $type {
            fn into_tool_result(self) -> Result<ToolOutput, Failure> {
                Ok(ToolOutput::text(self.to_string()))
            }
        }
    )*};
}

as_text!(bool, char, f32, f64, i8, i16, i32, i64, i128, isize, u8, u16, u32, u64, u128, usize);

macro_rules! is_text {
    ($($type:ty),*) => {$(
        impl IntoToolResult for $type {
            fn into_tool_result(self) -> Result<ToolOutput, Failure> {
                Ok(ToolOutput::text(self))
            }
        }
    )*};
}

is_text!(String, &'static str, Arc<str>, Box<str>, Cow<'static, str>);

/// What the model hears of an error.
pub(crate) fn failure_of<E: Display + 'static>(error: E) -> Failure {
    match (&error as &dyn Any).downcast_ref::<Failure>() {
        Some(failure) => failure.clone(),
        None => Failure::new(FailureKind::ToolFailed, &error.to_string()),
    }
}
