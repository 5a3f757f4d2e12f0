//! Scripted tools do what they are told, and say what became of it.

// Helpers of tests may unwrap like the tests themselves.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use std::sync::{Arc, Mutex};

use futures_util::FutureExt;
use polychat_core::{
    Failure, FailureKind,
    content::{Text, text_of},
    diagnostic::ToolSourceState,
    ports::{HostContext, ProgressSink, ToolInput, ToolObserver, Toolbox},
    tool::{ToolOutput, ToolSelection},
};
use polychat_testkit::{
    faulty_store::Gate,
    tools::{self, Act, ScriptedTools},
};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

/// Keeps what it is shown.
#[derive(Default)]
struct Shown(Mutex<Vec<String>>);

impl Shown {
    fn all(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

impl ProgressSink for Shown {
    fn output(&self, text: &str) {
        self.0.lock().unwrap().push(text.to_owned());
    }
    fn progress(&self, progress: Value) {
        self.0.lock().unwrap().push(progress.to_string());
    }
}

/// Calls a tool, as the task of a turn does.
fn begin(
    toolbox: &ScriptedTools,
    tool: &str,
    arguments: Value,
) -> (JoinHandle<Result<ToolOutput, Failure>>, Arc<Shown>) {
    let (tool, shown) = (toolbox.get(tool).unwrap(), Arc::<Shown>::default());
    let (input, sink) = (ToolInput::new(arguments, HostContext::default()), Arc::clone(&shown));
    (tokio::spawn(async move { tool.call(input, sink).await }), shown)
}

fn text(result: &Result<ToolOutput, Failure>) -> String {
    text_of(&result.as_ref().unwrap().parts)
}

#[tokio::test]
async fn a_test_releases_each_act_of_a_scripted_tool() {
    let toolbox = ScriptedTools::new().scripted(tools::spec("look"));
    let script = toolbox.script();
    let (answer, shown) = begin(&toolbox, "look", json!({ "at": "sea" }));
    let call = script.next_call().await;
    assert_eq!((call.tool(), &call.arguments()["at"]), ("look", &json!("sea")));
    assert_eq!(shown.all(), Vec::<String>::new(), "nothing is done before it is released");
    call.output("waves").progress(json!(1)).flood(2, 3);
    call.drained().await;
    assert_eq!(shown.all(), ["waves", "1", "~~~", "~~~"]);
    assert!(!call.is_dropped());
    call.result("blue");
    assert_eq!(text(&answer.await.unwrap()), "blue");
    call.dropped().await;
    assert!(!call.is_cancelled(), "it came to its own end");
    assert_eq!((script.calls_seen(), script.calls_open()), (1, 0));
}

#[tokio::test]
async fn failures_and_panics_are_those_that_the_test_asked_for() {
    let toolbox = ScriptedTools::new().scripted(tools::spec("look"));
    let script = toolbox.script();
    let (failing, _) = begin(&toolbox, "look", json!({}));
    script.next_call().await.fail("too dark");
    let failure = failing.await.unwrap().unwrap_err();
    assert_eq!((failure.kind, &*failure.message), (FailureKind::ToolFailed, "too dark"));
    let (gone, _) = begin(&toolbox, "look", json!({}));
    let host_gone = Failure::new(FailureKind::HostGone, "away");
    script.next_call().await.fail_with(host_gone.clone());
    assert_eq!(gone.await.unwrap().unwrap_err(), host_gone);
    let (panicking, _) = begin(&toolbox, "look", json!({}));
    let call = script.next_call().await;
    call.panic("planned");
    assert!(panicking.await.unwrap_err().is_panic());
    assert!(call.is_dropped() && !call.is_cancelled());
}

#[tokio::test]
async fn a_call_for_which_nothing_is_released_hangs_and_can_be_given_up() {
    let toolbox = ScriptedTools::new().scripted(tools::spec("look"));
    let script = toolbox.script();
    let (hanging, shown) = begin(&toolbox, "look", json!({}));
    let call = script.next_call().await;
    assert!(call.dropped().now_or_never().is_none());
    hanging.abort();
    call.dropped().await;
    assert!(call.is_cancelled());
    // What a tool has left running still holds the sink.
    call.sink().output("late");
    assert_eq!(shown.all(), ["late"]);
    let (forgotten, _) = begin(&toolbox, "look", json!({}));
    drop(script.next_call().await);
    tokio::task::yield_now().await;
    assert!(!forgotten.is_finished(), "a handle that is dropped ends nothing");
}

#[tokio::test]
async fn calls_are_found_by_tool_or_by_what_they_were_given() {
    let toolbox =
        ScriptedTools::new().scripted(tools::spec("look")).scripted(tools::spec("listen"));
    let script = toolbox.script();
    let begun: Vec<_> = [("look", 1), ("listen", 2), ("look", 3)]
        .map(|(tool, n)| begin(&toolbox, tool, json!({ "n": n })))
        .into();
    assert_eq!(script.call_of("listen").await.arguments()["n"], 2);
    assert_eq!(script.call_where(|call| call.arguments()["n"] == 3).await.tool(), "look");
    assert_eq!(script.try_next_call().unwrap().arguments()["n"], 1);
    assert!(script.try_next_call().is_none(), "each is handed out once");
    assert_eq!((script.calls_seen(), script.calls_at_once()), (3, 3));
    drop(begun);
}

#[tokio::test(start_paused = true)]
async fn an_acting_tool_does_what_its_arguments_say() {
    let toolbox = ScriptedTools::new().acting(tools::spec("act"));
    let acts = [Act::output("a"), Act::Yield, Act::Pause(60_000), Act::result("b")];
    let (answer, shown) = begin(&toolbox, "act", Act::arguments(&acts));
    assert_eq!(text(&answer.await.unwrap()), "b");
    assert_eq!(shown.all(), ["a"]);
    let (silent, _) = begin(&toolbox, "act", Act::arguments(&[]));
    assert_eq!(silent.await.unwrap().unwrap(), ToolOutput::default());
    let (hanging, _) = begin(&toolbox, "act", Act::arguments(&[Act::Hang]));
    assert!(tokio::time::timeout(std::time::Duration::from_secs(60), hanging).await.is_err());
    assert_eq!(toolbox.script().calls_seen(), 3);
    assert!(toolbox.script().try_next_call().is_none(), "they act by themselves");
}

#[tokio::test]
async fn every_act_survives_its_form_in_arguments() {
    let acts = [
        Act::output("o"),
        Act::Progress(json!({ "progress": 1 })),
        Act::Flood { pieces: 2, bytes: 3 },
        Act::Yield,
        Act::Pause(4),
        Act::Block(1),
        Act::Fail("f".to_owned()),
        Act::Failure(Failure::new(FailureKind::HostGone, "h")),
        Act::Finish(ToolOutput::text("t")),
        Act::Panic("planned".to_owned()),
        Act::Hang,
        Act::result("r"),
    ];
    for act in acts {
        let text = Act::arguments(std::slice::from_ref(&act)).to_string();
        let again: Value = serde_json::from_str(&text).unwrap();
        let again: Act = serde_json::from_value(again["acts"][0].clone()).unwrap();
        assert_eq!(again, act, "{text}");
    }
}

#[tokio::test]
async fn arguments_are_checked_as_far_as_the_toolbox_promises() {
    let schema = json!({ "type": "object", "required": ["at"] });
    let mut strict = tools::spec("look");
    strict.schema = schema;
    let toolbox = ScriptedTools::new().scripted(strict).acting(tools::spec("act"));
    let catalog = toolbox.catalog();
    let kind = |name, arguments| {
        catalog.check(&tools::asks(name, arguments)).err().map(|failure| failure.kind)
    };
    assert_eq!(kind("look", json!({ "at": "sea" })), None);
    assert_eq!(kind("look", json!({})), Some(FailureKind::InvalidArguments));
    assert_eq!(kind("look", json!("at")), Some(FailureKind::InvalidArguments));
    assert_eq!(kind("act", json!({ "acts": ["yield"] })), None);
    assert_eq!(kind("act", json!({ "acts": ["fly"] })), Some(FailureKind::InvalidArguments));
    assert_eq!(kind("act", json!({})), Some(FailureKind::InvalidArguments));
    assert_eq!(kind("smell", json!({})), Some(FailureKind::UnknownTool));
    let names: Vec<_> = catalog.specs().iter().map(|spec| spec.name.to_string()).collect();
    assert_eq!(names, ["act", "look"], "in a stable order");
}

#[tokio::test]
async fn tools_come_and_go_and_a_catalog_in_hand_stays_as_it_was() {
    let toolbox = ScriptedTools::new().acting(tools::spec("act"));
    let (before, script) = (toolbox.catalog(), toolbox.script());
    script.put(tools::spec("look"));
    script.put(tools::spec("act").needs_approval());
    assert_eq!(before.specs().len(), 1);
    assert!(!before.specs()[0].needs_approval);
    let after = toolbox.catalog().specs();
    assert_eq!((after.len(), after[0].needs_approval), (2, true));
    // What it does is as before.
    let (answer, _) = begin(&toolbox, "act", Act::arguments(&[Act::result("done")]));
    assert_eq!(text(&answer.await.unwrap()), "done");
    let (running, _) = begin(&toolbox, "look", json!({}));
    let call = script.next_call().await;
    script.remove("look");
    assert!(toolbox.get("look").is_none());
    call.result("seen");
    assert_eq!(text(&running.await.unwrap()), "seen", "a running call goes on");
}

#[tokio::test]
async fn making_ready_is_counted_and_can_be_held_up() {
    let toolbox = ScriptedTools::new();
    let (script, gate) = (toolbox.script(), Gate::closed());
    toolbox.prepare(&ToolSelection::All).await;
    script.hold_prepare(gate.clone());
    let selection = ToolSelection::Only(vec![Text::from("look")]);
    let held = tokio::spawn({
        let (toolbox, selection) = (toolbox.clone(), selection.clone());
        async move { toolbox.prepare(&selection).await }
    });
    gate.arrived(1).await;
    assert!(!held.is_finished());
    gate.open();
    held.await.unwrap();
    assert_eq!(script.prepared(), [ToolSelection::All, selection]);
}

struct Heard(Mutex<Vec<(Text, ToolSourceState)>>);

impl ToolObserver for Heard {
    fn source_changed(&self, source: &Text, state: ToolSourceState, _reason: &str) {
        self.0.lock().unwrap().push((source.clone(), state));
    }
}

#[test]
fn observers_hear_of_sources_for_as_long_as_they_live() {
    let toolbox = ScriptedTools::new();
    let heard = Arc::new(Heard(Mutex::default()));
    let observer: Arc<dyn ToolObserver> = heard.clone();
    toolbox.observe(Arc::downgrade(&observer));
    drop(observer);
    toolbox.script().source_changed("files", ToolSourceState::Failed, "gone");
    assert_eq!(*heard.0.lock().unwrap(), [(Text::from("files"), ToolSourceState::Failed)]);
    drop(heard);
    toolbox.script().source_changed("files", ToolSourceState::Ready, "");
}
