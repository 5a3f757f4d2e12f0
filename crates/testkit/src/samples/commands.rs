//! Every command.

use polychat_core::{
    Command, Event, ModelParams, Seq, Timestamp,
    agent::WorldSettings,
    command::{
        CancelTarget, ChatChange, ChatFilter, ImportedChat, ImportedEntry, NewChat, Page,
        PromptChange, ReviseTarget,
    },
    event::{PromptBody, PromptMode, TitleProvenance},
    ports::SearchQuery,
    tool::{ApprovalDecision, PolicyMode, ToolPolicy, ToolSelection},
};
use serde_json::json;

use super::{
    agent_config, agent_name, chat_id, every_part, message_id, metadata, prompt_body, prompt_id,
    seq, tool_call_id, turn_id,
};

/// The names of all commands, in the order in which the core declares them.
///
/// The enum may grow, so no `match` can prove that [`every_command`] is complete; a test compares
/// its names with these.
pub const COMMAND_NAMES: [&str; 24] = [
    "chat/create",
    "chat/fork",
    "chat/import",
    "chat/list",
    "chat/snapshot",
    "chat/update",
    "chat/close",
    "chat/reopen",
    "chat/delete",
    "prompt/send",
    "prompt/edit",
    "prompt/withdraw",
    "prompt/list",
    "prompt/outcome",
    "turn/cancel",
    "history/revise",
    "approval/decide",
    "messages/list",
    "log/read",
    "search",
    "world/get",
    "world/update",
    "agent/put",
    "agent/remove",
];

/// Every command, with all fields set and with only what is required.
#[must_use]
pub fn every_command() -> Vec<Command> {
    let mut commands = chat_commands();
    commands.extend(prompt_commands());
    commands.extend(turn_commands());
    commands.extend(read_commands());
    commands.extend(world_commands());
    commands
}

fn chat_commands() -> Vec<Command> {
    let new_chat = NewChat::with_id(chat_id("new"))
        .title("Plans")
        .metadata(metadata("chat"))
        .agent(agent_name("guide"))
        .context(metadata("context"));
    let change = ChatChange::default()
        .title("Better plans")
        .metadata(metadata("changed"))
        .archived(true)
        .agent(agent_name("critic"));
    let filter = ChatFilter::new().title_contains("plan").with_archived();
    let chat = chat_id("a");
    vec![
        Command::CreateChat { chat: new_chat.clone() },
        Command::CreateChat { chat: NewChat::new() },
        Command::ForkChat { from: chat.clone(), at: message_id(7), chat: new_chat.clone() },
        Command::ImportChat { chat: Box::new(imported_chat(new_chat)) },
        Command::ImportChat { chat: Box::new(ImportedChat::new(NewChat::new(), "elsewhere")) },
        Command::ListChats { page: Page::after("chat-9", 20), filter },
        Command::ListChats { page: Page::first(1), filter: ChatFilter::new() },
        Command::Snapshot { chat: chat.clone() },
        Command::UpdateChat { chat: chat.clone(), change },
        Command::UpdateChat { chat: chat.clone(), change: ChatChange::default() },
        Command::CloseChat { chat: chat.clone() },
        Command::ReopenChat { chat: chat.clone() },
        Command::DeleteChat { chat },
    ]
}

fn imported_chat(chat: NewChat) -> ImportedChat {
    let mut imported = ImportedChat::new(chat, "elsewhere");
    imported.provenance = Some(TitleProvenance::Auto);
    imported.archived = true;
    imported.created_at = Some(Timestamp(1_000));
    imported.updated_at = Some(Timestamp(2_000));
    imported.history = super::events::imported_events()
        .into_iter()
        .filter_map(|event| match event {
            Event::MessageImported { source_id, message, written_at, metadata } => {
                let message = *message;
                Some(ImportedEntry { source_id, message, written_at, metadata })
            }
            _ => None,
        })
        .collect();
    imported
}

