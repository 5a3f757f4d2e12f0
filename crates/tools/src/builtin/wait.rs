//! Waits, and shows how far it is.

use std::time::Duration;

use polychat_core::{Failure, FailureKind};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;
use tokio::time::{Instant, sleep_until};

use crate::{FnTool, Progress, ToolContext, tool_with};

/// How long one call waits at most, unless somebody says otherwise.
const DURATION_MAX: Duration = Duration::from_secs(5 * 60);
/// After how much waiting progress is shown.
const STEP: Duration = Duration::from_secs(1);
/// What a call may take beyond its waiting.
const SLACK: Duration = Duration::from_secs(10);

#[derive(Deserialize, JsonSchema)]
struct Arguments {
    /// How many seconds to wait.
    #[schemars(range(min = 0.0))]
    seconds: f64,
}

/// Waits for some seconds, 300 at most, and shows its progress after each.
///
/// Its name is `wait`; it only reads.
#[must_use]
pub fn wait() -> FnTool {
    wait_up_to(DURATION_MAX)
}

/// As [`wait()`], with another maximum. A world's own limit for tools holds where it is shorter.
#[must_use]
pub fn wait_up_to(duration_max: Duration) -> FnTool {
    let description = "Waits for a number of seconds, then says so.";
    tool_with("wait", description, move |Arguments { seconds }, context| async move {
        let duration = Duration::try_from_secs_f64(seconds).ok();
        match duration.filter(|duration| *duration <= duration_max) {
            Some(duration) => Ok(waited(duration, &context).await),
            None => {
                let message = format!("seconds must be 0 to {}", duration_max.as_secs_f64());
                Err(Failure::new(FailureKind::InvalidArguments, &message))
            }
        }
    })
    .edit_schema(|schema| {
        let seconds = schema.pointer_mut("/properties/seconds").and_then(Value::as_object_mut);
        if let Some(seconds) = seconds {
            seconds.insert("maximum".to_owned(), duration_max.as_secs_f64().into());
        }
    })
    .reads_only()
    .duration_max(duration_max.saturating_add(SLACK))
}

async fn waited(duration: Duration, context: &ToolContext) -> String {
    let (begin, total) = (Instant::now(), duration.as_secs_f64());
    let mut done = Duration::ZERO;
    loop {
        let message = format!("{} of {total} seconds", done.as_secs_f64());
        context.progress(Progress::new(done.as_secs_f64()).total(total).message(message));
        if done >= duration {
            return format!("waited {total} seconds");
        }
        done = done.saturating_add(STEP).min(duration);
        // Counted from the beginning, so that late wake-ups do not add up.
        sleep_until(begin + done).await;
    }
}
