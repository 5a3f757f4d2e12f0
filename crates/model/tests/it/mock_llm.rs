//! `GenAiModel` against a server that we did not write: npm `@dwmkerr/mock-llm` 0.1.29.
//!
//! That server may listen on all addresses, so it runs in a network namespace of its own, and so
//! does its client: the outer test starts this very binary again inside of `unshare -rn`, filtered
//! to the inner test, which starts the server.
//!
//! Needs: `node`, Linux's `unshare` and `ip`, and the package. CI provides it by
//! `npm install --prefix target/npm @dwmkerr/mock-llm@0.1.29`; elsewhere the environment variable
//! `POLYCHAT_MOCK_LLM` may name its `dist/main.js`. What is missing is a visible skip, unless
//! `POLYCHAT_REQUIRE` names it (`node`, `unshare`, `mock-llm`).

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    sync::Arc,
    time::Duration,
};

use polychat_core::{
    event::FinishReason,
    ports::{ModelDelta, ModelErrorKind},
    tool::{ToolCall, ToolSpec},
};
use polychat_model::GenAiModel;
use polychat_testkit::require;
use serde_json::json;
use tokio::net::TcpStream;

use crate::history::{History, take};

/// Where the package's entry script lies; names the script for the inner test, too.
const SCRIPT: &str = "POLYCHAT_MOCK_LLM";
/// Set for the inner test only.
const INSIDE: &str = "POLYCHAT_MOCK_LLM_INSIDE";
/// Free by construction: nothing else lives in the namespace.
const PORT: u16 = 6556;
/// It took a second and a half here; a busy machine may take many times that.
const POLLS_MAX: u32 = 600;
const POLL_EVERY: Duration = Duration::from_millis(100);

#[test]
fn a_server_that_we_did_not_write_is_understood() {
    let script = script();
    let found = [
        ("node", succeeds(Command::new("node").arg("--version"))),
        ("unshare", succeeds(Command::new("unshare").args(["-rn", "ip", "link"]))),
        ("mock-llm", script.is_file()),
    ];
    // All of them are looked at, so that each missing one is told.
    if !found.map(|(name, found)| require::or_skip(name, found)).iter().all(|found| *found) {
        return;
    }

    let inner = "mock_llm::inside_of_the_namespace";
    let output = Command::new("unshare")
        .args(["-rn", "sh", "-c", "ip link set lo up && exec \"$0\" \"$@\""])
        .arg(env::current_exe().unwrap())
        .args(["--exact", inner, "--ignored", "--nocapture"])
        .env(SCRIPT, &script)
        .env(INSIDE, "1")
        .output()
        .unwrap();
    let text = text_of(&output);
    assert!(output.status.success(), "{text}");
    assert!(text.contains("test result: ok. 1 passed"), "the inner test did not run: {text}");
}

