//! The schemas of what is sent and taken, gathered from the types while operations are described.
//!
//! A type that is both sent and taken may have two schemas: what we send has each field that we
//! always write, what we take may leave out whatever has a default. Where they differ, the name of
//! the one that is taken ends in `Input`.

use std::collections::{BTreeMap, BTreeSet};

use schemars::{JsonSchema, SchemaGenerator, generate::SchemaSettings};
use serde_json::{Map, Value, json};
use utoipa::openapi::{
    ObjectBuilder, Ref, RefOr, Schema, extensions::Extensions, schema::SchemaType,
};

use crate::wire::WireReply;

/// Where schemas stand in the document.
const PLACE: &str = "#/components/schemas/";
/// What refers to a schema of something that is taken, before it is known how that is named.
const TAKEN: &str = "#/taken/";

/// What is described so far.
pub(super) struct Schemas {
    sent: SchemaGenerator,
    taken: SchemaGenerator,
    replies: BTreeMap<String, Value>,
}

/// One value of a query.
pub(super) struct Field {
    pub(super) name: String,
    pub(super) description: String,
    pub(super) required: bool,
    pub(super) schema: Value,
}

impl Schemas {
    pub(super) fn new() -> Self {
        let at = |place: &'static str| {
            SchemaSettings::draft2020_12().with(|settings| {
                settings.definitions_path = place.into();
                settings.meta_schema = None;
            })
        };
        Self {
            sent: at("/components/schemas").for_serialize().into_generator(),
            taken: at("/taken").for_deserialize().into_generator(),
            replies: BTreeMap::new(),
        }
    }

    /// What this type is when we send it.
    pub(super) fn sent<T: JsonSchema>(&mut self) -> Value {
        self.sent.subschema_for::<T>().to_value()
    }

    /// What this type is when we take it.
    pub(super) fn taken<T: JsonSchema>(&mut self) -> Value {
        self.taken.subschema_for::<T>().to_value()
    }

    /// A reply of one kind: `{ "type": kind, … }`.
    pub(super) fn reply(&mut self, kind: &str) -> Value {
        let all = WireReply::json_schema(&mut self.sent).to_value();
        let kinds = all.get("oneOf").and_then(Value::as_array).into_iter().flatten();
        let is_it = |schema: &&Value| {
            schema.pointer("/properties/type/const").and_then(Value::as_str) == Some(kind)
        };
        let reply = kinds.into_iter().find(is_it).cloned();
        self.named(kind, reply.unwrap_or_default())
    }

    /// A reply of the door's own: this type, with its kind as `type`.
    pub(super) fn tagged<T: JsonSchema>(&mut self, kind: &str) -> Value {
        let mut reply = T::json_schema(&mut self.sent).to_value();
        if let Some(Value::Object(properties)) = reply.get_mut("properties") {
            properties.insert("type".into(), json!({ "type": "string", "const": kind }));
        }
        if let Some(Value::Array(required)) = reply.get_mut("required") {
            required.push("type".into());
        }
        self.named(kind, reply)
    }

    fn named(&mut self, kind: &str, reply: Value) -> Value {
        let name = format!("{}Reply", capitalised(kind));
        let reference = refers_to(&name);
        self.replies.insert(name, reply);
        reference
    }

    /// Whether nothing at all is too little for this type.
    pub(super) fn needs_something<T: JsonSchema>(&mut self) -> bool {
        let schema = T::json_schema(&mut self.taken).to_value();
        !strings(schema.get("required")).is_empty()
    }

    /// The values of a query.
    pub(super) fn fields<T: JsonSchema>(&mut self) -> Vec<Field> {
        let schema = T::json_schema(&mut self.taken).to_value();
        let required: Vec<&str> = strings(schema.get("required"));
        let properties = schema.get("properties").and_then(Value::as_object);
        // Which order a map has depends on what else is built with it, so it is by name.
        let properties: BTreeMap<_, _> = properties.into_iter().flatten().collect();
        properties
            .into_iter()
            .map(|(name, schema)| Field {
                name: name.clone(),
                description: text_of(schema, "description"),
                required: required.contains(&name.as_str()),
                schema: of_a_query(schema.clone()),
            })
            .collect()
    }

    /// The schemas by name, once everything is described: those that these lead to.
    pub(super) fn finish<'a>(mut self, described: impl Iterator<Item = &'a Value>) -> Named {
        let mut schemas: BTreeMap<String, Value> =
            self.sent.take_definitions(true).into_iter().chain(self.replies).collect();
        schemas.values_mut().for_each(as_sent);
        let taken: BTreeMap<String, Value> =
            self.taken.take_definitions(true).into_iter().collect();
        let differs = differing(&schemas, &taken);
        let names = Names { differs };
        for (name, mut schema) in taken {
            names.settle(&mut schema);
            schemas.insert(names.of(&name), schema);
        }
        schemas.values_mut().for_each(finished);
        let mut all = Named { schemas, names };
        let mut met = BTreeSet::new();
        described.for_each(|schema| all.meet(schema.clone(), &mut met));
        all.schemas.retain(|name, _| met.contains(name));
        all
    }
}

