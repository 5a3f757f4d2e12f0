//! What a message wants from the demo: a table of phrases and a few patterns.

use super::calls::{self, Call};

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
    /// "who are you?".
    AskSelf,
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
    Calls(Vec<Call<'a>>),
    Handoff { to: &'a str, text: &'a str },
    Error,
    Unavailable,
    Crash,
    Hang,
    Flood,
    Block,
    Spin,
}

/// How many words `/long` says when it is not told how many.
const LONG_WORDS: usize = 200;

/// The longest thing that "my … is …" may be about, in bytes; longer ones are ordinary sentences.
const SUBJECT_BYTES_MAX: usize = 48;

/// What an agent is told that is handed a turn with nothing else to say.
pub(super) const TAKE_OVER: &str = "please take over";

/// Whole sentences, in lower case and without the marks at their ends.
const PHRASES: &[(&[&str], Intent<'static>)] = &[
    (&["who am i", "do you know my name"], Intent::Ask("name")),
    (&["what do you know", "what do you know about me", "what do you remember"], Intent::AskAll),
    (&["what did i say", "what did i say before", "what did i just say"], Intent::AskBefore),
    (&["how many messages", "how many messages did i send", "count"], Intent::AskCount),
    (&["what are your instructions"], Intent::AskInstructions),
    (&["who are you", "what is your name"], Intent::AskSelf),
    (&["hello", "hi", "hey", "good morning", "good evening", TAKE_OVER], Intent::Greet),
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

/// What `text` wants. Case and the marks at the end do not matter, nor whom it addresses.
pub(super) fn parse(text: &str) -> Intent<'_> {
    let text = unaddressed(text);
    if let Some(command) = text.strip_prefix('/') {
        let calls = calls::parse(text);
        let calls = (!calls.is_empty()).then_some(Command::Calls(calls));
        return calls.or_else(|| parse_command(command)).map_or(Intent::Other, Intent::Command);
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

/// What follows `@name` at the beginning.
fn unaddressed(text: &str) -> &str {
    let text = text.trim();
    let Some(addressed) = text.strip_prefix('@') else { return text };
    let name_ends = addressed.find(char::is_whitespace).unwrap_or(addressed.len());
    addressed.get(name_ends..).unwrap_or_default().trim_start()
}

fn parse_command(text: &str) -> Option<Command<'_>> {
    let (word, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    let rest = rest.trim();
    if word.eq_ignore_ascii_case("long") {
        return Some(Command::Long(rest.parse().unwrap_or(LONG_WORDS)));
    }
    if word.eq_ignore_ascii_case("handoff") {
        let (to, text) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
        let text = text.trim();
        return (!to.is_empty()).then_some(Command::Handoff { to, text });
    }
    let known = COMMANDS.iter().find(|(name, _)| word.eq_ignore_ascii_case(name));
    known.map(|(_, command)| command.clone())
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

    use super::{Call, Command, Intent, parse};

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
            ("Who are you?", Intent::AskSelf),
            ("Hello!", Intent::Greet),
            ("@bob my name is Ada", Intent::Tell { subject: "name", value: "Ada" }),
            ("@all: hello", Intent::Greet),
            ("please take over.", Intent::Greet),
            ("@bob", Intent::Other),
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
            ("/tool", Intent::Other),
            ("/handoff", Intent::Other),
            ("/nonsense", Intent::Other),
            ("/", Intent::Other),
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

    fn calls(tools: &[&'static str]) -> Command<'static> {
        let call = |tool: &&'static str| Call { tool, arguments: json!({}) };
        Command::Calls(tools.iter().map(call).collect())
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
            ("/tool clock", calls(&["clock"])),
            ("@bob, /tool clock; /tool add", calls(&["clock", "add"])),
            ("/handoff bob", Command::Handoff { to: "bob", text: "" }),
            ("/handoff bob  what now? ", Command::Handoff { to: "bob", text: "what now?" }),
        ];
        for (text, expected) in table {
            assert_eq!(parse(text), Intent::Command(expected), "{text:?}");
        }
    }
}
