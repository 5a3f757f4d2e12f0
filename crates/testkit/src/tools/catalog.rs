//! The tools of a scripted toolbox at one moment.

use std::{collections::BTreeMap, sync::Arc};

use polychat_core::{
    Failure, FailureKind,
    content::Text,
    tool::{ToolCall, ToolCatalog, ToolSpec},
};
use serde_json::Value;

use super::Act;

pub(super) struct Catalog {
    /// Each tool, and whether it acts by its arguments.
    tools: BTreeMap<Text, (Arc<ToolSpec>, bool)>,
}

impl Catalog {
    pub(super) fn new(tools: BTreeMap<Text, (Arc<ToolSpec>, bool)>) -> Self {
        Self { tools }
    }
}

impl ToolCatalog for Catalog {
    fn check(&self, call: &ToolCall) -> Result<Arc<ToolSpec>, Failure> {
        let Some((spec, acts)) = self.tools.get(&call.name) else {
            let text = format!("there is no tool named {:?}", call.name);
            return Err(Failure::new(FailureKind::UnknownTool, &text));
        };
        let wrong = what_is_wrong(&spec.schema, &call.arguments)
            .or_else(|| (*acts && Act::in_arguments(&call.arguments).is_none()).then(no_acts));
        match wrong {
            None => Ok(Arc::clone(spec)),
            Some(text) => Err(Failure::new(FailureKind::InvalidArguments, &text)),
        }
    }

    fn specs(&self) -> Vec<Arc<ToolSpec>> {
        self.tools.values().map(|(spec, _)| Arc::clone(spec)).collect()
    }
}

fn what_is_wrong(schema: &Value, arguments: &Value) -> Option<String> {
    let Some(arguments) = arguments.as_object() else {
        return Some("the arguments are no object".to_owned());
    };
    let required = schema.get("required").and_then(Value::as_array);
    let mut keys = required.into_iter().flatten().filter_map(Value::as_str);
    keys.find(|key| !arguments.contains_key(*key)).map(|key| format!("{key:?} is missing"))
}

fn no_acts() -> String {
    "\"acts\" does not say what to do".to_owned()
}
