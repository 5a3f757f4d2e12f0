//! Whom a text addresses: a pure function of the text and the world's agents.

use polychat_core::{
    AgentTable,
    rules::{Addressed, addressed, mentioned},
};
use proptest::{collection::vec, prelude::*, sample::select};

use super::broadcast::world_of;

#[test]
fn a_mention_begins_a_paragraph_and_is_an_agents_name() {
    let table = world_of(&["b", "b2", "Ünï"]);
    let cases = [
        ("@b hi", Some("b")),
        ("  @b: hi", Some("b")),
        ("@b", Some("b")),
        ("@b, @b2", Some("b")),
        ("@b2!", Some("b2")),
        ("@Ünï?", Some("Ünï")),
        ("hello\n\n@b hi", Some("b")),
        ("hello\n@b hi", None),
        ("hello @b", None),
        ("@B hi", None),
        ("@ b", None),
        ("@nobody\n\n@b", Some("b")),
        ("@all\n\n@b", Some("b")),
        ("```\n\n@b\n```\n\n@b2", Some("b2")),
        ("@", None),
        ("", None),
    ];
    for (text, expected) in cases {
        assert_eq!(mentioned(text, &table).map(|name| name.as_str()), expected, "{text:?}");
    }
}

/// Whom a text addresses, as a word.
fn meant(text: &str, table: &AgentTable) -> String {
    match addressed(text, table) {
        Addressed::Nobody => "-".into(),
        Addressed::One(agent) => agent.to_string(),
        Addressed::All => "ALL".into(),
        _ => "?".into(),
    }
}

#[test]
fn what_addresses_whom() {
    let mut table = world_of(&["b", "all-in"]);
    // text, with both options on, with mentions only, with broadcasts only
    let cases = [
        ("@all", "ALL", "-", "ALL"),
        ("@all: hi", "ALL", "-", "ALL"),
        ("  \t@all, hi", "ALL", "-", "ALL"),
        ("hi\n\n@all", "ALL", "-", "ALL"),
        ("hi\r\n \r\n@all!", "ALL", "-", "ALL"),
        ("@all\u{3000}hi", "ALL", "-", "ALL"),
        ("@b\n\n@all", "b", "b", "ALL"),
        ("@all\n\n@b", "ALL", "b", "ALL"),
        ("@nobody\n\n@all", "ALL", "-", "ALL"),
        ("@all-in", "all-in", "all-in", "-"),
        ("@ALL", "-", "-", "-"),
        ("@All", "-", "-", "-"),
        ("@allow", "-", "-", "-"),
        ("@ all", "-", "-", "-"),
        ("@@all", "-", "-", "-"),
        ("hi @all", "-", "-", "-"),
        ("hi\n@all", "-", "-", "-"),
        ("> @all", "-", "-", "-"),
        ("- @all", "-", "-", "-"),
        ("`@all`", "-", "-", "-"),
        ("(@all)", "-", "-", "-"),
        ("", "-", "-", "-"),
        ("@", "-", "-", "-"),
        // Code addresses nobody, however many paragraphs it has.
        ("```\na\n\n@all\n```", "-", "-", "-"),
        ("```rust\n\n@b\n```\n\n@all", "ALL", "-", "ALL"),
        ("~~~\n\n@all\n\n```\n\n@b\n~~~\n", "-", "-", "-"),
        ("````\n\n```\n\n@all\n````", "-", "-", "-"),
        ("```\n\n@all", "-", "-", "-"),
        ("``` code ``` in a line\n\n@all", "ALL", "-", "ALL"),
        ("``\n\n@all\n``", "ALL", "-", "ALL"),
        // Behind the fence a paragraph needs its empty line as everywhere.
        ("```\n```\n@all", "-", "-", "-"),
    ];
    for (text, both, mentions, broadcast) in cases {
        for (options, expected) in
            [((true, true), both), ((true, false), mentions), ((false, true), broadcast)]
        {
            (table.settings.mentions, table.settings.broadcast) = options;
            assert_eq!(meant(text, &table), expected, "{text:?} with {options:?}");
        }
        (table.settings.mentions, table.settings.broadcast) = (false, false);
        assert_eq!(meant(text, &table), "-", "{text:?} with nothing allowed");
    }
}

/// Text made of what matters here, in any order.
fn text() -> impl Strategy<Value = String> {
    let pieces =
        ["@", "@all", "@b", "@guide", "@zz", "all", " ", "\n", "\n\n", "\r\n", "\t", "```", "~~~"];
    let punctuation = [",", ":", ".", "!", "> ", "- ", "x", "\u{3000}", "\u{2028}", "ü"];
    let pieces: Vec<_> = pieces.into_iter().chain(punctuation).collect();
    prop_oneof![vec(select(pieces), 0..24).prop_map(|all| all.concat()), "\\PC{0,40}"]
}

fn table() -> impl Strategy<Value = AgentTable> {
    let names = select(vec![vec![], vec!["b"], vec!["b", "all"]]);
    (names, any::<bool>(), any::<bool>()).prop_map(|(names, mentions, broadcast)| {
        let mut table = world_of(&names);
        (table.settings.mentions, table.settings.broadcast) = (mentions, broadcast);
        table
    })
}

/// Whether some line that begins a paragraph begins with `@`.
fn has_call(text: &str) -> bool {
    let lines: Vec<_> = text.lines().map(str::trim).collect();
    let begins = |at: usize| at == 0 || lines[at - 1].is_empty();
    (0..lines.len()).any(|at| begins(at) && lines[at].starts_with('@'))
}

proptest! {
    #[test]
    fn only_agents_of_the_table_are_addressed_and_only_as_far_as_it_allows(
        text in text(), table in table()
    ) {
        match addressed(&text, &table) {
            Addressed::One(agent) => {
                prop_assert!(table.get(agent).is_some() && table.settings.mentions);
                let call = format!("@{agent}");
                prop_assert!(text.contains(&call));
            }
            Addressed::All => {
                prop_assert!(table.settings.broadcast && text.contains("@all"));
                prop_assert!(!table.agents.contains_key("all"));
            }
            _ => {}
        }
        let mut mentions_only = table;
        (mentions_only.settings.mentions, mentions_only.settings.broadcast) = (true, false);
        let named = mentioned(&text, &mentions_only);
        let expected = named.map_or(Addressed::Nobody, Addressed::One);
        prop_assert_eq!(addressed(&text, &mentions_only), expected);
    }

    #[test]
    fn a_text_without_a_call_at_a_paragraphs_start_addresses_nobody(
        text in text(), table in table()
    ) {
        if !has_call(&text) {
            prop_assert_eq!(meant(&text, &table), "-");
        }
    }

    // Pasted text must not re-route.
    #[test]
    fn what_is_quoted_listed_or_fenced_addresses_nobody(
        text in text(), table in table(), before in select(vec!["> ", "- ", "  x ", "1. ", "| "])
    ) {
        let lines = text.lines().map(|line| format!("{before}{line}\n"));
        prop_assert_eq!(meant(&lines.collect::<String>(), &table), "-");
        let fenced = format!("pasted:\n\n`````\n{text}\n`````\n");
        prop_assert_eq!(meant(&fenced, &table), "-");
    }

    #[test]
    fn a_call_before_any_pasted_text_is_heard(text in text(), table in table()) {
        let mut table = table;
        table.settings.broadcast = true;
        table.agents.remove("all");
        let called = format!("@all look at this:\n\n{text}");
        prop_assert_eq!(addressed(&called, &table), Addressed::All);
    }
}
