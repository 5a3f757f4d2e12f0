//! What is sent and taken fits the schemas that describe it, and nothing else does.

use std::collections::BTreeMap;

use axum::http::Method;
use polychat_core::{Notice, Scope};
use polychat_testkit::{
    samples::{chat_id, every_command, world_id},
    transport_suite::{
        errors::every_error,
        notices::{END_REASONS, every_chat_notice, every_world_notice},
        replies::every_reply,
    },
};
use polychat_transport::{
    http::{HttpOptions, Problem},
    wire::{EventEncoder, encode_notice},
};
use serde_json::{Value, json};

use super::{document, operations, response, validator};
use crate::http::{
    ask, door,
    rest::{Asked, answering, asked},
};

/// The operation that a request below a world meets: of two that fit, the one that says more.
fn met<'a>(document: &'a Value, method: &Method, path: &str) -> &'a Value {
    let path = path.split('?').next().unwrap();
    let fits = |described: &str| {
        let described = described.strip_prefix("/v1/worlds/{world}").unwrap_or("no world");
        let (of, asked) = (described.split('/'), path.split('/'));
        of.clone().count() == asked.clone().count()
            && of.zip(asked).all(|(of, asked)| of.starts_with('{') || of == asked)
    };
    let method = method.as_str().to_lowercase();
    let all = operations(document);
    let mut fitting = all.iter().filter(|(by, of, _)| *by == method && fits(of));
    let names = |path: &str| path.matches('{').count();
    let first = fitting.next().unwrap_or_else(|| panic!("{method} {path} is not described"));
    fitting.fold(first, |best, next| if names(next.1) < names(best.1) { next } else { best }).2
}

fn check(document: &Value, schema: &Value, value: &Value) {
    assert!(!schema.is_null(), "nothing describes {value}");
    let validator = validator(document, schema);
    let wrong: Vec<String> = validator.iter_errors(value).map(|error| error.to_string()).collect();
    assert!(wrong.is_empty(), "{value}\nis not\n{schema}\n{wrong:#?}");
}

// issue 6
#[test]
fn what_every_command_takes_is_described() {
    let document = document();
    for command in every_command() {
        let Asked { method, path, body } = asked(command);
        let operation = met(&document, &method, &path);
        if let Some(body) = &body {
            let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
            check(&document, schema, body);
            // A body is strict: what is described is all that there is.
            let mut more = body.clone();
            more["unheardOf"] = json!(1);
            let strict = validator(&document, schema);
            assert!(!strict.is_valid(&more), "{method} {path} would take anything");
        }
        let pairs = path.split_once('?').map_or("", |(_, query)| query).split('&');
        for name in pairs.filter(|pair| !pair.is_empty()).map(|pair| pair.split('=').next()) {
            let parameters = operation["parameters"].as_array().unwrap();
            let described = parameters.iter().any(|parameter| parameter["name"] == name.unwrap());
            assert!(described, "{method} {path}: {name:?}");
        }
    }
}

// issue 6
#[tokio::test]
async fn what_is_answered_is_described_under_its_status_and_no_other_answer_fits() {
    let document = document();
    let mut answers = Vec::new();
    for (command, reply) in every_reply() {
        let router = door(answering(vec![(command.clone(), reply)]), HttpOptions::default());
        let Asked { method, path, body } = asked(command);
        let answer = ask(&router, method.clone(), &path, body.as_ref()).await;
        let operation = met(&document, &method, &path);
        let response = response(&document, operation, answer.status.as_str());
        let schema = response["content"]["application/json"]["schema"].clone();
        check(&document, &schema, &answer.json());
        answers.push((schema, answer.json()));
    }
    for (schema, _) in &answers {
        let validator = validator(&document, schema);
        for (other, answer) in &answers {
            assert_eq!(validator.is_valid(answer), schema == other, "{schema}: {answer}");
        }
    }
    for path in ["/agents", "/chats/a/approvals"] {
        let router = door(answering(Vec::new()), HttpOptions::default());
        let answer = ask(&router, Method::GET, path, None).await;
        let operation = met(&document, &Method::GET, path);
        let response = response(&document, operation, "200");
        let schema = &response["content"]["application/json"]["schema"];
        check(&document, schema, &answer.json());
        let mut other = answer.json();
        other["type"] = json!("other");
        assert!(!validator(&document, schema).is_valid(&other), "{path}");
    }
}

