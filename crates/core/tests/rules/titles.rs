//! Titles that a model proposes after the first completed turn, and only while there is none.

use polychat_core::{
    ChatId, Event, Metadata, Part, Timestamp,
    command::{ChatChange, ImportedChat, ImportedEntry, NewChat},
    event::{
        ImportedMessage, PromptBody,
        PromptMode::Queue,
        TitleProvenance::{self, Auto, Default as Nobody, Manual},
    },
    rules::{self, TITLE_EXCERPT_BYTES_MAX, TITLE_INSTRUCTIONS, TITLE_OUTPUT_TOKENS_MAX},
};
use proptest::prelude::*;

use super::harness::{Chat, agent, agent_name, render_messages};

/// A chat in which `p1` runs, in a world that wants titles.
fn running() -> Chat {
    let mut chat = Chat::running();
    chat.agents.settings.titles = true;
    chat
}

/// A chat whose first turn has just completed.
fn completed() -> Chat {
    let mut chat = running();
    chat.says(4, "yes");
    assert_eq!(chat.effects, "think of a title");
    chat
}

fn title(chat: &Chat) -> (String, TitleProvenance) {
    let summary = chat.state.summary();
    (summary.title.to_string(), summary.provenance)
}

/// What the model that is to think of a title reads.
fn read_by_model(chat: &Chat) -> Option<String> {
    chat.state.title_request().map(|request| render_messages(&request.messages))
}

#[test]
fn the_first_turn_that_completes_brings_a_title_and_later_ones_do_not() {
    let mut chat = completed();
    assert!(chat.state.wants_title());
    assert_eq!(chat.titled("Tea"), "chat.updated title=\"Tea\" by Auto");
    assert_eq!(title(&chat), ("Tea".into(), Auto));
    assert!(!chat.state.wants_title());
    chat.queue("p2");
    chat.says(10, "no");
    assert_eq!(chat.effects, "");
    assert_eq!(chat.titled("Coffee"), "nothing");
}

#[test]
fn it_is_off_by_default() {
    let mut chat = Chat::running();
    chat.says(4, "yes");
    assert_eq!(chat.effects, "");
    // Switched on later, it means chats in which no turn has completed yet.
    chat.agents.settings.titles = true;
    chat.queue("p2");
    chat.says(9, "no");
    assert_eq!(chat.effects, "");
}

#[test]
fn a_title_never_delays_the_next_turn() {
    let mut chat = running();
    chat.queue("p2");
    assert!(chat.says(4, "yes").ends_with("turn.started 8 [p2], message.start 9 step 1"));
    assert_eq!(chat.effects, "think of a title, model 9");
    assert_eq!(chat.titled("Tea"), "chat.updated title=\"Tea\" by Auto", "while p2 runs");
    assert!(chat.says(9, "no").ends_with("turn.ended 8 completed"));
}

#[test]
fn turns_that_end_otherwise_bring_none() {
    let ends: [fn(&mut Chat) -> String; 4] = [
        Chat::cancel,
        |chat| chat.breaks(4, "half"),
        |chat| chat.turn_failed(3),
        |chat| chat.interrupt("p2"),
    ];
    for end in ends {
        let mut chat = running();
        end(&mut chat);
        assert!(!chat.effects.contains("title"), "{}", chat.effects);
        assert_eq!((chat.state.wants_title(), read_by_model(&chat)), (false, None));
        assert_eq!(chat.titled("Tea"), "nothing");
        let open = chat.state.open_message().map(|open| open.0.get());
        let open = open.unwrap_or_else(|| {
            chat.queue("p3");
            chat.state.open_message().unwrap().0.get()
        });
        chat.says(open, "yes");
        assert_eq!(chat.effects, "think of a title", "the first one that completes counts");
    }
}

#[test]
fn a_chat_whose_title_a_person_gave_is_not_renamed() {
    let mut chat = running();
    chat.update(ChatChange::default().title("Mine"));
    chat.says(4, "yes");
    assert_eq!(chat.effects, "");
    assert_eq!(chat.titled("Tea"), "nothing");
    // Given while the model thinks.
    let mut chat = completed();
    chat.update(ChatChange::default().title("Mine"));
    assert!(!chat.state.wants_title());
    assert_eq!((read_by_model(&chat), chat.titled("Tea")), (None, "nothing".into()));
    assert_eq!(title(&chat), ("Mine".into(), Manual));
    // What is not the title is not in its way.
    let mut chat = completed();
    chat.update(ChatChange::default().archived(true));
    assert!(chat.state.wants_title() && read_by_model(&chat).is_some());
    assert_eq!(chat.titled("Tea"), "chat.updated title=\"Tea\" by Auto");
}

