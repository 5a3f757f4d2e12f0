//! Tools for Polychat: from functions, from MCP servers, and a few that are safe to give to anybody.
//!
//! This crate holds adapters behind [`polychat_core::ports::Tool`] and
//! [`Toolbox`](polychat_core::ports::Toolbox). It knows the words and ports of the core and nothing
//! else: no chat, no actor.
//!
//! One line makes a [tool] of an async function, and one more a toolbox that a world takes:
//!
//! ```
//! use polychat_tools::{Tools, tool};
//! use schemars::JsonSchema;
//! use serde::Deserialize;
//!
//! /// Two numbers.
//! #[derive(Deserialize, JsonSchema)]
//! struct Add {
//!     a: f64,
//!     b: f64,
//! }
//!
//! let add = tool("add", "adds two numbers", |args: Add| async move { args.a + args.b });
//! let tools = Tools::builder().add(add.reads_only()).build()?;
//! # let _ = tools;
//! # Ok::<(), polychat_tools::ToolsError>(())
//! ```
//!
//! Read in this order:
//!
//! 1. [`tool`], [`tool_with`], [`blocking_tool`]: functions that become a [`FnTool`], what they are
//!    given ([`ToolContext`]) and what they may answer ([`IntoToolResult`]).
//! 2. [`Tools`]: many tools as one toolbox, their arguments checked before they run.
//! 3. [`LiveTools`]: tools that come and go while a world is open.
#![cfg_attr(feature = "builtin", doc = "4. [`builtin`]: a few that are safe to give to anybody.")]
#![cfg_attr(feature = "mcp", doc = "5. [`mcp`]: what servers of the Model Context Protocol have.")]

mod blocking;
#[cfg(feature = "builtin")]
pub mod builtin;
mod catalog;
mod compiled;
mod context;
mod error;
mod function;
mod live;
#[cfg(feature = "mcp")]
pub mod mcp;
mod observers;
mod result;
mod schema;
mod tools;

pub use blocking::{BlockingPool, blocking_tool};
pub use compiled::{CompiledTools, TOOLS_MAX};
pub use context::{Progress, ToolContext};
pub use error::ToolsError;
pub use function::{FnTool, NoArguments, tool, tool_with};
pub use live::{LiveTools, ToolsStay};
pub use result::{IntoToolResult, Json};
pub use schema::{ArgumentSchema, InvalidSchema, TOOL_NAME_BYTES_MAX, is_tool_name};
pub use tools::{Tools, ToolsBuilder};

/// Makes schemas of argument types; here so that a derive finds the version that fits.
pub use schemars;
