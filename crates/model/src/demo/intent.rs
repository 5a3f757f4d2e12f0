//! What a message wants from the demo: a table of phrases and a few patterns.

use serde_json::Value;

/// What a message wants.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Intent<'a> {
    /// "my SUBJECT is VALUE".
    Tell { subject: &'a str, value: &'a str },
    /// "remember that NOTE".
    Note(&'a str),
    /// "what is my SUBJECT?".
    Ask(&'a str),
    /// "what do you know?".
    AskAll,
    /// "what did I say before?".
    AskBefore,
    /// "how many messages?".
    AskCount,
    /// "what are your instructions?".
    AskInstructions,
    /// "hello".
    Greet,
    /// "think REST".
    Think(&'a str),
    /// "/command".
    Command(Command<'a>),
    /// Anything else.
    Other,
}

/// What a slash command wants.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Command<'a> {
    Help,
    Long(usize),
    Tool { name: &'a str, arguments: Value },
    Error,
    Unavailable,
    Crash,
    Hang,
    Flood,
    Block,
    Spin,
    Unknown,
}

/// How many words `/long` says when it is not told how many.
const LONG_WORDS: usize = 200;

/// The longest thing that "my … is …" may be about, in bytes; longer ones are ordinary sentences.
const SUBJECT_BYTES_MAX: usize = 48;

/// Whole sentences, in lower case and without the marks at their ends.
const PHRASES: &[(&[&str], Intent<'static>)] = &[
    (&["who am i", "do you know my name"], Intent::Ask("name")),
    (&["what do you know", "what do you know about me", "what do you remember"], Intent::AskAll),
    (&["what did i say", "what did i say before", "what did i just say"], Intent::AskBefore),
    (&["how many messages", "how many messages did i send", "count"], Intent::AskCount),
    (&["what are your instructions", "who are you"], Intent::AskInstructions),
    (&["hello", "hi", "hey", "good morning", "good evening"], Intent::Greet),
];

/// The commands without arguments.
const COMMANDS: &[(&str, Command<'static>)] = &[
    ("help", Command::Help),
    ("error", Command::Error),
    ("unavailable", Command::Unavailable),
    ("crash", Command::Crash),
    ("panic", Command::Crash),
    ("hang", Command::Hang),
    ("flood", Command::Flood),
    ("block", Command::Block),
    ("spin", Command::Spin),
];

/// What `text` wants. Case and the marks at the end do not matter.
pub(super) fn parse(text: &str) -> Intent<'_> {
    let text = text.trim();
    if let Some(command) = text.strip_prefix('/') {
        return Intent::Command(parse_command(command));
    }
    let sentence = text.trim_end_matches(['.', '!', '?', ' ']);
    let lower = sentence.to_ascii_lowercase();
    let phrase = PHRASES.iter().find(|(phrases, _)| phrases.contains(&lower.as_str()));
    if let Some((_, intent)) = phrase {
        return intent.clone();
    }
    think(sentence)
        .or_else(|| tell(sentence))
        .or_else(|| note(sentence))
        .or_else(|| ask(sentence))
        .unwrap_or(Intent::Other)
}

fn parse_command(text: &str) -> Command<'_> {
    let (word, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    let rest = rest.trim();
    if word.eq_ignore_ascii_case("long") {
        return Command::Long(rest.parse().unwrap_or(LONG_WORDS));
    }
    if word.eq_ignore_ascii_case("tool") {
        let (name, arguments) = rest.split_once(char::is_whitespace).unwrap_or((rest, "{}"));
        // What is no JSON goes to the tool as text: its schema refuses it, which is worth seeing.
        let arguments =
            serde_json::from_str(arguments).unwrap_or_else(|_| Value::String(arguments.into()));
        return if name.is_empty() { Command::Unknown } else { Command::Tool { name, arguments } };
    }
    let known = COMMANDS.iter().find(|(name, _)| word.eq_ignore_ascii_case(name));
    known.map_or(Command::Unknown, |(_, command)| command.clone())
}

fn think(sentence: &str) -> Option<Intent<'_>> {
    let rest = if sentence.eq_ignore_ascii_case("think") {
        ""
    } else {
        strip(sentence, "think ").or_else(|| strip(sentence, "think: "))?
    };
    Some(Intent::Think(strip(rest, "about ").unwrap_or(rest)))
}

fn tell(sentence: &str) -> Option<Intent<'_>> {
    if let Some(value) = strip(sentence, "call me ") {
        return Some(Intent::Tell { subject: "name", value });
    }
    let fact = strip(sentence, "my ")?;
    let place = fact.to_ascii_lowercase().find(" is ")?;
    let (subject, value) = fact.split_at_checked(place)?;
    let value = strip(value, " is ")?;
    let subject = subject.trim();
    let plausible = !subject.is_empty() && subject.len() <= SUBJECT_BYTES_MAX && !value.is_empty();
    plausible.then_some(Intent::Tell { subject, value })
}

fn note(sentence: &str) -> Option<Intent<'_>> {
    let note = strip(sentence, "remember that ")
        .or_else(|| strip(sentence, "remember: "))
        .or_else(|| strip(sentence, "remember "))?;
    (!note.is_empty()).then(|| tell(note).unwrap_or(Intent::Note(note)))
}

fn ask(sentence: &str) -> Option<Intent<'_>> {
    let subject = strip(sentence, "what is my ").or_else(|| strip(sentence, "what's my "))?;
    (!subject.is_empty()).then_some(Intent::Ask(subject))
}

