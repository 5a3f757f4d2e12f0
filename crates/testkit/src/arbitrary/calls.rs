//! Arbitrary commands and replies.

use std::sync::Arc;

use polychat_core::{
    Command, Message, Reply, Timestamp,
    command::{
        Accepted, CancelTarget, ChatChange, ChatFilter, LogPage, MessagePage, NewChat, Page,
        PromptChange, ReviseTarget,
    },
    message::Role,
    tool::ApprovalDecision,
};
use proptest::{collection::vec, option, prelude::*, sample::select};

use super::{
    agent_name, chat_id, json, message_id, metadata, mode, number, parts, prompt_body, prompt_id,
    recorded, seq, text, tool_call_id, turn_id,
};

fn new_chat() -> BoxedStrategy<NewChat> {
    (option::of(chat_id()), text(), metadata(), option::of(agent_name()), metadata())
        .prop_map(|(id, title, metadata, agent, context)| {
            let mut chat = NewChat::new().title(title).metadata(metadata).context(context);
            chat.id = id;
            chat.agent = agent;
            chat
        })
        .boxed()
}

fn chat_change() -> BoxedStrategy<ChatChange> {
    let all = (
        option::of(text()),
        option::of(metadata()),
        option::of(any::<bool>()),
        option::of(agent_name()),
    );
    all.prop_map(|(title, metadata, archived, agent)| {
        let mut change = ChatChange::default();
        change.title = title;
        change.metadata = metadata;
        change.archived = archived;
        change.agent = agent;
        change
    })
    .boxed()
}

fn page() -> BoxedStrategy<Page> {
    (option::of(text()), 0..1_000_usize)
        .prop_map(|(after, limit)| match after {
            None => Page::first(limit),
            Some(next) => Page::after(next, limit),
        })
        .boxed()
}

/// Commands: those with payload made up, the others from the samples.
pub fn command() -> BoxedStrategy<Command> {
    prop_oneof![
        select(crate::samples::every_command()),
        new_chat().prop_map(|chat| Command::CreateChat { chat }),
        (chat_id(), message_id(), new_chat()).prop_map(|(from, at, chat)| Command::ForkChat {
            from,
            at,
            chat
        }),
        (page(), option::of(text()), any::<bool>()).prop_map(|(page, title, archived)| {
            let mut filter = ChatFilter::new();
            filter.title_contains = title;
            filter.archived = archived;
            Command::ListChats { page, filter }
        }),
        chat_id().prop_map(|chat| Command::Snapshot { chat }),
        (chat_id(), chat_change()).prop_map(|(chat, change)| Command::UpdateChat { chat, change }),
        (chat_id(), prompt_id(), mode(), prompt_body()).prop_map(|(chat, prompt, mode, body)| {
            Command::SendPrompt { chat, prompt, mode, body }
        }),
        (chat_id(), prompt_id(), option::of(parts()), option::of(mode())).prop_map(
            |(chat, prompt, parts, mode)| {
                let mut change = PromptChange::default();
                change.parts = parts;
                change.mode = mode;
                Command::EditPrompt { chat, prompt, change }
            }
        ),
        (chat_id(), option::of(turn_id())).prop_map(|(chat, turn)| Command::CancelTurn {
            chat,
            target: turn.map_or(CancelTarget::Running, CancelTarget::Turn),
        }),
        (chat_id(), message_id(), prompt_body(), prompt_id()).prop_map(
            |(chat, id, body, prompt)| Command::Revise {
                chat,
                target: ReviseTarget::Message { id, body },
                prompt,
            }
        ),
        (chat_id(), tool_call_id(), json()).prop_map(|(chat, call, data)| {
            Command::DecideApproval { chat, call, decision: ApprovalDecision::Answer { data } }
        }),
        (chat_id(), seq(), 0..1_000_usize).prop_map(|(chat, after, limit)| Command::ReadLog {
            chat,
            after,
            limit
        }),
    ]
    .boxed()
}

fn message() -> BoxedStrategy<Message> {
    (message_id(), option::of(turn_id()), number(), option::of(prompt_id()), parts(), metadata())
        .prop_map(|(id, turn_id, at, prompt_id, parts, metadata)| Message {
            id,
            turn_id,
            source_id: None,
            at: Timestamp(at),
            role: Role::User { prompt_id },
            parts,
            failure: None,
            metadata,
        })
        .boxed()
}

/// Replies, each with a command that it answers.
pub fn reply() -> BoxedStrategy<(Command, Reply)> {
    prop_oneof![
        select(crate::transport_suite::replies::every_reply()),
        (new_chat(), chat_id()).prop_map(|(mut chat, id)| {
            chat.id = None;
            (Command::CreateChat { chat }, Reply::Chat(id))
        }),
        (chat_id(), prompt_id(), mode(), prompt_body(), seq()).prop_map(
            |(chat, prompt, mode, body, accepted_seq)| {
                let accepted = Accepted { prompt_id: prompt.clone(), accepted_seq };
                (Command::SendPrompt { chat, prompt, mode, body }, Reply::Accepted(accepted))
            }
        ),
        (chat_id(), page(), vec(message(), 0..3), option::of(text())).prop_map(
            |(chat, page, messages, next)| {
                let messages = messages.into_iter().map(Arc::new).collect();
                let reply = Reply::Messages(MessagePage { messages, next });
                (Command::ListMessages { chat, page }, reply)
            }
        ),
        chat_id()
            .prop_flat_map(|chat| {
                let events = vec(recorded(chat.clone()), 0..4);
                (Just(chat), seq(), events, seq())
            })
            .prop_map(|(chat, after, events, head)| {
                let events = events.into_iter().map(Arc::new).collect();
                let command = Command::ReadLog { chat, after, limit: 4 };
                (command, Reply::Log(LogPage { events, head }))
            }),
    ]
    .boxed()
}
