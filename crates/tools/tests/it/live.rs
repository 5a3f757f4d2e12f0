//! `LiveTools`: who comes, who goes, and what is remembered.

use std::sync::{Arc, Mutex};

use polychat_core::{
    FailureKind,
    content::{Text, text_of},
    diagnostic::ToolSourceState,
    ports::{Tool, ToolObserver, Toolbox},
    tool::ToolCall,
};
use polychat_tools::{CompiledTools, LiveTools, NoArguments, Tools, ToolsError, ToolsStay, tool};
use serde_json::json;

use crate::support;

fn saying(name: &str, text: &'static str) -> Arc<dyn Tool> {
    Arc::new(tool(name, "says something", move |_: NoArguments| async move { text }))
}

fn register(live: &LiveTools, tools: Vec<Arc<dyn Tool>>) -> Result<ToolsStay, ToolsError> {
    live.register("app", CompiledTools::new(tools)?)
}

fn call(name: &str) -> ToolCall {
    ToolCall { name: name.into(), arguments: json!({}), provider_call_id: None }
}

/// What the check of a call of this tool says, if it is not let through.
fn checked(toolbox: &dyn Toolbox, name: &str) -> Option<FailureKind> {
    toolbox.catalog().check(&call(name)).err().map(|failure| failure.kind)
}

async fn called(toolbox: &dyn Toolbox, name: &str) -> Result<String, FailureKind> {
    let tool = toolbox.get(name).expect("something answers");
    let output = support::call(&tool, json!({})).await.map_err(|failure| failure.kind)?;
    Ok(text_of(&output.parts))
}

fn offered(toolbox: &dyn Toolbox) -> Vec<Text> {
    toolbox.catalog().specs().iter().map(|spec| Arc::clone(&spec.name)).collect()
}

// issue 5: when the host goes its tools are unavailable with a typed error
#[tokio::test]
async fn a_tool_that_has_gone_is_offered_no_more_and_answers_that_its_host_has_gone() {
    let live = LiveTools::new();
    assert_eq!(checked(&live, "dice"), Some(FailureKind::UnknownTool));
    assert!(live.get("dice").is_none());
    let stay = register(&live, vec![saying("dice", "four")]).unwrap();
    let before = live.catalog();
    assert_eq!(offered(&live), ["dice".into()]);
    assert_eq!((checked(&live, "dice"), called(&live, "dice").await), (None, Ok("four".into())));
    drop(stay);
    assert_eq!(offered(&live), Vec::<Text>::new());
    assert_eq!(checked(&live, "dice"), Some(FailureKind::HostGone));
    assert_eq!(called(&live, "dice").await, Err(FailureKind::HostGone));
    assert!(live.catalog().check(&call("dice")).unwrap_err().retryable);
    // A catalog that somebody has taken does not change under them.
    assert!(before.check(&call("dice")).is_ok());
    let _stay = register(&live, vec![saying("dice", "five")]).unwrap();
    assert_eq!((checked(&live, "dice"), called(&live, "dice").await), (None, Ok("five".into())));
}

#[tokio::test]
async fn of_an_offer_all_tools_are_taken_or_none() {
    let live = LiveTools::new();
    let _stay = register(&live, vec![saying("b", "first")]).unwrap();
    let refused = register(&live, vec![saying("a", "x"), saying("b", "second"), saying("c", "x")]);
    assert_eq!(refused.unwrap_err(), ToolsError::DuplicateName { name: "b".into() });
    let twice = register(&live, vec![saying("d", "x"), saying("d", "x")]);
    assert_eq!(twice.unwrap_err(), ToolsError::DuplicateName { name: "d".into() });
    let unnamed = register(&live, vec![saying("e", "x"), saying("no name", "x")]);
    assert_eq!(unnamed.unwrap_err(), ToolsError::InvalidName { name: "no name".into() });
    assert_eq!(offered(&live), ["b".into()]);
    assert_eq!(called(&live, "b").await, Ok("first".into()));
    for nothing in ["a", "c", "d", "e"] {
        assert_eq!(checked(&live, nothing), Some(FailureKind::UnknownTool));
    }
}

#[test]
fn arguments_are_checked_as_everywhere() {
    let live = LiveTools::new();
    let _stay = register(&live, vec![saying("dice", "four")]).unwrap();
    let wrong = ToolCall { arguments: json!([]), ..call("dice") };
    let failure = live.catalog().check(&wrong).unwrap_err();
    assert_eq!(failure.kind, FailureKind::InvalidArguments);
}

// law 7
#[test]
fn tools_and_what_is_remembered_of_them_are_bounded() {
    let live = LiveTools::new();
    let some = |range: std::ops::Range<u32>| {
        range.map(|n| saying(&format!("t{n}"), "x")).collect::<Vec<_>>()
    };
    let stay = register(&live, some(0..1_000)).unwrap();
    let refused = register(&live, some(1_000..1_025)).unwrap_err();
    assert_eq!(refused, ToolsError::TooMany { count: 1_025 });
    drop(stay);
    drop(register(&live, some(2_000..2_050)).unwrap());
    let known = |n: &u32| checked(&live, &format!("t{n}")) == Some(FailureKind::HostGone);
    assert_eq!((0..1_000).filter(known).count(), 1_024 - 50);
    assert!((2_000..2_050).all(|n| known(&n)));
}

#[test]
fn where_single_tools_have_a_name_those_that_come_and_go_do_not_take_it() {
    let live = LiveTools::new();
    let own = tool("dice", "the world's own", |_: NoArguments| async { 4 });
    let all = Tools::builder().add(own).add_source(Arc::new(live.clone())).build().unwrap();
    let stay = register(&live, vec![saying("dice", "x"), saying("other", "x")]).unwrap();
    assert_eq!(offered(&all), ["dice".into(), "other".into()]);
    assert_eq!(&*all.catalog().specs()[0].description, "the world's own");
    drop(stay);
    assert_eq!(
        (checked(&all, "dice"), checked(&all, "other")),
        (None, Some(FailureKind::HostGone))
    );
}

#[derive(Default)]
struct Heard(Mutex<Vec<(Text, ToolSourceState)>>);

impl ToolObserver for Heard {
    fn source_changed(&self, source: &Text, state: ToolSourceState, _: &str) {
        self.0.lock().unwrap().push((Arc::clone(source), state));
    }
}

// NFR-4
#[test]
fn observers_hear_who_comes_and_goes_and_nothing_of_who_was_refused() {
    let (live, heard) = (LiveTools::new(), Arc::new(Heard::default()));
    let observer: Arc<dyn ToolObserver> = heard.clone();
    live.observe(Arc::downgrade(&observer));
    let stay = register(&live, vec![saying("dice", "x")]).unwrap();
    register(&live, vec![saying("dice", "x")]).unwrap_err();
    drop(register(&live, vec![]).unwrap());
    drop(stay);
    let told = heard.0.lock().unwrap().clone();
    assert_eq!(
        told,
        [("app".into(), ToolSourceState::Ready), ("app".into(), ToolSourceState::Failed)]
    );
}
