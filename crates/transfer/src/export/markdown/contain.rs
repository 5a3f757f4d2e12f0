//! Text of others inside a document of ours: it stays where it is put, whatever it holds.
//!
//! There are three ways to put it there: as one line with nothing in it that means anything, as a
//! block of code, and as a quotation, in which it is Markdown.

use std::borrow::Cow;

use pulldown_cmark::{Event, Parser};

/// How often what was found to be HTML is made plain. Each time may bring more of it to light.
const ROUNDS_MAX: usize = 8;

/// One line of plain text.
pub(super) fn inline(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for letter in text.trim().chars() {
        match letter {
            letter if breaks_line(letter) || letter.is_control() => line.push(' '),
            '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '&' | '|' | '~' | '#' => {
                line.extend(['\\', letter]);
            }
            letter => line.push(letter),
        }
    }
    line
}

/// One line, as code.
pub(super) fn code(text: &str) -> String {
    let marks = "`".repeat(longest_run(text) + 1);
    let line: String = text.chars().map(|it| if breaks_line(it) { ' ' } else { it }).collect();
    // A space at either end is no part of the code; without it, marks would meet marks.
    if line.starts_with(['`', ' ']) || line.ends_with(['`', ' ']) {
        format!("{marks} {line} {marks}")
    } else {
        format!("{marks}{line}{marks}")
    }
}

/// A block of code. Its fence is longer than any that the text holds.
pub(super) fn fence(info: &str, text: &str) -> String {
    let marks = "`".repeat((longest_run(text) + 1).max(3));
    let end = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
    format!("{marks}{info}\n{text}{end}{marks}\n")
}

/// A quotation of Markdown.
pub(super) fn quote(text: &str) -> String {
    // A lone carriage return ends a line for Markdown too, and would end the quotation with it.
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let plain = without_html(&text).unwrap_or_else(|| fence("text", &text).into());
    let mut quoted = String::with_capacity(plain.len() + plain.len() / 32 + 4);
    for line in plain.trim_end_matches('\n').split('\n') {
        quoted.push_str(if line.is_empty() { ">" } else { "> " });
        quoted.push_str(line);
        quoted.push('\n');
    }
    quoted
}

/// The same text, in which nothing counts as HTML; `None` when it does not come to rest.
///
/// HTML in a quotation could leave it: a comment that is never closed hides the rest of a page.
fn without_html(text: &str) -> Option<Cow<'_, str>> {
    let mut text = Cow::Borrowed(text);
    for _ in 0..ROUNDS_MAX {
        let places = html_in(&text);
        if places.is_empty() {
            return Some(text);
        }
        let mut plain = String::with_capacity(text.len() + places.len());
        let mut from = 0;
        for at in places {
            plain.push_str(text.get(from..at)?);
            plain.push('\\');
            from = at;
        }
        plain.push_str(text.get(from..)?);
        text = Cow::Owned(plain);
    }
    None
}

/// Where what counts as HTML has its opening brackets, in order.
fn html_in(text: &str) -> Vec<usize> {
    let mut places = Vec::new();
    for (event, range) in Parser::new(text).into_offset_iter() {
        if let Event::Html(_) | Event::InlineHtml(_) = event {
            let begin = range.start;
            let inside = text.get(range).unwrap_or_default();
            places.extend(inside.match_indices('<').map(|(at, _)| begin + at));
        }
    }
    places.sort_unstable();
    places.dedup();
    places
}

fn breaks_line(letter: char) -> bool {
    matches!(letter, '\n' | '\r')
}

/// The longest run of backticks.
fn longest_run(text: &str) -> usize {
    text.split(|letter| letter != '`').map(str::len).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use pulldown_cmark::{Event, Parser, Tag, TagEnd};

    use super::{code, fence, inline, quote};

    /// The last paragraph of a document that begins with this.
    fn after(document: &str) -> Vec<Event<'static>> {
        let document = format!("{document}\nafter\n");
        let events: Vec<Event<'static>> = Parser::new(&document).map(Event::into_static).collect();
        events[events.len() - 3..].to_vec()
    }

    fn plain() -> [Event<'static>; 3] {
        [Event::Start(Tag::Paragraph), Event::Text("after".into()), Event::End(TagEnd::Paragraph)]
    }

    fn has_html(document: &str) -> bool {
        let is_html = |event| matches!(event, Event::Html(_) | Event::InlineHtml(_));
        Parser::new(document).any(is_html)
    }

    /// Text made of what means something to Markdown.
    fn hostile() -> impl Strategy<Value = String> {
        let word = prop_oneof![
            Just("`"),
            Just("```"),
            Just("~~~~"),
            Just("\n"),
            Just("\r"),
            Just("\r\n"),
            Just("\n\n"),
            Just("<!--"),
            Just("-->"),
            Just("<b>"),
            Just("<script>"),
            Just("<div a=\"`\">"),
            Just("\\"),
            Just("<"),
            Just(">"),
            Just("> "),
            Just("# "),
            Just("- "),
            Just("    "),
            Just("a"),
            Just(" "),
            Just("[x](y)"),
            Just("<![CDATA["),
            Just("<?"),
            Just("|"),
        ];
        proptest::collection::vec(word, 0..24).prop_map(|words| words.concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(512))]

        // issue 4: Markdown for reading, also of hostile text
        #[test]
        fn no_text_leaves_its_place_or_is_obeyed(text in hostile()) {
            for document in [
                format!("{}\n", inline(&text)),
                format!("{}\n", code(&text)),
                fence("text", &text),
                quote(&text),
            ] {
                let document = format!("before\n\n{document}");
                prop_assert!(!has_html(&document), "{document}");
                prop_assert_eq!(after(&document), plain(), "{}", document);
            }
        }
    }

    #[test]
    fn code_in_a_quotation_is_left_as_it_is() {
        let text = "use `Vec<String>`:\n\n```html\n<b>\n```\n";
        assert_eq!(quote(text), "> use `Vec<String>`:\n>\n> ```html\n> <b>\n> ```\n");
        assert_eq!(quote("a <b>bold</b> move"), "> a \\<b>bold\\</b> move\n");
    }
}
