//! Everything that can grow, and how far.

use std::time::Duration;

/// The bounds of a world and of each chat in it (law 7).
///
/// Exceeding one is a typed refusal or a typed end of a turn; nothing accepted is dropped.
/// `Duration::MAX` and `usize::MAX` stand for "no limit". Where nothing at all could happen with 0
/// (pages, running turns, steps, attempts) it counts as 1; for what comes in from callers
/// (commands, subscribers, live chats) 0 refuses all.
///
/// ```
/// let mut limits = polychat_core::Limits::default();
/// limits.prompts_queued_max = 3;
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Limits {
    /// Prompts that may wait in one chat. Beyond: `queue_full`.
    pub prompts_queued_max: usize,
    /// Size of one prompt's parts. Beyond: `too_large`.
    pub prompt_bytes_max: usize,
    /// Size of metadata or stored host context of a chat or prompt, as JSON. Beyond: `too_large`.
    pub metadata_bytes_max: usize,
    /// Size of a title. Beyond: `too_large`.
    pub title_bytes_max: usize,
    /// Size of the history of an imported chat: text, data, calls and metadata of all its messages.
    /// Beyond: `too_large`.
    pub import_bytes_max: usize,
    /// Size of what is looked for in a search. Beyond: `too_large`.
    pub search_bytes_max: usize,
    /// Events in one chat's log, and in the world's own. Beyond: `chat_full`, where what is accepted
    /// still ends properly, and for the world `log_full`.
    pub log_events_max: u64,
    /// Text and reasoning of all messages of one turn. Beyond: the turn fails `output_limit`, and
    /// the text up to it is kept.
    pub turn_output_bytes_max: usize,
    /// Model calls in one turn. Beyond: the turn fails `steps_limit`.
    pub steps_max: u32,
    /// Tool calls that one model call may ask for. Beyond: the turn fails `invalid_response`.
    pub tool_calls_per_step_max: usize,
    /// Tool calls of one step that run at once; the others wait.
    pub tool_calls_parallel_max: usize,
    /// How long one tool call may take. Beyond: it ends as `deadline`.
    pub tool_duration_max: Duration,
    /// Size of one tool call's result. Beyond: it is cut, and says how much.
    pub tool_result_bytes_max: usize,
    /// Live output that one tool call shows. Beyond: it is not shown, and the result says how much.
    pub tool_output_bytes_max: usize,
    /// Titles of the world that are thought of at once; further ones wait.
    pub titles_running_max: usize,
    /// How long thinking of a title may take, waiting included. Beyond: the chat keeps its own.
    pub title_duration_max: Duration,
    /// Commands of one chat in flight. Beyond: `overloaded`.
    pub chat_commands_in_flight_max: usize,
    /// Commands of all chats of the world in flight. Beyond: `overloaded`.
    pub world_commands_in_flight_max: usize,
    /// Further places, per chat and per world, for cancel, delete, close, decide and withdraw.
    pub reserved_commands_in_flight_max: usize,
    /// Chats with a live actor. Beyond: idle ones are passivated early; if none is idle, a command
    /// that needs another one is refused `live_chats_full`.
    pub live_chats_max: usize,
    /// Turns of the world that run at once; further ones wait in order of arrival.
    pub turns_running_max: usize,
    /// Subscribers of one chat. Beyond: `subscribers_full`.
    pub chat_subscribers_max: usize,
    /// Subscribers of the world's feed. Beyond: `subscribers_full`.
    pub world_subscribers_max: usize,
    /// Recorded events that a feed keeps at hand; older ones are read from the store.
    pub feed_recorded_max: usize,
    /// Entries of one page of a list, of messages, or of a log. More asked for: as many as this.
    pub page_max: usize,
    /// Bytes of the entries of one page of messages or of a log, as JSON. The page ends before the
    /// entry that would exceed it; one entry is always given.
    pub page_bytes_max: usize,
    /// Diagnostics that the world's feed keeps for slow readers.
    pub diagnostics_max: usize,
    /// How long an append may take before the chat is `stalled`.
    pub append_duration_max: Duration,
    /// How long a turn may run, the waiting for people not counted. Beyond: it fails `deadline`.
    pub turn_duration_max: Duration,
    /// How long a turn may go without any progress. Beyond: it fails `no_progress`.
    pub turn_progress_duration_max: Duration,
    /// Attempts of one model call that failed before its first chunk, the first one included.
    pub model_attempts_max: u32,
    /// The first pause between such attempts; it doubles each time, unless the provider says more.
    pub model_retry_delay: Duration,
    /// The longest pause between such attempts. A provider that asks for more ends the turn.
    pub model_retry_delay_max: Duration,
    /// How often the text of an open message is saved.
    pub checkpoint_interval: Duration,
    /// After how much new text the text of an open message is saved.
    pub checkpoint_bytes: usize,
    /// How long a chat stays live without anything to do.
    pub passivate_after: Duration,
    /// Restarts of one chat's actor within `restart_window` after which it is `failed`.
    pub restarts_max: u32,
    /// See `restarts_max`.
    pub restart_window: Duration,
    /// The pause before the second restart within the window; it doubles each time.
    pub restart_delay: Duration,
    /// The first pause before a stalled chat tries the store again; it doubles each time.
    pub stall_retry_delay: Duration,
    /// The longest such pause.
    pub stall_retry_delay_max: Duration,
    /// How long running turns may go on after shutdown was asked for, before they end
    /// `interrupted`.
    pub shutdown_turn_duration: Duration,
    /// How long actors may take to end after that, before they are abandoned.
    pub shutdown_drain_duration: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            prompts_queued_max: 256,
            prompt_bytes_max: 1024 * 1024,
            metadata_bytes_max: 16 * 1024,
            title_bytes_max: 512,
            import_bytes_max: 32 * 1024 * 1024,
            search_bytes_max: 1024,
            log_events_max: 1_000_000,
            turn_output_bytes_max: 4 * 1024 * 1024,
            steps_max: 32,
            tool_calls_per_step_max: 64,
            tool_calls_parallel_max: 8,
            tool_duration_max: Duration::from_secs(10 * 60),
            tool_result_bytes_max: 256 * 1024,
            tool_output_bytes_max: 1024 * 1024,
            titles_running_max: 4,
            title_duration_max: Duration::from_secs(30),
            chat_commands_in_flight_max: 64,
            world_commands_in_flight_max: 16_384,
            reserved_commands_in_flight_max: 16,
            live_chats_max: 20_000,
            turns_running_max: 10_000,
            chat_subscribers_max: 1_024,
            world_subscribers_max: 256,
            feed_recorded_max: 64,
            page_max: 500,
            page_bytes_max: 8 * 1024 * 1024,
            diagnostics_max: 1_024,
            append_duration_max: Duration::from_secs(10),
            turn_duration_max: Duration::from_secs(30 * 60),
            turn_progress_duration_max: Duration::from_secs(120),
            model_attempts_max: 4,
            model_retry_delay: Duration::from_millis(500),
            model_retry_delay_max: Duration::from_secs(60),
            checkpoint_interval: Duration::from_secs(1),
            checkpoint_bytes: 4 * 1024,
            passivate_after: Duration::from_secs(300),
            restarts_max: 3,
            restart_window: Duration::from_secs(60),
            restart_delay: Duration::from_millis(100),
            stall_retry_delay: Duration::from_millis(100),
            stall_retry_delay_max: Duration::from_secs(10),
            shutdown_turn_duration: Duration::from_secs(5),
            shutdown_drain_duration: Duration::from_secs(5),
        }
    }
}
