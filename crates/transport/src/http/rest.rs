//! REST: one request, one command.
//!
//! Path, query and body of a request are put together to a command of [`crate::wire`], which checks
//! it as it would check one from a pipe; its reply goes back as it is. A body holds a command's
//! parameters without those that the path names. Nothing here knows what a command does.
//!
//! An accepted prompt is the one thing that may be waited for: see `wait`.

pub(super) mod agents;
pub(super) mod answer;
pub(super) mod approvals;
pub(super) mod export;
pub(super) mod extract;
pub(super) mod history;
pub(super) mod params;
pub(super) mod wait;

mod chats;
mod prompts;
mod world;

use axum::{
    Router,
    routing::{get, patch, post, put},
};

use super::state::Http;

pub(super) fn routes() -> Router<Http> {
    let chat = || get(chats::get).patch(chats::update).delete(chats::delete);
    Router::new()
        .route("/", get(world::get))
        .route("/settings", patch(world::update))
        .route("/export", get(export::world))
        .route("/search", get(history::search))
        .route("/agents", get(agents::list))
        .route("/agents/{agent}", put(agents::put).delete(agents::remove))
        .route("/chats", get(chats::list).post(chats::create))
        // A chat may be called `import` too.
        .route("/chats/import", chat().post(chats::import))
        .route("/chats/{chat}", chat())
        .route("/chats/{chat}/close", post(chats::close))
        .route("/chats/{chat}/reopen", post(chats::reopen))
        .route("/chats/{chat}/fork", post(chats::fork))
        .route("/chats/{chat}/cancel", post(prompts::cancel))
        .route("/chats/{chat}/revise", post(prompts::revise))
        .route("/chats/{chat}/prompts", get(prompts::list).post(prompts::send))
        .route(
            "/chats/{chat}/prompts/{prompt}",
            get(prompts::get).patch(prompts::edit).delete(prompts::withdraw),
        )
        .route("/chats/{chat}/approvals", get(approvals::list))
        .route("/chats/{chat}/approvals/{toolCallId}", post(approvals::decide))
        .route("/chats/{chat}/messages", get(history::messages))
        .route("/chats/{chat}/log", get(history::log))
        .route("/chats/{chat}/export", get(export::chat))
}
