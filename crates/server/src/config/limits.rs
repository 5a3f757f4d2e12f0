//! The bounds of each world, under the names that the library gives them.

use polychat::Limits;
use serde::{Deserialize, Serialize};

use super::Span;

/// A struct of these bounds, with the library's own as defaults. `Span` stands for its durations.
macro_rules! limits {
    ($($name:ident: $kind:tt),* $(,)?) => {
        /// [`Limits`], as they are configured.
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        #[serde(deny_unknown_fields, default)]
        pub(crate) struct LimitsConfig {
            $(pub(crate) $name: $kind,)*
        }

        impl Default for LimitsConfig {
            fn default() -> Self {
                let limits = Limits::default();
                Self { $($name: limits!(@configured $kind, limits.$name),)* }
            }
        }

        impl LimitsConfig {
            /// The bounds, as a world takes them.
            pub(crate) fn limits(&self) -> Limits {
                let mut limits = Limits::default();
                $(limits.$name = limits!(@meant $kind, self.$name);)*
                limits
            }
        }
    };
    (@configured Span, $value:expr) => { Span($value) };
    (@configured $kind:tt, $value:expr) => { $value };
    (@meant Span, $value:expr) => { $value.0 };
    (@meant $kind:tt, $value:expr) => { $value };
}

limits! {
    prompts_queued_max: usize,
    prompt_bytes_max: usize,
    metadata_bytes_max: usize,
    title_bytes_max: usize,
    import_bytes_max: usize,
    search_bytes_max: usize,
    log_events_max: u64,
    turn_output_bytes_max: usize,
    steps_max: u32,
    tool_calls_per_step_max: usize,
    tool_calls_parallel_max: usize,
    tool_duration_max: Span,
    tool_result_bytes_max: usize,
    tool_output_bytes_max: usize,
    titles_running_max: usize,
    title_duration_max: Span,
    chat_commands_in_flight_max: usize,
    world_commands_in_flight_max: usize,
    reserved_commands_in_flight_max: usize,
    live_chats_max: usize,
    turns_running_max: usize,
    chat_subscribers_max: usize,
    world_subscribers_max: usize,
    feed_recorded_max: usize,
    page_max: usize,
    page_bytes_max: usize,
    diagnostics_max: usize,
    append_duration_max: Span,
    turn_duration_max: Span,
    turn_progress_duration_max: Span,
    model_attempts_max: u32,
    model_retry_delay: Span,
    model_retry_delay_max: Span,
    checkpoint_interval: Span,
    checkpoint_bytes: usize,
    passivate_after: Span,
    restarts_max: u32,
    restart_window: Span,
    restart_delay: Span,
    stall_retry_delay: Span,
    stall_retry_delay_max: Span,
    shutdown_turn_duration: Span,
    shutdown_drain_duration: Span,
}

#[cfg(test)]
mod tests {
    use super::LimitsConfig;
    use polychat::Limits;

    // law 7: a bound that the library adds can be configured
    #[test]
    fn every_bound_of_the_library_is_a_key_with_the_default_of_the_library() {
        let limits = Limits::default();
        assert_eq!(LimitsConfig::default().limits(), limits);
        let names = |text: &str| -> Vec<String> {
            let fields = text.split_once('{').unwrap().1.lines();
            let names = fields.filter_map(|line| line.strip_prefix("    ")?.split_once(": "));
            names.map(|(name, _)| name.to_owned()).filter(|name| !name.starts_with(' ')).collect()
        };
        let known = names(&format!("{:#?}", LimitsConfig::default()));
        assert_eq!(known, names(&format!("{limits:#?}")));
        assert!(known.len() > 40);
    }
}
