//! How the servers are doing, for people.

use polychat_core::content::Text;

/// How one server is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct McpStatus {
    /// The server's name.
    pub name: Text,
    /// What it is doing.
    pub state: McpState,
    /// Why it failed; empty when it did not.
    pub reason: Text,
    /// How often it has started so far.
    pub starts: u64,
    /// The id of its process, while it runs and has one.
    pub pid: Option<u32>,
    /// How many of its tools can be used; what it said last counts also while it does not run.
    pub tools: usize,
    /// Tools of its that cannot be used, each with the reason; the first of them.
    pub left_out: Vec<Text>,
}

/// What a server is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum McpState {
    /// Nobody has needed it yet.
    Idle,
    /// It is being started.
    Starting,
    /// Its tools can be called.
    Ready,
    /// It could not be started, or has ended; it is started again when it is needed and its pause
    /// is over.
    Failed,
}
