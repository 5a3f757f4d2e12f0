//! Floods, and limits of size and time: what is too much is cut, and what was cut is stated.

use std::time::Duration;

use polychat::{
    Chat, Event, FailureKind, Part, PromptOutcome,
    content::{BlobSource, text_of},
    tool::{ToolKind, ToolOutput},
};
use polychat_testkit::tools;
use serde_json::json;
use tokio::time::Instant;

use crate::support::{
    activity, answers, asked, assert_sound, failure, log, outcome, pass, settle, watch, within,
    world_of_tools,
};

const SECOND: Duration = Duration::from_secs(1);

/// What the tools of a chat answered, in order.
async fn results(chat: &Chat) -> Vec<ToolOutput> {
    let result = |recorded: &std::sync::Arc<polychat::Recorded>| match &recorded.event {
        Event::ToolResult { output, .. } => Some(output.clone()),
        _ => None,
    };
    log(chat).await.iter().filter_map(result).collect()
}

// law 7: tool_output_bytes_max
#[tokio::test(start_paused = true)]
async fn output_beyond_its_limit_is_not_shown_and_the_result_says_how_much() {
    let house = world_of_tools().limits(|limits| limits.tool_output_bytes_max = 10).open().await;
    let chat = house.chat("a").await;
    let mut seen = watch(&chat).await;
    house.begin_calls(&chat, "hello", [asked("look", "x"), asked("look", "y")]).await;
    let (x, y) = (house.running("x").await, house.running("y").await);
    // A character is not cut in two, and nothing follows a gap.
    x.output("12345678").output("9ß").output("").output("x").drained().await;
    y.output("its own ten").drained().await;
    seen.drain().await;
    let shown: Vec<_> = seen.view.calls.values().map(|call| &*call.shown).collect();
    assert_eq!(shown, ["123456789", "its own te"]);
    x.result("done");
    y.fail("on purpose");
    let model = house.call_for("hello").await;
    let note = "tool_failed: on purpose (1 bytes of its output were not shown)";
    assert_eq!(answers(model.request()), ["done", note]);
    assert_eq!(results(&chat).await[0].unshown_bytes, 3);
    model.finish();
    settle().await;
    assert_sound(&chat).await;
}

// law 7: tool_result_bytes_max, and a tool's own limit where it is less
#[tokio::test(start_paused = true)]
async fn a_result_beyond_its_limit_is_cut_and_says_how_much() {
    let house = world_of_tools().limits(|limits| limits.tool_result_bytes_max = 20).open().await;
    let own = |name, bytes| tools::spec(name).kind(ToolKind::Read).result_bytes_max(bytes);
    house.tools.put(own("modest", 5));
    house.tools.put(own("greedy", 1_000));
    let chat = house.chat("a").await;
    let calls = [asked("look", "x"), asked("modest", "y"), asked("greedy", "z")];
    let prompt = house.begin_calls(&chat, "hello", calls).await;
    for which in ["x", "y", "z"] {
        house.running(which).await.result("twenty bytes and one!");
        settle().await;
    }
    house.answer("hello", "done").await;
    assert_eq!(outcome(&prompt).await, PromptOutcome::Completed);
    let results = results(&chat).await;
    let kept: Vec<_> = results.iter().map(|it| (text_of(&it.parts), it.cut_bytes)).collect();
    // The model is told, too: it would take what is left for the whole.
    let cut = |kept: &str, bytes: u64| {
        (format!("{kept}[{bytes} bytes of this result were cut off here]"), bytes)
    };
    let twenty = || cut("twenty bytes and one", 1);
    assert_eq!(kept, [twenty(), cut("twent", 16), twenty()]);
    assert_sound(&chat).await;
}

