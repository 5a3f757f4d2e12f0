//! Many AI chats at once inside one world, isolated by construction.
//!
//! - **One chat, one actor, one log.** Chats share no history, no queue and no bus; what happens in
//!   one — an error, a panic, a flood, a deletion — never reaches another.
//! - **Nothing accepted is lost.** Every prompt ends in exactly one outcome; what watchers see is
//!   stored before it is shown.
//! - **One log, many cursors.** A watcher that is slow, gone or asleep costs nothing, and goes on
//!   from its cursor without a gap.
//! - **Rules without I/O.** What a chat does is a function of its own log; models, tools, stores and
//!   clocks plug in through small traits.
//! - **Everything is bounded**, and exceeding a bound is a typed refusal.
//!
//! ```
//! use polychat::{DemoModel, WorldBuilder};
//!
//! #[tokio::main]
//! async fn main() -> Result<(), polychat::Error> {
//!     let world = WorldBuilder::new("home", DemoModel::new()).open().await?;
//!     let (ada, bob) = (world.open_chat("ada").await?, world.open_chat("bob").await?);
//!     ada.prompt("my name is Ada").await?.outcome().await?;
//!     bob.prompt("my name is Bob").await?.outcome().await?;
//!
//!     // Both at once: neither waits for the other, neither knows of the other.
//!     let first = ada.prompt("what is my name?").await?;
//!     let second = bob.prompt("what is my name?").await?;
//!     println!("ada: {}", first.answer().await?);
//!     println!("bob: {}", second.answer().await?);
//!     world.shutdown().await;
//!     Ok(())
//! }
//! ```
//!
//! # Where things are
//!
//! [`WorldBuilder`] opens a [`World`]; its [`Chat`]s take [prompts](Chat::prompt) and can be
//! [watched](Chat::subscribe). [`Worlds`] keeps several worlds. All handles speak
//! [`WorldService`](ports::WorldService), so they work alike on a world in this process, behind a
//! policy ([`World::scoped`]), and behind a wire.
//!
//! To plug in something of your own, see [`ports`]; for the bounds, see [`Limits`]; for the events,
//! see [`Event`] and [`Live`].
//!
//! # Features
//!
//! On by default is only `sqlite`; the others bring many crates each.
//!
//! - `sqlite`: chats are kept in a file, and found again by their words.
//! - `transfer`: chats taken out and brought in, as Markdown and JSON Lines.
//! - `agent-world`: the databases of agent-world brought in.
//! - `tools`: tools from functions, checked before they run, and a few that are safe to give to
//!   anybody.
//! - `mcp`: tools of MCP servers, over stdio and streamable HTTP.
//! - `ipc`: the world over pipes and sockets, see [`transport`]; with `tools`, [`Hosts`] let
//!   programs at the other end bring models and tools.
//! - `http`: the same world over HTTP, see [`transport`]; with `transfer`, [`Exports`] are what its
//!   exports are made by.
//! - `http-client`: worlds that somebody else serves so, as if they were here.
//! - `genai`: real models, behind any OpenAI-compatible server and other providers.

mod approvals;
mod builder;
mod chat;
mod error;
#[cfg(all(feature = "http", feature = "transfer"))]
mod exports;
mod follow;
#[cfg(feature = "tools")]
mod hosts;
mod prompt;
mod text;
mod world;
mod worlds;

pub use approvals::WaitingCall;
pub use builder::WorldBuilder;
pub use chat::{Chat, PromptRequest};
pub use error::Error;
#[cfg(all(feature = "http", feature = "transfer"))]
pub use exports::Exports;
#[cfg(feature = "tools")]
pub use hosts::Hosts;
pub use prompt::PromptHandle;
pub use world::World;
pub use worlds::Worlds;

pub use polychat_core::{
    AgentConfig, AgentName, AgentTable, ChatId, ChatStatus, Command, CommandError, Cursor,
    Diagnostic, EndReason, Event, Failure, FailureKind, Fault, FaultKind, Limits, Live, LiveBody,
    Message, MessageId, Metadata, ModelName, ModelParams, Notice, Part, PromptId, PromptOutcome,
    Recorded, Refusal, Reply, Scope, Seq, StartAt, StatusKind, Summary, Timestamp, ToolCallId,
    TurnId, TurnOutcome, WorldId, agent, command, content, diagnostic, event, id, live, message,
    notice, outcome, ports, rules, seq, status, tool,
};
pub use polychat_model::{DemoModel, Fallback, ScriptedModel};
#[cfg(feature = "genai")]
pub use polychat_model::{GenAiModel, Secret};
pub use polychat_store::MemoryStore;
#[cfg(feature = "sqlite")]
pub use polychat_store::{Durability, SqliteError, SqliteOptions, SqliteStore};
#[cfg(feature = "tools")]
pub use polychat_tools as tools;
#[cfg(feature = "transfer")]
pub use polychat_transfer as transfer;
pub use polychat_transport as transport;
pub use polychat_world_actor::{Access, LocalWorld, OpenError, ScopePolicy, WorldOptions};

pub use polychat_core::{
    command::{
        ChatChange, ChatFilter, ImportedChat, ImportedEntry, NewChat, Page, PendingApproval,
        PromptChange, Snapshot,
    },
    notice::WorldNotice,
    ports::{
        Hit, Model, ModelDelta, ModelError, ModelErrorKind, ModelRequest, ModelStream, SearchPage,
        SearchQuery,
    },
};

/// The parts of `futures` that reading a subscription and writing a model need.
pub use futures_util::{StreamExt, stream};
