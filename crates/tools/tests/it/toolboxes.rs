//! Many tools as one toolbox.

use std::{
    future::{Future, ready},
    pin::Pin,
    sync::{
        Arc, Mutex, Weak,
        atomic::{AtomicUsize, Ordering},
    },
};

use polychat_core::{
    Failure, FailureKind,
    content::Text,
    diagnostic::ToolSourceState,
    ports::{Tool, ToolInput, ToolObserver, ToolSink, Toolbox},
    tool::{ToolCall, ToolCatalog, ToolKind, ToolOutput, ToolSelection, ToolSpec},
};
use polychat_tools::{FnTool, InvalidSchema, NoArguments, Tools, ToolsError, tool};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::support::{answer, check, names, only};

fn named(name: &str, answer: &'static str) -> FnTool {
    tool(name, answer, move |_: NoArguments| async move { answer })
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only its schema matters")]
struct Order {
    item: String,
    #[schemars(range(min = 1, max = 9))]
    count: u32,
}

fn shop() -> Tools {
    only(tool("order", "", |_: Order| async { "ordered" }))
}

/// A tool written by hand, that counts how often it is asked what it is.
struct ByHand {
    name: &'static str,
    schema: Value,
    asked: Arc<AtomicUsize>,
}

impl ByHand {
    fn new(name: &'static str, schema: Value) -> Self {
        Self { name, schema, asked: Arc::default() }
    }
}

#[async_trait::async_trait]
impl Tool for ByHand {
    fn spec(&self) -> ToolSpec {
        self.asked.fetch_add(1, Ordering::Relaxed);
        ToolSpec::new(self.name, "", self.schema.clone())
    }

    async fn call(&self, _: ToolInput, _: ToolSink) -> Result<ToolOutput, Failure> {
        Ok(ToolOutput::text("by hand"))
    }
}

fn refused(name: &'static str, schema: Value) -> ToolsError {
    Tools::builder().add(ByHand::new(name, schema)).build().unwrap_err()
}

// Issue 3: arguments are validated before the tool runs; the model hears what to mend.
#[test]
fn arguments_that_do_not_fit_are_refused_with_all_that_is_to_be_mended() {
    let failure = check(&shop(), "order", json!({"count": 12, "colour": "red"})).unwrap_err();
    assert_eq!(failure.kind, FailureKind::InvalidArguments);
    let lines: Vec<&str> = failure.message.lines().collect();
    assert_eq!(lines[0], "the arguments do not fit the schema:");
    let mut wrong = lines[1..].to_vec();
    wrong.sort_unstable();
    assert_eq!(
        wrong,
        [
            "arguments/count: value is greater than the maximum of 9",
            "arguments: \"item\" is a required property",
            "arguments: Additional properties are not allowed ('colour' was unexpected)",
        ]
    );
    assert_eq!(check(&shop(), "order", json!({"item": "tea", "count": 1})), Ok(()));
    // Not even an object.
    assert!(check(&shop(), "order", json!("tea")).is_err());
}

#[test]
fn an_unknown_tool_is_refused_as_unknown() {
    let failure = check(&shop(), "steal", json!({})).unwrap_err();
    assert_eq!(failure.kind, FailureKind::UnknownTool);
    assert!(failure.message.contains("\"steal\""), "{failure}");
    assert!(shop().get("steal").is_none());
    let empty = Tools::builder().build().unwrap();
    assert_eq!(check(&empty, "a", json!({})).unwrap_err().kind, FailureKind::UnknownTool);
    assert!(names(&empty).is_empty());
}

#[test]
fn a_tool_is_asked_once_what_it_is_and_its_catalog_is_shared() {
    let by_hand = ByHand::new("by_hand", json!({"type": "object"}));
    let asked = Arc::clone(&by_hand.asked);
    let tools = only(by_hand);
    for _ in 0..10 {
        check(&tools, "by_hand", json!({})).unwrap();
        names(&tools);
    }
    assert_eq!(asked.load(Ordering::Relaxed), 1);
    let same = |a: &Arc<dyn ToolCatalog>, b: &Arc<dyn ToolCatalog>| Arc::ptr_eq(a, b);
    assert!(same(&tools.catalog(), &tools.clone().catalog()));
    assert!(Arc::ptr_eq(&tools.catalog().specs()[0], &tools.catalog().specs()[0]));
}

#[test]
fn tools_come_in_the_order_in_which_they_were_added() {
    let wanted: Vec<String> = (0..50).rev().map(|n| format!("tool_{n}")).collect();
    let tools = Tools::builder().add_all(wanted.iter().map(|name| named(name, ""))).build();
    assert_eq!(names(&tools.unwrap()), wanted);
}

#[test]
fn names_that_providers_refuse_are_refused_when_the_toolbox_is_built() {
    let too_long = "x".repeat(65);
    for name in ["", "two words", "é", "a.b", "a/b", too_long.as_str()] {
        let error = Tools::builder().add(named(name, "")).build().unwrap_err();
        assert_eq!(error, ToolsError::InvalidName { name: name.into() });
    }
    let longest = "x".repeat(64);
    for name in ["a", "A-1_b", longest.as_str()] {
        assert_eq!(names(&only(named(name, ""))), [name]);
    }
}

#[test]
fn two_tools_of_one_name_are_refused() {
    let error = Tools::builder().add(named("a", "first")).add(named("a", "second")).build();
    assert_eq!(error.unwrap_err(), ToolsError::DuplicateName { name: "a".into() });
}

#[test]
fn more_tools_than_a_toolbox_takes_are_refused() {
    let many = |count: usize| {
        let builder = Tools::builder();
        builder.add_all((0..count).map(|n| named(&format!("tool_{n}"), ""))).build()
    };
    assert_eq!(many(1_025).unwrap_err(), ToolsError::TooMany { count: 1_025 });
    assert_eq!(names(&many(1_024).unwrap()).len(), 1_024);
}

#[test]
fn schemas_that_providers_refuse_are_refused_when_the_toolbox_is_built() {
    let reason = |schema: Value| match refused("a", schema) {
        ToolsError::InvalidSchema { name, reason } => {
            assert_eq!(&*name, "a");
            reason
        }
        other => panic!("{other}"),
    };
    for no_object in
        [json!({}), json!(true), json!({"type": "string"}), json!({"type": ["object"]})]
    {
        assert_eq!(reason(no_object), InvalidSchema::NoObject);
    }
    for keyword in ["anyOf", "oneOf", "allOf", "enum", "not"] {
        let schema = json!({"type": "object", keyword: [{}]});
        assert_eq!(reason(schema), InvalidSchema::CombinedAtRoot { keyword });
    }
    let broken = json!({"type": "object", "properties": {"a": {"type": "strange"}}});
    assert!(matches!(reason(broken), InvalidSchema::NotCompiled(_)));
    // An argument type whose JSON is no object is found out here too.
    let error = Tools::builder().add(tool("a", "", |_: Vec<u8>| async {})).build().unwrap_err();
    let reason = InvalidSchema::NoObject;
    assert_eq!(error, ToolsError::InvalidSchema { name: "a".into(), reason });
    assert!(error.to_string().contains("\"type\": \"object\""), "{error}");
}

#[test]
fn what_providers_want_spelt_out_is_added_to_a_schema() {
    let schema =
        json!({"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object"});
    let tools = only(ByHand::new("a", schema));
    let told = &tools.catalog().specs()[0].schema;
    assert_eq!(*told, json!({"type": "object", "properties": {}}));
}

// `OpenAI` refuses a request if an array in it does not say what its items are
#[test]
fn each_array_in_a_schema_by_hand_says_what_its_items_are() {
    let bare = || json!({"type": ["array", "null"]});
    let said = || json!({"type": ["array", "null"], "items": {}});
    let with = |array: &dyn Fn() -> Value| {
        json!({"type": "object", "$defs": {"d": array()}, "properties": {
            "type": {"type": "string"}, "default": array(),
            "a": {"anyOf": [array(), {"type": "object", "additionalProperties": array()}]},
            "b": {"type": "array", "items": array()},
            "data": {"default": bare(), "enum": [bare()], "const": bare()},
        }})
    };
    let tools = only(ByHand::new("a", with(&bare)));
    assert_eq!(tools.catalog().specs()[0].schema, with(&said));
}

/// A toolbox whose tools change, and which keeps what it was told.
#[derive(Default)]
struct Changing {
    tools: Mutex<Option<Tools>>,
    prepared: Mutex<Vec<ToolSelection>>,
    observers: Mutex<Vec<Weak<dyn ToolObserver>>>,
}

impl Changing {
    fn now(&self) -> Tools {
        self.tools.lock().unwrap().clone().unwrap_or_else(|| Tools::builder().build().unwrap())
    }

    fn set(&self, tools: Tools) {
        *self.tools.lock().unwrap() = Some(tools);
    }
}

impl Toolbox for Changing {
    fn catalog(&self) -> Arc<dyn ToolCatalog> {
        self.now().catalog()
    }

    fn get(&self, name: &str) -> Option<Arc<dyn Tool>> {
        self.now().get(name)
    }

    fn prepare<'a: 'c, 'b: 'c, 'c>(
        &'a self,
        selection: &'b ToolSelection,
    ) -> Pin<Box<dyn Future<Output = ()> + Send + 'c>> {
        self.prepared.lock().unwrap().push(selection.clone());
        Box::pin(ready(()))
    }

    fn observe(&self, observer: Weak<dyn ToolObserver>) {
        self.observers.lock().unwrap().push(observer);
    }
}

