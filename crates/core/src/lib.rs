//! The words, the rules and the ports of Polychat.
//!
//! This crate is the bottom of the house. Every other crate depends on it, and it depends on no
//! runtime: no tokio, no actors, no clock, no randomness. Time, ids and text come in as data;
//! events, effects and refusals go out as data. That is what makes the rules of a chat testable by
//! tables and properties, and what makes a chat's behaviour a function of its own log.
//!
//! Read in this order:
//!
//! 1. [`id`], [`seq`], [`content`], [`message`]: what things are called and made of.
//! 2. [`event`], [`live`], [`notice`]: what is recorded, what is in flight, what a watcher sees.
//! 3. [`command`], [`refusal`]: what may be asked, and how it is declined.
//! 4. [`rules`]: one chat as a state machine without I/O.
//! 5. [`ports`]: the traits behind which worlds, stores, models and tools live.

pub mod agent;
pub mod command;
pub mod content;
pub mod diagnostic;
pub mod event;
pub mod id;
pub mod limits;
pub mod live;
pub mod message;
pub mod notice;
pub mod outcome;
pub mod ports;
pub mod refusal;
pub mod rules;
#[cfg(feature = "openapi")]
mod schema;
pub mod seq;
pub mod status;
pub mod tool;
pub mod world;

pub use agent::{AgentConfig, AgentTable, ModelParams};
pub use command::{Command, Reply};
pub use content::{Metadata, Part};
pub use diagnostic::Diagnostic;
pub use event::{Event, Recorded};
pub use id::{AgentName, ChatId, ModelName, PromptId, WorldId};
pub use limits::Limits;
pub use live::{Live, LiveBody};
pub use message::Message;
pub use notice::{Cursor, EndReason, Notice, Scope, StartAt};
pub use outcome::{Failure, FailureKind, OutcomeKind, PromptOutcome, TurnOutcome};
pub use refusal::{CommandError, Fault, FaultKind, Refusal};
pub use seq::{Epoch, MessageId, Seq, Timestamp, ToolCallId, TurnId};
pub use status::{ChatStatus, StatusKind, Summary};
