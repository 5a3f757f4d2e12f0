//! From a command to its form on the wire.

use polychat_core::{
    AgentConfig, Command,
    command::{CancelTarget, NewChat, ReviseTarget},
    event::PromptBody,
};

use super::{super::params::*, WireCommand};
use crate::error::RejectedCommand;

impl TryFrom<Command> for WireCommand {
    type Error = RejectedCommand;

    #[expect(clippy::too_many_lines, reason = "one arm per command")]
    fn try_from(command: Command) -> Result<Self, RejectedCommand> {
        Ok(match command {
            Command::CreateChat { chat } => Self::CreateChat(new_chat(chat)),
            Command::ForkChat { from, at, chat } => Self::ForkChat(ForkParams {
                from: text(&from),
                at: at.0.get(),
                chat: new_chat(chat),
            }),
            Command::ImportChat { chat } => Self::ImportChat(ImportParams {
                chat: new_chat(chat.chat),
                provenance: chat.provenance,
                archived: chat.archived,
                source: chat.source,
                created_at: chat.created_at,
                updated_at: chat.updated_at,
                history: chat.history,
            }),
            Command::ListChats { page, filter } => Self::ListChats(ChatsParams {
                after: page.after,
                limit: page.limit,
                title_contains: filter.title_contains,
                archived: filter.archived,
            }),
            Command::Snapshot { chat } => Self::Snapshot(chat_params(&chat)),
            Command::UpdateChat { chat, change } => Self::UpdateChat(UpdateParams {
                chat_id: text(&chat),
                title: change.title,
                metadata: change.metadata.map(Object),
                archived: change.archived,
                agent: change.agent.as_ref().map(text),
            }),
            Command::CloseChat { chat } => Self::CloseChat(chat_params(&chat)),
            Command::ReopenChat { chat } => Self::ReopenChat(chat_params(&chat)),
            Command::DeleteChat { chat } => Self::DeleteChat(chat_params(&chat)),
            Command::SendPrompt { chat, prompt, mode, body } => {
                let BodyParams { parts, metadata, agent, context } = body_params(body);
                Self::SendPrompt(SendParams {
                    chat_id: text(&chat),
                    prompt_id: text(&prompt),
                    mode,
                    parts,
                    metadata,
                    agent,
                    context,
                })
            }
            Command::EditPrompt { chat, prompt, change } => Self::EditPrompt(EditParams {
                chat_id: text(&chat),
                prompt_id: text(&prompt),
                parts: change.parts,
                mode: change.mode,
            }),
            Command::WithdrawPrompt { chat, prompt } => Self::WithdrawPrompt(PromptParams {
                chat_id: text(&chat),
                prompt_id: text(&prompt),
            }),
            Command::ListPrompts { chat } => Self::ListPrompts(chat_params(&chat)),
            Command::LookUpPrompt { chat, prompt } => {
                Self::LookUpPrompt(PromptParams { chat_id: text(&chat), prompt_id: text(&prompt) })
            }
            Command::CancelTurn { chat, target } => Self::CancelTurn(CancelParams {
                chat_id: text(&chat),
                turn_id: match target {
                    CancelTarget::Running => None,
                    CancelTarget::Turn(turn) => Some(turn.0.get()),
                },
            }),
            Command::Revise { chat, target, prompt } => Self::Revise(ReviseParams {
                chat_id: text(&chat),
                prompt_id: text(&prompt),
                target: match target {
                    ReviseTarget::Message { id, body } => {
                        WireTarget::Message { message_id: id.0.get(), body: body_params(body) }
                    }
                    ReviseTarget::Turn(turn) => WireTarget::Turn { turn_id: turn.0.get() },
                },
            }),
            Command::DecideApproval { chat, call, decision } => {
                Self::DecideApproval(DecideParams {
                    chat_id: text(&chat),
                    tool_call_id: call.to_string(),
                    decision,
                })
            }
            Command::ListMessages { chat, page } => Self::ListMessages(MessagesParams {
                chat_id: text(&chat),
                after: page.after,
                limit: page.limit,
            }),
            Command::ReadLog { chat, after, limit } => {
                Self::ReadLog(LogParams { chat_id: text(&chat), after: after.get(), limit })
            }
            Command::Search { query } => Self::Search(SearchParams {
                text: query.text,
                chat_id: query.chat.as_ref().map(text),
                after: query.page.after,
                limit: query.page.limit,
            }),
            Command::GetWorld => Self::GetWorld(Some(NoParams {})),
            Command::UpdateWorld { settings } => Self::UpdateWorld(SettingsParams { settings }),
            Command::PutAgent { agent } => Self::PutAgent(PutAgentParams { agent: finite(agent)? }),
            Command::RemoveAgent { agent } => {
                Self::RemoveAgent(AgentParams { agent: text(&agent) })
            }
            other => return Err(RejectedCommand::NoWireForm { name: other.name() }),
        })
    }
}

fn text(id: &impl AsRef<str>) -> String {
    id.as_ref().into()
}

fn chat_params(chat: &polychat_core::ChatId) -> ChatParams {
    ChatParams { chat_id: text(chat) }
}

fn new_chat(chat: NewChat) -> NewChatParams {
    NewChatParams {
        chat_id: chat.id.as_ref().map(text),
        title: chat.title,
        metadata: Object(chat.metadata),
        agent: chat.agent.as_ref().map(text),
        context: Object(chat.context),
    }
}

fn body_params(body: PromptBody) -> BodyParams {
    BodyParams {
        parts: body.parts,
        metadata: Object(body.metadata),
        agent: body.agent.as_ref().map(text),
        context: Object(body.context),
    }
}

/// JSON would turn a temperature that is no number into none at all.
fn finite(agent: AgentConfig) -> Result<AgentConfig, RejectedCommand> {
    if agent.params.temperature.is_some_and(|temperature| !temperature.is_finite()) {
        return Err(RejectedCommand::field("temperature", "not a number"));
    }
    Ok(agent)
}