#[test]
fn a_chat_that_was_closed_or_deleted_meanwhile_takes_no_title() {
    let mut chat = completed();
    chat.close();
    assert_eq!((chat.state.wants_title(), read_by_model(&chat)), (false, None));
    assert_eq!(chat.titled("Tea"), "nothing");
    chat.reopen();
    assert_eq!(chat.titled("Tea"), "chat.updated title=\"Tea\" by Auto", "late, and still wanted");
    let mut chat = completed();
    chat.delete();
    assert_eq!((chat.state.wants_title(), chat.titled("Tea")), (false, "nothing".into()));
}

// "Recovery re-runs nothing."
#[test]
fn a_title_that_was_lost_with_its_process_is_not_asked_for_again() {
    let mut again = Chat::of_log(&completed().log);
    again.agents.settings.titles = true;
    assert_eq!((again.recover().as_str(), again.effects.as_str()), ("nothing", ""));
    again.queue("p2");
    again.says(9, "yes");
    assert_eq!(again.effects, "");
}

#[test]
fn what_the_model_is_asked_is_how_the_chat_began_and_the_last_word_is_a_users() {
    let mut chat = Chat::new();
    chat.agents.settings.titles = true;
    chat.send("p1", Queue, "tea or coffee?");
    chat.shows("let me see").done_with(4, vec![super::harness::call("read")]);
    chat.tool_done("4.0", "data");
    chat.queue("p2");
    chat.says(8, "tea");
    let request = chat.state.title_request().unwrap();
    assert_eq!(
        render_messages(&request.messages),
        "user: The user wrote:\n\ntea or coffee?\n\nThe answer began:\n\ntea",
    );
    assert_eq!(&*request.system, TITLE_INSTRUCTIONS);
    assert_eq!(request.params.output_tokens_max, Some(TITLE_OUTPUT_TOKENS_MAX));
    assert_eq!((request.params.temperature, request.params.reasoning_effort), (None, None));
}

#[test]
fn the_agent_that_spoke_last_names_the_chat_with_what_it_began_with() {
    let mut chat = Chat::new();
    chat.agents.settings.titles = true;
    chat.agents.settings.mentions = true;
    chat.agents.agents.insert(agent_name("b"), agent("b").system("of b").into());
    chat.queue("p1");
    chat.says(4, "@b: you");
    chat.agents.agents.insert(agent_name("b"), agent("b").system("changed").into());
    chat.says(7, "done");
    let request = chat.state.title_request().unwrap();
    assert_eq!((request.config.name.as_str(), &*request.config.system), ("b", "of b"));
}

#[test]
fn the_stored_host_context_goes_with_it() {
    let object =
        |n: u64| -> Metadata { serde_json::Map::from_iter([("n".to_owned(), n.into())]).into() };
    let id = super::harness::chat_id();
    let new = NewChat::new().context(object(1));
    let limits = Default::default();
    let created = rules::create(&id, new, Timestamp(0), &limits).unwrap();
    let mut chat = Chat::of_log(&created.events);
    chat.agents.settings.titles = true;
    let body = PromptBody { context: object(2), ..PromptBody::text("hi") };
    chat.send_body("p1", Queue, body);
    chat.says(4, "yes");
    let request = chat.state.title_request().unwrap();
    assert_eq!((request.chat_context, request.prompt_context), (object(1), object(2)));
}

// Law 7.
#[test]
fn what_is_asked_is_bounded_whatever_was_said() {
    let mut chat = Chat::new();
    chat.agents.settings.titles = true;
    chat.send("p1", Queue, &"ü".repeat(100_000));
    chat.says(4, &"ö".repeat(100_000));
    let text = chat.state.title_request().unwrap().messages[0].text();
    assert_eq!(text.matches('ü').count(), TITLE_EXCERPT_BYTES_MAX / 2);
    assert_eq!(text.matches('ö').count(), TITLE_EXCERPT_BYTES_MAX / 2);
    assert!(text.len() < 2 * TITLE_EXCERPT_BYTES_MAX + 100);
}

