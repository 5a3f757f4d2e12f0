//! Worlds to take chats from and to bring them to.

use std::{sync::Arc, time::Duration};

use polychat_core::{
    AgentConfig, AgentName, ChatId, Command, Limits, ModelName, Part, PromptId, PromptOutcome,
    Reply, Timestamp, WorldId,
    command::{ImportedChat, ImportedEntry, NewChat, PromptState, Snapshot},
    event::{ImportedMessage, PromptBody, PromptMode},
    ports::WorldService,
};
use polychat_model::DemoModel;
use polychat_store::MemoryStore;
use polychat_testkit::clock::{CountingIds, ManualClock};
use polychat_transfer::{Export, Import, Problem, Report};
use polychat_world_actor::{LocalWorld, WorldOptions};

pub(crate) fn chat_id(id: &str) -> ChatId {
    ChatId::new(id).unwrap()
}

pub(crate) fn agent(name: &str) -> AgentConfig {
    AgentConfig::new(AgentName::new(name).unwrap(), ModelName::new("demo").unwrap())
}

/// A world in memory, with an agent `demo`.
pub(crate) async fn world(name: &str) -> Arc<LocalWorld> {
    world_with(name, Limits::default()).await
}

pub(crate) async fn world_with(name: &str, limits: Limits) -> Arc<LocalWorld> {
    let store = Arc::new(MemoryStore::new());
    let model = Arc::new(DemoModel::new());
    let mut options = WorldOptions::new(WorldId::new(name).unwrap(), store, agent("demo"), model);
    options.limits = limits;
    options.clock = Arc::new(ManualClock::at(Timestamp(1_000_000)));
    options.ids = Arc::new(CountingIds::default());
    Arc::new(LocalWorld::open(options).await.unwrap())
}

/// Asks, and waits until the turn has ended.
pub(crate) async fn ask(world: &LocalWorld, chat: &str, text: &str) -> PromptOutcome {
    let prompt = PromptId::new(text).unwrap();
    let (mode, body) = (PromptMode::Queue, PromptBody::text(text));
    let chat = chat_id(chat);
    let send = Command::SendPrompt { chat: chat.clone(), prompt: prompt.clone(), mode, body };
    world.call(send).await.unwrap();
    loop {
        let look = Command::LookUpPrompt { chat: chat.clone(), prompt: prompt.clone() };
        match world.call(look).await.unwrap() {
            Reply::Prompt(PromptState::Ended { outcome, .. }) => return outcome,
            // Time stands still while anybody works, and the model takes some between its words.
            _ => tokio::time::sleep(Duration::from_millis(1)).await,
        }
    }
}

pub(crate) async fn create(world: &LocalWorld, chat: NewChat) {
    world.call(Command::CreateChat { chat }).await.unwrap();
}

pub(crate) async fn snapshot(world: &LocalWorld, chat: &str) -> Snapshot {
    match world.call(Command::Snapshot { chat: chat_id(chat) }).await.unwrap() {
        Reply::Snapshot(snapshot) => *snapshot,
        other => panic!("{other:?}"),
    }
}

/// Who says what in a chat.
pub(crate) async fn said(world: &LocalWorld, chat: &str) -> Vec<String> {
    snapshot(world, chat).await.messages.iter().map(|message| message.text()).collect()
}

pub(crate) async fn lines(world: &Arc<LocalWorld>) -> String {
    Export::world(world.clone()).json_lines().into_text().await.unwrap()
}

pub(crate) async fn import(world: &Arc<LocalWorld>, lines: &str) -> Report {
    Import::new(world.clone()).json_lines(lines.as_bytes()).await.unwrap()
}

/// A chat of another system with these user messages.
pub(crate) fn old_chat(id: &str, texts: &[&str]) -> ImportedChat {
    let mut chat = ImportedChat::new(NewChat::with_id(chat_id(id)), "my old app");
    for (at, text) in texts.iter().enumerate() {
        let message = ImportedMessage::User { parts: vec![Part::text(*text)] };
        chat = chat.entry(ImportedEntry::new(message, Timestamp(at as u64)));
    }
    chat
}

/// Places and kinds of the problems.
pub(crate) fn problems(report: &Report) -> Vec<String> {
    let short = |problem: &Problem| format!("{} {}", problem.place, problem.kind.as_str());
    report.problems.iter().map(short).collect()
}
