//! Reading a chat: the same answers from a live actor and from a log that nobody holds.

use polychat_core::{
    ChatStatus, Cursor, Limits, PromptId, Refusal, Reply,
    command::{OpenMessage, Page},
    rules::ChatState,
};

/// What may be read of a chat.
#[derive(Debug, Clone)]
pub enum Query {
    /// The chat as a whole.
    Snapshot,
    /// The waiting prompts.
    Prompts,
    /// Where a prompt stands.
    Prompt(PromptId),
    /// One page of messages.
    Messages(Page),
}

/// A chat as it can be read at one moment.
pub struct View<'a> {
    /// What the log says.
    pub state: &'a ChatState,
    /// What it is doing, its actor's troubles included.
    pub status: ChatStatus,
    /// The message that is being written, as far as it was shown.
    pub open: Option<OpenMessage>,
    /// Where a subscription goes on.
    pub cursor: Cursor,
}

impl View<'_> {
    /// Answers a query.
    ///
    /// # Errors
    ///
    /// [`Refusal::ChatDeleted`] for a deleted chat, and what the query itself may be refused for.
    pub fn answer(self, query: &Query, limits: &Limits) -> Result<Reply, Refusal> {
        if self.state.is_deleted() {
            return Err(Refusal::ChatDeleted { chat_id: self.state.chat_id().clone() });
        }
        match query {
            Query::Snapshot => {
                let snapshot = self.state.snapshot(self.status, self.open, self.cursor);
                Ok(Reply::Snapshot(Box::new(snapshot)))
            }
            Query::Prompts => Ok(Reply::Prompts(self.state.waiting_prompts())),
            Query::Prompt(prompt) => self.state.prompt(prompt).map(Reply::Prompt),
            Query::Messages(page) => self.state.message_page(page, limits).map(Reply::Messages),
        }
    }
}