#[test]
fn a_chat_that_says_nothing_has_nothing_to_name() {
    let image = || {
        let source = polychat_core::content::BlobSource::Base64 { data: "AAAA".into() };
        vec![Part::Blob { media_type: "image/png".into(), source }]
    };
    for (said, expected) in [("", None), ("a cat", Some("user: The answer began:\n\na cat"))] {
        let mut chat = Chat::new();
        chat.agents.settings.titles = true;
        let body = PromptBody { parts: image(), ..PromptBody::default() };
        chat.send_body("p1", Queue, body);
        chat.says(4, said);
        assert_eq!(read_by_model(&chat).as_deref(), expected);
    }
}

#[test]
fn an_idle_chat_keeps_no_configuration_once_the_next_turn_has_ended() {
    let mut chat = completed();
    assert!(read_by_model(&chat).is_some());
    chat.queue("p2");
    assert!(read_by_model(&chat).is_some(), "the turns overlap");
    chat.cancel();
    assert_eq!(read_by_model(&chat), None);
    assert!(chat.state.wants_title(), "what is on its way may still arrive");
    assert_eq!(chat.titled("Tea"), "chat.updated title=\"Tea\" by Auto");
}

#[test]
fn a_history_that_was_cut_to_nothing_is_not_named() {
    let chat = completed();
    // The revision ends the only turn's messages; the new prompt has not begun.
    let mut chat = chat.without_place();
    chat.revise(2, "p2", "other");
    assert_eq!(chat.history(), "");
    assert_eq!(read_by_model(&chat), None);
}

#[test]
fn what_models_say_becomes_a_title() {
    let cases = [
        ("Tea and biscuits", "Tea and biscuits"),
        ("  Tea \t and\u{a0}biscuits  ", "Tea and biscuits"),
        ("\n\n \nTea\nand more", "Tea"),
        ("Tea\r\nand more", "Tea"),
        ("Tea.", "Tea"),
        ("Tea。", "Tea"),
        ("Tea …", "Tea …"),
        ("Tea...", "Tea..."),
        ("Tea?", "Tea?"),
        ("\"Tea\"", "Tea"),
        ("\"Tea.\"", "Tea"),
        ("\"Tea\".", "Tea"),
        ("'Tea'", "Tea"),
        ("“Tea”", "Tea"),
        ("„Tea“", "Tea"),
        ("«Tea»", "Tea"),
        ("「茶」", "茶"),
        ("**Tea**", "Tea"),
        ("__Tea__", "Tea"),
        ("*Tea*", "Tea"),
        ("`Tea`", "Tea"),
        ("**\"Tea\"**", "Tea"),
        ("# Tea", "Tea"),
        ("### **Tea.**", "Tea"),
        ("> Tea", "Tea"),
        ("- Tea", "Tea"),
        ("```\nTea\n```", "Tea"),
        ("```text\nTea\n```", "Tea"),
        ("---\nTea", "Tea"),
        ("T\u{0}e\u{1b}a\u{7f}", "Tea"),
        // What belongs to a title stays.
        ("\"Tea\" and \"milk\"", "\"Tea\" and \"milk\""),
        ("Rock 'n' roll", "Rock 'n' roll"),
        ("*Tea* and *milk*", "*Tea* and *milk*"),
        ("snake_case_", "snake_case_"),
        ("#1 of the teas", "#1 of the teas"),
        ("-5 °C tea", "-5 °C tea"),
        ("C# and C++", "C# and C++"),
        ("Ünïcødé ☕ テスト", "Ünïcødé ☕ テスト"),
    ];
    for (said, expected) in cases {
        let mut chat = completed();
        chat.titled(said);
        assert_eq!(title(&chat), (expected.into(), Auto), "{said:?}");
    }
}

#[test]
fn what_says_nothing_is_no_title_and_the_next_proposal_still_is() {
    for said in
        ["", " \n\t", "\"\"", "***", "---", ".", "```\n```", "\u{1b}\u{0}", "# ", "“”", "☕"]
    {
        let mut chat = completed();
        assert_eq!(chat.titled(said), "nothing", "{said:?}");
        assert_eq!(title(&chat), (String::new(), Nobody));
        assert_eq!(chat.titled("Tea"), "chat.updated title=\"Tea\" by Auto");
    }
}

