//! The words of the demo: what was asked and what is known, turned into a sentence or two.

use polychat_core::outcome::cut;

use super::{intent::Intent, memory::Memory};

/// How much of a message is quoted back, in bytes.
const QUOTE_BYTES_MAX: usize = 200;

pub(super) const HELP: &str = "I answer from what you tell me in this chat. Try: my name is Ada; \
    what is my name?; remember that tea is hot; what do you know?; what did I say before?; think \
    about tea; /long 50; /error; /unavailable; /crash; /hang; /flood; /block; /spin; \
    /tool NAME {JSON}.";

/// What to say to `text`, which wants `intent`.
pub(super) fn reply(text: &str, intent: &Intent<'_>, memory: &Memory) -> String {
    match intent {
        Intent::Tell { subject, value } if subject.eq_ignore_ascii_case("name") => {
            format!("Nice to meet you, {value}. {}", count(memory))
        }
        Intent::Tell { subject, value } => {
            format!("I take note: your {subject} is {value}. {}", count(memory))
        }
        Intent::Note(note) => format!("I will remember that {note}. {}", count(memory)),
        Intent::Ask(subject) => match memory.fact(subject) {
            Some(value) => format!("Your {subject} is {value}."),
            None => format!("You have not told me your {subject} in this chat."),
        },
        Intent::AskAll => match known(memory) {
            Some(known) => format!("In this chat you told me that {known}."),
            None => "You have told me nothing in this chat yet.".to_owned(),
        },
        Intent::AskBefore => match &memory.before {
            Some(before) => format!("Before this you said {}.", quote(before)),
            None => "You have said nothing before this in this chat.".to_owned(),
        },
        Intent::AskCount => count(memory),
        Intent::Greet => match memory.fact("name") {
            Some(name) => format!("Hello, {name}. {}", count(memory)),
            None => format!("Hello. {}", count(memory)),
        },
        Intent::Think(rest) => {
            let rest = if rest.is_empty() { "nothing" } else { *rest };
            format!("I have thought about {}. {}", quote(rest), count(memory))
        }
        Intent::AskInstructions | Intent::Command(_) | Intent::Other => other(text, memory),
    }
}

/// What the demo tells about its instructions.
pub(super) fn instructions(system: &str) -> String {
    if system.is_empty() {
        "I am a demo, and I have no instructions.".to_owned()
    } else {
        format!("My instructions are {}.", quote(system))
    }
}

/// What the demo thinks aloud about `about`.
pub(super) fn thought(about: &str, memory: &Memory) -> String {
    let about =
        if about.is_empty() { "nothing in particular" } else { cut(about, QUOTE_BYTES_MAX) };
    let known = known(memory).unwrap_or_else(|| "nothing yet".to_owned());
    format!("The question is {about}. From this chat I know: {known}. So I say what I know. ")
}

/// What the demo says after a tool has answered.
pub(super) fn tool_answered(answer: &str) -> String {
    format!("The tool answered {}.", quote(answer))
}

fn other(text: &str, memory: &Memory) -> String {
    let hint = match known(memory) {
        Some(known) => format!("I know that {known}."),
        None => "Tell me something, for example: my name is Ada.".to_owned(),
    };
    format!("You said {}. {} {hint}", quote(text), count(memory))
}

fn count(memory: &Memory) -> String {
    format!("This is message {} you sent in this chat.", memory.user_messages)
}

fn known(memory: &Memory) -> Option<String> {
    let clauses = memory.clauses();
    (!clauses.is_empty()).then(|| clauses.join(", and "))
}

fn quote(text: &str) -> String {
    let short = cut(text.trim(), QUOTE_BYTES_MAX);
    let more = if short.len() < text.trim().len() { "…" } else { "" };
    format!("\"{short}{more}\"")
}
