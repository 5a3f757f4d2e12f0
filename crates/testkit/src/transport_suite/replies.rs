//! One of each reply, with the command that it answers.

use std::sync::Arc;

use polychat_core::{
    ChatId, ChatStatus, Command, Cursor, Epoch, Event, Message, OutcomeKind, PromptOutcome, Reply,
    Seq, StatusKind, Timestamp,
    command::{
        Accepted, CancelTarget, ChatFilter, ChatPage, LogPage, MessagePage, NewChat, OpenMessage,
        Page, PendingApproval, PromptState, Snapshot, WaitingPrompt, WorldInfo,
    },
    event::{ApprovalKind, PromptMode},
    message::{Role, Usage},
    ports::{Hit, SearchPage, SearchQuery, Snippet},
};
use serde_json::json;

use crate::samples;

/// What a chat is doing.
#[must_use]
pub fn status(chat: &ChatId) -> ChatStatus {
    ChatStatus {
        chat_id: chat.clone(),
        kind: StatusKind::Running,
        turn_id: Some(samples::turn_id(4)),
        last_outcome: Some(OutcomeKind::Interrupted),
        queued: 1,
        head: samples::seq(9),
        title: "Plans".into(),
    }
}

/// A chat as a whole, with everything that can be in one.
#[must_use]
pub fn snapshot(chat: &ChatId) -> Snapshot {
    Snapshot {
        summary: samples::summary(chat, samples::seq(9)),
        status: status(chat),
        messages: messages(),
        prompts: vec![waiting()],
        open: Some(OpenMessage {
            message_id: samples::message_id(5),
            turn_id: samples::turn_id(4),
            author: samples::agent_name("guide"),
            text: "so far".into(),
            reasoning: "hm".into(),
        }),
        approvals: vec![PendingApproval {
            chat_id: chat.clone(),
            tool_call_id: samples::tool_call_id(5, 0),
            turn_id: samples::turn_id(4),
            name: "shell".into(),
            arguments: json!({ "line": "ls" }),
            kind: ApprovalKind::Permission,
        }],
        cursor: Cursor { seq: samples::seq(9), epoch: Epoch(2), live: 3, offset: 17 },
    }
}

/// Every reply, full and with only what is required, each with a command that it answers.
#[must_use]
pub fn every_reply() -> Vec<(Command, Reply)> {
    let chat = samples::chat_id("a");
    let log: Vec<_> = (1..)
        .zip(samples::every_event())
        .map(|(n, event)| samples::recorded(&chat, samples::seq(n), event))
        .collect();
    let head = samples::seq(u64::try_from(log.len()).unwrap_or(0));
    let mut bare = snapshot(&chat);
    bare.messages.clear();
    bare.prompts.clear();
    bare.open = None;
    bare.approvals.clear();
    bare.status.turn_id = None;
    let page = |limit| Page::first(limit);
    let list = |limit| Command::ListChats { page: page(limit), filter: ChatFilter::new() };
    let messages_of = |limit| Command::ListMessages { chat: chat.clone(), page: page(limit) };
    let read = Command::ReadLog { chat: chat.clone(), after: Seq::ZERO, limit: 99 };
    let mut replies = vec![
        (Command::CloseChat { chat: chat.clone() }, Reply::Done),
        (Command::CancelTurn { chat: chat.clone(), target: CancelTarget::Running }, Reply::Done),
        (
            Command::Search { query: SearchQuery::new("green tea", Page::first(1)) },
            Reply::Found(found(&chat)),
        ),
        (
            Command::Search { query: SearchQuery::new("coffee", Page::first(1)) },
            Reply::Found(SearchPage::default()),
        ),
        (Command::CreateChat { chat: NewChat::new() }, Reply::Chat(samples::chat_id("chosen"))),
        (
            list(1),
            Reply::Chats(ChatPage {
                chats: vec![samples::summary(&chat, head)],
                next: Some("a".into()),
            }),
        ),
        (list(2), Reply::Chats(ChatPage { chats: Vec::new(), next: None })),
        (Command::Snapshot { chat: chat.clone() }, Reply::Snapshot(Box::new(snapshot(&chat)))),
        (Command::Snapshot { chat: chat.clone() }, Reply::Snapshot(Box::new(bare))),
        (Command::ListPrompts { chat: chat.clone() }, Reply::Prompts(vec![waiting()])),
        (
            messages_of(9),
            Reply::Messages(MessagePage { messages: messages(), next: Some("5".into()) }),
        ),
        (messages_of(1), Reply::Messages(MessagePage { messages: Vec::new(), next: None })),
        (read, Reply::Log(LogPage { events: log, head })),
        (Command::GetWorld, Reply::World(Box::new(world()))),
    ];
    replies.extend(prompt_replies(&chat));
    replies
}