/// What follows a prefix, whatever its case.
fn strip<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let (head, rest) = text.split_at_checked(prefix.len())?;
    head.eq_ignore_ascii_case(prefix).then(|| rest.trim())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Command, Intent, parse};

    #[test]
    fn a_message_wants_what_the_table_says() {
        let table = [
            ("my name is Ada", Intent::Tell { subject: "name", value: "Ada" }),
            ("My Name IS Ada!", Intent::Tell { subject: "Name", value: "Ada" }),
            ("call me Ada.", Intent::Tell { subject: "name", value: "Ada" }),
            ("my dog is what it is", Intent::Tell { subject: "dog", value: "what it is" }),
            ("remember that my cat is grey", Intent::Tell { subject: "cat", value: "grey" }),
            ("remember that tea is hot", Intent::Note("tea is hot")),
            ("Remember: buy milk", Intent::Note("buy milk")),
            ("what is my name?", Intent::Ask("name")),
            ("What's my favourite colour ?", Intent::Ask("favourite colour")),
            ("who am I?", Intent::Ask("name")),
            ("what do you know?", Intent::AskAll),
            ("What did I say before?", Intent::AskBefore),
            ("how many messages?", Intent::AskCount),
            ("what are your instructions?", Intent::AskInstructions),
            ("Hello!", Intent::Greet),
            ("think about tea", Intent::Think("tea")),
            ("Think: what is my name?", Intent::Think("what is my name")),
            ("think", Intent::Think("")),
            ("thinking hurts", Intent::Other),
            ("my is Ada", Intent::Other),
            ("my name is", Intent::Other),
            ("remember", Intent::Other),
            ("what is my ?", Intent::Other),
            ("", Intent::Other),
            ("mÿ name", Intent::Other),
            ("日本語", Intent::Other),
        ];
        for (text, expected) in table {
            assert_eq!(parse(text), expected, "{text:?}");
        }
    }

    #[test]
    fn a_sentence_that_only_looks_like_a_fact_is_none() {
        let long = format!("my {} is over", "very ".repeat(20));
        assert_eq!(parse(&long), Intent::Other);
    }

    #[test]
    fn a_command_wants_what_the_table_says() {
        let table = [
            ("/help", Command::Help),
            ("/error", Command::Error),
            ("/unavailable", Command::Unavailable),
            ("/crash", Command::Crash),
            (" /PANIC ", Command::Crash),
            ("/hang", Command::Hang),
            ("/flood now", Command::Flood),
            ("/block", Command::Block),
            ("/spin", Command::Spin),
            ("/long", Command::Long(200)),
            ("/long 7", Command::Long(7)),
            ("/long x", Command::Long(200)),
            ("/tool clock", Command::Tool { name: "clock", arguments: json!({}) }),
            ("/tool add {\"a\":1}", Command::Tool { name: "add", arguments: json!({"a": 1}) }),
            ("/tool add one", Command::Tool { name: "add", arguments: json!("one") }),
            ("/tool", Command::Unknown),
            ("/nonsense", Command::Unknown),
            ("/", Command::Unknown),
        ];
        for (text, expected) in table {
            assert_eq!(parse(text), Intent::Command(expected), "{text:?}");
        }
    }
}
