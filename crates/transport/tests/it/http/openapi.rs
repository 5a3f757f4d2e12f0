//! The document that describes the door: current, whole, and true of what is sent and taken.
//!
//! `POLYCHAT_BLESS=1 cargo test -p polychat-transport openapi` writes it anew.

use std::{collections::BTreeSet, env, fs, path::PathBuf, sync::Arc};

use axum::{
    body::Body,
    http::{Request, header::CONTENT_TYPE},
};
use jsonschema::Validator;
use polychat_core::Reply;
use polychat_testkit::fake_world::FakeWorld;
use polychat_transport::http::{self, HttpOptions};
use serde_json::{Value, json};

use super::{door, send};

mod fits;
mod routes;

/// What an operation may be asked by; whatever else stands in a path item is none.
const METHODS: [&str; 8] = ["get", "put", "post", "delete", "patch", "head", "options", "trace"];

fn document() -> Value {
    serde_json::to_value(http::openapi()).unwrap()
}

/// Method, path and what is said of it, of all operations.
fn operations(document: &Value) -> Vec<(&str, &str, &Value)> {
    let paths = document["paths"].as_object().unwrap();
    let of_path = |(path, item): (&'_ String, &'_ Value)| {
        assert!(item.as_object().unwrap().keys().all(|key| METHODS.contains(&&**key)), "{path}");
    };
    paths.iter().for_each(of_path);
    let operations = paths.iter().flat_map(|(path, item)| {
        let methods = item.as_object().unwrap().iter();
        methods.map(move |(method, operation)| (method.as_str(), path.as_str(), operation))
    });
    operations.collect()
}

/// What checks values against a schema that may refer to others of the document.
fn validator(document: &Value, schema: &Value) -> Validator {
    let whole = json!({ "allOf": [schema], "components": document["components"] });
    jsonschema::validator_for(&whole).unwrap()
}

/// A response of an operation, wherever it stands.
fn response<'a>(document: &'a Value, operation: &'a Value, status: &str) -> &'a Value {
    let response = &operation["responses"][status];
    match response["$ref"].as_str() {
        Some(reference) => document.pointer(reference.strip_prefix('#').unwrap()).unwrap(),
        None => response,
    }
}

// issue 6: OpenAPI from the code, current
#[test]
fn the_openapi_document_that_is_committed_is_current() {
    let path: PathBuf = [env!("CARGO_MANIFEST_DIR"), "openapi.json"].iter().collect();
    let current = http::openapi::to_json(&http::openapi());
    if env::var_os("POLYCHAT_BLESS").is_some() {
        fs::write(&path, &current).unwrap();
    }
    let committed = fs::read_to_string(&path).unwrap();
    let differs = committed.lines().zip(current.lines()).find(|(was, is)| was != is);
    assert_eq!(differs, None, "POLYCHAT_BLESS=1 writes openapi.json anew");
    assert_eq!(committed.len(), current.len(), "POLYCHAT_BLESS=1 writes openapi.json anew");
}

fn each_value(value: &Value, look: &mut impl FnMut(&Value)) {
    look(value);
    match value {
        Value::Object(object) => object.values().for_each(|value| each_value(value, look)),
        Value::Array(values) => values.iter().for_each(|value| each_value(value, look)),
        _ => {}
    }
}

// issue 6
#[test]
fn every_reference_leads_somewhere_and_everything_is_referred_to() {
    let document = document();
    let mut referred = BTreeSet::new();
    each_value(&document, &mut |value| {
        if let Some(reference) = value["$ref"].as_str() {
            assert!(
                document.pointer(reference.strip_prefix('#').unwrap()).is_some(),
                "{reference}"
            );
            referred.insert(reference.to_owned());
        }
    });
    for (sort, named) in document["components"].as_object().unwrap() {
        for name in named.as_object().unwrap().keys() {
            let reference = format!("#/components/{sort}/{name}");
            // Only a server that wants to know who asks answers these.
            let secured = ["Unauthorized", "TooSlow"].contains(&&**name);
            assert!(secured || referred.contains(&reference), "{reference} is of no use");
        }
    }
}

// issue 6
#[test]
fn every_operation_has_a_name_of_its_own_and_says_what_its_path_names() {
    let document = document();
    let mut names = BTreeSet::new();
    let tags: Vec<&Value> =
        document["tags"].as_array().unwrap().iter().map(|tag| &tag["name"]).collect();
    for (method, path, operation) in operations(&document) {
        assert!(names.insert(operation["operationId"].as_str().unwrap()), "{method} {path}");
        assert!(operation["summary"].as_str().is_some_and(|summary| !summary.is_empty()));
        assert!(tags.contains(&&operation["tags"][0]), "{method} {path}");
        let in_path = |name: &str| {
            operation["parameters"].as_array().into_iter().flatten().any(|parameter| {
                parameter["in"] == "path"
                    && parameter["name"] == name
                    && parameter["required"] == true
            })
        };
        let named = path.split('/').filter_map(|step| step.strip_prefix('{')?.strip_suffix('}'));
        named.for_each(|name| assert!(in_path(name), "{method} {path}: {name}"));
    }
    assert!(names.len() > 30, "{}", names.len());
}

// issue 6: a bearer token is always needed
#[test]
fn a_door_with_tokens_says_so_of_every_operation() {
    let open = document();
    assert_eq!(open["security"], Value::Null);
    let secured = serde_json::to_value(http::openapi::with_bearer(http::openapi())).unwrap();
    assert_eq!(secured["security"], json!([{ "bearer": [] }]));
    assert_eq!(secured["components"]["securitySchemes"]["bearer"]["scheme"], "bearer");
    for (method, path, operation) in operations(&secured) {
        let unauthorized = response(&secured, operation, "401");
        assert!(unauthorized["content"]["application/problem+json"].is_object(), "{method} {path}");
    }
}

// issue 6: at `/v1/openapi.json`
#[tokio::test]
async fn the_document_is_served_and_says_of_tokens_what_the_door_does() {
    for (wants_bearer, expected) in
        [(false, http::openapi()), (true, http::openapi::with_bearer(http::openapi()))]
    {
        let mut options = HttpOptions::default();
        options.wants_bearer = wants_bearer;
        let router = door(Arc::new(FakeWorld::always(Ok(Reply::Done))), options);
        let request = Request::get("/v1/openapi.json").body(Body::empty()).unwrap();
        let answer = send(&router, request).await;
        assert_eq!(
            (answer.status.as_u16(), answer.header(CONTENT_TYPE)),
            (200, "application/json")
        );
        assert_eq!(answer.json(), serde_json::to_value(expected).unwrap());
    }
}