fn prompt_replies(chat: &ChatId) -> Vec<(Command, Reply)> {
    let prompt = samples::prompt_id("p-1");
    let accepted_seq = samples::seq(3);
    let turn = samples::turn_id(4);
    let send = Command::SendPrompt {
        chat: chat.clone(),
        prompt: prompt.clone(),
        mode: PromptMode::Queue,
        body: samples::prompt_body(),
    };
    let ended = |turn_id, outcome| PromptState::Ended { accepted_seq, turn_id, outcome };
    let states = [
        PromptState::Queued { accepted_seq },
        PromptState::Running { accepted_seq, turn_id: turn },
        ended(Some(turn), PromptOutcome::Completed),
        ended(Some(turn), PromptOutcome::Cancelled),
        ended(Some(turn), PromptOutcome::Failed { failure: samples::failure() }),
        ended(Some(turn), PromptOutcome::Interrupted),
        ended(None, PromptOutcome::Withdrawn),
    ];
    let look_up = Command::LookUpPrompt { chat: chat.clone(), prompt: prompt.clone() };
    let mut replies = vec![(send, Reply::Accepted(Accepted { prompt_id: prompt, accepted_seq }))];
    replies.extend(states.map(|state| (look_up.clone(), Reply::Prompt(state))));
    replies
}

fn waiting() -> WaitingPrompt {
    WaitingPrompt {
        prompt_id: samples::prompt_id("p-2"),
        accepted_seq: samples::seq(8),
        at: Timestamp(1_000),
        mode: PromptMode::Steer,
        parts: samples::every_part(),
    }
}

fn messages() -> Vec<Arc<Message>> {
    let message = |n, role| Message {
        id: samples::message_id(n),
        turn_id: Some(samples::turn_id(4)),
        source_id: None,
        at: Timestamp(n),
        role,
        parts: samples::every_part(),
        failure: None,
        metadata: samples::metadata("message"),
    };
    let user = message(3, Role::User { prompt_id: Some(samples::prompt_id("p-1")) });
    let mut copied = message(2, Role::User { prompt_id: None });
    copied.turn_id = None;
    copied.metadata = polychat_core::Metadata::NONE;
    let said = message(
        5,
        Role::Assistant {
            author: Some(samples::agent_name("guide")),
            reasoning: "hm".into(),
            tool_calls: vec![samples::tool_call()],
            usage: Usage::new(3, 4),
        },
    );
    let mut broken = message(
        6,
        Role::Assistant {
            author: None,
            reasoning: "".into(),
            tool_calls: Vec::new(),
            usage: Usage::default(),
        },
    );
    broken.failure = Some(samples::failure());
    let tool = message(7, Role::Tool { tool_call_id: samples::tool_call_id(5, 0) });
    [copied, user, said, broken, tool].map(Arc::new).into()
}

fn found(chat: &ChatId) -> SearchPage {
    let snippet = Snippet { text: "… green tea …".into(), marks: vec![4..9, 10..13] };
    let hit = Hit { chat_id: chat.clone(), message_id: samples::message_id(3), snippet };
    SearchPage { hits: vec![hit], next: Some("3".into()) }
}

fn world() -> WorldInfo {
    WorldInfo {
        world_id: samples::world_id("w"),
        settings: polychat_core::agent::WorldSettings::default(),
        default_agent: samples::agent_name("guide"),
        agents: vec![Arc::new(samples::agent_config())],
    }
}

/// A reply that fits a command; for commands whose answer says nothing, [`Reply::Done`].
#[must_use]
pub fn reply_to(command: &Command) -> Reply {
    let chat = command.chat().cloned().unwrap_or_else(|| samples::chat_id("chosen"));
    match command {
        Command::CreateChat { .. } | Command::ImportChat { .. } => Reply::Chat(chat),
        Command::Search { .. } => Reply::Found(found(&chat)),
        Command::ForkChat { chat: new, .. } => {
            Reply::Chat(new.id.clone().unwrap_or_else(|| samples::chat_id("chosen")))
        }
        Command::ListChats { .. } => Reply::Chats(ChatPage { chats: Vec::new(), next: None }),
        Command::Snapshot { .. } => Reply::Snapshot(Box::new(snapshot(&chat))),
        Command::SendPrompt { prompt, .. } | Command::Revise { prompt, .. } => {
            Reply::Accepted(Accepted { prompt_id: prompt.clone(), accepted_seq: samples::seq(3) })
        }
        Command::ListPrompts { .. } => Reply::Prompts(vec![waiting()]),
        Command::LookUpPrompt { .. } => {
            Reply::Prompt(PromptState::Queued { accepted_seq: samples::seq(3) })
        }
        Command::ListMessages { .. } => {
            Reply::Messages(MessagePage { messages: messages(), next: None })
        }
        Command::ReadLog { .. } => {
            let event = samples::recorded(&chat, Seq::FIRST, Event::ChatClosed {});
            Reply::Log(LogPage { events: vec![event], head: Seq::FIRST })
        }
        Command::GetWorld => Reply::World(Box::new(world())),
        _ => Reply::Done,
    }
}
