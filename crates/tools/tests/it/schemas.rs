//! Schemas: of argument types, of strangers, and what is said of arguments that do not fit.

use std::collections::BTreeMap;

use polychat_core::{FailureKind, outcome::FAILURE_MESSAGE_BYTES_MAX, ports::Tool};
use polychat_tools::{ArgumentSchema, InvalidSchema, NoArguments, tool};
use proptest::prelude::*;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value, json};

#[derive(Deserialize, JsonSchema)]
#[expect(dead_code, reason = "only its schema matters")]
struct Range {
    min: f32,
    max: Option<u8>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(tag = "by", rename_all = "camelCase")]
#[expect(dead_code, reason = "only its schema matters")]
enum Order {
    Name { descending: bool },
    Size { bytes: u64 },
}

/// Looks for things.
#[derive(Deserialize, JsonSchema)]
#[expect(dead_code, reason = "only its schema matters")]
struct Search {
    /// What to look for.
    query: String,
    #[serde(default)]
    limit: u32,
    range: Range,
    order: Option<Order>,
    pair: (i32, String),
    counts: BTreeMap<String, i64>,
}

#[derive(Deserialize, JsonSchema)]
#[expect(dead_code, reason = "only its schema matters")]
struct Tree {
    name: String,
    children: Vec<Tree>,
}

fn schema<A: JsonSchema + serde::de::DeserializeOwned + Send + 'static>() -> Value {
    tool("a", "", |_: A| async {}).spec().schema
}

fn compiled(schema: &Value) -> ArgumentSchema {
    ArgumentSchema::compile(schema).unwrap()
}

/// The lines of a refusal that say what is wrong.
fn wrong(schema: &Value, arguments: &Value) -> Vec<String> {
    let failure = compiled(schema).check(arguments).unwrap_err();
    assert_eq!(failure.kind, FailureKind::InvalidArguments);
    assert!(failure.message.len() <= FAILURE_MESSAGE_BYTES_MAX);
    failure.message.lines().skip(1).map(str::to_owned).collect()
}

/// Every schema within a schema of a type.
fn each(schema: &Value, visit: &mut impl FnMut(&Map<String, Value>)) {
    match schema {
        Value::Object(members) => {
            visit(members);
            members.values().for_each(|member| each(member, visit));
        }
        Value::Array(items) => items.iter().for_each(|item| each(item, visit)),
        _ => {}
    }
}

#[test]
fn the_schema_of_a_type_is_what_providers_take() {
    let schema = schema::<Search>();
    assert_eq!(schema["type"], "object");
    assert_eq!(schema["description"], "Looks for things.");
    assert_eq!(schema["properties"]["query"]["description"], "What to look for.");
    assert_eq!(schema["required"], json!(["query", "range", "pair", "counts"]));
    for clutter in ["$schema", "title", "$defs"] {
        assert_eq!(schema.get(clutter), None, "{clutter}");
    }
    each(&schema, &mut |part| {
        assert!(!part.contains_key("$ref"), "{part:?}");
        // `uint32` and the like are refused by some.
        assert!(!part.contains_key("format"), "{part:?}");
        if part.get("type") == Some(&json!("array")) {
            assert!(part.contains_key("items"), "{part:?}");
        }
    });
    let fits = json!({
        "query": "tea", "range": {"min": 1}, "order": {"by": "size", "bytes": 5},
        "pair": [1, "a"], "counts": {"a": -1},
    });
    assert!(compiled(&schema).check(&fits).is_ok());
}

#[test]
fn a_tool_without_arguments_says_that_it_has_no_properties() {
    let schema = schema::<NoArguments>();
    assert_eq!(schema["type"], "object");
    assert_eq!(schema["properties"], json!({}));
    assert!(compiled(&schema).check(&json!({})).is_ok());
}

#[test]
fn a_type_that_contains_itself_has_a_schema_too() {
    let schema = compiled(&schema::<Tree>());
    let leaf = |children: Value| json!({"name": "leaf", "children": children});
    assert!(schema.check(&leaf(json!([leaf(json!([]))]))).is_ok());
    let failure = schema.check(&leaf(json!([leaf(json!([5]))]))).unwrap_err();
    assert!(failure.message.contains("arguments/children/0/children/0: "), "{failure}");
}

