//! Golden files: the frozen wire form, one file per group, each item of which decodes back.
//!
//! After a change that is meant, `POLYCHAT_BLESS=1 cargo test -p polychat-transport golden` writes
//! them anew; the difference then shows what it means for those who read the wire.

use std::{env, fs, path::PathBuf};

use polychat_core::{Cursor, Epoch, Notice, Scope, StartAt};
use polychat_testkit::{
    samples::{chat_id, every_command, seq, world_id},
    transport_suite::{
        errors::{every_fault, every_refusal},
        notices::{END_REASONS, every_chat_notice, every_world_notice},
        replies::every_reply,
    },
};
use polychat_transport::{
    guard::Expected,
    wire::{
        EventEncoder, WireLimits, decode_command, decode_error, decode_notice, decode_reply,
        decode_subscribe, encode_command, encode_error, encode_notice, encode_reply,
        encode_subscribe,
    },
};
use serde_json::Value;

/// Compares the frames with the golden file of this group, or writes it, and gives back what the
/// file holds: one frame per item.
///
/// In the files the fields of an object stand in the order of their names. JSON does not care, and
/// the order of attached objects depends on a feature of `serde_json` that any crate may turn on.
pub(super) fn golden(group: &str, frames: &[Vec<u8>]) -> Vec<String> {
    let path: PathBuf =
        [env!("CARGO_MANIFEST_DIR"), "tests", "golden", &format!("{group}.json")].iter().collect();
    let items: Vec<Value> = frames.iter().map(|frame| sorted(frame)).collect();
    let text = format!("{}\n", serde_json::to_string_pretty(&items).unwrap());
    if env::var_os("POLYCHAT_BLESS").is_some() {
        fs::write(&path, &text).unwrap();
    }
    let golden = fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("{}: {error}; POLYCHAT_BLESS=1 writes it", path.display()));
    let was: Vec<Value> = serde_json::from_str(&golden).unwrap();
    for (n, (is, was)) in items.iter().zip(&was).enumerate() {
        assert_eq!(is, was, "item {n} of {group}.json");
    }
    assert!(text == golden, "{group}.json has other items or another layout");
    was.iter().map(Value::to_string).collect()
}

/// The value of a frame, its fields sorted.
fn sorted(frame: &[u8]) -> Value {
    let mut value: Value = serde_json::from_slice(frame).unwrap();
    // A value cannot hold a field twice, so a frame that does would have got shorter.
    assert_eq!(value.to_string().len(), frame.len(), "a field stands twice in {value}");
    value.sort_all_objects();
    value
}

fn limits() -> WireLimits {
    WireLimits::default()
}

#[test]
fn golden_commands() {
    let commands = every_command();
    let frames: Vec<_> =
        commands.iter().map(|command| encode_command(command.clone()).unwrap()).collect();
    let items = golden("commands", &frames);
    for (item, command) in items.iter().zip(commands) {
        assert_eq!(decode_command(item.as_bytes(), &limits()), Ok(command));
    }
}

#[test]
fn golden_subscriptions() {
    let cursor = Cursor { seq: seq(7), epoch: Epoch(3), live: 2, offset: 11 };
    let subscriptions = [
        (Scope::Chat(chat_id("a")), StartAt::Start),
        (Scope::Chat(chat_id("a")), StartAt::Now),
        (Scope::Chat(chat_id("a")), StartAt::After(cursor)),
        (Scope::World, StartAt::Now),
    ];
    let encode =
        |(scope, start): &(Scope, StartAt)| encode_subscribe(scope.clone(), start.clone()).unwrap();
    let items = golden("subscriptions", &subscriptions.iter().map(encode).collect::<Vec<_>>());
    for (item, subscription) in items.iter().zip(subscriptions) {
        assert_eq!(decode_subscribe(item.as_bytes(), &limits()), Ok(subscription));
    }
}

#[test]
fn golden_replies() {
    let replies = every_reply();
    let frames: Vec<_> =
        replies.iter().map(|(_, reply)| encode_reply(reply.clone()).unwrap()).collect();
    let items = golden("replies", &frames);
    for (item, (command, reply)) in items.iter().zip(replies) {
        let expected = Expected::of(&command);
        assert_eq!(decode_reply(item.as_bytes(), &expected, &limits()), Ok(reply));
    }
}

fn errors(group: &str, errors: Vec<polychat_core::CommandError>) {
    let items = golden(group, &errors.iter().map(encode_error).collect::<Vec<_>>());
    for (item, error) in items.iter().zip(errors) {
        let json: Value = serde_json::from_str(item).unwrap();
        assert_eq!(json["code"], error.code());
        assert_eq!(json["retryable"], error.retryable());
        let after = error.retry_after().map(|after| u64::try_from(after.as_millis()).unwrap());
        assert_eq!(json.get("retryAfterMs").and_then(Value::as_u64), after);
        assert_eq!(decode_error(item.as_bytes(), &limits()), Ok(error));
    }
}

#[test]
fn golden_refusals() {
    errors("refusals", every_refusal().into_iter().map(Into::into).collect());
}

#[test]
fn golden_faults() {
    errors("faults", every_fault().into_iter().map(Into::into).collect());
}

fn notices(group: &str, scoped: Vec<(Scope, Notice)>) {
    let (world, encoder) = (world_id("w"), EventEncoder::new());
    let encode =
        |(scope, notice): &(Scope, Notice)| encode_notice(&world, scope, notice, &encoder).unwrap();
    let items = golden(group, &scoped.iter().map(encode).collect::<Vec<_>>());
    for (item, (scope, notice)) in items.iter().zip(scoped) {
        assert_eq!(decode_notice(item.as_bytes(), &world, &scope, &limits()), Ok(notice));
    }
}

fn of_chat(keep: fn(&Notice) -> bool) -> Vec<(Scope, Notice)> {
    let chat = chat_id("a");
    let notices = every_chat_notice(&chat).into_iter().filter(keep);
    notices.map(|notice| (Scope::Chat(chat.clone()), notice)).collect()
}

#[test]
fn golden_recorded_events() {
    notices("recorded", of_chat(|notice| matches!(notice, Notice::Recorded { .. })));
}

#[test]
fn golden_live_events() {
    notices("live", of_chat(|notice| matches!(notice, Notice::Live { .. })));
}

#[test]
fn golden_world_notices() {
    let of_world = every_world_notice().into_iter().map(Notice::World);
    notices("world", of_world.map(|notice| (Scope::World, notice)).collect());
}

#[test]
fn golden_ends() {
    let scopes = [Scope::Chat(chat_id("a")), Scope::World];
    let ends = scopes
        .iter()
        .flat_map(|scope| END_REASONS.map(|reason| (scope.clone(), Notice::Ended(reason))));
    notices("ended", ends.collect());
}
