//! `clock`.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use polychat_core::{FailureKind, ports::Clock, seq::Timestamp};
use polychat_tools::builtin::{clock, clock_by};
use serde_json::json;

use crate::support::{answer, failure};

#[derive(Default)]
struct Set(AtomicU64);

impl Clock for Set {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::Relaxed))
    }
}

#[tokio::test]
async fn it_tells_the_time_of_the_clock_that_it_was_given() {
    let set = Arc::new(Set::default());
    let clock = clock_by(Arc::clone(&set) as _);
    for (milliseconds, expected) in [
        (0, "1970-01-01T00:00:00Z"),
        (951_827_696_789, "2000-02-29T12:34:56Z"),
        (253_402_300_799_999, "9999-12-31T23:59:59Z"),
    ] {
        set.0.store(milliseconds, Ordering::Relaxed);
        assert_eq!(answer(&clock, json!({})).await, expected);
    }
}

#[tokio::test]
async fn a_clock_beyond_all_calendars_is_a_failure_and_no_panic() {
    let set = Arc::new(Set::default());
    let clock = clock_by(Arc::clone(&set) as _);
    for milliseconds in [253_402_300_800_000, u64::MAX / 2, u64::MAX] {
        set.0.store(milliseconds, Ordering::Relaxed);
        assert_eq!(failure(&clock, json!({})).await.kind, FailureKind::ToolFailed);
    }
}

#[tokio::test]
async fn without_one_it_tells_the_time_of_the_machine() {
    let now = answer(&clock(), json!({})).await;
    // Longer ago than these lines were written, and not in milliseconds by mistake.
    assert!(now.as_str() > "2025-" && now.as_str() < "2200-", "{now}");
}