// Issue 3: what is wrong goes back to the model so that it can mend it.
#[test]
fn a_choice_that_nothing_fits_says_what_each_would_have_needed() {
    let schema = schema::<Search>();
    let mut arguments = json!({"query": "", "range": {"min": 0}, "pair": [1, ""], "counts": {}});
    arguments["order"] = json!({"by": "size"});
    let wrong = wrong(&schema, &arguments);
    assert_eq!(wrong.len(), 1, "{wrong:?}");
    assert!(wrong[0].starts_with("arguments/order: value fits none of the choices: either ("));
    for need in [
        "arguments/order/by: \"name\" was expected",
        "(arguments/order: \"bytes\" is a required property)",
    ] {
        assert!(wrong[0].contains(need), "{wrong:?}");
    }
}

#[test]
fn a_refusal_repeats_no_values_and_stays_short() {
    let object = json!({"type": "object", "properties": {"a": {"type": "number"}}});
    let secret = "secret".repeat(100_000);
    let said = wrong(&object, &json!({"a": secret})).join("\n");
    assert_eq!(said, "arguments/a: value is not of type \"number\"");

    // Many errors: the first few, and that there are more.
    let members = |n: usize| (0..n).map(|n| (format!("p{n}"), json!("x"))).collect::<Map<_, _>>();
    let numbers = json!({"type": "object", "additionalProperties": {"type": "number"}});
    let said = wrong(&numbers, &members(100).into());
    assert_eq!((said.len(), said[8].as_str()), (9, "and more"));
    assert_eq!(wrong(&numbers, &members(8).into()).len(), 8);

    // Long names, of properties that are too many.
    let none = json!({"type": "object", "additionalProperties": false});
    let long: Map<_, _> =
        (0..50).map(|n| (format!("{n}{}", "x".repeat(5_000)), json!(1))).collect();
    assert!(wrong(&none, &long.clone().into()).join("\n").len() < 300);
    assert!(wrong(&numbers, &json!({"y".repeat(100_000): "x"})).join("\n").len() < 500);
}

#[test]
fn a_flood_of_errors_is_not_counted() {
    let numbers = json!({"type": "object", "properties": {"a": {"items": {"type": "number"}}}});
    let said = |count: usize| wrong(&numbers, &json!({"a": vec![Value::from("x"); count]}));
    assert_eq!(said(9_998)[0], "arguments/a/0: value is not of type \"number\"");
    assert_eq!(said(9_999), ["they are too large or too deeply nested to say where"]);
}

/// Whether a call was refused without looking for what is wrong with it.
fn is_too_much(schema: &ArgumentSchema, arguments: &Value) -> bool {
    let failure = schema.check(arguments).unwrap_err();
    assert_eq!(failure.kind, FailureKind::InvalidArguments);
    failure.message.contains("too large or too deeply nested")
}

// Law 5, law 7: checked on the thread of a chat, so none of this may take minutes, or the memory.
#[test]
fn arguments_that_would_take_long_to_check_are_refused_unchecked() {
    let list = |items: Value| json!({"type": "object", "properties": {"a": {"items": items}}});
    let numbers = compiled(&list(json!({"type": "number"})));
    assert!(numbers.check(&json!({"a": vec![1; 50_000]})).is_ok());
    assert!(is_too_much(&numbers, &json!({"a": vec![1; 3_000_000]})));

    // Wide and wide.
    let choices: Vec<_> = (0..1_000).map(|n| json!({"const": n})).collect();
    let wide = compiled(&list(json!({"anyOf": choices})));
    assert!(wide.check(&json!({"a": vec![999; 50]})).is_ok());
    assert!(is_too_much(&wide, &json!({"a": vec![999; 100_000]})));

    // Deep, in a type that contains itself twice.
    let twice = json!({"anyOf": [{"items": {"$ref": "#/$defs/a"}}, {"items": {"$ref": "#/$defs/a"}},
        {"type": "string"}]});
    let twice = compiled(&json!({"type": "object", "$defs": {"a": twice},
        "properties": {"a": {"$ref": "#/$defs/a"}}}));
    let deep = |levels, end| json!({"a": (0..levels).fold(end, |inner, _| json!([inner]))});
    assert!(twice.check(&deep(8, json!("x"))).is_ok());
    assert!(is_too_much(&twice, &deep(24, json!("x"))));
    assert!(is_too_much(&twice, &deep(24, json!(null))));

    // A type that is nothing but itself has no end at all.
    let itself = compiled(&json!({"type": "object", "$defs": {"a": {"$ref": "#/$defs/a"}},
        "properties": {"a": {"$ref": "#/$defs/a"}}}));
    assert!(is_too_much(&itself, &json!({"a": 1})));
}

