//! The store on SQLite keeps every promise of a store (laws 1, 2, 6).

use super::support::empty_store;

polychat_testkit::store_conformance!(empty_store);

mod on_two_threads {
    use super::*;

    // REQ-15
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn all_promises_hold() {
        assert_eq!(polychat_testkit::store_suite::all(empty_store).await, Ok(()));
    }
}
