//! What a model hears of arguments that do not fit.

use std::fmt::Write;

use jsonschema::{ValidationError, Validator, error::ValidationErrorKind};
use polychat_core::{Failure, FailureKind, outcome::cut};
use serde_json::Value;

use super::REASON_BYTES_MAX;

/// How many things that are wrong are told at once.
const ERRORS_MAX: usize = 8;
/// How many values the arguments may have so that errors are looked for, which costs far more than
/// to see that there are some: a flood must not hold up the thread.
const VALUES_MAX: usize = 10_000;
/// How many choices within choices are told, and how many errors of each: they multiply.
const CHOICES_DEPTH_MAX: usize = 2;
const CHOICE_ERRORS_MAX: usize = 3;

/// Says where the arguments are wrong and what is expected there, but not what stands there.
pub(super) fn of(validator: &Validator, arguments: &Value) -> Failure {
    let mut message = String::from("the arguments do not fit the schema:");
    if !are_few(arguments, &mut { VALUES_MAX }) {
        message.push_str("\nthey are too many values to say which");
        return Failure::new(FailureKind::InvalidArguments, &message);
    }
    let mut errors = validator.iter_errors(arguments);
    for error in errors.by_ref().take(ERRORS_MAX) {
        message.push('\n');
        tell(&mut message, &error, CHOICES_DEPTH_MAX);
    }
    if errors.next().is_some() {
        message.push_str("\nand more");
    }
    Failure::new(FailureKind::InvalidArguments, &message)
}

/// Whether there are at most so many values.
fn are_few(value: &Value, left: &mut usize) -> bool {
    let Some(rest) = left.checked_sub(1) else { return false };
    *left = rest;
    match value {
        Value::Array(items) => items.iter().all(|item| are_few(item, left)),
        Value::Object(members) => members.values().all(|member| are_few(member, left)),
        _ => true,
    }
}

fn tell(message: &mut String, error: &ValidationError<'_>, depth: usize) {
    let place = error.instance_path().to_string();
    // Writing to a string cannot fail.
    let _ = write!(message, "arguments{}: ", cut(&place, REASON_BYTES_MAX));
    match error.kind() {
        ValidationErrorKind::AnyOf { context } | ValidationErrorKind::OneOfNotValid { context }
            if depth > 0 =>
        {
            // "Fits none of them" would not tell what to mend.
            message.push_str("value fits none of the choices:");
            for (index, errors) in context.iter().take(ERRORS_MAX).enumerate() {
                message.push_str(if index == 0 { " either (" } else { " or (" });
                for (index, error) in errors.iter().take(CHOICE_ERRORS_MAX).enumerate() {
                    message.push_str(if index == 0 { "" } else { " and " });
                    tell(message, error, depth - 1);
                }
                message.push(')');
            }
        }
        _ => message.push_str(cut(&error.masked().to_string(), REASON_BYTES_MAX)),
    }
}
