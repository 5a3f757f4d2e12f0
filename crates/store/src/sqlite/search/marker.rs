//! Marks the words that were looked for, in the texts that were found.

use std::ops::Range;

use polychat_core::ports::Snippet;
use rusqlite::{Connection, params};

use super::{
    TEXT_BYTES_MAX,
    words::{APART, spread},
};
use crate::sqlite::schema::TOKENIZER;

/// About how many words a snippet has. FTS5 gives at most 64.
const SNIPPET_WORDS: u32 = 24;

/// A word may be as long as a text; a snippet is not.
const SNIPPET_BYTES_MAX: usize = 480;

/// Where a marked word begins and ends. No text that is marked holds these two.
const BEGIN: char = '\u{1}';
const END: char = '\u{2}';

/// A small database in memory that knows what a word is.
pub(in super::super) struct Marker {
    connection: Connection,
}

impl Marker {
    pub(super) fn new() -> rusqlite::Result<Self> {
        let connection = Connection::open_in_memory()?;
        let create =
            format!("CREATE VIRTUAL TABLE texts USING fts5 (text, tokenize = '{TOKENIZER}')");
        connection.execute_batch(&create)?;
        Ok(Self { connection })
    }

    /// One snippet for each text.
    pub(super) fn mark(
        &mut self,
        expression: &str,
        texts: &[String],
    ) -> rusqlite::Result<Vec<Snippet>> {
        let mut snippets: Vec<Snippet> = texts.iter().map(|text| beginning(text)).collect();
        let transaction = self.connection.transaction()?;
        {
            let mut insert =
                transaction.prepare_cached("INSERT INTO texts (rowid, text) VALUES (?1, ?2)")?;
            for (n, text) in (0_i64..).zip(texts) {
                insert.execute(params![n, spread(&plain(text))])?;
            }
            let mut mark = transaction.prepare_cached(&format!(
                "SELECT rowid, snippet(texts, 0, char(1), char(2), '…', {SNIPPET_WORDS})
                 FROM texts WHERE texts MATCH ?1"
            ))?;
            let mut rows = mark.query([expression])?;
            while let Some(row) = rows.next()? {
                let n = usize::try_from(row.get::<_, i64>(0)?).unwrap_or(usize::MAX);
                if let Some(snippet) = snippets.get_mut(n) {
                    *snippet = shorten(parse(row.get_ref(1)?.as_str()?));
                }
            }
        }
        // The texts do not stay.
        transaction.rollback()?;
        Ok(snippets)
    }
}

/// The beginning of a text, without what is used here to mark.
fn plain(text: &str) -> String {
    let cut = text.get(..text.floor_char_boundary(TEXT_BYTES_MAX)).unwrap_or_default();
    cut.replace([BEGIN, END, APART, '\0'], " ")
}

fn beginning(text: &str) -> Snippet {
    let end = text.floor_char_boundary(SNIPPET_BYTES_MAX);
    let cut = text.get(..end).unwrap_or_default();
    let more = if end < text.len() { "…" } else { "" };
    Snippet { text: format!("{}{more}", plain(cut)).into(), marks: Vec::new() }
}

/// The text between the marks, and where they were.
fn parse(marked: &str) -> Snippet {
    let (mut text, mut marks) = (String::with_capacity(marked.len()), Vec::new());
    let mut begin = None;
    for sign in marked.chars() {
        match sign {
            BEGIN => begin = Some(text.len()),
            END => marks.extend(begin.take().map(|begin| begin..text.len())),
            APART => {}
            _ => text.push(sign),
        }
    }
    Snippet { text: text.into(), marks }
}

/// The same snippet around its first mark, with a bounded number of bytes.
fn shorten(snippet: Snippet) -> Snippet {
    let Snippet { text, marks } = snippet;
    if text.len() <= SNIPPET_BYTES_MAX {
        return Snippet { text, marks };
    }
    let first = marks.first().map_or(0, |mark| mark.start);
    let begin = text.floor_char_boundary(first.saturating_sub(SNIPPET_BYTES_MAX / 4));
    let end = text.floor_char_boundary((begin + SNIPPET_BYTES_MAX).min(text.len()));
    let before = if begin > 0 { "…" } else { "" };
    let after = if end < text.len() { "…" } else { "" };
    let shift = |at: usize| at.clamp(begin, end) - begin + before.len();
    let marks: Vec<Range<usize>> = marks
        .into_iter()
        .filter(|mark| mark.start < end && mark.end > begin)
        .map(|mark| shift(mark.start)..shift(mark.end))
        .collect();
    let text = format!("{before}{}{after}", text.get(begin..end).unwrap_or_default());
    Snippet { text: text.into(), marks }
}

#[cfg(test)]
mod tests {
    use super::{super::words::Words, *};

    fn mark(query: &str, text: &str) -> Snippet {
        let expression = Words::of(query).unwrap().expression();
        Marker::new().unwrap().mark(&expression, &[text.to_owned()]).unwrap().swap_remove(0)
    }

    fn marked(snippet: &Snippet) -> Vec<&str> {
        snippet.marks.iter().map(|mark| &snippet.text[mark.clone()]).collect()
    }

    #[test]
    fn the_words_looked_for_are_marked_and_no_others() {
        let table: [(&str, &str, &[&str]); 7] = [
            ("tea ", "Green TEA, and tea again; steam", &["TEA", "tea"]),
            ("gree", "Green TEA, greed and agree", &["Green", "greed"]),
            ("cafe ", "Un café au lait", &["café"]),
            ("東京 ", "私は東京にいる", &["東京"]),
            ("up-to-date ", "it is up to date, up and to", &["up to date"]),
            ("a b ", "a\u{1}x\u{2} b", &["a", "b"]),
            ("quote\" ", "a \"quote\" there", &["quote"]),
        ];
        for (query, text, wanted) in table {
            let snippet = mark(query, text);
            assert_eq!(marked(&snippet), wanted, "{query} in {text}: {snippet:?}");
        }
        assert_eq!(&*mark("東京 ", "私は東京にいる").text, "私は東京にいる");
    }

    // law 7
    #[test]
    fn a_snippet_is_short_whatever_the_text_is() {
        let long_word = format!("{} needle {}", "ä".repeat(5_000), "ö".repeat(5_000));
        let many = format!("{} needle {}", "word ".repeat(40_000), "word ".repeat(40_000));
        let beyond = format!("{} needle", "word ".repeat(TEXT_BYTES_MAX / 5));
        for (text, wanted) in [(long_word, 1), (many, 1), (beyond, 0)] {
            let snippet = mark("needle ", &text);
            assert!(snippet.text.len() <= SNIPPET_BYTES_MAX + 6, "{}", snippet.text.len());
            assert_eq!(marked(&snippet), vec!["needle"; wanted]);
        }
    }

    #[test]
    fn the_texts_of_one_page_do_not_stay_for_the_next() {
        let mut marker = Marker::new().unwrap();
        for text in ["one", "two", "three"] {
            let expression = Words::of(text).unwrap().expression();
            let snippets = marker.mark(&expression, &[text.to_owned()]).unwrap();
            assert_eq!(marked(&snippets[0]), [text]);
        }
        let left = "SELECT count(*) FROM texts";
        let left: i64 = marker.connection.query_row(left, [], |row| row.get(0)).unwrap();
        assert_eq!(left, 0);
    }
}
