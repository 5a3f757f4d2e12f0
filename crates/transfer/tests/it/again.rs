//! What is there already: recognised, counted, never changed.

use polychat_core::{
    Command, Limits, Refusal,
    command::{ChatChange, NewChat},
    ports::WorldService,
};
use polychat_transfer::{Export, ImportError};

use crate::support::{
    agent, ask, chat_id, create, import, lines, old_chat, problems, said, world, world_with,
};

// issue 4: import is idempotent, also after the chats went on
#[tokio::test(start_paused = true)]
async fn a_chat_that_went_on_since_its_import_is_there_already() {
    let (first, second) = (world("one").await, world("two").await);
    create(&first, NewChat::with_id(chat_id("a"))).await;
    ask(&first, "a", "hello").await;
    let before = lines(&first).await;
    assert_eq!(import(&second, &before).await.chats_imported, 1);
    ask(&second, "a", "and on").await;
    let change = ChatChange::default().title("Renamed").archived(true);
    second.call(Command::UpdateChat { chat: chat_id("a"), change }).await.unwrap();
    let now = lines(&second).await;
    let report = import(&second, &before).await;
    assert_eq!((report.chats_already_there, report.problems_total), (1, 0));
    assert_eq!(lines(&second).await, now);
}

// issue 4: a chat that exists with another history is a conflict
#[tokio::test(start_paused = true)]
async fn a_chat_with_another_history_or_origin_or_one_that_was_deleted_is_reported() {
    let first = world("one").await;
    for (id, texts) in [("a", &["x", "y"][..]), ("b", &["x", "y"]), ("c", &["x"]), ("d", &["x"])] {
        let chat = Box::new(old_chat(id, texts));
        first.call(Command::ImportChat { chat }).await.unwrap();
    }
    let before = lines(&first).await;
    let second = world("two").await;
    let mut other = [
        old_chat("a", &["x", "z"]), // another message
        old_chat("b", &["x"]),      // fewer messages
        old_chat("c", &["x"]),      // from elsewhere
    ];
    other[2].source = "my new app".into();
    for chat in other {
        second.call(Command::ImportChat { chat: Box::new(chat) }).await.unwrap();
    }
    create(&second, NewChat::with_id(chat_id("d"))).await;
    second.call(Command::DeleteChat { chat: chat_id("d") }).await.unwrap();
    let now = lines(&second).await;
    let report = import(&second, &before).await;
    assert_eq!(
        problems(&report),
        ["line 3 conflict", "line 6 conflict", "line 9 conflict", "line 11 deleted"]
    );
    assert_eq!((report.chats_left_out, report.chats_imported), (4, 0));
    assert_eq!(report.problems[0].chat, Some(chat_id("a")));
    assert!(report.problems[0].why.ends_with("another history from message 2 on"));
    assert!(report.problems[1].why.contains("ends after message 1"), "it is the same, and longer");
    assert_eq!(lines(&second).await, now, "what is here stays");
}

// issue 4: what the target world has stays
#[tokio::test(start_paused = true)]
async fn agents_are_added_and_never_replaced_and_unknown_ones_are_reported() {
    let (first, second) = (world("one").await, world("two").await);
    for name in ["cook", "porter"] {
        first.call(Command::PutAgent { agent: agent(name).system("there") }).await.unwrap();
    }
    second.call(Command::PutAgent { agent: agent("cook").system("here") }).await.unwrap();
    create(&first, NewChat::with_id(chat_id("a")).agent(agent("porter").name)).await;
    let all = lines(&first).await;
    let report = import(&second, &all).await;
    assert_eq!(problems(&report), ["line 2 conflict"]);
    assert_eq!(report.agents_added, 1);
    let now = lines(&second).await;
    assert!(now.contains("\"system\":\"here\"") && now.contains("\"agent\":\"porter\""), "{now}");
    // The lines of the chat alone, in a world that has no such agent.
    let third = world("three").await;
    let chat = Export::chat(first, chat_id("a")).json_lines().into_text().await.unwrap();
    let report = import(&third, &chat).await;
    assert_eq!(
        (problems(&report), report.chats_imported),
        (vec!["line 1 unknown_agent".into()], 1)
    );
}

// Law 7: the world's own limits hold, and are told
#[tokio::test(start_paused = true)]
async fn a_chat_that_the_world_refuses_is_reported_and_the_rest_goes_on() {
    let first = world("one").await;
    for (id, texts) in [("a", &["a rather long text"][..]), ("b", &["short"])] {
        let chat = Box::new(old_chat(id, texts));
        first.call(Command::ImportChat { chat }).await.unwrap();
    }
    let mut limits = Limits::default();
    limits.import_bytes_max = 10;
    let second = world_with("two", limits).await;
    let report = import(&second, &lines(&first).await).await;
    assert_eq!(problems(&report), ["line 3 too_large"]);
    assert_eq!(said(&second, "b").await, ["short"]);
}

// Law 7: what passes is an error, and running again goes on
#[tokio::test(start_paused = true)]
async fn a_world_that_closes_ends_the_import() {
    let first = world("one").await;
    create(&first, NewChat::with_id(chat_id("a"))).await;
    let before = lines(&first).await;
    let second = world("two").await;
    second.shutdown().await;
    let ended = polychat_transfer::Import::new(second).json_lines(before.as_bytes()).await;
    let Err(ImportError::World(error)) = ended else { panic!("{ended:?}") };
    assert_eq!(error.code(), Refusal::WorldClosed {}.code());
}
