//! Finding messages again.

use std::ops::Range;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::StoreError;
use crate::{
    command::Page,
    content::Text,
    id::{ChatId, WorldId},
    seq::MessageId,
};

/// What somebody looks for.
///
/// ```
/// use polychat_core::{command::Page, ports::SearchQuery};
///
/// let query = SearchQuery::new("green tea", Page::first(20));
/// assert_eq!(query.chat, None);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchQuery {
    /// Words as a person types them. Nothing in it is syntax.
    pub text: Text,
    /// Only messages of this chat; `None` looks into all chats of the world.
    pub chat: Option<ChatId>,
    /// Which hits. `page.after` is the [`SearchPage::next`] of the page before.
    pub page: Page,
}

impl SearchQuery {
    /// Looks into all chats of a world.
    pub fn new(text: impl Into<Text>, page: Page) -> Self {
        Self { text: text.into(), chat: None, page }
    }

    /// Looks into one chat only.
    #[must_use]
    pub fn in_chat(self, chat: ChatId) -> Self {
        Self { chat: Some(chat), ..self }
    }
}

/// One page of what was found.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct SearchPage {
    /// The messages, newest first.
    pub hits: Vec<Hit>,
    /// Where the next page begins; `None` when nothing is left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<Text>,
}

/// A message that was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Hit {
    /// The chat it belongs to.
    pub chat_id: ChatId,
    /// The message.
    pub message_id: MessageId,
    /// The place in it where the words stand.
    pub snippet: Snippet,
}

/// A piece of a message, with the words that were looked for.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Snippet {
    /// The piece: as it was said, with `…` where it was cut.
    pub text: Text,
    /// The words, as byte ranges of `text`: in order, apart, and on character boundaries.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub marks: Vec<Range<usize>>,
}

/// Finds messages by their words. Optional: a store may offer it, none has to.
///
/// # Promises
///
/// - A message is found from the moment on in which the append that brought it into the history of
///   its chat is acknowledged: what users said when their prompt joined a turn, what agents said
///   when their message ended, and what was imported. Outputs of tools and prompts that still wait
///   are not found.
/// - What was cut from a history, and what belongs to a deleted chat, is not found.
/// - All words of the query stand in the message, letters of either case and with or without
///   accents being alike. From four letters on the last word may be the beginning of a longer one,
///   unless a space follows, or so many words begin like it that this would take too long.
/// - A page shows the chats of one world only.
#[async_trait]
pub trait Search: Send + Sync {
    /// Messages of a world that hold these words, newest first. A query without a word finds
    /// nothing.
    ///
    /// # Errors
    ///
    /// `NotFound` when `page.after` is no place in this result, `Unavailable` when looking for these
    /// words takes too much, or a fault of the store.
    async fn search(&self, world: &WorldId, query: &SearchQuery) -> Result<SearchPage, StoreError>;
}
