//! The calls that a message wants the demo to ask for: `/tool …` and `/ask …`, one or several.

use serde_json::{Value, json};

/// The most calls that one message gets; the rest is not asked for.
pub(super) const CALLS_MAX: usize = 100;
/// The tool that puts a question to the user.
pub(super) const ASK_TOOL: &str = "ask_user";

/// A call, as the user worded it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Call<'a> {
    pub(super) tool: &'a str,
    pub(super) arguments: Value,
}

/// The calls of a text that begins with one of them; none of any other text. Each begins a line, or
/// comes after a `;`.
pub(super) fn parse(text: &str) -> Vec<Call<'_>> {
    let mut calls = Vec::new();
    let mut rest = if is_call(text) { text } else { "" };
    while !rest.is_empty() && calls.len() < CALLS_MAX {
        let end = next_call(rest).unwrap_or(rest.len());
        let (piece, later) = rest.split_at_checked(end).unwrap_or((rest, ""));
        calls.extend(call(piece.trim().trim_end_matches(';').trim_end()));
        rest = later;
    }
    calls
}

/// Whether a text begins with the word of a call.
fn is_call(text: &str) -> bool {
    let word = text.split(char::is_whitespace).next().unwrap_or_default();
    ["/tool", "/ask"].iter().any(|call| word.eq_ignore_ascii_case(call))
}

/// Where the second call of a text begins.
fn next_call(text: &str) -> Option<usize> {
    let begins = |at: &usize| {
        let (before, from_here) = text.split_at_checked(*at).unwrap_or((text, ""));
        before.trim_end_matches([' ', '\t']).ends_with(['\n', ';']) && is_call(from_here)
    };
    text.match_indices('/').map(|(at, _)| at).find(begins)
}

fn call(piece: &str) -> Option<Call<'_>> {
    let (word, rest) = piece.split_once(char::is_whitespace)?;
    if word.eq_ignore_ascii_case("/ask") { ask(rest) } else { tool(rest) }
}

fn tool(text: &str) -> Option<Call<'_>> {
    let text = text.trim();
    let (tool, arguments) = text.split_once(char::is_whitespace).unwrap_or((text, "{}"));
    // What is no JSON goes to the tool as text: its schema refuses it, which is worth seeing.
    let arguments =
        serde_json::from_str(arguments).unwrap_or_else(|_| Value::String(arguments.into()));
    (!tool.is_empty()).then_some(Call { tool, arguments })
}

fn ask(text: &str) -> Option<Call<'_>> {
    let mut parts = text.split('|').map(str::trim).filter(|part| !part.is_empty());
    let question = parts.next()?;
    let options: Vec<&str> = parts.collect();
    let arguments = if options.is_empty() {
        json!({ "question": question })
    } else {
        json!({ "question": question, "options": options })
    };
    Some(Call { tool: ASK_TOOL, arguments })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{CALLS_MAX, parse};

    fn calls(text: &str) -> Vec<(&str, Value)> {
        parse(text).into_iter().map(|call| (call.tool, call.arguments)).collect()
    }

    #[test]
    fn a_call_is_a_name_and_json() {
        let table = [
            ("/tool clock", "clock", json!({})),
            ("/tool add {\"a\":1}", "add", json!({"a": 1})),
            ("/tool add {\n  \"a\": 1\n}", "add", json!({"a": 1})),
            ("/TOOL add one", "add", json!("one")),
            ("/ask Tea or coffee?", "ask_user", json!({"question": "Tea or coffee?"})),
            (
                "/ask Which? | tea |coffee| ",
                "ask_user",
                json!({"question": "Which?", "options": ["tea", "coffee"]}),
            ),
        ];
        for (text, tool, arguments) in table {
            assert_eq!(calls(text), [(tool, arguments)], "{text:?}");
        }
    }

    #[test]
    fn several_calls_stand_on_lines_of_their_own_or_behind_a_semicolon() {
        let text = "/tool a {\"x\": \"1; 2\"}\n  /tool b; /ask Why? | so\n\n/tool c {\n\"y\": 1 };";
        let expected = [
            ("a", json!({"x": "1; 2"})),
            ("b", json!({})),
            ("ask_user", json!({"question": "Why?", "options": ["so"]})),
            ("c", json!({"y": 1})),
        ];
        assert_eq!(calls(text), expected);
        // Within a line it is only text.
        assert_eq!(calls("/tool say I like /tool b"), [("say", json!("I like /tool b"))]);
    }

    #[test]
    fn what_is_no_call_is_none_and_there_is_an_end_to_them() {
        // law 7
        for text in ["", "hi; /tool a", "/tool", "/tool ", "/ask", "/ask |", "/tool ; /ask ;"] {
            assert_eq!(calls(text), [], "{text:?}");
        }
        assert_eq!(calls("/tool ; /tool b"), [("b", json!({}))]);
        assert_eq!(parse(&"/tool a;".repeat(5_000)).len(), CALLS_MAX);
    }
}
