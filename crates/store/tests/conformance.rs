//! The store in memory keeps every promise of a store (laws 1, 2, 6).

use std::sync::Arc;

use polychat_core::ports::Store;
use polychat_store::MemoryStore;

async fn empty_store() -> Arc<dyn Store> {
    Arc::new(MemoryStore::new())
}

polychat_testkit::store_conformance!(empty_store);

mod on_two_threads {
    use super::*;

    // REQ-15
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn all_promises_hold() {
        assert_eq!(polychat_testkit::store_suite::all(empty_store).await, Ok(()));
    }
}
