//! How much work it is to check these arguments, before they are checked.
//!
//! Small schemas and small arguments can make an hour of work together: a type that contains itself
//! through several choices is tried again for each of them at each level, a thousand choices are
//! tried for each of a hundred thousand items. So the check is rehearsed: a walk through schema and
//! arguments that takes no short cut and counts its steps. It never takes more of them than the
//! check may make, and what would need more is refused without being checked.

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::cost::target;

/// Steps of one check. One is some ten nanoseconds of it.
const STEPS_MAX: u64 = 100_000;
/// Schemas that are followed within one another, references and levels of the arguments included.
const DEPTH_MAX: usize = 256;
/// Cheap things that make a step: a name that is looked up, a number that is compared.
const PER_STEP: usize = 4;
/// Bytes that make a step: of text that is matched, and of text that is counted.
const BYTES_MATCHED_PER_STEP: usize = 32;
const BYTES_COUNTED_PER_STEP: usize = 256;

/// The work that arguments make, in steps; never less than it really is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Work {
    /// To see whether they fit.
    pub(super) check: u64,
    /// To find out why they do not: choices within choices are tried anew at each level.
    pub(super) explain: u64,
}

/// It would be more than a check may make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TooMuch;

/// The work of checking arguments against a schema.
pub(super) fn of(schema: &Value, arguments: &Value) -> Result<Work, TooMuch> {
    let mut walk = Walk { root: schema, steps: 0, again: 0, targets: HashMap::new() };
    walk.schema(schema, arguments, 0)?;
    Ok(Work { check: walk.steps, explain: walk.steps.saturating_add(walk.again) })
}

struct Walk<'a> {
    root: &'a Value,
    steps: u64,
    /// What explaining adds to them.
    again: u64,
    /// References that were followed already.
    targets: HashMap<&'a str, &'a Value>,
}

impl<'a> Walk<'a> {
    fn step(&mut self, count: usize) -> Result<(), TooMuch> {
        self.steps = self.steps.saturating_add(count as u64);
        if self.steps > STEPS_MAX { Err(TooMuch) } else { Ok(()) }
    }

    fn schema(&mut self, schema: &'a Value, value: &Value, depth: usize) -> Result<(), TooMuch> {
        let Value::Object(keywords) = schema else { return self.step(1) };
        if depth > DEPTH_MAX {
            return Err(TooMuch);
        }
        self.step(1 + keywords.len() / PER_STEP)?;
        let before = self.steps;
        for (keyword, inner) in keywords {
            self.keyword(keyword, inner, value, depth + 1)?;
            match value {
                Value::Object(members) => {
                    self.member_keyword(keywords, keyword, inner, members, depth + 1)?;
                }
                Value::Array(items) => self.item_keyword(keyword, inner, items, depth + 1)?,
                Value::String(text) => self.text_keyword(keyword, text)?,
                _ => {}
            }
        }
        if keywords.contains_key("unevaluatedProperties")
            || keywords.contains_key("unevaluatedItems")
        {
            // What the other keywords have seen is found out anew for each member.
            let all = usize::try_from(self.steps - before).unwrap_or(usize::MAX);
            self.step(all.saturating_mul(len(value)))?;
        }
        Ok(())
    }

    /// What is tried with the value itself.
    fn keyword(
        &mut self,
        name: &str,
        inner: &'a Value,
        value: &Value,
        depth: usize,
    ) -> Result<(), TooMuch> {
        match (name, inner) {
            ("$ref", Value::String(reference)) => match self.target(reference) {
                Some(schema) => self.schema(schema, value, depth),
                None => Ok(()),
            },
            ("anyOf" | "oneOf", Value::Array(choices)) => {
                let before = self.steps;
                self.each(choices, value, depth)?;
                self.again = self.again.saturating_add(self.steps - before);
                Ok(())
            }
            ("allOf", Value::Array(all)) => self.each(all, value, depth),
            ("not" | "if" | "then" | "else", schema) => self.schema(schema, value, depth),
            ("dependentSchemas" | "dependencies", Value::Object(named)) => {
                self.each(named.values(), value, depth)
            }
            ("enum", Value::Array(options)) => {
                self.step(options.len() / PER_STEP)?;
                options.iter().try_for_each(|option| self.compare(option, value))
            }
            ("const", option) => self.compare(option, value),
            ("required", Value::Array(names)) => self.step(names.len() / PER_STEP),
            _ => Ok(()),
        }
    }

