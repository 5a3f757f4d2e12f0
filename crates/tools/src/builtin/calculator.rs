//! Calculates.
//!
//! The crates that evaluate expressions were tried: `fend-core` ends the process by a stack
//! overflow on hostile input, `exmex` and `minijinja` take -2^2 for 4, `evalexpr` is AGPL. So a
//! parser that is kept well reads the expression, and the arithmetic is a page of ours.

mod number;
mod parse;

use polychat_core::{Failure, FailureKind};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::{FnTool, tool};

/// The longest expression, in bytes. What can be written in so much takes microseconds.
const EXPRESSION_BYTES_MAX: usize = 1_024;

#[derive(Deserialize, JsonSchema)]
struct Arguments {
    /// For example: (1 + 2.5) * 3^2 / sqrt(2)
    #[schemars(length(min = 1, max = EXPRESSION_BYTES_MAX))]
    expression: String,
}

/// Calculates with `+ - * / % ^ !`, parentheses, and the usual functions and constants.
///
/// Its name is `calculator`, its argument `expression`; it only reads. Whole numbers are exact up to
/// 38 digits, all others have the 15 digits of a double. What cannot be calculated (division by
/// zero, a root of a negative number, too large) is an error that says so.
#[must_use]
pub fn calculator() -> FnTool {
    let description = format!(
        "Calculates an expression: + - * / % (remainder) ^ (power) ! (factorial), parentheses, \
         {} with radians, and the constants {}. Whole numbers are exact. Write numbers without \
         separators and multiplication with *.",
        parse::FUNCTIONS.join(" "),
        parse::CONSTANTS.join(" "),
    );
    tool(
        "calculator",
        description,
        |Arguments { expression }| async move { calculated(&expression) },
    )
    .reads_only()
}

fn calculated(expression: &str) -> Result<String, Failure> {
    if expression.len() > EXPRESSION_BYTES_MAX {
        let message = format!("the expression is longer than {EXPRESSION_BYTES_MAX} bytes");
        return Err(Failure::new(FailureKind::ToolFailed, &message));
    }
    match parse::parse(expression) {
        Ok(number) => Ok(number.to_string()),
        Err(message) => Err(Failure::new(FailureKind::ToolFailed, &message)),
    }
}