#[tokio::test]
async fn sources_are_asked_as_they_are_now_and_single_tools_go_first() {
    let (first, second) = (Arc::new(Changing::default()), Arc::new(Changing::default()));
    let tools = Tools::builder()
        .add_source(Arc::clone(&first) as _)
        .add_source(Arc::clone(&second) as _)
        .add(named("own", "own"))
        .build()
        .unwrap();
    assert_eq!(names(&tools), ["own"]);

    let before = tools.catalog();
    second
        .set(Tools::builder().add_all([named("own", "no"), named("b", "second")]).build().unwrap());
    first
        .set(Tools::builder().add_all([named("c", "first"), named("b", "first")]).build().unwrap());
    // Whoever holds a catalog keeps it; a new one shows what there is now.
    assert_eq!(before.specs().len(), 1);
    assert_eq!(names(&tools), ["own", "c", "b"]);

    // Of one name the first counts, in the catalog and when it runs.
    let specs = tools.catalog().specs();
    assert_eq!(
        specs.iter().map(|spec| &*spec.description).collect::<Vec<_>>(),
        ["own", "first", "first"]
    );
    for (name, expected) in [("own", "own"), ("b", "first"), ("c", "first")] {
        assert_eq!(check(&tools, name, json!({})), Ok(()));
        assert_eq!(answer(&tools.get(name).unwrap(), json!({})).await, expected);
    }
    assert_eq!(check(&tools, "d", json!({})).unwrap_err().kind, FailureKind::UnknownTool);
}

