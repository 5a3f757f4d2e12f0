//! What a single chat does differently here: each row of the table in `docs/migration.md`.

use std::time::Duration;

use polychat::{AgentConfig, AgentName, ModelName, PromptOutcome, event::Event};

use crate::support::{
    assert_sound, code, house, log, messages, outcome, pass, said, settle, within,
};

fn agent(name: &str) -> AgentConfig {
    AgentConfig::new(AgentName::new(name).unwrap(), ModelName::new("assistant").unwrap())
}

// NFR-5: there, all agents of a world answer
#[tokio::test(start_paused = true)]
async fn one_agent_answers_unless_all_are_asked() {
    let house = house().with(|builder| builder.add_agent(agent("bob"))).open().await;
    let chat = house.chat("a").await;
    house.turn(&chat, "hello", "hi").await;
    house.no_further_call().await;
    let mut settings = house.world.info().await.unwrap().settings;
    settings.broadcast = true;
    house.world.update(settings).await.unwrap();
    let (prompt, call) = house.begin(&chat, "@all hello").await;
    call.text("one").finish();
    within(house.script.next_call()).await.text("two").finish();
    assert_eq!(outcome(&prompt).await, PromptOutcome::Completed);
    assert_eq!(messages(&chat).await[3..], ["assistant: one", "assistant: two"]);
}

// NFR-5: there, a mention at the beginning of a paragraph always addresses an agent
#[tokio::test(start_paused = true)]
async fn a_mention_addresses_nobody_until_the_world_says_so() {
    let bob = || agent("bob").system("You are Bob.");
    let house = house().with(move |builder| builder.add_agent(bob())).open().await;
    let chat = house.chat("a").await;
    let (prompt, call) = house.begin(&chat, "@bob hello").await;
    assert_eq!(&*call.request().system, "");
    call.text("hi").finish();
    outcome(&prompt).await;
    let mut settings = house.world.info().await.unwrap().settings;
    settings.mentions = true;
    house.world.update(settings).await.unwrap();
    let (_prompt, call) = house.begin(&chat, "@bob, hello again").await;
    assert_eq!(&*call.request().system, "You are Bob.");
}

// NFR-5: there, a message that comes while another is answered pauses or joins it by chance
#[tokio::test(start_paused = true)]
async fn a_message_that_comes_while_another_is_answered_waits_its_turn() {
    let house = house().open().await;
    let (chat, other) = (house.chat("a").await, house.chat("b").await);
    let (first, call) = house.begin(&chat, "one").await;
    let second = chat.prompt("two").await.unwrap();
    house.turn(&other, "elsewhere", "meanwhile").await;
    house.no_further_call().await;
    call.text("first").finish();
    let call = house.call_for("two").await;
    assert_eq!(said(call.request()), ["user: one", "assistant: first", "user: two"]);
    call.text("second").finish();
    for prompt in [&first, &second] {
        assert_eq!(outcome(prompt).await, PromptOutcome::Completed);
    }
    assert_sound(&chat).await;
}

// NFR-5: there, an agent stops after so many answers, whichever chats they were in
#[tokio::test(start_paused = true)]
async fn model_calls_are_counted_for_each_turn_anew() {
    let house = house().limits(|limits| limits.steps_max = 1).open().await;
    let chat = house.chat("a").await;
    for n in 0..20 {
        house.turn(&chat, &format!("question {n}"), "answer").await;
    }
    assert_eq!(messages(&chat).await.len(), 40);
}

// NFR-5: there, a message without an answer is sent again when the program starts
#[tokio::test(start_paused = true)]
async fn a_turn_that_was_lost_with_its_process_is_not_sent_again() {
    let first = house().open().await;
    let chat = first.chat("a").await;
    let (prompt, call) = first.begin(&chat, "once").await;
    call.text("half an ans");
    settle().await;
    let id = prompt.id().clone();
    first.local.shutdown().await;
    let second = first.reopened().await;
    let chat = second.world.chat("a").unwrap();
    assert_eq!(messages(&chat).await, ["user: once", "assistant: half an ans"]);
    second.no_further_call().await;
    let ended = log(&chat).await;
    let interrupted = |event: &Event| matches!(event, Event::TurnEnded { outcome, .. } if outcome.as_str() == "interrupted");
    assert!(ended.iter().any(|recorded| interrupted(&recorded.event)));
    let state = chat.prompt_state(&id).await.unwrap();
    assert!(format!("{state:?}").contains("Interrupted"), "{state:?}");
}

