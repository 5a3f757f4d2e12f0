//! What a model hears of arguments that do not fit.

use std::fmt::Write;

use jsonschema::{ValidationError, Validator, error::ValidationErrorKind};
use polychat_core::{Failure, FailureKind, outcome::cut};
use serde_json::Value;

use super::{REASON_BYTES_MAX, work::Work};

/// How many things that are wrong are told at once.
const ERRORS_MAX: usize = 8;
/// How many steps it may take to look for errors, each of which costs far more than to see that
/// there are some: a flood must not hold up the thread.
const STEPS_MAX: u64 = 10_000;
/// How many choices within choices are told, and how many errors of each: they multiply.
const CHOICES_DEPTH_MAX: usize = 2;
const CHOICE_ERRORS_MAX: usize = 3;

/// Says where the arguments are wrong and what is expected there, but not what stands there.
pub(super) fn of(validator: &Validator, arguments: &Value, work: Work) -> Failure {
    let mut message = String::from("the arguments do not fit the schema:");
    if work.explain > STEPS_MAX {
        message.push_str("\nthey are too large or too deeply nested to say where");
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

/// Says that arguments were not checked because that would take too long.
pub(super) fn too_much() -> Failure {
    let message =
        "the arguments are too large or too deeply nested to be checked against the schema";
    Failure::new(FailureKind::InvalidArguments, message)
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