// What is wrong with a call of a known tool is not looked for elsewhere.
#[test]
fn arguments_that_do_not_fit_the_first_tool_of_a_name_are_not_tried_on_the_next() {
    let lenient = named("order", "takes anything");
    let tools = Tools::builder().add_source(Arc::new(shop())).add_source(Arc::new(only(lenient)));
    let tools = tools.build().unwrap();
    let failure = check(&tools, "order", json!({})).unwrap_err();
    assert_eq!(failure.kind, FailureKind::InvalidArguments);
}

#[tokio::test]
async fn every_source_is_prepared_and_observed() {
    struct Observer;
    impl ToolObserver for Observer {
        fn source_changed(&self, _: &Text, _: ToolSourceState, _: &str) {}
    }
    let sources = [Arc::new(Changing::default()), Arc::new(Changing::default())];
    let add = |builder: polychat_tools::ToolsBuilder, source: &Arc<Changing>| {
        builder.add_source(Arc::clone(source) as _)
    };
    let inner = sources.iter().fold(Tools::builder(), add).build().unwrap();
    // A toolbox of toolboxes passes everything on.
    let tools = Tools::builder().add_source(Arc::new(inner)).build().unwrap();
    tools.prepare(&ToolSelection::All).await;
    let observer: Arc<dyn ToolObserver> = Arc::new(Observer);
    tools.observe(Arc::downgrade(&observer));
    for source in sources {
        assert_eq!(*source.prepared.lock().unwrap(), [ToolSelection::All]);
        assert_eq!(source.observers.lock().unwrap().len(), 1);
    }
}

#[test]
fn a_question_has_its_arguments_checked_like_any_other_call() {
    struct Question;
    #[async_trait::async_trait]
    impl Tool for Question {
        fn spec(&self) -> ToolSpec {
            let schema = json!({"type": "object", "required": ["question"]});
            ToolSpec::new("ask", "", schema).kind(ToolKind::Question)
        }
        async fn call(&self, _: ToolInput, _: ToolSink) -> Result<ToolOutput, Failure> {
            unreachable!()
        }
    }
    let tools = only(Question);
    let call = |arguments| ToolCall { name: "ask".into(), arguments, provider_call_id: None };
    assert!(tools.catalog().check(&call(json!({}))).is_err());
    let spec = tools.catalog().check(&call(json!({"question": "?"}))).unwrap();
    assert_eq!(spec.kind, ToolKind::Question);
}