// Law 7.
#[test]
fn a_title_is_cut_at_its_bound_between_two_characters() {
    for (max, expected) in [(0, None), (1, None), (2, Some("ü")), (4, Some("ü")), (5, Some("ü ü"))]
    {
        let mut chat = completed();
        chat.limits.title_bytes_max = max;
        chat.titled("ü ü ü");
        let expected = expected.map_or((String::new(), Nobody), |title| (title.to_owned(), Auto));
        assert_eq!(title(&chat), expected, "{max}");
    }
}

// Law 7.
#[test]
fn a_chat_without_room_keeps_the_title_it_has() {
    let mut chat = completed();
    // Two turns are owed to whoever closes or deletes; one more fits.
    let head = chat.log.len() as u64;
    chat.limits.log_events_max = head + 15;
    assert_eq!(chat.titled("Tea"), "nothing");
    chat.limits.log_events_max = head + 16;
    assert_eq!(chat.titled("Tea"), "chat.updated title=\"Tea\" by Auto");
}

#[test]
fn a_fork_takes_its_title_along_or_gets_its_own_from_how_its_history_began() {
    let fork_of = |chat: &Chat| {
        let id = super::harness::chat_id();
        let at = chat.state.messages().last().unwrap().id;
        let forked = chat.state.fork(at, &id, NewChat::new(), Timestamp(9), &chat.limits).unwrap();
        let mut fork = Chat::of_log(&forked.events);
        fork.agents.settings.titles = true;
        fork
    };
    let mut untitled = fork_of(&completed());
    assert_eq!((untitled.state.wants_title(), read_by_model(&untitled)), (false, None));
    untitled.send("p2", Queue, "and then?");
    untitled.says(6, "no");
    assert_eq!(untitled.effects, "think of a title");
    let expected = "user: The user wrote:\n\nhi\n\nThe answer began:\n\nyes";
    assert_eq!(read_by_model(&untitled).as_deref(), Some(expected));

    let mut chat = completed();
    chat.titled("Tea");
    let mut titled = fork_of(&chat);
    titled.queue("p2");
    titled.says(6, "no");
    assert_eq!(titled.effects, "");
    assert_eq!(title(&titled), ("Tea".into(), Auto));
}

#[test]
fn an_import_without_a_title_gets_one_after_its_first_turn_here() {
    let asked = ImportedMessage::User { parts: vec![Part::text("old question")] };
    let imported =
        ImportedChat::new(NewChat::new(), "x").entry(ImportedEntry::new(asked, Timestamp(5)));
    let id = ChatId::new("a").unwrap();
    let limits = Default::default();
    let decision = rules::import(&id, imported, Timestamp(9), &limits).unwrap();
    let mut chat = Chat::of_log(&decision.events);
    chat.agents.settings.titles = true;
    assert!(!chat.state.wants_title());
    chat.queue("p1");
    chat.says(5, "yes");
    assert_eq!(chat.effects, "think of a title");
    let expected = "user: The user wrote:\n\nold question\n\nThe answer began:\n\nyes";
    assert_eq!(read_by_model(&chat).as_deref(), Some(expected));
}

proptest! {
    // Whatever a model says, a title is one bounded line, or there is none.
    #[test]
    fn a_title_is_one_clean_line_within_its_bound(
        said in prop_oneof![".{0,60}", "(?s).{0,60}", "[-#*_`'\" .>\n\ta]{0,30}"],
        max in 0..40_usize,
    ) {
        let mut chat = completed();
        chat.limits.title_bytes_max = max;
        let events = chat.titled(&said);
        let (title, provenance) = title(&chat);
        if events == "nothing" {
            prop_assert_eq!((title.as_str(), provenance), ("", Nobody));
        } else {
            prop_assert_eq!(provenance, Auto);
            prop_assert!(!title.is_empty() && title.len() <= max);
            prop_assert!(!title.contains(char::is_control) && title.trim() == title);
            prop_assert!(!title.contains("  "));
            let is_update = matches!(chat.last(), Event::ChatUpdated { .. });
            prop_assert!(is_update);
        }
    }
}
