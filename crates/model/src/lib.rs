//! Models for Polychat: a demo, a scripted one for tests, and real providers behind a feature.
//!
//! Everything here implements [`Model`](polychat_core::ports::Model) and knows nothing else of the
//! house: no chat, no actor, no store. A model is given a history and answers it, piece by piece.
//!
//! - [`DemoModel`] needs no key and no network. It answers from the history it is given, so that
//!   isolation can be seen, and misbehaves on request, so that it can be tried.
//! - [`ScriptedModel`] does what a test tells it, delta by delta, or what a function says.
//! - `GenAiModel` (feature `genai`) speaks to any OpenAI-compatible server, and to other providers.
//! - [`Fallback`] puts models in a row: the next one is asked when one cannot be had.
//! - [`LiveModels`] come and go while a world is open.
//!
//! The deltas of the first two are written as [`Step`]s.

mod demo;
mod fallback;
#[cfg(feature = "genai")]
mod gen_ai;
mod live;
mod scripted;
mod step;

pub use demo::DemoModel;
pub use fallback::Fallback;
#[cfg(feature = "genai")]
pub use gen_ai::{BuildError, GenAiBuilder, GenAiModel, MissingKey, Secret};
pub use live::{LiveModel, LiveModels, ModelsStay};
pub use scripted::{Call, Script, ScriptedModel};
pub use step::Step;
