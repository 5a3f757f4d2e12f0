//! Asks a person.

use polychat_core::{Failure, FailureKind, tool::ToolKind};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::{FnTool, tool};

#[derive(Deserialize, JsonSchema)]
#[expect(dead_code, reason = "what is asked goes to a person as it is")]
struct Arguments {
    /// What to ask.
    #[schemars(length(min = 1, max = 2000))]
    question: String,
    /// Answers to choose from; without any the person answers in their own words.
    #[serde(default)]
    #[schemars(length(max = 16), inner(length(min = 1, max = 200)))]
    options: Vec<String>,
}

/// Puts a question to a person, with options to choose from or for free text.
///
/// Its name is `ask_user`; it is a [`Question`](ToolKind::Question): the rules turn each call into
/// an approval that waits for the answer, so the tool itself is never run. Its arguments are
/// `question` and, if there is something to choose from, `options`.
#[must_use]
pub fn ask_user() -> FnTool {
    let description = "Asks the user a question and returns the answer. Use it when you cannot \
                       know what the user wants.";
    tool("ask_user", description, |_: Arguments| async {
        // Whoever calls it anyway has no person at hand.
        Err::<(), _>(Failure::new(FailureKind::ToolFailed, "a question is answered, not run"))
    })
    .kind(ToolKind::Question)
}