    /// What is tried with the members of an object.
    fn member_keyword(
        &mut self,
        keywords: &'a Map<String, Value>,
        name: &str,
        inner: &'a Value,
        members: &Map<String, Value>,
        depth: usize,
    ) -> Result<(), TooMuch> {
        match (name, inner) {
            ("properties", Value::Object(named)) => {
                self.step(named.len() / PER_STEP)?;
                for (name, schema) in named {
                    if let Some(member) = members.get(name) {
                        self.schema(schema, member, depth)?;
                    }
                }
                Ok(())
            }
            ("patternProperties", Value::Object(patterns)) => {
                for (name, member) in members {
                    self.step(patterns.len() * (1 + name.len() / BYTES_MATCHED_PER_STEP))?;
                    self.each(patterns.values(), member, depth)?;
                }
                Ok(())
            }
            ("additionalProperties" | "unevaluatedProperties", schema) => {
                self.step(members.len() / PER_STEP)?;
                let named = keywords.get("properties").and_then(Value::as_object);
                for (name, member) in members {
                    if schema.is_object() && named.is_none_or(|named| !named.contains_key(name)) {
                        self.schema(schema, member, depth)?;
                    }
                }
                Ok(())
            }
            ("propertyNames", schema) => members.keys().try_for_each(|name| {
                self.step(name.len() / BYTES_COUNTED_PER_STEP)?;
                self.schema(schema, &Value::from(name.as_str()), depth)
            }),
            _ => Ok(()),
        }
    }

    /// What is tried with the items of an array.
    fn item_keyword(
        &mut self,
        name: &str,
        inner: &'a Value,
        items: &[Value],
        depth: usize,
    ) -> Result<(), TooMuch> {
        match (name, inner) {
            ("prefixItems" | "items", Value::Array(schemas)) => schemas
                .iter()
                .zip(items)
                .try_for_each(|(schema, item)| self.schema(schema, item, depth)),
            ("items" | "additionalItems" | "unevaluatedItems" | "contains", schema) => {
                items.iter().try_for_each(|item| self.schema(schema, item, depth))
            }
            ("uniqueItems", Value::Bool(true)) => {
                items.iter().try_for_each(|item| self.nodes(item, depth))
            }
            _ => Ok(()),
        }
    }

    fn text_keyword(&mut self, name: &str, text: &str) -> Result<(), TooMuch> {
        match name {
            "pattern" | "format" | "contentEncoding" | "contentMediaType" => {
                self.step(text.len() / BYTES_MATCHED_PER_STEP)
            }
            "minLength" | "maxLength" => self.step(text.len() / BYTES_COUNTED_PER_STEP),
            _ => Ok(()),
        }
    }

    fn each(
        &mut self,
        schemas: impl IntoIterator<Item = &'a Value>,
        value: &Value,
        depth: usize,
    ) -> Result<(), TooMuch> {
        schemas.into_iter().try_for_each(|schema| self.schema(schema, value, depth))
    }

    /// A value is compared with another. Only where both contain others is that more than nothing.
    fn compare(&mut self, option: &Value, value: &Value) -> Result<(), TooMuch> {
        if len(value) > 0 { self.nodes(option, 0) } else { Ok(()) }
    }

    /// All values within a value are looked at.
    fn nodes(&mut self, value: &Value, depth: usize) -> Result<(), TooMuch> {
        if depth > DEPTH_MAX {
            return Err(TooMuch);
        }
        match value {
            Value::Array(items) => {
                self.step(1)?;
                items.iter().try_for_each(|item| self.nodes(item, depth + 1))
            }
            Value::Object(members) => {
                self.step(1)?;
                members.values().try_for_each(|member| self.nodes(member, depth + 1))
            }
            Value::String(text) => self.step(1 + text.len() / BYTES_COUNTED_PER_STEP),
            _ => self.step(1),
        }
    }