#[derive(Deserialize, JsonSchema)]
#[serde(tag = "op", rename_all = "camelCase")]
#[expect(dead_code, reason = "only its schema matters")]
enum Rule {
    And { args: Vec<Rule> },
    Or { args: Vec<Rule> },
    Is { field: String },
}

#[derive(Deserialize, JsonSchema)]
#[expect(dead_code, reason = "only its schema matters")]
struct Filter {
    rule: Rule,
}

// Issue 3: what is wrong is told as far as that is quick
#[test]
fn a_misspelt_field_deep_in_a_recursive_type_is_told_or_refused_but_never_takes_long() {
    let schema = compiled(&schema::<Filter>());
    let filter = |levels, field: &str| {
        let leaf = json!({"op": "is", field: "x"});
        json!({"rule": (0..levels).fold(leaf, |it, _| json!({"op": "and", "args": [it]}))})
    };
    for levels in [0, 4, 8] {
        assert!(schema.check(&filter(levels, "field")).is_ok(), "{levels}");
    }
    let told = schema.check(&filter(2, "felt")).unwrap_err();
    assert!(told.message.contains("value fits none of the choices"), "{told}");
    for levels in [12, 16, 24, 60] {
        assert!(is_too_much(&schema, &filter(levels, "felt")), "{levels}");
    }
}

// Law 7: a schema of a stranger must not make a small call long.
#[test]
fn a_small_schema_that_is_huge_once_references_are_followed_is_refused() {
    let doubling = |levels: usize, keyword: &str| {
        let mut defs = Map::new();
        for level in 0..levels {
            let next = json!({"$ref": format!("#/$defs/d{}", level + 1)});
            defs.insert(format!("d{level}"), json!({keyword: [next.clone(), next]}));
        }
        defs.insert(format!("d{levels}"), json!({"type": "string"}));
        json!({"type": "object", "$defs": defs, "properties": {"a": {"$ref": "#/$defs/d0"}}})
    };
    for keyword in ["anyOf", "allOf", "oneOf"] {
        let refused = ArgumentSchema::compile(&doubling(30, keyword)).unwrap_err();
        assert_eq!(refused, InvalidSchema::TooComplex, "{keyword}");
    }
    assert!(ArgumentSchema::compile(&doubling(5, "anyOf")).is_ok());
}

#[test]
fn a_schema_that_is_too_deep_is_refused() {
    let chain = |length: usize| {
        let mut defs = Map::new();
        for link in 0..length {
            let next = json!({"$ref": format!("#/$defs/d{}", link + 1)});
            defs.insert(format!("d{link}"), next);
        }
        defs.insert(format!("d{length}"), json!({}));
        json!({"type": "object", "$defs": defs, "properties": {"a": {"$ref": "#/$defs/d0"}}})
    };
    assert_eq!(ArgumentSchema::compile(&chain(20_000)).unwrap_err(), InvalidSchema::TooComplex);
    assert!(ArgumentSchema::compile(&chain(40)).is_ok());
    let nested = (0..1_000).fold(json!({}), |inner, _| json!({"not": inner}));
    let nested = json!({"type": "object", "properties": {"a": nested}});
    assert_eq!(ArgumentSchema::compile(&nested).unwrap_err(), InvalidSchema::TooComplex);
}

