//! The store suite passes a right store, and catches each wrong one.

use std::{collections::BTreeSet, sync::Arc};

use polychat_core::ports::Store;
use polychat_testkit::{
    store_suite::{self, CHECKS},
    wrong_stores::{NaiveStore, Wrong},
};

async fn failures(wrong: Wrong) -> Vec<(&'static str, store_suite::Broken)> {
    store_suite::failures(|| async move { Arc::new(NaiveStore::new(wrong)) as Arc<dyn Store> })
        .await
}

// laws 1, 2, 6
#[tokio::test(start_paused = true)]
async fn the_naive_store_keeps_every_promise_when_nothing_is_wrong_with_it() {
    assert_eq!(failures(Wrong::Nothing).await, []);
}

// a check that cannot fail is a defect
#[tokio::test(start_paused = true)]
async fn each_wrong_store_fails_the_check_of_the_promise_it_breaks() {
    for wrong in Wrong::ALL {
        let failures = failures(*wrong).await;
        let names: Vec<_> = failures.iter().map(|(name, _)| *name).collect();
        let check = wrong.caught_by().unwrap();
        assert!(names.contains(&check), "{wrong:?} was not caught by {check}, only by {names:?}");
    }
}

// a check that cannot fail is a defect
#[test]
fn each_check_is_shown_to_catch_a_wrong_store() {
    let shown: BTreeSet<_> = Wrong::ALL.iter().filter_map(|wrong| wrong.caught_by()).collect();
    let checks: BTreeSet<_> = CHECKS.iter().map(|check| check.name).collect();
    assert_eq!(shown, checks);
}

#[tokio::test]
async fn what_a_check_finds_reads_as_a_sentence() {
    let store: Arc<dyn Store> = Arc::new(NaiveStore::new(Wrong::ReusesEpochs));
    let broken = store_suite::run("each_opening_has_a_larger_epoch", store).await.unwrap_err();
    assert_eq!(
        broken.to_string(),
        "broken promise: each opening of a log has a larger epoch than all before; \
         epoch 1 came after epoch 1"
    );
}
