//! What may be asked over HTTP: every route of the door, and what it takes and answers.
//!
//! The routes themselves stand in `rest`, `events` and `socket`. A test asks the
//! router for each path of this list by every method, so that neither can have what the other has
//! not.

use serde_json::json;
use utoipa::openapi::HttpMethod::{Delete, Get, Patch, Post, Put};

use super::{
    operation::{Describing, Operation, Part},
    schemas::Schemas,
    stream,
};
use crate::{
    http::rest::{
        agents::Agents,
        approvals::Approvals,
        history::Log,
        params::{
            AgentBody, CancelBody, ChatsQuery, DecideBody, EditBody, ExportQuery, ForkBody,
            LogQuery, PageQuery, ReviseBody, SearchQuery, SendBody, UpdateBody, WaitQuery,
        },
        wait::Ended,
    },
    wire::{ImportParams, NewChatParams, NoParams, SettingsParams},
};

/// The parts of the door, in the order in which people read of them.
pub(super) const TAGS: [(&str, &str); 6] = [
    ("world", "The world, its settings and agents."),
    ("chats", "Chats: listed, made, read as a whole, changed, ended."),
    ("prompts", "What people say, and the turns that answer it."),
    ("history", "What was said and recorded."),
    ("streams", "What happens, as it happens."),
    ("about", "The door itself."),
];

/// All operations.
pub(super) fn all(schemas: &mut Schemas) -> Vec<Operation> {
    let mut all = Vec::new();
    world(&mut Part::new("world", schemas, &mut all));
    chats(&mut Part::new("chats", schemas, &mut all));
    prompts(&mut Part::new("prompts", schemas, &mut all));
    approvals(&mut Part::new("prompts", schemas, &mut all));
    history(&mut Part::new("history", schemas, &mut all));
    stream::describe(&mut Part::new("streams", schemas, &mut all));
    about(&mut Part::new("about", schemas, &mut all));
    all
}

fn world(part: &mut Part<'_>) {
    part.add(Get, "", "getWorld", "Name, settings and agents", |it| {
        it.reply(200, "world", "The world.")
    });
    part.add(Patch, "/settings", "updateWorld", "Replaces the settings", |it| {
        it.body::<SettingsParams>().reply(200, "done", DONE)
    });
    part.add(Get, "/agents", "listAgents", "All agents", |it| {
        it.own_reply::<Agents>(200, "agents", "The agents, in the order of their names.")
    });
    part.add(
        Put,
        "/agents/{agent}",
        "putAgent",
        "Adds an agent, or replaces it as a whole",
        |it| it.body::<AgentBody>().reply(200, "done", DONE),
    );
    part.add(Delete, "/agents/{agent}", "removeAgent", "Removes an agent", |it| {
        it.reply(200, "done", DONE)
    });
}

fn chats(part: &mut Part<'_>) {
    part.add(Get, "/chats", "listChats", "A page of the chats, in the order of their ids", |it| {
        it.query::<ChatsQuery>().reply(200, "chats", "One page.")
    });
    part.add(Post, "/chats", "createChat", "Makes a chat", |it| {
        it.body::<NewChatParams>().reply(201, "chat", MADE)
    });
    part.add(
        Post,
        "/chats/import",
        "importChat",
        "Takes in a chat of another system, whole",
        |it| it.body::<ImportParams>().reply(201, "chat", MADE),
    );
    chat(part, "/chats/{chat}", ["getChat", "updateChat", "deleteChat"]);
    // A chat may be called `import` too.
    chat(part, "/chats/import", ["getChatImport", "updateChatImport", "deleteChatImport"]);
    part.add(Post, "/chats/{chat}/close", "closeChat", "Takes no prompts until reopened", |it| {
        it.body::<NoParams>().reply(200, "done", DONE)
    });
    part.add(Post, "/chats/{chat}/reopen", "reopenChat", "Takes prompts again", |it| {
        it.body::<NoParams>().reply(200, "done", DONE)
    });
    part.add(Post, "/chats/{chat}/fork", "forkChat", "Copies a chat up to a message", |it| {
        it.body::<ForkBody>().reply(201, "chat", MADE)
    });
}