#[test]
fn a_schema_refers_only_to_what_is_in_it() {
    let with = |extra: Value| {
        let properties = json!({"a": extra});
        ArgumentSchema::compile(&json!({
            "type": "object", "properties": properties,
            "$defs": {"A b": {"type": "string"}, "far": {"$id": "http://x.invalid/y"}},
        }))
    };
    // The `$id` within is refused even where nobody refers to it.
    assert!(matches!(with(json!({})), Err(InvalidSchema::NotCompiled(_))));
    let with = |extra: Value| {
        let defs = json!({"A b": {"type": "string"}});
        let properties = json!({"a": extra, "$id": {"type": "string"}, "$ref": {}, "default": {}});
        ArgumentSchema::compile(&json!({
            "$id": "http://x.invalid/", "type": "object", "properties": properties, "$defs": defs,
        }))
    };
    // Properties may be named like keywords, and names may be written as in addresses.
    let schema = with(json!({"$ref": "#/$defs/A%20b"})).unwrap();
    assert!(schema.check(&json!({"a": "text", "$id": "x"})).is_ok());
    assert!(schema.check(&json!({"a": 5})).is_err());
    for elsewhere in [
        json!({"$ref": "http://localhost/schema.json"}),
        json!({"$ref": "file:///etc/passwd"}),
        json!({"$ref": "other.json"}),
        json!({"$ref": "#/$defs/none"}),
        json!({"$ref": "#name"}),
        json!({"$dynamicRef": "#/$defs/A b"}),
    ] {
        let refused = with(elsewhere).unwrap_err();
        assert!(refused.to_string().starts_with("only references of the form"), "{refused}");
    }
    // Data that looks like a schema is data.
    assert!(with(json!({"default": {"$ref": "nowhere"}, "enum": [{"$ref": "nowhere"}]})).is_ok());
}

#[test]
fn a_pattern_cannot_take_long() {
    let with = |pattern: &str| {
        let property = json!({"type": "string", "pattern": pattern});
        ArgumentSchema::compile(&json!({"type": "object", "properties": {"a": property}}))
    };
    let schema = with("^(a+)+$").unwrap();
    assert!(schema.check(&json!({"a": "a".repeat(50_000)})).is_ok());
    assert!(schema.check(&json!({"a": format!("{}b", "a".repeat(50_000))})).is_err());
    // What only an engine that goes back and forth understands, and what needs too much memory.
    assert!(with("(?=a)b").is_err());
    assert!(with("((a{1000}){1000}){1000}").is_err());
}

/// JSON of any shape, with words among the keys that mean something in a schema.
fn any_json() -> impl Strategy<Value = Value> {
    let word = prop::sample::select(vec![
        "type",
        "properties",
        "items",
        "$ref",
        "anyOf",
        "not",
        "enum",
        "required",
        "#",
        "object",
        "string",
        "#/properties/a",
        "a",
        "pattern",
        "(",
        "minimum",
        "$defs",
        "allOf",
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        word.clone().prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 40, 5, move |inner| {
        let members = prop::collection::vec((word.clone(), inner.clone()), 0..5);
        prop_oneof![
            prop::collection::vec(inner, 0..5).prop_map(Value::from),
            members.prop_map(|members| {
                Value::Object(members.into_iter().map(|(k, v)| (k.to_owned(), v)).collect())
            }),
        ]
    })
}

proptest! {
    // A server may send anything as a schema, and a model anything as arguments.
    #[test]
    fn no_schema_and_no_arguments_panic(mut schema in any_json(), arguments in any_json()) {
        if let Some(root) = schema.as_object_mut() {
            root.insert("type".to_owned(), "object".into());
        }
        let schema = ArgumentSchema::compile(&schema);
        if let Ok(Err(failure)) = schema.map(|schema| schema.check(&arguments)) {
            prop_assert!(failure.message.lines().count() > 1, "{failure}");
        }
    }
}
