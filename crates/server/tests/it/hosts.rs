//! Programs that bring tools and models of their own, over the pipes of the real process.

use serde_json::{Value, json};

use super::child::{ByHand, polychat};

fn tool() -> Value {
    json!({
        "name": "lookup",
        "description": "looks a word up",
        "schema": { "type": "object" },
        "kind": "read",
        "needsApproval": false,
    })
}

// law 3, REQ-4
#[tokio::test]
async fn a_program_that_brings_a_tool_is_asked_to_run_it() {
    let mut child = ByHand::start(&mut polychat(["stdio", "--memory"]));
    child.initialize().await;
    let registered = child.asked(1, "host/register", json!({ "tools": [tool()] })).await;
    assert_eq!(registered["result"], json!({}), "{registered}");
    child.follows(2, "a").await;
    child.prompts(4, "a", "/tool lookup {\"word\":\"lighthouse\"}").await;
    let call = loop {
        let message = child.hear().await.unwrap();
        if message["method"] == "tool/call" {
            break message;
        }
    };
    let said = call.to_string();
    assert!(!said.contains("chatId") && !said.contains("worldId"), "{said}");
    assert_eq!(call["params"]["arguments"]["word"], "lighthouse");
    let parts = json!([{ "type": "text", "text": "a tower with a light" }]);
    let result = json!({ "parts": parts });
    child.say(&json!({ "jsonrpc": "2.0", "id": call["id"], "result": result })).await;
    assert_eq!(child.outcome().await, "completed");
    let log = child.asked(5, "log/read", json!({ "chatId": "a", "after": 0, "limit": 100 })).await;
    assert!(log.to_string().contains("a tower with a light"), "{log}");
}

#[tokio::test]
async fn where_programs_may_bring_nothing_they_are_told_so() {
    let mut child = ByHand::start(&mut polychat(["stdio", "--memory", "--no-hosts"]));
    child.initialize().await;
    let refused = child.asked(1, "host/register", json!({ "tools": [tool()] })).await;
    assert_eq!(refused["error"]["data"]["code"], "unsupported", "{refused}");
    assert!(child.asked(2, "world/get", json!({})).await["error"].is_null());
}
