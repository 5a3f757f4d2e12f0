//! The TypeScript declarations that clients are built against.
//!
//! `POLYCHAT_BLESS=1 cargo test -p polychat-transport --all-features types` writes them anew.

use std::{env, fs, path::PathBuf};

use polychat_testkit::samples::every_command;
use polychat_transport::{guard::Expected, typescript};

fn path() -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "../../clients/javascript/types/wire.d.ts"].iter().collect()
}

// Issue 5: one set of types, committed, current
#[test]
fn the_declarations_of_the_javascript_client_are_current() {
    let current = typescript::declarations();
    if env::var_os("POLYCHAT_BLESS").is_some() {
        fs::write(path(), &current).unwrap();
    }
    let committed = fs::read_to_string(path()).unwrap();
    let differs = committed.lines().zip(current.lines()).find(|(was, is)| was != is);
    assert_eq!(differs, None, "POLYCHAT_BLESS=1 writes wire.d.ts anew");
    assert_eq!(committed.len(), current.len(), "POLYCHAT_BLESS=1 writes wire.d.ts anew");
}

/// The names that are declared.
fn declared(source: &str) -> Vec<&str> {
    source
        .lines()
        .filter_map(|line| line.strip_prefix("export type ")?.split_once(" = "))
        .map(|(name, _)| name)
        .collect()
}

#[test]
fn every_type_is_declared_once_and_no_number_is_a_bigint() {
    let source = typescript::declarations();
    let mut names = declared(&source);
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count);
    assert!(count > 60, "{count}");
    // A type that `ts_rs` does not know as ours would be written as its Rust name.
    for wrong in ["bigint", "Arc<", "Option<", "Vec<", ": any"] {
        assert!(!source.contains(wrong), "{wrong}");
    }
}

#[test]
fn every_command_is_declared_with_the_reply_that_it_gets() {
    let commands = every_command();
    let replies: Vec<(&str, &str)> = typescript::replies().collect();
    for command in &commands {
        let expected = (command.name(), Expected::of(command).kind());
        assert!(replies.contains(&expected), "{expected:?}");
    }
    let methods: Vec<&str> = replies.iter().map(|(method, _)| *method).collect();
    assert_eq!(methods, polychat_transport::wire::WireCommand::METHODS);
}
