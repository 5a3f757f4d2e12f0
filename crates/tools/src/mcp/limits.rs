//! What may grow with a server, and how far.

use std::time::Duration;

/// The bounds of one MCP server (law 7).
///
/// A server is somebody else's program: whatever it sends is bounded before it is kept.
/// `Duration::MAX` and `usize::MAX` stand for "no limit".
///
/// ```
/// let mut limits = polychat_tools::mcp::McpLimits::default();
/// limits.tools_max = 20;
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct McpLimits {
    /// How long starting may take: process or connection, handshake, list of tools; also how long
    /// it may take to list them again. Beyond: it is left out, and tried again after a pause.
    pub start_duration_max: Duration,
    /// The pause after the first failure; it doubles each time, and is never shorter than the start
    /// took that failed. A server that ran for at least
    /// `restart_delay_max` before it ended starts again without one.
    pub restart_delay: Duration,
    /// The longest such pause, but for a start that took longer.
    pub restart_delay_max: Duration,
    /// Tools of the server that are taken. Beyond: the others are left out, as the status says.
    pub tools_max: usize,
    /// Size of a tool's schema, as JSON. Beyond: the tool is left out.
    pub schema_bytes_max: usize,
    /// Size of a tool's description. Beyond: it is cut.
    pub description_bytes_max: usize,
    /// Size of one message from the server. Beyond: it is not kept, and the call that it answers
    /// fails.
    pub message_bytes_max: usize,
    /// Calls that are under way at once, all chats together; further ones wait.
    pub calls_in_flight_max: usize,
}

impl Default for McpLimits {
    fn default() -> Self {
        Self {
            start_duration_max: Duration::from_secs(30),
            restart_delay: Duration::from_secs(1),
            restart_delay_max: Duration::from_secs(60),
            tools_max: 256,
            schema_bytes_max: 64 * 1024,
            description_bytes_max: 8 * 1024,
            message_bytes_max: 4 * 1024 * 1024,
            calls_in_flight_max: 256,
        }
    }
}