// law 7: whatever a result is made of
#[tokio::test(start_paused = true)]
async fn a_result_of_a_hundred_thousand_parts_or_one_huge_blob_is_bounded() {
    let house = world_of_tools().limits(|limits| limits.tool_result_bytes_max = 1_000).open().await;
    let chat = house.chat("a").await;
    let prompt = house.begin_calls(&chat, "hello", [asked("look", "x"), asked("look", "y")]).await;
    let mut parts: Vec<Part> = vec![Part::text(""); 100_000];
    parts.extend(vec![Part::text("ab"); 100_000]);
    house.running("x").await.finish(ToolOutput { parts, ..ToolOutput::default() });
    let data = "A".repeat(1_000_000).into();
    let source = BlobSource::Base64 { data };
    let blob = Part::Blob { media_type: "image/png".into(), source };
    let parts = vec![Part::text("a picture: "), blob, Part::text("behind it")];
    house.running("y").await.finish(ToolOutput { parts, cut_bytes: 7, unshown_bytes: 9 });
    house.answer("hello", "done").await;
    assert_eq!(outcome(&prompt).await, PromptOutcome::Completed);
    let results = results(&chat).await;
    // Each part costs something beside its text; the last one says how much is missing.
    assert_eq!((results[0].parts.len(), results[0].cut_bytes), (17, 199_968));
    assert_eq!((results[1].parts.len(), results[1].parts[0].as_text()), (2, Some("a picture: ")));
    // What the tool itself says it left out counts as well.
    assert_eq!((results[1].cut_bytes, results[1].unshown_bytes), (7 + 1_000_009 + 9, 9));
    assert_sound(&chat).await;
}

// law 7: progress is as large as metadata may be
#[tokio::test(start_paused = true)]
async fn huge_progress_is_not_shown_and_counts_as_not_shown() {
    let house = world_of_tools().limits(|limits| limits.metadata_bytes_max = 100).open().await;
    let chat = house.chat("a").await;
    let mut seen = watch(&chat).await;
    house.begin_calls(&chat, "hello", [asked("look", "x")]).await;
    let call = house.running("x").await;
    call.progress(json!("small")).progress(json!("x".repeat(99))).drained().await;
    seen.drain().await;
    assert_eq!(seen.view.calls.values().next().unwrap().progress, Some(json!("small")));
    call.output("still shown").drained().await;
    seen.drain().await;
    assert_eq!(seen.view.calls.values().next().unwrap().shown, "still shown");
    call.result("done");
    house.answer("hello", "done").await;
    settle().await;
    assert_eq!(results(&chat).await[0].unshown_bytes, 101);
}

// law 7: FAILURE_MESSAGE_BYTES_MAX, also for a failure that a tool built by hand
#[tokio::test(start_paused = true)]
async fn a_huge_failure_or_panic_message_is_cut() {
    let house = world_of_tools().open().await;
    let chat = house.chat("a").await;
    let prompt = house.begin_calls(&chat, "hello", [asked("look", "x"), asked("look", "y")]).await;
    let huge = "ß".repeat(1_000_000);
    let kind = FailureKind::ToolFailed;
    let failure = polychat::Failure { kind, message: huge.as_str().into(), retryable: true };
    house.running("x").await.fail_with(failure);
    house.running("y").await.panic(format!("x{huge}"));
    house.answer("hello", "done").await;
    assert_eq!(outcome(&prompt).await, PromptOutcome::Completed);
    let mut lengths = Vec::new();
    for recorded in log(&chat).await {
        if let Event::ToolError { failure, .. } = &recorded.event {
            lengths.push((failure.kind, failure.message.len(), failure.retryable));
        }
    }
    lengths.sort_by_key(|(kind, ..)| kind.as_str());
    assert_eq!(
        lengths,
        [(FailureKind::Panicked, 2_047, false), (FailureKind::ToolFailed, 2_048, true)]
    );
    assert_sound(&chat).await;
}

