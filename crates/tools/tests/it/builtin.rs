//! The tools that are safe to give to anybody.

mod ask_user;
mod calculator;
mod clock;
mod wait;

use polychat_core::{ports::Toolbox, tool::ToolKind};
use polychat_tools::{Tools, builtin};
use serde_json::{Value, json};

use crate::support::check;

#[test]
fn all_of_them_stand_in_one_toolbox_and_act_on_nothing() {
    let tools = Tools::builder().add_all(builtin::all()).build().unwrap();
    let specs = tools.catalog().specs();
    let kinds: Vec<_> = specs.iter().map(|spec| (&*spec.name, spec.kind)).collect();
    assert_eq!(
        kinds,
        [
            ("clock", ToolKind::Read),
            ("calculator", ToolKind::Read),
            ("wait", ToolKind::Read),
            ("ask_user", ToolKind::Question),
        ]
    );
    for spec in specs {
        assert!(!spec.description.is_empty());
        // The descriptions are part of every request.
        assert!(spec.description.len() < 500, "{}", spec.name);
        let properties = spec.schema["properties"].as_object().unwrap();
        for (name, property) in properties {
            assert!(property["description"].is_string(), "{}: {name}", spec.name);
        }
    }
}

#[test]
fn each_takes_the_arguments_that_its_schema_describes() {
    let tools = Tools::builder().add_all(builtin::all()).build().unwrap();
    let ok = |name: &str, arguments: Value| assert_eq!(check(&tools, name, arguments), Ok(()));
    let wrong = |name: &str, arguments: Value| {
        assert!(check(&tools, name, arguments.clone()).is_err(), "{name} {arguments}");
    };
    ok("clock", json!({}));
    ok("calculator", json!({"expression": "1+1"}));
    wrong("calculator", json!({}));
    wrong("calculator", json!({"expression": ""}));
    wrong("calculator", json!({"expression": "1".repeat(1_025)}));
    ok("wait", json!({"seconds": 0.5}));
    ok("wait", json!({"seconds": 300}));
    wrong("wait", json!({"seconds": 300.5}));
    wrong("wait", json!({"seconds": -1}));
    wrong("wait", json!({"seconds": "3"}));
    ok("ask_user", json!({"question": "Tea?"}));
    ok("ask_user", json!({"question": "Tea?", "options": ["yes", "no"]}));
    wrong("ask_user", json!({"options": ["yes", "no"]}));
    wrong("ask_user", json!({"question": ""}));
    wrong("ask_user", json!({"question": "?", "options": vec!["x"; 17]}));
    wrong("ask_user", json!({"question": "?", "options": [""]}));
}
