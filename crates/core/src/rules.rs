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
mod state;
mod turns;
mod view;

pub use apply::LogError;
pub use context::{ByteBudget, ContextPolicy, ContextSize, PastTurn};
pub use create::{ImportedEntry, create, import};
pub use input::{ChatCommand, Decision, Effect, Facts, Input, Shown, TurnInput};
pub use mention::mentioned;
pub use state::ChatState;
pub use view::Step;