// NFR-5: there, five seconds without a word count as no answer
#[tokio::test(start_paused = true)]
async fn a_model_that_thinks_for_a_minute_still_answers() {
    let house = house().open().await;
    let chat = house.chat("a").await;
    let (prompt, call) = house.begin(&chat, "think").await;
    pass(Duration::from_secs(60)).await;
    call.text("at last").finish();
    assert_eq!(outcome(&prompt).await, PromptOutcome::Completed);
    assert_eq!(messages(&chat).await, ["user: think", "assistant: at last"]);
}

// NFR-5: there, unknown chats are accepted, and ids of deleted ones are used again
#[tokio::test(start_paused = true)]
async fn a_chat_that_is_not_there_or_was_deleted_takes_no_messages() {
    let house = house().open().await;
    let nowhere = house.world.chat("nowhere").unwrap();
    assert_eq!(code(nowhere.prompt("hello").await), "unknown_chat");
    let chat = house.chat("a").await;
    house.turn(&chat, "one", "first").await;
    chat.delete().await.unwrap();
    assert_eq!(code(chat.prompt("two").await), "chat_deleted");
    let again = polychat::NewChat::with_id(chat.id().clone());
    assert_eq!(code(house.world.create_chat(again).await), "chat_deleted");
}

// NFR-5: there, an edit removes rows of every agent, and what it removed may come back
#[tokio::test(start_paused = true)]
async fn an_edited_message_replaces_all_that_came_after_it_at_once() {
    let house = house().open().await;
    let chat = house.chat("a").await;
    house.turn(&chat, "one", "first").await;
    house.turn(&chat, "two", "second").await;
    let edited = chat.snapshot().await.unwrap().messages[0].id;
    let prompt = chat.revise(edited, "uno").await.unwrap();
    let call = house.call_for("uno").await;
    assert_eq!(said(call.request()), ["user: uno"]);
    call.text("primo").finish();
    assert_eq!(outcome(&prompt).await, PromptOutcome::Completed);
    assert_eq!(messages(&chat).await, ["user: uno", "assistant: primo"]);
    // The log still knows what was said before.
    let log = log(&chat).await;
    assert!(log.iter().any(|recorded| matches!(recorded.event, Event::HistoryTruncated { .. })));
}

// NFR-5: there, a model is asked for a title after the first answer, and chats begin as "New Chat"
#[tokio::test(start_paused = true)]
async fn a_chat_has_no_title_until_somebody_gives_it_one() {
    let house = house().open().await;
    let chat = house.chat("a").await;
    house.turn(&chat, "one", "first").await;
    house.no_further_call().await;
    assert_eq!(&*chat.snapshot().await.unwrap().summary.title, "");
}

// NFR-5: there, names of messages are random, and unique only within a chat
#[tokio::test(start_paused = true)]
async fn a_message_is_named_by_its_place_in_the_log() {
    let house = house().open().await;
    let chat = house.chat("a").await;
    house.turn(&chat, "one", "first").await;
    let (snapshot, log) = (chat.snapshot().await.unwrap(), log(&chat).await);
    let began: Vec<_> = log
        .iter()
        .filter(|it| matches!(it.event.name(), "prompt.accepted" | "message.start"))
        .map(|it| it.seq)
        .collect();
    let named: Vec<_> = snapshot.messages.iter().map(|message| message.id.0).collect();
    assert_eq!(named, began);
}

/// The tests that the table names are those that are here.
#[test]
fn the_table_of_the_document_names_each_of_these_tests_and_no_other() {
    let root = env!("CARGO_MANIFEST_DIR");
    let read = |path: &str| std::fs::read_to_string(format!("{root}/{path}")).unwrap();
    let document = read("docs/migration.md");
    let named: Vec<&str> = document
        .split('`')
        .filter_map(|word| word.strip_prefix("migration::")?.split_once("::"))
        .map(|(module, test)| {
            let source = read(&format!("tests/it/migration/{module}.rs"));
            assert!(source.contains(&format!("fn {test}(")), "{module} has no {test}");
            test
        })
        .collect();
    let source = include_str!("differences.rs");
    let here = source
        .lines()
        .filter_map(|line| line.strip_prefix("async fn ")?.split_once('('))
        .map(|(name, _)| name);
    for test in here {
        assert!(named.contains(&test), "the table does not name {test}");
    }
}