#[tokio::test]
#[ignore = "started by a_server_that_we_did_not_write_is_understood, in a namespace of its own"]
async fn inside_of_the_namespace() {
    // Whoever runs ignored tests directly is not inside.
    if !require::or_skip("namespace for mock-llm", env::var_os(INSIDE).is_some()) {
        return;
    }
    let mut server = start(&script());
    wait_until_it_listens(&mut server).await;

    let model = |path: &str| {
        let url = format!("http://127.0.0.1:{PORT}/{path}");
        GenAiModel::builder("some-model").base_url(url).build().unwrap()
    };

    // REQ-2, REQ-3: it echoes the last message, in pieces.
    let text = "the quick brown fox jumps over the lazy dog, äöü 🦊";
    let history = History::default().user("before").assistant("an answer").user(text);
    let taken = take(&model("v1"), history.request()).await;
    assert_eq!(taken.text(), text);
    assert!(taken.error.is_none(), "{taken:?}");
    let pieces = taken.deltas.iter().filter(|delta| matches!(delta, ModelDelta::Text(_))).count();
    assert!(pieces > 5, "it came in {pieces} pieces");
    assert_eq!(taken.deltas.last(), Some(&ModelDelta::Finish(FinishReason::Stop)));

    // Many at once, over shared connections, and each gets its own: REQ-5, REQ-15.
    let shared = model("v1");
    let answers = (0..20).map(|n| {
        let (model, text) = (shared.clone(), format!("this is the message of chat {n}"));
        async move { (take(&model, History::default().user(&text).request()).await.text(), text) }
    });
    for (answer, text) in futures_util::future::join_all(answers).await {
        assert_eq!(answer, text);
    }

    // It finds the tools, the calls and their results where it looks for them: REQ-4.
    let call = |id: &str| {
        let (name, arguments) = ("clock".into(), json!({}));
        ToolCall { name, arguments, provider_call_id: Some(id.into()) }
    };
    let history = History::default().user("time?").calls("", &[call("call_a"), call("call_b")]);
    let mut request = history.tool(1, "utc").tool(0, "noon").request();
    let spec = |name: &str| Arc::new(ToolSpec::new(name, "", json!({"type": "object"})));
    request.tools = Arc::from([spec("clock"), spec("zone")]);
    let seen = take(&model("v1"), request).await.text();
    assert_eq!(seen, "clock zone; call_a call_b; call_a call_b; noon utc");

    // It tells errors as events of a stream that began well.
    let limited = take(&model("v1"), History::default().user("limit").request()).await;
    let error = limited.error.unwrap();
    assert_eq!((error.kind, error.retryable), (ModelErrorKind::RateLimited, true));
    assert!(error.message.contains("slow down"), "{error}");

    // An address that it does not know.
    let lost = take(&model("v2"), History::default().user("hello").request()).await;
    let error = lost.error.unwrap();
    assert_eq!((error.kind, error.retryable), (ModelErrorKind::Refused, false));

    server.kill().await.unwrap();
}

fn script() -> PathBuf {
    let named = env::var_os(SCRIPT).map(PathBuf::from);
    named.unwrap_or_else(|| {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let script = root.join("target/npm/node_modules/@dwmkerr/mock-llm/dist/main.js");
        script.canonicalize().unwrap_or(script)
    })
}

/// Starts the server; dropping the child ends it, and nothing but it.
fn start(script: &Path) -> tokio::process::Child {
    let chat = "/v1/chat/completions";
    let echo = r#"{"id":"1","object":"chat.completion","model":"m","choices":[{"message":
        {"role":"assistant","content":"{{jmes request body.messages[-1].content}}"}}]}"#;
    let seen = [
        "body.tools[].function.name",
        "body.messages[1].tool_calls[].id",
        "body.messages[?role=='tool'].tool_call_id",
        "body.messages[?role=='tool'].content",
    ];
    let seen = seen.map(|path| format!("{{{{jmes request join(' ', {path})}}}}")).join("; ");
    let seen = json!({"id": "1", "model": "m", "choices": [{"message": {"content": seen}}]});
    let limit = r#"{"error":{"message":"slow down","type":"rate_limit_error"}}"#;
    let limited = "body.messages[-1].content == 'limit'";
    // What it reads is YAML, of which JSON is a part.
    let config = json!({
        "streaming": { "chunkSize": 4, "chunkIntervalMs": 1 },
        "rules": [
            { "path": chat, "match": "@", "response": { "status": 200, "content": echo } },
            { "path": chat, "match": "body.tools", "response": {
                "status": 200, "content": seen.to_string(),
            } },
            { "path": chat, "match": limited, "response": { "status": 429, "content": limit } },
        ],
    });
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("mock-llm.yaml");
    fs::write(&path, config.to_string()).unwrap();
    tokio::process::Command::new("node")
        .arg(script)
        .arg("--config")
        .arg(&path)
        .env("PORT", PORT.to_string())
        .env("HOST", "127.0.0.1")
        .stdout(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap()
}

/// The one place where a test looks again and again: the server says nothing that we could await.
async fn wait_until_it_listens(server: &mut tokio::process::Child) {
    let mut every = tokio::time::interval(POLL_EVERY);
    for _ in 0..POLLS_MAX {
        every.tick().await;
        if TcpStream::connect(("127.0.0.1", PORT)).await.is_ok() {
            return;
        }
        assert!(server.try_wait().unwrap().is_none(), "the server has ended by itself");
    }
    panic!("the server did not listen in time");
}

fn succeeds(command: &mut Command) -> bool {
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}

fn text_of(output: &Output) -> String {
    let (out, err) = (&output.stdout, &output.stderr);
    format!("{}{}", String::from_utf8_lossy(out), String::from_utf8_lossy(err))
}