fn prompt_commands() -> Vec<Command> {
    let (chat, prompt) = (chat_id("a"), prompt_id("p-1"));
    let modes = [PromptMode::Queue, PromptMode::Steer, PromptMode::Interrupt, PromptMode::Reject];
    let mut commands = Vec::new();
    commands.extend(modes.map(|mode| Command::SendPrompt {
        chat: chat.clone(),
        prompt: prompt.clone(),
        mode,
        body: prompt_body(),
    }));
    commands.push(Command::SendPrompt {
        chat: chat.clone(),
        prompt: prompt.clone(),
        mode: PromptMode::Queue,
        body: PromptBody::text("hello"),
    });
    let changes = [
        PromptChange::default().parts(every_part()).mode(PromptMode::Interrupt),
        PromptChange::default(),
    ];
    commands.extend(changes.map(|change| Command::EditPrompt {
        chat: chat.clone(),
        prompt: prompt.clone(),
        change,
    }));
    commands.push(Command::WithdrawPrompt { chat: chat.clone(), prompt: prompt.clone() });
    commands.push(Command::ListPrompts { chat: chat.clone() });
    commands.push(Command::LookUpPrompt { chat, prompt });
    commands
}

fn turn_commands() -> Vec<Command> {
    let (chat, prompt) = (chat_id("a"), prompt_id("p-2"));
    let cancels = [CancelTarget::Running, CancelTarget::Turn(turn_id(3))];
    let revisions = [
        ReviseTarget::Message { id: message_id(2), body: prompt_body() },
        ReviseTarget::Turn(turn_id(3)),
    ];
    let decisions = [
        ApprovalDecision::AllowOnce,
        ApprovalDecision::AllowForChat,
        ApprovalDecision::Deny { reason: "not now".into() },
        ApprovalDecision::Answer { data: json!(["yes"]) },
    ];
    let mut commands = Vec::new();
    commands.extend(cancels.map(|target| Command::CancelTurn { chat: chat.clone(), target }));
    commands.extend(revisions.map(|target| Command::Revise {
        chat: chat.clone(),
        target,
        prompt: prompt.clone(),
    }));
    commands.extend(decisions.map(|decision| Command::DecideApproval {
        chat: chat.clone(),
        call: tool_call_id(4, 0),
        decision,
    }));
    commands
}

fn read_commands() -> Vec<Command> {
    let chat = chat_id("a");
    vec![
        Command::ListMessages { chat: chat.clone(), page: Page::after("4", 50) },
        Command::ReadLog { chat: chat.clone(), after: Seq::ZERO, limit: 1 },
        Command::ReadLog { chat: chat.clone(), after: seq(12), limit: 100 },
        Command::Search { query: SearchQuery::new("green tea", Page::first(20)) },
        Command::Search { query: SearchQuery::new("tea", Page::after("7", 1)).in_chat(chat) },
    ]
}

fn world_commands() -> Vec<Command> {
    let mut policy = ToolPolicy::default();
    policy.mode = PolicyMode::Read;
    policy.tools.insert("clock".into(), PolicyMode::Auto);
    let mut settings = WorldSettings::default();
    (settings.mentions, settings.broadcast, settings.titles) = (true, true, true);
    settings.handoffs_max = 2;
    settings.policy = policy.clone();
    let mut params = ModelParams::default();
    (params.temperature, params.output_tokens_max) = (Some(0.5), Some(1_000));
    params.reasoning_effort = Some("high".into());
    let tools = ToolSelection::Only(vec!["clock".into(), "calculator".into()]);
    vec![
        Command::GetWorld,
        Command::UpdateWorld { settings },
        Command::PutAgent { agent: agent_config() },
        Command::PutAgent { agent: agent_config().params(params).tools(tools).policy(policy) },
        Command::RemoveAgent { agent: agent_name("critic") },
    ]
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    // the wire form freezes whole, so the golden files miss no command
    #[test]
    fn the_samples_hold_every_command() {
        let names: BTreeSet<_> = every_command().iter().map(Command::name).collect();
        assert_eq!(names, BTreeSet::from(COMMAND_NAMES));
    }
}