// law 7: a flood of tools takes no more than half of the feed's room
#[tokio::test(start_paused = true)]
async fn tools_that_flood_leave_the_answer_its_room() {
    let house = world_of_tools()
        .limits(|limits| {
            limits.turn_output_bytes_max = 64 * 1024;
            limits.tool_output_bytes_max = usize::MAX;
        })
        .open()
        .await;
    let (chat, other) = (house.chat("a").await, house.chat("b").await);
    let (in_other, calm) = house.begin(&other, "to b").await;
    let mut seen = watch(&chat).await;
    let calls = (0..8).map(|n| asked("look", &n.to_string()));
    let prompt = house.begin_calls(&chat, "hello", calls).await;
    for n in 0..8 {
        let call = house.running(&n.to_string()).await;
        call.flood(1_000, 1_000);
        for _ in 0..1_000 {
            call.progress(json!(1)).output("x");
        }
        call.drained().await;
        call.result("flooded");
    }
    let model = house.call_for("hello").await;
    let results = results(&chat).await;
    let unshown: u64 = results.iter().map(|output| output.unshown_bytes).sum();
    assert!(unshown > 7_000_000, "{unshown}");
    let answer = "y".repeat(64 * 1024);
    model.text(&*answer).finish();
    assert_eq!(seen.until_outcome(&prompt).await, PromptOutcome::Completed);
    let said = seen.view.messages.iter().any(|message| message.text == answer);
    assert!(said, "the whole answer was shown");
    calm.text("calm").finish();
    assert_eq!(outcome(&in_other).await, PromptOutcome::Completed);
    assert_sound(&chat).await;
}

// law 7: nothing at all may be shown, and nothing answered
#[tokio::test(start_paused = true)]
async fn limits_of_zero_show_and_keep_nothing_and_still_run_one_call_at_a_time() {
    let house = world_of_tools()
        .limits(|limits| {
            limits.tool_output_bytes_max = 0;
            limits.tool_result_bytes_max = 0;
            limits.tool_calls_parallel_max = 0;
        })
        .open()
        .await;
    let chat = house.chat("a").await;
    let mut seen = watch(&chat).await;
    let prompt = house.begin_calls(&chat, "hello", [asked("look", "x"), asked("look", "y")]).await;
    for which in ["x", "y"] {
        house.running(which).await.output("four").result("eleven byte");
    }
    assert_eq!(house.tools.calls_at_once(), 1);
    house.answer("hello", "done").await;
    assert_eq!(seen.until_outcome(&prompt).await, PromptOutcome::Completed);
    assert!(!format!("{:?}", seen.notices).contains("four"));
    for output in results(&chat).await {
        // All that is left is the word about what is missing.
        assert_eq!((output.parts.len(), output.cut_bytes, output.unshown_bytes), (1, 11, 4));
    }
}

// law 7: tool_duration_max, and a tool's own limit where it is less
#[tokio::test(start_paused = true)]
async fn a_tool_that_hangs_ends_at_its_deadline_and_the_model_goes_on() {
    let house = world_of_tools()
        .limits(|limits| {
            limits.tool_duration_max = 10 * SECOND;
            limits.tool_calls_parallel_max = 3;
        })
        .open()
        .await;
    let own = |name, duration| tools::spec(name).kind(ToolKind::Read).duration_max(duration);
    house.tools.put(own("quick", 3 * SECOND));
    house.tools.put(own("slow", 100 * SECOND));
    let chat = house.chat("a").await;
    let mut seen = watch(&chat).await;
    let began = Instant::now();
    let calls = [
        asked("look", "x"),
        asked("quick", "y"),
        asked("slow", "z"),
        // It begins when `quick` has ended, and has all its time from then on.
        asked("look", "later"),
    ];
    let prompt = house.begin_calls(&chat, "hello", calls).await;
    let mut ends = Vec::new();
    for _ in 0..4 {
        seen.until_event("tool.error").await;
        ends.push(began.elapsed().as_secs());
    }
    assert_eq!(ends, [3, 10, 10, 13]);
    let model = house.call_for("hello").await;
    let heard = answers(model.request());
    assert!(heard.iter().all(|answer| answer.starts_with("deadline: ")), "{heard:?}");
    assert!(heard[1].contains("3s") && heard[2].contains("10s"), "{heard:?}");
    for which in ["x", "y", "z", "later"] {
        assert!(within(house.running(which)).await.is_cancelled());
    }
    model.text("too slow").finish();
    assert_eq!(outcome(&prompt).await, PromptOutcome::Completed);
    assert_eq!(house.tools.calls_open(), 0);
    assert_sound(&chat).await;
}

