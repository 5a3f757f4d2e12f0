//! Functions that become tools.

use std::{borrow::Cow, fmt, sync::Arc, time::Duration};

use polychat_core::{
    Failure, FailureKind, Part,
    content::{Metadata, Text},
    ports::{HostContext, Tool, ToolInput},
    tool::{ToolKind, ToolOutput},
};
use polychat_tools::{IntoToolResult, Json, NoArguments, Progress, tool, tool_with};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::support::{Sink, answer, call, call_into, failure, names, only};

/// Two numbers.
#[derive(Deserialize, JsonSchema)]
struct Add {
    /// The first.
    a: f64,
    b: f64,
}

async fn divide(args: Add) -> Result<f64, String> {
    if args.b == 0.0 { Err("division by zero".to_owned()) } else { Ok(args.a / args.b) }
}

// Issue 3: one line makes a tool of an async function.
#[tokio::test]
async fn one_line_makes_a_tool_of_a_closure() {
    let add = tool("add", "adds two numbers", |args: Add| async move { args.a + args.b });
    assert_eq!(answer(&add, json!({"a": 1, "b": 2.5})).await, "3.5");
    let spec = add.spec();
    assert_eq!((&*spec.name, &*spec.description), ("add", "adds two numbers"));
    assert_eq!((spec.kind, spec.needs_approval), (ToolKind::Act, false));
    assert_eq!(names(&only(add)), ["add"]);
}

// Issue 3
#[tokio::test]
async fn one_line_makes_a_tool_of_an_async_function_and_its_errors_reach_the_model() {
    let divide = tool("divide", "divides", divide);
    assert_eq!(answer(&divide, json!({"a": 1, "b": 4})).await, "0.25");
    let failed = failure(&divide, json!({"a": 1, "b": 0})).await;
    assert_eq!((failed.kind, &*failed.message), (FailureKind::ToolFailed, "division by zero"));
}

#[tokio::test]
async fn what_fits_the_schema_but_not_the_type_is_the_models_mistake() {
    #[derive(Deserialize, JsonSchema)]
    struct Port {
        #[schemars(with = "u64")]
        port: u16,
    }
    let open = tool("open", "opens", |args: Port| async move { args.port });
    let failed = failure(&open, json!({"port": 70_000})).await;
    assert_eq!(failed.kind, FailureKind::InvalidArguments);
    assert!(failed.message.contains("expected u16"), "{failed}");
}

#[test]
fn builder_methods_say_what_the_rules_and_limits_need() {
    let add = tool("add", "", |args: Add| async move { args.a + args.b });
    let spec = add.clone().reads_only().duration_max(Duration::from_secs(2)).spec();
    assert_eq!((spec.kind, spec.duration_max_ms), (ToolKind::Read, Some(2_000)));
    let spec = add.needs_approval().result_bytes_max(100).spec();
    assert!(spec.needs_approval);
    assert_eq!(spec.result_bytes_max, Some(100));
}

// Law 3: a tool gets what the embedder attached, and a sink; nothing names a chat.
#[tokio::test]
async fn a_function_with_a_context_sees_what_the_host_attached_and_shows_how_far_it_is() {
    let work = tool_with("work", "", |_: NoArguments, context| async move {
        context.output("half ");
        context.output("done");
        context.progress(Progress::new(1.0).total(2.0).message("first half"));
        context.progress(json!("any JSON"));
        assert!(!context.is_stopped());
        context.host.chat.get("tenant").and_then(Value::as_str).unwrap_or("none").to_owned()
    });
    let mut host = HostContext::default();
    host.chat = serde_json::from_value::<Metadata>(json!({"tenant": "acme"})).unwrap();
    let sink = Arc::new(Sink::default());
    let output = work.call(ToolInput::new(json!({}), host), Arc::clone(&sink) as _).await;
    assert_eq!(output, Ok(ToolOutput::text("acme")));
    assert_eq!(*sink.output.lock().unwrap(), "half done");
    let first = json!({"progress": 1.0, "total": 2.0, "message": "first half"});
    assert_eq!(*sink.progress.lock().unwrap(), [first, json!("any JSON")]);
}