/// What may be asked of a chat itself.
fn chat(part: &mut Part<'_>, path: &str, [get, update, delete]: [&'static str; 3]) {
    part.add(Get, path, get, "The chat as a whole at this moment", |it| {
        it.reply(200, "snapshot", "Its history, what waits, and where a subscription goes on.")
    });
    part.add(Patch, path, update, "Changes what is said", |it| {
        it.body::<UpdateBody>().reply(200, "done", DONE)
    });
    part.add(Delete, path, delete, "Deletes the chat; its id is never used again", |it| {
        it.reply(200, "done", DONE)
    });
}

fn prompts(part: &mut Part<'_>) {
    let all = "/chats/{chat}/prompts";
    part.add(Get, all, "listPrompts", "The prompts that wait", |it| {
        it.reply(200, "prompts", "In the order in which they will run.")
    });
    part.add(Post, all, "sendPrompt", "Submits a message", |it| {
        it.query::<WaitQuery>()
            .body::<SendBody>()
            .own_reply::<Ended>(200, "outcome", "How it ended: asked for by `?wait=outcome`.")
            .reply(202, "accepted", "It is stored; what becomes of it is an event.")
    });
    let one = "/chats/{chat}/prompts/{prompt}";
    part.add(Get, one, "getPrompt", "Where a prompt stands", |it| {
        it.reply(200, "prompt", "Waiting, running or ended.")
    });
    part.add(Patch, one, "editPrompt", "Changes a prompt while it waits", |it| {
        it.body::<EditBody>().reply(200, "done", DONE)
    });
    part.add(Delete, one, "withdrawPrompt", "Takes a prompt out of the queue", |it| {
        it.reply(200, "done", DONE)
    });
    part.add(Post, "/chats/{chat}/cancel", "cancelTurn", "Stops the running turn", |it| {
        it.body::<CancelBody>().reply(200, "done", DONE)
    });
    let revises = "Replaces a message and all after it by a new prompt";
    part.add(Post, "/chats/{chat}/revise", "reviseHistory", revises, |it| {
        it.body::<ReviseBody>().reply(202, "accepted", "The new prompt is stored.")
    });
}

fn approvals(part: &mut Part<'_>) {
    let all = "/chats/{chat}/approvals";
    part.add(Get, all, "listApprovals", "The calls that wait for a person", |it| {
        it.own_reply::<Approvals>(
            200,
            "approvals",
            "In the order in which the model asked for them.",
        )
    });
    let one = "/chats/{chat}/approvals/{toolCallId}";
    part.add(Post, one, "decideApproval", "Decides a call that waits", |it| {
        it.body::<DecideBody>().reply(200, "done", DONE)
    });
}

fn history(part: &mut Part<'_>) {
    part.add(Get, "/chats/{chat}/messages", "listMessages", "A page of the history", |it| {
        it.query::<PageQuery>().reply(200, "messages", "One page.")
    });
    part.add(Get, "/chats/{chat}/log", "readLog", "A page of the recorded events", |it| {
        it.query::<LogQuery>().own_reply::<Log>(200, "log", "One page.")
    });
    part.add(Get, "/search", "search", "Messages that hold these words, newest first", |it| {
        it.query::<SearchQuery>().reply(200, "found", "One page.")
    });
    part.add(Get, "/export", "exportWorld", "All chats that may be seen, as text", exported);
    part.add(Get, "/chats/{chat}/export", "exportChat", "The chat as text", exported);
}

fn exported(it: Describing<'_>) -> Describing<'_> {
    let text = || json!({ "type": "string" });
    let media = vec![("application/x-ndjson", text()), ("text/markdown", text())];
    it.query::<ExportQuery>().media(200, "The chats.", media)
}

fn about(part: &mut Part<'_>) {
    let path = super::PATH.to_owned();
    part.add_at(Get, path, "getOpenapi", "This document", |it| {
        it.media(200, "OpenAPI 3.1.", vec![("application/json", json!({ "type": "object" }))])
    });
}

const DONE: &str = "It is done and stored.";
const MADE: &str = "The chat was made; this is its id.";
