//! A few tools that are safe to give to anybody: they read no files, reach no network, change
//! nothing.
//!
//! Each is a function that makes the tool, so it can still be changed like any other [`FnTool`].
//!
//! ```
//! use polychat_tools::{Tools, builtin};
//! let tools = Tools::builder().add_all(builtin::all()).build()?;
//! # let _ = tools;
//! # Ok::<(), polychat_tools::ToolsError>(())
//! ```

mod ask_user;
mod calculator;
mod clock;
mod wait;

pub use ask_user::ask_user;
pub use calculator::calculator;
pub use clock::{clock, clock_by};
pub use wait::{wait, wait_up_to};

use crate::FnTool;

/// All of them, as they are by default: `clock`, `calculator`, `wait` and `ask_user`.
#[must_use]
pub fn all() -> [FnTool; 4] {
    [clock(), calculator(), wait(), ask_user()]
}