    fn target(&mut self, reference: &'a str) -> Option<&'a Value> {
        if let Some(known) = self.targets.get(reference) {
            return Some(known);
        }
        let found = target(self.root, reference)?;
        self.targets.insert(reference, found);
        Some(found)
    }
}

/// How many values a value contains at its outermost level.
fn len(value: &Value) -> usize {
    match value {
        Value::Array(items) => items.len(),
        Value::Object(members) => members.len(),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// A type that contains itself through so many choices.
    fn choices(count: usize) -> Value {
        let choice = json!({ "items": { "$ref": "#/$defs/a" } });
        json!({ "type": "object", "$defs": { "a": { "anyOf": vec![choice; count] } },
            "properties": { "a": { "$ref": "#/$defs/a" } } })
    }

    fn nested(levels: usize) -> Value {
        json!({ "a": (0..levels).fold(json!([]), |inner, _| json!([inner])) })
    }

    // Law 7: what multiplies is counted, and no further than a check may go
    #[test]
    fn each_choice_of_a_type_that_contains_itself_is_counted_at_each_level() {
        let steps = |count, levels| of(&choices(count), &nested(levels)).map(|work| work.check);
        assert_eq!(steps(1, 10).unwrap() - steps(1, 9).unwrap(), 3);
        let [eight, nine, ten] = [8, 9, 10].map(|levels| steps(2, levels).unwrap());
        assert_eq!(ten - nine, 2 * (nine - eight));
        assert_eq!(steps(2, 18), Err(TooMuch));
        assert_eq!(steps(1, 300), Err(TooMuch));
    }

    #[test]
    fn a_type_that_is_nothing_but_itself_has_no_end() {
        let schema = json!({ "properties": { "a": { "$ref": "#/properties/a" } } });
        assert_eq!(of(&schema, &json!({ "a": 1 })), Err(TooMuch));
        assert!(of(&schema, &json!({ "b": 1 })).is_ok());
    }

    #[test]
    fn each_of_many_choices_is_counted_for_each_of_many_items() {
        let choices: Vec<_> = (0..1_000).map(|n| json!({ "const": n })).collect();
        let schema = json!({ "properties": { "a": { "items": { "anyOf": choices } } } });
        let work = |items| of(&schema, &json!({ "a": vec![999; items] }));
        assert_eq!(work(50), Ok(Work { check: 50_052, explain: 100_052 }));
        assert_eq!(work(100), Err(TooMuch));
    }

    #[test]
    fn explaining_a_choice_within_choices_takes_it_anew_at_each_level() {
        let schema = (0..5).fold(json!({}), |inner, _| json!({ "anyOf": [inner] }));
        assert_eq!(of(&schema, &json!(1)), Ok(Work { check: 6, explain: 6 + 5 + 4 + 3 + 2 + 1 }));
    }

    #[test]
    fn whatever_is_tried_with_many_values_is_counted() {
        let items = json!(vec![json!({ "k": 1 }); 10_000]);
        let names = |count| (0..count).map(|n| (format!("p{n}"), json!({}))).collect::<Map<_, _>>();
        let wide = Value::from(names(1_000));
        let list: Vec<_> = (0..1_000).map(|n| json!(format!("p{n}"))).collect();
        let options: Vec<_> = (0..1_000).map(|n| json!({ "k": n })).collect();
        for inner in [
            json!({ "properties": wide }),
            json!({ "patternProperties": wide }),
            json!({ "required": list }),
            json!({ "enum": options }),
            json!({ "const": wide }),
            json!({ "dependentSchemas": wide }),
            json!({ "propertyNames": { "anyOf": vec![json!({}); 1_000] } }),
            json!({ "additionalProperties": { "oneOf": vec![json!({}); 1_000] } }),
            json!({ "not": { "allOf": vec![json!({}); 1_000] } }),
        ] {
            for keyword in ["items", "contains", "additionalItems", "unevaluatedItems"] {
                let schema = json!({ keyword: inner });
                assert_eq!(of(&schema, &items), Err(TooMuch), "{}", inner.to_string().len());
                assert!(of(&schema, &json!([{ "k": 1 }])).is_ok());
            }
        }
        let same = json!({ "uniqueItems": true, "items": true });
        let values = json!(vec![vec![1; 10]; 10_000]);
        assert_eq!(of(&same, &values), Err(TooMuch));
        let text = json!("x".repeat(10_000_000));
        assert_eq!(of(&json!({ "pattern": "x" }), &text), Err(TooMuch));
        assert!(of(&json!({ "type": "string" }), &text).is_ok());
    }

    #[test]
    fn what_is_found_out_anew_for_each_member_is_multiplied() {
        let schema = |closed: bool| {
            let inner = json!({ "anyOf": vec![json!({}); 100] });
            if closed { json!({ "allOf": [inner], "unevaluatedProperties": false }) } else { inner }
        };
        let members: Map<_, _> = (0..2_000).map(|n| (n.to_string(), json!(n))).collect();
        assert!(of(&schema(false), &members.clone().into()).is_ok());
        assert_eq!(of(&schema(true), &members.into()), Err(TooMuch));
    }
}
