//! The part of `concurrent_chats` that tells of tool calls, in a bounded number of lines.

use polychat::{
    Failure, FailureKind, MessageId, Seq, ToolCallId,
    event::ApprovalKind,
    tool::{ToolCall, ToolOutput},
};
use serde_json::{Value, json};

use crate::tool_calls::ToolCalls;

const MESSAGE: MessageId = MessageId(Seq::FIRST);

fn id(index: u16) -> ToolCallId {
    ToolCallId { message: MESSAGE, index }
}

fn call(name: &str, arguments: Value) -> ToolCall {
    ToolCall { name: name.into(), arguments, provider_call_id: None }
}

/// The calls of a message, told of in ten steps of progress.
fn asked(calls: &[ToolCall]) -> ToolCalls {
    let mut told = ToolCalls::new(10);
    told.asked(MESSAGE, calls);
    told
}

#[test]
fn several_calls_of_a_message_are_told_apart_by_their_numbers() {
    let mut calls = asked(&[call("ring", json!({"times": 1})), call("ring", json!({"times": 2}))]);
    assert_eq!(calls.started(id(0)).unwrap(), r#"tool ring #1 {"times":1}"#);
    let asks = calls.waits(id(1), ApprovalKind::Permission, &json!({"times": 2})).unwrap();
    assert!(asks.starts_with(r#"waiting for you: ring #2 {"times":2} — /allow"#), "{asks}");
    assert_eq!(calls.waiting(), ["ring #2"]);
    calls.decided(id(1));
    assert!(calls.waiting().is_empty());
    let failure = Failure::new(FailureKind::Denied, "no");
    assert_eq!(calls.failed(id(1), &failure), ["ring #2 failed: denied: no"]);
    assert_eq!(calls.answered(id(0), &ToolOutput::text("done")), ["ring #1 answered: done"]);
    // What comes after a call has ended is nobody's.
    assert!(calls.output(id(0), 0, "late").is_empty());
    assert_eq!(calls.started(id(7)), None);
}

#[test]
fn a_question_is_shown_with_what_there_is_to_choose_from() {
    let shown = |arguments: Value| {
        let mut calls = asked(&[call("ask_user", arguments.clone())]);
        let shown = calls.waits(id(0), ApprovalKind::Question, &arguments).unwrap();
        assert_eq!(calls.started(id(0)), None, "a question is answered, not run");
        shown
    };
    let end = " — /answer TEXT, /deny WHY";
    let table = [
        (json!({"question": "Tea?"}), "Tea?"),
        (json!({"question": "Tea?", "options": ["yes", "no"]}), "Tea? (yes | no)"),
        // A question of another form, by a tool of somebody else's.
        (json!({"what": 1}), r#"{"what":1}"#),
    ];
    for (arguments, expected) in table {
        assert_eq!(shown(arguments), format!("waiting for you: ask_user {expected}{end}"));
    }
}

// Law 7
#[test]
fn however_much_a_tool_says_a_call_gets_a_bounded_number_of_lines() {
    for pieces in [1, 7, 1_000] {
        let mut calls = asked(&[call("flood", json!({}))]);
        let text = "a line\n".repeat(1_000);
        let mut shown = Vec::new();
        for (n, piece) in text.as_bytes().chunks(text.len().div_ceil(pieces)).enumerate() {
            let offset = (n * text.len().div_ceil(pieces)) as u64;
            let piece = std::str::from_utf8(piece).unwrap();
            shown.extend(calls.output(id(0), offset, piece));
        }
        shown.extend(calls.answered(id(0), &ToolOutput::text("x".repeat(10_000))));
        assert_eq!(shown.len(), 12 + 2, "{pieces} pieces");
        assert_eq!(
            (shown[11].as_str(), shown[12].as_str()),
            ("flood: a line", "flood: … and more")
        );
        assert!(shown[13].starts_with("flood answered: xxx") && shown[13].len() < 200);
    }
}

#[test]
fn what_a_person_is_to_judge_is_shown_whole_or_its_rest_is_counted() {
    let shown = |bytes: usize| {
        let arguments = json!({"command": "x".repeat(bytes) + " && rm"});
        let mut calls = asked(&[call("run", arguments.clone())]);
        calls.waits(id(0), ApprovalKind::Permission, &arguments).unwrap()
    };
    assert!(shown(5_000).contains(" && rm\"} — /allow"));
    let long = shown(100_000);
    assert!(long.contains("(92020 characters more, not shown) — /allow"), "{}", &long[7_900..]);
}

#[test]
fn what_was_cut_off_is_said() {
    let mut calls = asked(&[call("big", json!({"why": "y".repeat(1_000)}))]);
    assert!(calls.started(id(0)).unwrap().chars().count() < 200);
    let mut output = ToolOutput::text("the beginning");
    output.cut_bytes = 99;
    assert_eq!(calls.answered(id(0), &output), ["big answered: the beginning (99 bytes cut off)"]);
}

/// What is told of these reports.
fn told(reports: impl IntoIterator<Item = Value>) -> Vec<String> {
    let mut calls = asked(&[call("wait", json!({}))]);
    reports.into_iter().filter_map(|report| calls.progress(id(0), &report)).collect()
}

// Law 7
#[test]
fn progress_is_told_in_a_few_steps_however_often_it_is_reported() {
    let every = told((0..=1_000).map(|n| json!({"progress": n, "total": 1_000})));
    assert_eq!(every.len(), 1 + 10);
    assert_eq!(every[..2], ["wait: 0 of 1000", "wait: 100 of 1000"]);
    assert_eq!(every[10], "wait: 1000 of 1000");
    // Merged for a slow reader: the last one is still told.
    assert_eq!(told([json!({"progress": 7.5, "total": 10})]), ["wait: 7.5 of 10"]);
    assert_eq!(told((0..99).map(|n| json!({"progress": n}))).len(), 1 + 10);
    assert_eq!(told((0..99).map(|n| json!(n))).len(), 1 + 10);
    // What makes no sense is told once at most.
    assert!(told((0..99).map(|_| json!({"progress": 5, "total": 0}))).is_empty());
    assert_eq!(told((0..99).map(|_| json!({"progress": -1, "total": 10}))).len(), 1);
}

#[test]
fn a_report_may_have_a_message_or_be_anything_at_all() {
    let reports = [
        json!({"progress": 1, "total": 2, "message": "half way"}),
        json!({"message": "thinking"}),
        json!({"progress": 1.5, "total": 2, "message": "1.5 of 2 seconds"}),
        json!({"progress": 2.0, "total": 2}),
    ];
    assert_eq!(
        told(reports),
        ["wait: 1 of 2, half way", "wait: thinking", "wait: 1.5 of 2 seconds", "wait: 2 of 2"]
    );
    assert_eq!(told([json!(["any", 1])]), [r#"wait: ["any",1]"#]);
}
