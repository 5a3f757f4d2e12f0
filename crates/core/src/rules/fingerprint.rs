//! A number by which two bodies are told apart without keeping either.

use std::{
    hash::{DefaultHasher, Hasher},
    io::Write,
};

use serde_json::{Map, Value};

use crate::{content::Part, event::PromptBody};

/// The same for bodies that say the same; the order of an object's keys says nothing.
///
/// It is made anew at each replay, and never stored.
pub(super) fn fingerprint(body: &PromptBody) -> u128 {
    let PromptBody { parts, metadata, agent, context } = body;
    let mut sink = Sink([DefaultHasher::new(), DefaultHasher::new()]);
    // Two hashers that differ in their first byte make one of twice the width.
    sink.0[1].write_u8(1);
    for part in parts {
        match part {
            Part::Opaque { provider, data } => {
                sink.word("opaque");
                sink.word(provider);
                sink.value(data);
            }
            Part::Text { .. } | Part::Blob { .. } => sink.json(part),
        }
    }
    sink.json(agent);
    for object in [metadata.object(), context.object()] {
        sink.word("object");
        object.into_iter().for_each(|object| sink.object(object));
    }
    let [low, high] = sink.0.map(|hasher| u128::from(hasher.finish()));
    (high << 64) | low
}

struct Sink([DefaultHasher; 2]);

impl Sink {
    fn word(&mut self, word: &str) {
        self.json(word);
    }

    /// For what holds no objects with free keys.
    fn json(&mut self, value: &(impl serde::Serialize + ?Sized)) {
        // Writing into a hasher cannot fail, and all of these are serialisable.
        let _ = serde_json::to_writer(self, value);
    }

    fn value(&mut self, value: &Value) {
        match value {
            Value::Object(object) => self.object(object),
            Value::Array(values) => {
                self.word("array");
                self.json(&values.len());
                values.iter().for_each(|value| self.value(value));
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => self.json(value),
        }
    }

    fn object(&mut self, object: &Map<String, Value>) {
        let mut entries: Vec<_> = object.iter().collect();
        entries.sort_unstable_by_key(|(key, _)| key.as_str());
        self.word("{");
        self.json(&entries.len());
        for (key, value) in entries {
            self.word(key);
            self.value(value);
        }
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.iter_mut().for_each(|hasher| hasher.write(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn with(metadata: &str) -> u128 {
        let metadata: Map<String, Value> = serde_json::from_str(metadata).unwrap();
        fingerprint(&PromptBody { metadata: metadata.into(), ..PromptBody::text("hi") })
    }

    #[test]
    fn what_says_the_same_is_the_same_whatever_the_order_of_its_keys() {
        assert_eq!(with(r#"{"a":1,"b":{"c":[1],"d":2}}"#), with(r#"{"b":{"d":2,"c":[1]},"a":1}"#));
    }

    #[test]
    fn whatever_differs_tells_two_bodies_apart() {
        let text = PromptBody::text("hi");
        let part = |data| Part::Opaque { provider: "p".into(), data };
        let opaque = |data| PromptBody { parts: vec![part(data)], ..PromptBody::default() };
        let in_context = Map::from_iter([("a".to_owned(), json!(1))]);
        let all = [
            fingerprint(&text),
            fingerprint(&PromptBody::text("hi ")),
            fingerprint(&PromptBody { agent: crate::AgentName::new("b").ok(), ..text.clone() }),
            fingerprint(&PromptBody { context: in_context.into(), ..text }),
            with(r#"{"a":1}"#),
            with(r#"{"a":"1"}"#),
            with(r#"{"a":[1]}"#),
            fingerprint(&opaque(json!([]))),
            fingerprint(&opaque(json!({}))),
            fingerprint(&opaque(json!([[1], 2]))),
            fingerprint(&opaque(json!([[1, 2]]))),
        ];
        let distinct: std::collections::BTreeSet<_> = all.iter().collect();
        assert_eq!(distinct.len(), all.len());
    }
}
