//! What a store promises, as checks that any store can be put to.
//!
//! The promises stand at [`Store`]; each check here holds one of them and says in a sentence which
//! was broken. The suite uses nothing but the port. It is published for whoever writes a store:
//!
//! ```
//! use std::sync::Arc;
//! use polychat_core::ports::Store;
//! use polychat_store::MemoryStore;
//!
//! async fn empty_store() -> Arc<dyn Store> {
//!     Arc::new(MemoryStore::new())
//! }
//!
//! // One `#[tokio::test]` for each promise.
//! polychat_testkit::store_conformance!(empty_store);
//! # fn main() {
//! # let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
//! // Or all of them in one go, for example against several configurations.
//! assert_eq!(runtime.block_on(polychat_testkit::store_suite::all(empty_store)), Ok(()));
//! # }
//! ```
//!
//! Each check wants an empty store of its own, which must reach its medium: a check takes any
//! fault of the medium for a broken promise.

mod deletion;
mod entries;
mod existence;
mod fencing;
mod isolation;
mod lists;
mod promise;
mod reading;
mod worlds;
mod writer;

use std::{future::Future, pin::Pin, sync::Arc, time::Duration};

use polychat_core::ports::Store;

pub use self::promise::{Broken, Outcome};

/// How long a check may take before it counts as hanging.
///
/// It decides nothing else: a store that answers late but rightly within it passes.
pub const PATIENCE: Duration = Duration::from_secs(60);

type Running = Pin<Box<dyn Future<Output = Outcome> + Send>>;

/// One promise, put to a store.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct Check {
    /// The name of the function in this module, which reads as a sentence.
    pub name: &'static str,
    run: fn(Arc<dyn Store>) -> Running,
}

impl Check {
    /// Puts the promise to an empty store.
    ///
    /// # Errors
    ///
    /// The promise and what was found instead; also when the store has not answered within
    /// [`PATIENCE`].
    pub async fn run(self, store: Arc<dyn Store>) -> Outcome {
        let in_time = tokio::time::timeout(PATIENCE, (self.run)(store)).await;
        in_time.unwrap_or_else(|_| Err(Broken::hung(self.name)))
    }
}

impl std::fmt::Debug for Check {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Check").field(&self.name).finish()
    }
}

/// Hands the list of all checks to a macro: the one place where a check is entered.
#[doc(hidden)]
#[macro_export]
macro_rules! __store_checks {
    (($($callback:tt)*) ($($given:tt)*)) => {
        $($callback)*! {
            ($($given)*)
            entries: every_event_comes_back_as_it_was_stored;
            entries: acknowledged_entries_survive_opening_again;
            entries: entries_that_do_not_follow_the_head_are_refused;
            entries: an_append_with_a_wrong_head_is_refused;
            entries: a_refused_batch_leaves_nothing;
            entries: a_reader_sees_a_whole_batch_or_none_of_it;
            entries: an_append_that_is_dropped_is_stored_whole_or_not_at_all;
            entries: one_head_admits_one_append;
            entries: an_entry_of_another_log_is_refused;
            entries: a_summary_of_another_chat_is_refused;
            reading: pages_of_a_log_join_without_gap;
            reading: a_read_gives_as_much_as_was_asked_for_and_is_there;
            reading: a_read_gives_no_more_than_was_asked_for;
            reading: a_read_beyond_the_head_is_empty;
            fencing: each_opening_has_a_larger_epoch;
            fencing: an_older_opener_cannot_append;
            fencing: an_older_creator_cannot_append;
            fencing: an_append_under_way_is_settled_by_the_next_opening;
            fencing: opening_answers_the_head;
            fencing: opening_one_log_fences_no_other;
            existence: a_log_exists_from_its_first_append_on;
            existence: a_log_that_exists_cannot_be_created;
            existence: a_missing_log_is_not_found;
            deletion: a_deleted_log_leaves_a_tombstone;
            deletion: a_deleted_log_takes_no_append;
            deletion: a_deleted_chat_is_in_no_list;
            deletion: deleting_again_is_no_error;
            deletion: an_older_opener_cannot_delete;
            deletion: deleting_one_log_leaves_the_others;
            lists: a_summary_is_that_of_the_last_append;
            lists: a_refused_append_leaves_the_summary;
            lists: a_list_is_in_the_byte_order_of_ids;
            lists: pages_of_a_list_join_without_gap_or_repeat;
            lists: a_list_gives_no_more_than_was_asked_for;
            lists: a_list_shows_the_chats_of_one_world;
            lists: a_world_s_own_log_is_in_no_list;
            worlds: a_world_is_listed_from_its_first_entry_on;
            worlds: a_world_whose_log_is_deleted_is_in_no_list;
            worlds: each_world_is_listed_once_in_the_byte_order_of_ids;
            worlds: pages_of_worlds_join_without_gap_or_repeat;
            worlds: a_page_of_worlds_is_no_longer_than_was_asked_for;
            isolation: chats_with_the_same_id_in_two_worlds_are_two;
            isolation: the_log_of_a_world_is_not_that_of_a_chat;
            isolation: a_refused_append_leaves_other_logs_alone;
            isolation: an_append_that_is_held_up_holds_no_other_log_up;
            isolation: many_logs_at_once_stay_apart;
        }
    };
}

macro_rules! export_checks {
    (() $($module:ident: $name:ident;)*) => {
        $(pub use self::$module::$name;)*

        /// All checks, in the order in which the promises build on each other.
        pub const CHECKS: &[Check] = &[
            $(Check { name: stringify!($name), run: |store| Box::pin($module::$name(store)) },)*
        ];
    };
}

crate::__store_checks! { (export_checks) () }

/// Puts every promise to a fresh store from `make`.
///
/// # Errors
///
/// One line for each check that failed, with its name, the promise, and what was found.
pub async fn all<F, Fut>(make: F) -> Result<(), String>
where
    F: Fn() -> Fut,
    Fut: Future<Output = Arc<dyn Store>>,
{
    let lines: Vec<_> =
        failures(make).await.iter().map(|(check, broken)| format!("{check}: {broken}")).collect();
    if lines.is_empty() { Ok(()) } else { Err(lines.join("\n")) }
}

/// The checks that fail with stores from `make`, by name.
pub async fn failures<F, Fut>(make: F) -> Vec<(&'static str, Broken)>
where
    F: Fn() -> Fut,
    Fut: Future<Output = Arc<dyn Store>>,
{
    let mut failures = Vec::new();
    for check in CHECKS {
        if let Err(broken) = check.run(make().await).await {
            failures.push((check.name, broken));
        }
    }
    failures
}

/// Expands to one `#[tokio::test]` for each promise of a store.
///
/// The argument is a function or closure without parameters whose future gives an empty
/// `Arc<dyn Store>`. The calling crate needs tokio with its macros among its dev-dependencies.
#[macro_export]
macro_rules! store_conformance {
    ($make:expr) => {
        $crate::__store_checks! { ($crate::__store_tests) ($make) }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __store_tests {
    (($make:expr) $($module:ident: $name:ident;)*) => {
        $(
            #[tokio::test]
            async fn $name() -> ::std::result::Result<(), $crate::store_suite::Broken> {
                let store = ($make)().await;
                $crate::store_suite::run(stringify!($name), store).await
            }
        )*
    };
}

/// Runs the check of this name.
///
/// # Errors
///
/// What the check found, or that there is none of this name.
pub async fn run(name: &str, store: Arc<dyn Store>) -> Outcome {
    match CHECKS.iter().find(|check| check.name == name) {
        Some(check) => check.run(store).await,
        None => Err(Broken::unknown(name)),
    }
}
