//! What a configuration makes of a house, seen from outside: models, agents and servers of tools.

use std::fs;

use polychat_testkit::openai_server::{Behaviour, Frame, OpenAiServer};
use serde_json::Value;

use super::child::{Place, Served, answer, polychat, within};

/// A server of tools in a few lines: one tool, which says what of its environment it can see.
const TOOLS: &str = r#"
while read -r line; do
  id=$(printf '%s' "$line" | sed -n 's/.*"id":\([0-9]*\).*/\1/p')
  case "$line" in
    *'"initialize"'*) result='{"protocolVersion":"2025-06-18","capabilities":{"tools":{}},"serverInfo":{"name":"sh","version":"1"}}' ;;
    *'"tools/list"'*) result='{"tools":[{"name":"look","description":"looks","inputSchema":{"type":"object"}}]}' ;;
    *'"tools/call"'*) result='{"content":[{"type":"text","text":"passed='"$PASSED"' kept='"$KEPT"'"}]}' ;;
    *) continue ;;
  esac
  printf '{"jsonrpc":"2.0","id":%s,"result":%s}\n' "$id" "$result"
done
"#;

/// A file that names all of them.
fn configuration(base_url: &str) -> String {
    format!(
        r#"
[store]
memory = true
[models.cloud]
provider = "openai"
model = "gpt-of-tests"
base_url = "{base_url}"
key_env = "CLOUD_KEY"
[agents.guide]
system = "You know the way."
tools = ["sh_look", "clock"]
approval = "auto"
[agents.guide.params]
temperature = 0.5
[tools]
builtin = ["clock", "calculator"]
[mcp.sh]
command = "sh"
args = ["tools.sh"]
working_dir = "."
pass_env = ["PASSED"]
[limits]
prompt_bytes_max = 100
"#
    )
}

fn text_of(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned)
}

#[tokio::test]
async fn models_agents_tools_and_limits_of_the_file_are_those_of_the_world() {
    let place = Place::new();
    let server = OpenAiServer::start().await.unwrap();
    let file = place.path("polychat.toml");
    fs::write(&file, configuration(&server.base_url())).unwrap();
    fs::write(place.path("tools.sh"), TOOLS).unwrap();
    let ask = vec![
        Frame::tool_call(0, "call_1", "sh_look", "{}"),
        Frame::Finish("tool_calls".to_owned()),
        Frame::Done,
    ];
    server.then(Behaviour::Stream(ask));
    server.then(Behaviour::words("all done"));
    let mut command = polychat(["stdio", "--grace", "0", "--config", file.to_str().unwrap()]);
    command.env("CLOUD_KEY", " the-key\n").env("PASSED", "yes").env("KEPT", "secret");
    let mut served = Served::start(&mut command);
    let chat = within(served.world.open_chat("a")).await.unwrap();
    assert_eq!(answer(&chat, "look around").await, "all done");

    let received = server.received();
    assert_eq!(received.len(), 2);
    let (first, second) = (&received[0], &received[1]);
    assert_eq!(first.authorization.as_deref(), Some("Bearer the-key"));
    assert_eq!(
        (&first.body["model"], &first.body["temperature"]),
        (&"gpt-of-tests".into(), &0.5.into())
    );
    assert_eq!(text_of(&first.body["messages"][0]["content"]), "You know the way.");
    let offered = first.body["tools"].as_array().unwrap().iter();
    let mut offered: Vec<_> = offered.map(|tool| text_of(&tool["function"]["name"])).collect();
    offered.sort();
    assert_eq!(offered, ["clock", "sh_look"]);
    // What the process was not given it does not have.
    let result = second.body["messages"].as_array().unwrap().last().unwrap();
    assert_eq!(text_of(&result["content"]), "passed=yes kept=");

    let refused = within(chat.prompt("x".repeat(101)).send()).await.unwrap_err();
    assert_eq!(refused.code(), "too_large");
    drop((chat, served.world));
    assert_eq!(within(served.child.wait()).await.unwrap().code(), Some(0));
}
