//! Where a page of hits ends, and of which words it was: all pages of a search are of the same.

use polychat_core::{content::Text, ports::StoreError};

use super::words::Words;
use crate::check::not_found;

/// Says that the last word may be the beginning of one.
const OPEN: char = '*';

/// The end of a page, as it is given to whoever asks for the next one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Bookmark {
    /// The hit after which the next page begins.
    pub(super) before: i64,
    /// Whether the last word was taken for the beginning of one.
    pub(super) open: bool,
}

impl Bookmark {
    pub(super) fn parse(text: &str) -> Result<Self, StoreError> {
        let number = text.strip_suffix(OPEN);
        let before = number.unwrap_or(text).parse().map_err(|_| not_found())?;
        Ok(Self { before, open: number.is_some() })
    }

    pub(super) fn to_text(self) -> Text {
        let Self { before, open } = self;
        Text::from(if open { format!("{before}{OPEN}") } else { before.to_string() })
    }

    /// The words of the query, as they were taken on the page before.
    pub(super) fn words(self, words: Words) -> Words {
        if self.open { words } else { words.closed().unwrap_or(words) }
    }
}