/// The schemas that others refer to.
pub(super) struct Named {
    schemas: BTreeMap<String, Value>,
    names: Names,
}

impl Named {
    /// All of them.
    pub(super) fn all(&self) -> impl Iterator<Item = (String, RefOr<Schema>)> {
        self.schemas.iter().map(|(name, schema)| (name.clone(), carried(schema)))
    }

    /// Adds the names that this schema leads to.
    fn meet(&self, mut schema: Value, met: &mut BTreeSet<String>) {
        self.names.settle(&mut schema);
        let mut names = Vec::new();
        each_object(&mut schema, &mut |object| {
            let reference = object.get("$ref").and_then(Value::as_str);
            names.extend(reference.and_then(|to| to.strip_prefix(PLACE)).map(str::to_owned));
        });
        for name in names {
            if let Some(schema) = self.schemas.get(&name)
                && met.insert(name)
            {
                self.meet(schema.clone(), met);
            }
        }
    }

    /// A schema as it stands in the document.
    pub(super) fn settled(&self, schema: &Value) -> RefOr<Schema> {
        let mut schema = schema.clone();
        self.names.settle(&mut schema);
        finished(&mut schema);
        carried(&schema)
    }
}

/// What the schemas of taken types are called.
struct Names {
    /// Those that are not the same when they are sent.
    differs: BTreeSet<String>,
}

impl Names {
    fn of(&self, name: &str) -> String {
        if self.differs.contains(name) { format!("{name}Input") } else { name.to_owned() }
    }

    /// Lets all references lead to where schemas are.
    fn settle(&self, schema: &mut Value) {
        each_object(schema, &mut |object| {
            if let Some(Value::String(reference)) = object.get_mut("$ref")
                && let Some(name) = reference.strip_prefix(TAKEN)
            {
                *reference = format!("{PLACE}{}", self.of(name));
            }
        });
    }
}

/// The taken types whose schema is another when they are sent, by itself or by what it refers to.
fn differing(sent: &BTreeMap<String, Value>, taken: &BTreeMap<String, Value>) -> BTreeSet<String> {
    let as_if_sent = |schema: &Value| {
        let mut schema = schema.clone();
        Names { differs: BTreeSet::new() }.settle(&mut schema);
        schema
    };
    let mut differs: BTreeSet<String> = taken
        .iter()
        .filter(|(name, schema)| sent.get(*name).is_some_and(|sent| *sent != as_if_sent(schema)))
        .map(|(name, _)| name.clone())
        .collect();
    loop {
        let more: Vec<String> = taken
            .iter()
            .filter(|(name, _)| sent.contains_key(*name) && !differs.contains(*name))
            .filter(|(_, schema)| {
                let text = schema.to_string();
                differs.iter().any(|name| text.contains(&format!("\"{TAKEN}{name}\"")))
            })
            .map(|(name, _)| name.clone())
            .collect();
        if more.is_empty() {
            return differs;
        }
        differs.extend(more);
    }
}

