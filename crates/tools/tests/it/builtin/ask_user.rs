//! `ask_user`.

use polychat_core::FailureKind;
use polychat_tools::builtin::ask_user;
use serde_json::json;

use crate::support::failure;

// Issue 3: the rules turn a question into an approval; the tool is never run.
#[tokio::test]
async fn a_question_that_is_run_anyway_fails() {
    let failed = failure(&ask_user(), json!({"question": "Tea?"})).await;
    assert_eq!(failed.kind, FailureKind::ToolFailed);
}