// Issue 3: dropping the future stops an async tool; nothing of it goes on.
#[tokio::test]
async fn dropping_a_call_drops_the_function() {
    let held = Arc::new(());
    let keep = Arc::clone(&held);
    let hang = tool("hang", "", move |_: NoArguments| {
        let keep = Arc::clone(&keep);
        async move {
            std::future::pending::<()>().await;
            drop(keep);
        }
    });
    let sink = Arc::new(Sink::default());
    {
        let mut running = std::pin::pin!(call_into(&hang, json!({}), &sink));
        assert!(futures_util::poll!(running.as_mut()).is_pending());
        assert_eq!(Arc::strong_count(&held), 3);
    }
    assert_eq!(Arc::strong_count(&held), 2);
}

#[tokio::test]
async fn whatever_is_text_a_number_parts_or_json_may_be_answered() {
    #[derive(Serialize)]
    struct City {
        name: &'static str,
    }
    let text = |result: Result<ToolOutput, Failure>| {
        result.unwrap().parts.iter().filter_map(Part::as_text).collect::<String>()
    };
    assert_eq!(text("plain".into_tool_result()), "plain");
    assert_eq!(text(String::from("owned").into_tool_result()), "owned");
    assert_eq!(text(Text::from("shared").into_tool_result()), "shared");
    assert_eq!(text(Cow::Borrowed("either").into_tool_result()), "either");
    assert_eq!(text(7_u8.into_tool_result()), "7");
    assert_eq!(text(true.into_tool_result()), "true");
    assert_eq!(text(().into_tool_result()), "done");
    assert_eq!(text(Json(City { name: "Bergen" }).into_tool_result()), r#"{"name":"Bergen"}"#);
    assert_eq!(text(Part::text("part").into_tool_result()), "part");
    assert_eq!(text(ToolOutput::text("whole").into_tool_result()), "whole");
    assert_eq!(text(Ok::<_, Failure>("fine").into_tool_result()), "fine");
}

#[tokio::test]
async fn what_cannot_be_json_is_a_failure() {
    struct Never;
    impl Serialize for Never {
        fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            Err(serde::ser::Error::custom("not today"))
        }
    }
    let failed = Json(Never).into_tool_result().unwrap_err();
    assert_eq!((failed.kind, &*failed.message), (FailureKind::ToolFailed, "not today"));
}

#[tokio::test]
async fn a_failure_goes_through_as_it_is_and_any_other_error_says_its_words() {
    #[derive(Debug)]
    struct Busy;
    impl fmt::Display for Busy {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("the printer is busy")
        }
    }
    let failed = Err::<(), _>(Busy).into_tool_result().unwrap_err();
    assert_eq!(failed, Failure::new(FailureKind::ToolFailed, "the printer is busy"));
    let own = Failure::new(FailureKind::Deadline, "too slow").retryable();
    assert_eq!(Err::<(), _>(own.clone()).into_tool_result(), Err(own));
    // An error may be as long as it likes; what is kept of it may not.
    let failed = Err::<(), _>("x".repeat(1 << 20)).into_tool_result().unwrap_err();
    assert_eq!(failed.message.len(), polychat_core::outcome::FAILURE_MESSAGE_BYTES_MAX);
}

#[tokio::test]
async fn a_shared_tool_is_a_tool() {
    let shared: Arc<dyn Tool> = Arc::new(tool("one", "", |_: NoArguments| async { 1 }));
    assert_eq!(answer(&shared, json!({})).await, "1");
    assert_eq!(names(&only(Arc::clone(&shared))), ["one"]);
    assert_eq!(call(&Arc::new(shared), json!({})).await, Ok(ToolOutput::text("1")));
}
