//! What every transport promises: a conformance suite over a scripted world.
//!
//! A transport passes when nobody can tell its near end from the world at its far end. Each check
//! takes a function that puts the transport before a world, plays the world's side with a
//! [`FakeWorld`], and asserts at the near end. [`transport_suite!`](macro@crate::transport_suite) makes
//! one test of each.
//!
//! The limit on waiting only turns a hang into a failure; no check measures time.

use std::{future::Future, sync::Arc, time::Duration};

use futures_util::StreamExt;
use polychat_core::{
    CommandError, Notice,
    ports::{NoticeStream, WorldService},
};

use crate::fake_world::{FakeSubscription, FakeWorld};

pub mod calls;
pub mod errors;
pub mod notices;
pub mod replies;
pub mod streams;

/// Puts a transport before a world: what it returns is the transport's near end.
///
/// It is called inside a tokio runtime, and may start tasks there.
pub type Through<'a> = &'a (dyn Fn(Arc<dyn WorldService>) -> Arc<dyn WorldService> + Send + Sync);

/// How long a check waits for what must happen.
const PATIENCE: Duration = Duration::from_secs(30);

/// Waits for what must happen.
///
/// # Panics
///
/// When it does not happen.
#[expect(clippy::panic, reason = "a check fails by panicking")]
pub(crate) async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(PATIENCE, future).await {
        Ok(value) => value,
        Err(_) => panic!("waited in vain: {what}"),
    }
}

/// What must have worked.
///
/// # Panics
///
/// When it did not.
#[expect(clippy::panic, reason = "a check fails by panicking")]
pub(crate) fn must<T>(what: &str, result: Result<T, CommandError>) -> T {
    match result {
        Ok(value) => value,
        Err(error) => panic!("{what}: {error:?}"),
    }
}

/// Subscribes at the near end, and takes the world's side of the very same subscription.
pub(crate) async fn subscribed(
    door: &Arc<dyn WorldService>,
    world: &FakeWorld,
    scope: polychat_core::Scope,
) -> (NoticeStream, FakeSubscription) {
    let subscribing = door.subscribe(scope, polychat_core::StartAt::Start);
    let stream = must("subscribe", within("the answer to a subscription", subscribing).await);
    (stream, within("the subscription inside", world.next_subscription()).await)
}

/// The next notice.
pub(crate) async fn next(stream: &mut NoticeStream) -> Option<Notice> {
    within("the next notice", stream.next()).await
}

/// One test per check, for a function that puts a transport before a world.
///
/// ```
/// use std::sync::Arc;
/// use polychat_core::ports::WorldService;
///
/// fn through_nothing(world: Arc<dyn WorldService>) -> Arc<dyn WorldService> {
///     world // A transport that checks nothing fails: foreign records pass.
/// }
///
/// polychat_testkit::transport_suite!(through_nothing);
/// ```
#[macro_export]
macro_rules! transport_suite {
    ($through:expr) => {
        $crate::transport_suite! { $through;
            streams::a_slash_in_the_id_of_a_chat_is_like_any_letter
        }
        $crate::transport_suite! { paths: $through }
    };
    // For transports whose questions are paths.
    (paths: $through:expr) => {
        $crate::transport_suite! { $through;
            calls::every_command_arrives_as_it_was_sent
            calls::every_reply_comes_back_as_it_was_given
            calls::every_refusal_and_fault_comes_back_with_its_facts
            calls::a_call_that_hangs_blocks_no_other
            calls::a_call_that_is_dropped_disturbs_no_other
            calls::an_answer_of_another_chat_or_kind_is_refused
            streams::every_subscription_arrives_as_it_was_made
            streams::a_refused_subscription_comes_back_with_its_facts
            streams::every_notice_arrives_once_and_in_order
            streams::every_reason_to_end_arrives_and_is_the_last
            streams::dropping_a_stream_unsubscribes_inside_and_ends_no_other
            streams::a_stream_that_ends_ends_no_other
            streams::a_stream_without_a_reason_to_end_gets_one
            streams::a_reader_that_sleeps_delays_no_other
            streams::a_foreign_record_ends_its_own_stream_and_no_other
            streams::readers_of_one_chat_see_the_same
        }
    };
    ($through:expr; $($group:ident::$check:ident)*) => {$(
        #[tokio::test]
        async fn $check() {
            $crate::transport_suite::$group::$check(&$through).await;
        }
    )*};
}
