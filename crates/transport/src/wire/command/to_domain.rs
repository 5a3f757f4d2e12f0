//! From the wire to a command: every id and position is checked once, here.

use polychat_core::{
    AgentName, ChatId, Command, MessageId, Metadata, PromptId, Seq, TurnId,
    command::{
        CancelTarget, ChatChange, ChatFilter, ImportedChat, NewChat, Page, PromptChange,
        ReviseTarget,
    },
    content::Text,
    event::PromptBody,
    ports::SearchQuery,
};

use super::{super::params::*, WireCommand};
use crate::error::RejectedCommand;

type Result<T> = std::result::Result<T, RejectedCommand>;

impl TryFrom<WireCommand> for Command {
    type Error = RejectedCommand;

    #[expect(clippy::too_many_lines, reason = "one arm per command")]
    fn try_from(command: WireCommand) -> Result<Self> {
        Ok(match command {
            WireCommand::CreateChat(p) => Self::CreateChat { chat: new_chat(p)? },
            WireCommand::ForkChat(p) => Self::ForkChat {
                from: id("from", p.from)?,
                at: MessageId(seq("at", p.at)?),
                chat: new_chat(p.chat)?,
            },
            WireCommand::ImportChat(p) => Self::ImportChat { chat: Box::new(imported_chat(p)?) },
            WireCommand::ListChats(p) => Self::ListChats {
                page: page(p.after, p.limit),
                filter: filter(p.title_contains, p.archived),
            },
            WireCommand::Snapshot(p) => Self::Snapshot { chat: chat(p.chat_id)? },
            WireCommand::UpdateChat(p) => {
                Self::UpdateChat { chat: chat(p.chat_id.clone())?, change: chat_change(p)? }
            }
            WireCommand::CloseChat(p) => Self::CloseChat { chat: chat(p.chat_id)? },
            WireCommand::ReopenChat(p) => Self::ReopenChat { chat: chat(p.chat_id)? },
            WireCommand::DeleteChat(p) => Self::DeleteChat { chat: chat(p.chat_id)? },
            WireCommand::SendPrompt(p) => Self::SendPrompt {
                chat: chat(p.chat_id)?,
                prompt: prompt(p.prompt_id)?,
                mode: p.mode,
                body: body(p.parts, p.metadata.0, p.agent, p.context.0)?,
            },
            WireCommand::EditPrompt(p) => {
                let mut change = PromptChange::default();
                change.parts = p.parts;
                change.mode = p.mode;
                Self::EditPrompt { chat: chat(p.chat_id)?, prompt: prompt(p.prompt_id)?, change }
            }
            WireCommand::WithdrawPrompt(p) => {
                Self::WithdrawPrompt { chat: chat(p.chat_id)?, prompt: prompt(p.prompt_id)? }
            }
            WireCommand::ListPrompts(p) => Self::ListPrompts { chat: chat(p.chat_id)? },
            WireCommand::LookUpPrompt(p) => {
                Self::LookUpPrompt { chat: chat(p.chat_id)?, prompt: prompt(p.prompt_id)? }
            }
            WireCommand::CancelTurn(p) => Self::CancelTurn {
                chat: chat(p.chat_id)?,
                target: match p.turn_id {
                    None => CancelTarget::Running,
                    Some(turn) => CancelTarget::Turn(TurnId(seq("turnId", turn)?)),
                },
            },
            WireCommand::Revise(p) => Self::Revise {
                chat: chat(p.chat_id)?,
                target: revise_target(p.target)?,
                prompt: prompt(p.prompt_id)?,
            },
            WireCommand::DecideApproval(p) => Self::DecideApproval {
                chat: chat(p.chat_id)?,
                call: id("toolCallId", p.tool_call_id)?,
                decision: p.decision,
            },
            WireCommand::ListMessages(p) => {
                Self::ListMessages { chat: chat(p.chat_id)?, page: page(p.after, p.limit) }
            }
            WireCommand::ReadLog(p) => Self::ReadLog {
                chat: chat(p.chat_id)?,
                after: seq("after", p.after)?,
                limit: p.limit,
            },
            WireCommand::Search(p) => {
                let chat = p.chat_id.map(chat).transpose()?;
                let query = SearchQuery::new(p.text, page(p.after, p.limit));
                Self::Search { query: SearchQuery { chat, ..query } }
            }
            WireCommand::GetWorld(_) => Self::GetWorld,
            WireCommand::UpdateWorld(p) => Self::UpdateWorld { settings: p.settings },
            WireCommand::PutAgent(p) => Self::PutAgent { agent: p.agent },
            WireCommand::RemoveAgent(p) => Self::RemoveAgent { agent: id("agent", p.agent)? },
        })
    }
}

/// Anything that is parsed from a string, its field named in the error.
fn id<T: TryFrom<String, Error: std::fmt::Display>>(
    field: &'static str,
    text: String,
) -> Result<T> {
    T::try_from(text).map_err(|error| RejectedCommand::field(field, error))
}

fn chat(text: String) -> Result<ChatId> {
    id("chatId", text)
}

fn prompt(text: String) -> Result<PromptId> {
    id("promptId", text)
}

fn agent(text: Option<String>) -> Result<Option<AgentName>> {
    text.map(|text| id("agent", text)).transpose()
}

fn seq(field: &'static str, number: u64) -> Result<Seq> {
    Seq::try_from(number).map_err(|error| RejectedCommand::field(field, error))
}

fn page(after: Option<Text>, limit: usize) -> Page {
    match after {
        None => Page::first(limit),
        Some(next) => Page::after(next, limit),
    }
}

fn filter(title_contains: Option<Text>, archived: bool) -> ChatFilter {
    let mut filter = ChatFilter::new();
    filter.title_contains = title_contains;
    filter.archived = archived;
    filter
}

fn new_chat(params: NewChatParams) -> Result<NewChat> {
    let mut chat =
        NewChat::new().title(params.title).metadata(params.metadata.0).context(params.context.0);
    chat.id = params.chat_id.map(self::chat).transpose()?;
    chat.agent = agent(params.agent)?;
    Ok(chat)
}

fn imported_chat(params: ImportParams) -> Result<ImportedChat> {
    let mut imported = ImportedChat::new(new_chat(params.chat)?, params.source);
    imported.provenance = params.provenance;
    imported.archived = params.archived;
    imported.created_at = params.created_at;
    imported.updated_at = params.updated_at;
    imported.history = params.history;
    Ok(imported)
}

fn chat_change(params: UpdateParams) -> Result<ChatChange> {
    let mut change = ChatChange::default();
    change.title = params.title;
    change.metadata = params.metadata.map(|object| object.0);
    change.archived = params.archived;
    change.agent = agent(params.agent)?;
    Ok(change)
}

fn body(
    parts: Vec<polychat_core::Part>,
    metadata: Metadata,
    name: Option<String>,
    context: Metadata,
) -> Result<PromptBody> {
    Ok(PromptBody { parts, metadata, agent: agent(name)?, context })
}

fn revise_target(target: WireTarget) -> Result<ReviseTarget> {
    Ok(match target {
        WireTarget::Message { message_id, body: b } => ReviseTarget::Message {
            id: MessageId(seq("messageId", message_id)?),
            body: body(b.parts, b.metadata.0, b.agent, b.context.0)?,
        },
        WireTarget::Turn { turn_id } => ReviseTarget::Turn(TurnId(seq("turnId", turn_id)?)),
    })
}
