//! Every word of the core is on the wire and in the golden files: nothing is forgotten.
//!
//! The enums of the core may grow, and a `match` from outside cannot notice. So the words are read
//! from the core's own source.

use std::{collections::BTreeSet, fs, path::Path};

use polychat_core::{CommandError, EndReason, notice::WorldNotice};
use polychat_testkit::{
    samples::{every_command, every_event, every_live},
    transport_suite::{
        errors::{every_fault, every_refusal},
        notices::{END_REASONS, every_world_notice},
        replies::every_reply,
    },
};
use polychat_transport::wire::{WireCommand, WireNotice};
use serde_json::Value;

type Words = BTreeSet<String>;

/// The quoted words on the right of `=>` in one function of one file of the core.
fn words_of(file: &str, function: &str, nth: usize) -> Words {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../core/src").join(file);
    let source = fs::read_to_string(&path).unwrap();
    let body = source.split(function).nth(nth + 1).unwrap();
    let body = body.split("\n    }\n").next().unwrap();
    let words: Words = body
        .lines()
        .filter_map(|line| line.split("=> \"").nth(1)?.split('"').next())
        .map(String::from)
        .collect();
    assert!(words.len() > 1, "no words found in {function} of {file}");
    words
}

fn set<'a>(words: impl IntoIterator<Item = &'a str>) -> Words {
    words.into_iter().map(String::from).collect()
}

/// The string under a key of each value's JSON.
fn field<T: serde::Serialize>(values: &[T], pointer: &str) -> Words {
    let word = |value: &T| -> Option<String> {
        let json = serde_json::to_value(value).unwrap();
        json.pointer(pointer).and_then(Value::as_str).map(String::from)
    };
    values.iter().filter_map(word).collect()
}

#[test]
fn every_command_has_a_method_and_a_sample() {
    let core = words_of("command.rs", "pub fn name(&self)", 0);
    assert_eq!(core, set(WireCommand::METHODS));
    assert_eq!(core, every_command().iter().map(|command| command.name().into()).collect());
}

#[test]
fn every_event_has_a_type_and_a_sample() {
    let core = words_of("event/name.rs", "pub fn name(&self)", 0);
    assert_eq!(core, set(WireNotice::RECORDED));
    assert_eq!(core, every_event().iter().map(|event| event.name().into()).collect());
    let core = words_of("live.rs", "pub fn name(&self)", 0);
    assert_eq!(core, set(WireNotice::LIVE));
    let chat = polychat_testkit::samples::chat_id("a");
    assert_eq!(core, every_live(&chat).iter().map(|live| live.body.name().into()).collect());
}

#[test]
fn every_refusal_and_fault_has_a_sample() {
    let core = words_of("refusal.rs", "pub fn code(&self)", 0);
    assert_eq!(core, every_refusal().iter().map(|refusal| refusal.code().into()).collect());
    let core = words_of("refusal.rs", "pub fn as_str(self)", 0);
    let faults = every_fault().into_iter().map(CommandError::Fault);
    assert_eq!(core, faults.map(|fault| fault.code().into()).collect());
}

#[test]
fn every_notice_of_a_world_has_a_type_and_a_sample() {
    let wire: Words =
        set(WireNotice::WORLD_OF_CHAT).union(&set(WireNotice::WORLD)).cloned().collect();
    let samples: Vec<WorldNotice> = every_world_notice();
    assert_eq!(wire, field(&samples, "/type"));
    let core = words_of("diagnostic.rs", "pub fn as_str(&self)", 0);
    assert_eq!(core, field(&samples, "/diagnostic/kind"));
}

/// The variants of an enum of the core, counted in its source.
fn variants_of(file: &str, name: &str) -> usize {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../core/src").join(file);
    let source = fs::read_to_string(&path).unwrap();
    let body = source.split(&format!("pub enum {name} {{\n")).nth(1).unwrap();
    let body = body.split("\n}\n").next().unwrap();
    let is_variant = |line: &&str| {
        line.strip_prefix("    ").is_some_and(|rest| rest.starts_with(char::is_uppercase))
    };
    body.lines().filter(is_variant).count()
}

#[test]
fn every_reason_to_end_and_every_kind_of_reply_has_a_sample() {
    let reasons: BTreeSet<String> =
        END_REASONS.iter().map(|reason: &EndReason| format!("{reason:?}")).collect();
    assert_eq!(variants_of("notice.rs", "EndReason"), reasons.len());
    assert_eq!(
        variants_of("notice.rs", "WorldNotice"),
        field(&every_world_notice(), "/type").len()
    );
    let kinds: BTreeSet<String> = every_reply()
        .into_iter()
        .map(|(command, _)| polychat_transport::guard::Expected::of(&command).kind().into())
        .collect();
    assert_eq!(variants_of("command/reply.rs", "Reply"), kinds.len());
}
