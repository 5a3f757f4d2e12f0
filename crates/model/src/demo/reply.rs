//! The words of the demo: what was asked and what is known, turned into a sentence or two.

use polychat_core::{AgentName, FailureKind, outcome::cut};

use super::{
    calls::ASK_TOOL,
    intent::{Intent, TAKE_OVER},
    memory::{Heard, Memory},
};

/// How much of a message is quoted back, in bytes.
const QUOTE_BYTES_MAX: usize = 200;
/// How many words of what a user wrote make a title.
const TITLE_WORDS: usize = 6;

pub(super) const HELP: &str = "I answer from what you tell me in this chat. Try: my name is Ada; \
    what is my name?; remember that tea is hot; what do you know?; what did I say before?; think \
    about tea; /long 50; /error; /unavailable; /crash; /hang; /flood; /block; /spin; \
    /tool NAME {JSON}; /ask QUESTION | OPTION | OPTION; /handoff AGENT.";

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
        Intent::AskInstructions | Intent::AskSelf | Intent::Command(_) | Intent::Other => {
            other(text, memory)
        }
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

/// Who the demo is, if it was told.
pub(super) fn oneself(agent: Option<&AgentName>, system: &str) -> String {
    match agent {
        Some(agent) => format!("I am {agent}. {}", instructions(system)),
        None => instructions(system),
    }
}

/// What the demo says when it hands the turn on.
pub(super) fn handing_on(to: &str, text: &str) -> String {
    let text = if text.is_empty() { format!("{TAKE_OVER}.") } else { text.to_owned() };
    format!("@{to} {text}")
}

/// A title for a chat that begins so.
pub(super) fn title(beginning: &str) -> String {
    // A heading and what the user wrote come first, each in a paragraph of its own.
    let written = beginning.split("\n\n").nth(1).unwrap_or(beginning);
    let words: Vec<&str> = written.split_whitespace().take(TITLE_WORDS).collect();
    let title = words.join(" ");
    let mut letters = title.trim_matches(|c: char| !c.is_alphanumeric()).chars();
    let first = letters.next().map(char::to_uppercase);
    first.into_iter().flatten().chain(letters).collect()
}

/// What the demo says when it asks for tools, or cannot.
pub(super) fn calling(asked: &[&str], missing: &[&str], tools: &[&str]) -> String {
    let mut text = match missing {
        [] => String::new(),
        missing if tools.is_empty() => format!("I have no tools, so no {}. ", listed(missing)),
        missing => format!("I have no tool {}; I have {}. ", listed(missing), listed(tools)),
    };
    text.push_str(&match asked {
        [] => String::new(),
        [tool] if *tool == ASK_TOOL => "I ask you. ".to_owned(),
        [tool] => format!("I ask the tool {tool}. "),
        tools => format!("I ask the tools {}. ", listed(tools)),
    });
    text
}

/// What the demo says after tools have answered; empty when none has.
pub(super) fn heard(heard: &[Heard]) -> String {
    let said: Vec<String> = heard.iter().map(told).collect();
    said.join(" ")
}

fn told(Heard { tool, answer }: &Heard) -> String {
    let asked = **tool == *ASK_TOOL;
    match answer {
        Ok(text) if text.trim().is_empty() => format!("{tool} answered without a word."),
        Ok(text) if asked => format!("You answered {}.", quote(text)),
        Ok(text) => format!("{tool} answered {}.", quote(text)),
        Err(failure) => {
            // On one line, however many the tool needed to say it.
            let why = quote(&failure.message.split_whitespace().collect::<Vec<_>>().join(" "));
            match failure.kind {
                FailureKind::Denied if asked => format!("You did not answer: {why}."),
                FailureKind::Denied => format!("{tool} was not allowed: {why}."),
                kind => format!("{tool} failed ({}): {why}.", kind.as_str()),
            }
        }
    }
}

fn listed(names: &[&str]) -> String {
    let all = names.join(", ");
    let short = cut(&all, QUOTE_BYTES_MAX);
    if short.len() < all.len() { format!("{short}…") } else { all }
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
