//! The store on SQLite keeps every promise of a store (laws 1, 2, 6).

use polychat_core::ports::{LogKey, OpenMode, Store, StoreErrorKind};
use polychat_testkit::samples::world_id;

use super::support::{Passing, empty_store};

polychat_testkit::store_conformance!(empty_store);

mod on_two_threads {
    use super::*;

    // REQ-15
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn all_promises_hold() {
        assert_eq!(polychat_testkit::store_suite::all(empty_store).await, Ok(()));
    }
}

// Found by the comparison with the naive store: a world's log has no summary, but may be deleted.
#[tokio::test]
async fn the_summary_of_a_deleted_worlds_log_is_deleted() {
    let store = Passing::new();
    let key = LogKey::World(world_id("w"));
    let (fence, _) = store.open(&key, OpenMode::Create).await.unwrap();
    assert_eq!(store.summary(&key).await.unwrap_err().kind, StoreErrorKind::NotFound);
    store.delete(&fence).await.unwrap();
    assert_eq!(store.summary(&key).await.unwrap_err().kind, StoreErrorKind::Deleted);
}