// issue 6: problem details with the stable code
#[test]
fn every_refusal_and_fault_is_described_under_its_status() {
    let document = document();
    let send = met(&document, &Method::POST, "/chats/a/prompts");
    let mut validators = BTreeMap::new();
    for error in every_error() {
        let problem = Problem::new(&error);
        let validator = validators.entry(problem.status()).or_insert_with(|| {
            let response = response(&document, send, problem.status().as_str());
            validator(&document, &response["content"]["application/problem+json"]["schema"])
        });
        let mut problem = serde_json::to_value(problem).unwrap();
        assert!(validator.is_valid(&problem), "{problem}");
        problem["code"] = json!("unheard_of");
        assert!(!validator.is_valid(&problem), "{problem}");
    }
}

/// The schema of what stands in the data of an event of this name.
fn data_of(document: &Value, path: &str, name: &str) -> Value {
    let operation = met(document, &Method::GET, path);
    let event = &operation["responses"]["200"]["content"]["text/event-stream"]["schema"];
    let streams = match event["anyOf"].as_array() {
        Some(streams) => streams.clone(),
        None => vec![event.clone()],
    };
    let events = streams.iter().flat_map(|stream| stream["oneOf"].as_array().unwrap());
    let named = events.filter(|event| event["properties"]["event"]["const"] == name);
    let data = named.map(|event| event["properties"]["data"]["contentSchema"].clone());
    json!({ "anyOf": data.collect::<Vec<_>>() })
}

// issue 6: a schema for server-sent events
#[test]
fn every_notice_is_described() {
    let (document, world, chat) = (document(), world_id("w"), chat_id("a"));
    let encoder = EventEncoder::new();
    let encoded = |scope: &Scope, notice: &Notice| -> Value {
        serde_json::from_slice(&encode_notice(&world, scope, notice, &encoder).unwrap()).unwrap()
    };
    let data = |path, name| validator(&document, &data_of(&document, path, name));
    let (of_chat, of_all) = (data("/chats/a/events", "message"), data("/events", "message"));
    let (end_of_chat, end_of_any) = (data("/chats/a/events", "ended"), data("/events", "ended"));
    let scope = Scope::Chat(chat.clone());
    for notice in every_chat_notice(&chat) {
        let is_end = matches!(notice, Notice::Ended(_));
        let (one, any) = if is_end { (&end_of_chat, &end_of_any) } else { (&of_chat, &of_all) };
        let notice = encoded(&scope, &notice);
        assert!(one.is_valid(&notice) && any.is_valid(&notice), "{notice}");
        let mut unknown = notice.clone();
        unknown["event"]["type"] = json!("unheard.of");
        assert!(!one.is_valid(&unknown) && !any.is_valid(&unknown), "{unknown}");
        let mut foreign = notice;
        foreign["event"]["chatId"] = json!("");
        assert!(!one.is_valid(&foreign) && !any.is_valid(&foreign), "{foreign}");
    }
    for notice in every_world_notice() {
        let notice = encoded(&Scope::World, &Notice::World(notice));
        assert!(of_all.is_valid(&notice), "{notice}");
        assert!(!of_chat.is_valid(&notice), "{notice}");
    }
    for reason in END_REASONS {
        for scope in [&scope, &Scope::World] {
            let notice = encoded(scope, &Notice::Ended(reason));
            assert!(end_of_any.is_valid(&notice), "{notice}");
        }
    }
}