/// A schema in the form that `utoipa` has for one. Its own forms know less of JSON Schema than the
/// types need, so everything but a reference is carried as it is.
fn carried(schema: &Value) -> RefOr<Schema> {
    let Some(object) = schema.as_object() else {
        return ObjectBuilder::new().schema_type(SchemaType::AnyValue).into();
    };
    if let Some(reference) =
        object.get("$ref").and_then(Value::as_str).filter(|_| object.len() == 1)
    {
        return RefOr::Ref(Ref::new(reference));
    }
    let keywords: Extensions = object.iter().map(|(key, value)| (key, value.clone())).collect();
    ObjectBuilder::new().schema_type(SchemaType::AnyValue).extensions(Some(keywords)).into()
}

/// A reference to what has this name.
pub(super) fn refers_to(name: &str) -> Value {
    json!({ "$ref": format!("{PLACE}{name}") })
}

/// What the types do not say by themselves: how large a number may be. And descriptions are written
/// for readers of Rust: what is a link there is a word here, and a line ends where a paragraph does.
fn finished(schema: &mut Value) {
    each_object(schema, &mut |object| {
        if let Some(Value::String(text)) = object.get_mut("description") {
            *text = plain(text);
        }
        let maximum = match object.get("format").and_then(Value::as_str) {
            Some("uint" | "uint64") => u64::MAX,
            Some("uint32") => u64::from(u32::MAX),
            _ => return,
        };
        object.entry("maximum").or_insert(maximum.into());
    });
}

/// Without links and line breaks.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("[`") {
        plain.push_str(before);
        let Some((word, after)) = after.split_once("`]") else { break };
        plain.push('`');
        plain.push_str(word);
        plain.push('`');
        rest = match after.strip_prefix('(').and_then(|target| target.split_once(')')) {
            Some((_, after)) => after,
            None => after,
        };
    }
    plain.push_str(rest);
    plain
        .split("\n\n")
        .map(|paragraph| paragraph.replace('\n', " "))
        .collect::<Vec<_>>()
        .join("\n\n")
}

/// What may be left out is left out, and never null: so it is with all that we send, and in a query.
fn never_null(schema: &mut Value) {
    let Some(object) = schema.as_object_mut() else { return };
    if object.get("default").is_some_and(Value::is_null) {
        object.remove("default");
    }
    if let Some(Value::Array(types)) = object.get_mut("type") {
        types.retain(|name| name != "null");
        if let [single] = types.as_slice() {
            let single = single.clone();
            object.insert("type".into(), single);
        }
    }
    let Some(Value::Array(any)) = object.get_mut("anyOf") else { return };
    any.retain(|one| one.get("type").and_then(Value::as_str) != Some("null"));
    if let [Value::Object(single)] = any.as_slice() {
        let single = single.clone();
        object.remove("anyOf");
        for (keyword, value) in single {
            object.entry(keyword).or_insert(value);
        }
    }
}

/// A value of a query, which has a description of its own.
fn of_a_query(mut schema: Value) -> Value {
    never_null(&mut schema);
    if let Some(object) = schema.as_object_mut() {
        object.remove("description");
    }
    schema
}

/// A type as we send it.
fn as_sent(schema: &mut Value) {
    each_object(schema, &mut |object| {
        let required = object.get("required").cloned();
        let required = strings(required.as_ref());
        let Some(Value::Object(properties)) = object.get_mut("properties") else { return };
        for (name, schema) in properties {
            if !required.contains(&name.as_str()) {
                never_null(schema);
            }
        }
    });
}

fn each_object(value: &mut Value, visit: &mut impl FnMut(&mut Map<String, Value>)) {
    match value {
        Value::Object(object) => {
            visit(object);
            object.values_mut().for_each(|value| each_object(value, visit));
        }
        Value::Array(values) => values.iter_mut().for_each(|value| each_object(value, visit)),
        _ => {}
    }
}

fn strings(list: Option<&Value>) -> Vec<&str> {
    list.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect()
}

fn text_of(schema: &Value, key: &str) -> String {
    plain(schema.get(key).and_then(Value::as_str).unwrap_or_default())
}

fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect()
}
