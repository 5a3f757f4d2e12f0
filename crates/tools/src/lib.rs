//! Tools for Polychat: from functions, from MCP servers, and a few that are safe to give to anybody.
//!
//! This crate holds adapters behind [`polychat_core::ports::Tool`] and
//! [`Toolbox`](polychat_core::ports::Toolbox). It knows the words and ports of the core and nothing
//! else: no chat, no actor.
