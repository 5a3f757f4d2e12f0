//! One chat as a state machine without I/O.
//!
//! A [`ChatState`] is folded from the chat's own log ([`ChatState::replay`]). An [`Input`] is judged
//! against it and becomes a [`Decision`] or a [`Refusal`](crate::Refusal); the shell appends the
//! decision's events to the store, and only then applies them ([`ChatState::apply`]) and carries
//! out the effects. Deciding changes nothing, so an append that fails leaves nothing to undo.
//!
//! ```text
//! input ──decide──▶ events ──append──▶ apply ──▶ reply, publish, effects
//! ```
//!
//! Whatever a decision needs besides the log comes in as [`Facts`]: the time, the limits, the
//! world's agents and tools, whether a turn may run, and the text shown of an open message.
//! Nothing here may read a clock, draw a random number, or know of another chat.
//!
//! # What a turn consists of
//!
//! model → tool calls → results → model, until a reply asks for no tool. Then the next of those
//! whom the prompt asked answers ([`addressed`]), or the agent whom the reply [`mentioned`], or the
//! turn has completed. An agent keeps, to the end of the turn, the configuration with which it first
//! answered in it; a world's own settings hold from the moment they change.
//!
//! # What a person decides
//!
//! A call waits for a person if its tool is a question, if the tool or the policy of the agent that
//! asked says so. [`Decide`](ChatCommand::Decide) means a call that waits in *this* chat's running
//! turn; anything else is refused. What a person allowed for the chat holds for the tool of that
//! name, whichever agent asks, where a policy would ask; what a policy denies stays denied. It is
//! part of this chat's log, so it survives a restart, and a fork, having a log of its own, does not
//! have it.
//!
//! # What follows a chat's first turn
//!
//! Where a world allows it, the end of the first completed turn brings an effect that asks a model
//! for a title ([`ChatState::title_request`]), and the answer becomes the title if there still is
//! none.

mod apply;
mod calls;
mod context;
mod create;
mod decide;
mod draft;
mod fingerprint;
mod forecast;
mod history;
mod input;
mod mention;
mod prompts;
mod revise;
mod routing;
mod state;
mod title;
mod turns;
mod view;
mod written;

pub use apply::LogError;
pub use context::{ByteBudget, ContextPolicy, ContextSize, PastTurn};
pub use create::{create, import};
pub use input::{ChatCommand, Decision, Effect, Facts, Input, Shown, TurnInput};
pub use mention::{Addressed, addressed, mentioned};
pub use state::ChatState;
pub use title::{
    TITLE_EXCERPT_BYTES_MAX, TITLE_INSTRUCTIONS, TITLE_OUTPUT_TOKENS_MAX, TitleRequest,
};
pub use view::Step;
