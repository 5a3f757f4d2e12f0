//! From what a person types to what FTS5 is asked: nothing of it is syntax any more.

use std::fmt::Write;

/// Words beyond these do not narrow a search any further.
const WORDS_MAX: usize = 16;

/// Shorter beginnings stand for so many words that to find the newest messages with one of them
/// takes longer than anybody who types should wait.
const BEGINNING_LETTERS_MIN: usize = 4;

/// Text beyond this many bytes of a query is not looked at.
const QUERY_BYTES_MAX: usize = 1_024;

/// Stands between the signs of scripts that put no spaces between words. It is no part of a word,
/// and takes no width.
pub(super) const APART: char = '\u{200B}';

/// What somebody looks for: at least one word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Words {
    words: Vec<String>,
    /// Whether the last one may be the beginning of a word.
    open: bool,
}

impl Words {
    /// The words of a query; `None` when there are none.
    pub(super) fn of(query: &str) -> Option<Self> {
        let cut = query.get(..query.floor_char_boundary(QUERY_BYTES_MAX)).unwrap_or_default();
        let is_word = |word: &&str| word.chars().any(char::is_alphanumeric);
        let all: Vec<&str> = cut.split_whitespace().filter(is_word).collect();
        let long_enough = |word: &&str| word.chars().count() >= BEGINNING_LETTERS_MIN;
        let open = cut.len() == query.len()
            && !query.ends_with(char::is_whitespace)
            && all.len() <= WORDS_MAX
            && all.last().is_some_and(long_enough);
        let words: Vec<String> = all.into_iter().take(WORDS_MAX).map(spread).collect();
        (!words.is_empty()).then_some(Self { words, open })
    }

    /// The same with the last word as it is; `None` when it was taken so already.
    pub(super) fn closed(&self) -> Option<Self> {
        self.open.then(|| Self { words: self.words.clone(), open: false })
    }

    /// Whether the last word may be the beginning of one.
    pub(super) fn is_open(&self) -> bool {
        self.open
    }

    /// The expression of FTS5 that finds texts with all words. What has several words inside, for
    /// example `up-to-date`, is a phrase.
    pub(super) fn expression(&self) -> String {
        let mut expression = String::new();
        for (n, word) in self.words.iter().enumerate() {
            let and = if n > 0 { " AND " } else { "" };
            let prefix = if self.open && n + 1 == self.words.len() { "*" } else { "" };
            // In quotes everything is text, and a quote is written as two. To end a string with
            // NUL is a habit of C that no word has.
            let quoted = word.replace('"', "\"\"").replace('\0', " ");
            // Writing to a string does not fail.
            let _ = write!(expression, "{and}\"{quoted}\"{prefix}");
        }
        expression
    }
}

/// The text with the signs of scripts that put no spaces between words set apart.
///
/// A run of them would otherwise be one word, found by its beginning only. So each is a word, and
/// several that are looked for together are a phrase.
pub(in super::super) fn spread(text: &str) -> String {
    let mut spread = String::with_capacity(text.len());
    let mut last_is_sign = false;
    for sign in text.chars() {
        let is_sign = is_sign(sign);
        if (last_is_sign && sign.is_alphanumeric()) || (is_sign && !spread.is_empty()) {
            spread.push(APART);
        }
        spread.push(sign);
        last_is_sign = is_sign;
    }
    spread
}

fn is_sign(sign: char) -> bool {
    matches!(sign,
        '\u{3041}'..='\u{30FF}' // Hiragana, Katakana
        | '\u{31F0}'..='\u{31FF}' // small Katakana
        | '\u{3400}'..='\u{4DBF}' | '\u{4E00}'..='\u{9FFF}' // Han
        | '\u{F900}'..='\u{FAFF}' | '\u{20000}'..='\u{3FFFF}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expression(query: &str) -> Option<String> {
        Words::of(query).map(|words| words.expression())
    }

    #[test]
    fn whatever_is_typed_becomes_words_in_quotes() {
        let table = [
            ("teap", Some("\"teap\"*")),
            ("teap ", Some("\"teap\"")),
            ("tea", Some("\"tea\"")),
            ("  tea   green", Some("\"tea\" AND \"green\"*")),
            ("up-to-date ", Some("\"up-to-date\"")),
            ("a OR b ", Some("\"a\" AND \"OR\" AND \"b\"")),
            ("words : x* ", Some("\"words\" AND \"x*\"")),
            ("\"quoted\" ", Some("\"\"\"quoted\"\"\"")),
            ("東京 ", Some("\"東\u{200B}京\"")),
            ("x東京y ", Some("\"x\u{200B}東\u{200B}京\u{200B}y\"")),
            ("", None),
            (" \t\n", None),
            ("*** \"\" () -- ^", None),
        ];
        for (query, wanted) in table {
            assert_eq!(expression(query).as_deref(), wanted, "{query:?}");
        }
    }

    // law 7
    #[test]
    fn a_query_of_any_length_asks_for_a_bounded_number_of_words() {
        let long = "word ".repeat(10_000);
        let words = Words::of(&long).unwrap();
        assert_eq!((words.words.len(), words.open), (WORDS_MAX, false));
        let one = "x".repeat(100_000);
        let words = Words::of(&one).unwrap();
        assert_eq!(words.words, ["x".repeat(QUERY_BYTES_MAX)]);
        let wide = "\u{1F511}a".repeat(1_000);
        assert!(Words::of(&wide).unwrap().expression().len() <= QUERY_BYTES_MAX + 3);
    }
}