// law 5, law 7: turn_duration_max while tools run
#[tokio::test(start_paused = true)]
async fn a_turn_whose_time_is_over_while_tools_run_fails_and_ends_every_call_once() {
    let house = world_of_tools()
        .limits(|limits| {
            limits.turn_duration_max = 10 * SECOND;
            limits.tool_calls_parallel_max = 3;
        })
        .open()
        .await;
    let chat = house.chat("a").await;
    let began = Instant::now();
    let (prompt, model) = house.begin(&chat, "hello").await;
    pass(4 * SECOND).await;
    for n in 0..5 {
        model.tool_call(asked("look", &n.to_string()));
    }
    model.finish();
    house.running("0").await.result("in time");
    let ended = failure(&prompt).await;
    assert_eq!((ended.kind, began.elapsed().as_secs()), (FailureKind::Deadline, 10));
    let mut lines = activity(&chat).await.split_off(2);
    lines.sort();
    let expected = [
        "ended failed",
        "error 1 deadline",
        "error 2 deadline",
        "error 3 deadline",
        "error 4 deadline",
        "result 0 in time",
        "start 0",
        "start 1",
        "start 2",
        "start 3",
    ];
    assert_eq!(lines, expected);
    settle().await;
    assert_eq!((house.tools.calls_open(), house.local.turns_running()), (0, Some(0)));
    house.turn(&chat, "again", "there is time").await;
    assert_sound(&chat).await;
}

// law 5: a tool that answers as its time is over
#[tokio::test(start_paused = true)]
async fn a_result_at_the_very_moment_of_the_deadline_is_one_end_and_not_two() {
    for early in [0, 1, 2] {
        let house = world_of_tools().limits(|limits| limits.tool_duration_max = 10 * SECOND).open();
        let house = house.await;
        let chat = house.chat("a").await;
        let prompt = house.begin_calls(&chat, "hello", [asked("look", "x")]).await;
        let call = house.running("x").await;
        let moment = Duration::from_millis(10_000 - early);
        call.act(tools::Act::Pause(u64::try_from(moment.as_millis()).unwrap())).result("just so");
        house.answer("hello", "done").await;
        assert_eq!(outcome(&prompt).await, PromptOutcome::Completed);
        let ends = activity(&chat).await;
        let ends: Vec<_> = ends.iter().filter(|it| it.contains(" 0 ")).collect();
        assert_eq!(ends.len(), 1, "{ends:?}");
        assert_sound(&chat).await;
    }
}

// law 7: `Duration::MAX` stands for "no limit"
#[tokio::test(start_paused = true)]
async fn a_tool_without_any_limit_of_time_may_take_a_year() {
    let house = world_of_tools()
        .limits(|limits| {
            limits.tool_duration_max = Duration::MAX;
            limits.turn_duration_max = Duration::MAX;
            // So that the world does not look for idle chats all that time.
            limits.passivate_after = Duration::MAX;
        })
        .open()
        .await;
    house.tools.put(tools::spec("slow").kind(ToolKind::Read).duration_max(Duration::MAX));
    let chat = house.chat("a").await;
    let prompt = house.begin_calls(&chat, "hello", [asked("look", "x"), asked("slow", "y")]).await;
    let (x, y) = (house.running("x").await, house.running("y").await);
    pass(Duration::from_secs(365 * 24 * 3_600)).await;
    assert!(!x.is_dropped() && !y.is_dropped());
    x.result("at last");
    y.result("at last");
    house.answer("hello", "done").await;
    assert_eq!(outcome(&prompt).await, PromptOutcome::Completed);
}
