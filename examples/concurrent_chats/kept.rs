//! The chats that a file holds from earlier runs of this program.

use std::{path::Path, sync::Arc};

use polychat::{
    ChatId, Seq, SqliteError, SqliteStore, StatusKind, Summary, World, WorldId,
    command::Page,
    message::SharedMessage,
    ports::{Store, StoreError},
};

use crate::screen::Screen;

/// The one world of this program.
pub(crate) const WORLD: &str = "terminal";

/// Chats that are told of at the start.
const TOLD_MAX: usize = 20;
/// Summaries read at once.
const PAGE: usize = 500;
/// How much of a chat's last message is told, in characters.
const WORDS_CHARS_MAX: usize = 60;

/// What earlier runs left.
#[derive(Default)]
pub(crate) struct Kept {
    /// The first chats, by name.
    first: Vec<Summary>,
    /// How many there are besides.
    others: usize,
    pub(crate) unfinished: Vec<Unfinished>,
}

/// A chat that the last run left in the middle of something.
pub(crate) struct Unfinished {
    pub(crate) chat: ChatId,
    /// The last event of that run: what comes after it is news.
    pub(crate) head: Seq,
}

/// The file, which may be new.
pub(crate) fn open(path: &Path) -> Result<Arc<SqliteStore>, SqliteError> {
    Ok(Arc::new(SqliteStore::open(path)?))
}

impl Kept {
    /// Asks the file, before the world is open, which goes on with everything at once.
    pub(crate) async fn in_file(file: &SqliteStore) -> Result<Self, StoreError> {
        let mut kept = Self::default();
        let Ok(world) = WorldId::new(WORLD) else { return Ok(kept) };
        let mut page = Page::first(PAGE);
        loop {
            let chats = file.list(&world, &page).await?;
            let Some(last) = chats.last() else { return Ok(kept) };
            page.after = Some(last.chat_id.as_str().into());
            chats.into_iter().for_each(|chat| kept.take(chat));
        }
    }

    fn take(&mut self, chat: Summary) {
        if matches!(chat.kind, StatusKind::Running | StatusKind::Awaiting) {
            self.unfinished.push(Unfinished { chat: chat.chat_id.clone(), head: chat.head });
        }
        if self.first.len() < TOLD_MAX {
            self.first.push(chat);
        } else {
            self.others += 1;
        }
    }

    /// Says which chats are there.
    pub(crate) async fn tell(&self, world: &World, screen: &Screen) {
        for chat in &self.first {
            let messages = if chat.messages == 1 { "message" } else { "messages" };
            let about = match chat.kind {
                StatusKind::Running => "what ran broke off, what waits goes on".to_owned(),
                StatusKind::Awaiting => "it waits for you".to_owned(),
                StatusKind::Closed => "closed".to_owned(),
                _ if chat.title.is_empty() => last_words(world, &chat.chat_id).await,
                _ => chat.title.to_string(),
            };
            let line = format!("kept, {} {messages}: {about}", chat.messages);
            screen.noted(&chat.chat_id, line).await;
        }
        if self.others > 0 {
            screen.of_world(format!("{} more chats are kept", self.others)).await;
        }
    }
}

/// The last thing that was said in a chat at rest. One that cannot be read says why, and keeps
/// nobody from the others.
async fn last_words(world: &World, chat: &ChatId) -> String {
    let Ok(chat) = world.chat(chat) else { return String::new() };
    match chat.snapshot().await {
        Ok(snapshot) => {
            let said = |message: &&SharedMessage| !message.text().trim().is_empty();
            let last = snapshot.messages.iter().rfind(said).map(|message| message.text());
            beginning(&last.unwrap_or_default())
        }
        Err(error) => error.to_string(),
    }
}

fn beginning(text: &str) -> String {
    let beginning: String = text.trim().chars().take(WORDS_CHARS_MAX).collect();
    if beginning.len() < text.trim().len() { format!("{beginning}…") } else { beginning }
}
