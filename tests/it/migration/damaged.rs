//! What the saving fault wrote, and rows that cannot be placed.

use polychat::{Worlds, message::Role, transfer::AgentWorld};

use super::old::{Old, Row, at, brought, brought_into, fixture, problems, turn};
use crate::support::{House, assert_sound, house, messages};

/// Ten chats at once, each with a question and an answer, saved as agent-world does: the history of
/// all chats is written again and again, which makes 193 rows of 20.
fn saved_by_the_fault() -> Old {
    let old = Old::with_agents(&["ada"]);
    let chats: Vec<String> = (0..10).map(|n| format!("chat-{n}")).collect();
    let times: Vec<[String; 2]> = (0..10).map(|n| [at(1, n), at(2, 9 - n)]).collect();
    let times: Vec<[&str; 2]> = times.iter().map(|[a, b]| [&**a, &**b]).collect();
    let said: Vec<[String; 2]> = (0..10).map(|n| [format!("q{n}"), format!("a{n}")]).collect();
    let mut rows = Vec::new();
    for (n, chat) in chats.iter().enumerate() {
        old.chat(chat, &format!("Chat {n}"));
        rows.extend(turn("ada", chat, times[n], [&*said[n][0], &*said[n][1]]));
    }
    // Overlapping saves: each begins elsewhere, and the last one breaks off.
    for n in 0..193 {
        old.memory(rows[(n * 7 + n / 20) % 20]);
    }
    old
}

async fn assert_twenty_messages(house: &House) {
    for n in 0..10 {
        let chat = house.chat(&format!("chat-{n}")).await;
        assert_eq!(messages(&chat).await, [format!("user: q{n}"), format!("assistant: a{n}")]);
        assert_sound(&chat).await;
    }
}

// issue 4: 193 rows where 20 are right
#[tokio::test]
async fn of_193_rows_the_20_messages_that_are_right_are_brought_in() {
    let old = saved_by_the_fault();
    let house = house().open().await;
    let report = brought(&house, old.path()).await;
    assert!(report.is_whole(), "{:?}", report.problems);
    assert_eq!((report.chats_imported, report.messages_imported), (10, 20));
    assert_eq!(report.duplicates, 173);
    assert_twenty_messages(&house).await;
    let again = brought(&house, old.path()).await;
    assert_eq!((again.chats_already_there, again.messages_imported), (10, 0));
    assert_twenty_messages(&house).await;
}

// issue 4: the same message is stored once per agent that saw it
#[tokio::test]
async fn what_each_agent_remembers_becomes_one_history() {
    let old = Old::with_agents(&["ada", "bob", "eve"]);
    old.chat("x", "Tea");
    let times = [at(1, 0), at(2, 0), at(3, 0)];
    let times: Vec<&str> = times.iter().map(|it| &**it).collect();
    for agent in ["bob", "ada"] {
        let [asked, answered] = turn(agent, "x", [times[0], times[1]], ["q", "by ada"]);
        old.memory(asked);
        // Bob remembers what Ada said as if a user had said it.
        let role = if agent == "ada" { "assistant" } else { "user" };
        old.memory(Row { role, sender: Some("ada"), ..answered });
    }
    // What Eve said is remembered by nobody else, and not even by her as hers.
    let [_, said] = turn("bob", "x", [times[0], times[2]], ["q", "by eve"]);
    old.memory(Row { role: "user", sender: Some("eve"), ..said });
    let house = house().open().await;
    let report = brought(&house, old.path()).await;
    assert!(report.is_whole(), "{:?}", report.problems);
    assert_eq!((report.messages_imported, report.duplicates), (3, 2));
    let snapshot = house.chat("x").await.snapshot().await.unwrap();
    let authors: Vec<_> = snapshot
        .messages
        .iter()
        .map(|it| match &it.role {
            Role::Assistant { author, .. } => author.as_ref().map(|author| author.to_string()),
            _ => None,
        })
        .collect();
    assert_eq!(authors, [None, Some("ada".to_owned()), Some("eve".to_owned())]);
    assert_eq!(snapshot.summary.agent, None, "with several agents, the world's answers");
}

// issue 4: what cannot be placed is reported row by row, never dropped silently
#[tokio::test]
async fn each_row_that_cannot_be_placed_is_reported_and_the_rest_is_brought_in() {
    let old = Old::with_agents(&["ada"]);
    old.chat("x", "Tea");
    old.chat(".", "No id");
    old.run(
        "INSERT INTO world_chats (id, world_id, name) VALUES ('z', 'nowhere', 'Lost'); \
         INSERT INTO worlds (id, name) VALUES ('..', 'No id'); \
         INSERT INTO world_chats (id, world_id, name) VALUES ('w', '..', 'Lost too'); \
         INSERT INTO agents VALUES ('', 'home', 'n', 'a', 'p', 'gpt', NULL, NULL, NULL); \
         UPDATE world_chats SET updated_at = 'yesterday' WHERE id = 'x'",
    );
    let time = at(1, 0);
    let good = Row {
        agent: "ada",
        role: "user",
        content: "good",
        sender: Some("human"),
        at: &time,
        chat: Some("x"),
        id: Some("m1"),
        ..Row::default()
    };
    let with_id = |id| Row { id: Some(id), ..good };
    old.memory(good); // 1
    old.memory(Row { chat: None, ..with_id("m2") });
    old.memory(Row { chat: Some("nowhere"), ..with_id("m3") });
    old.memory(Row { role: "system", ..with_id("m4") });
    old.memory(Row { at: "yesterday", ..with_id("m5") });
    old.memory(Row { at: "1969-12-31T00:00:00Z", ..with_id("m6") });
    old.memory(Row { metadata: Some("{"), ..with_id("m7") });
    old.memory(Row { role: "assistant", calls: Some("[1]"), ..with_id("m8") });
    old.memory(Row { role: "tool", call: Some("c9"), ..with_id("m9") });
    old.memory(Row { content: "not the same", ..good }); // 10
    old.run(
        "INSERT INTO agent_memory (agent_id, world_id, role, content, created_at, chat_id) \
            VALUES ('ada', 'home', 'user', x'ff00', '2026-11-22 16:44:49', 'x'); \
         INSERT INTO archived_messages (agent_id, world_id, role, content) \
            VALUES ('ada', 'home', 'user', 'long ago'); \
         INSERT INTO message_queue (world_id, chat_id, message_id, content, status) \
            VALUES ('home', 'x', 'm1', 'good', 'done'), ('home', 'x', 'm99', 'waits', 'queued')",
    );
    let house = house().open().await;
    let report = brought(&house, old.path()).await;
    let expected = [
        "agents, row 2 invalid_id",
        "agent_memory, row 4 unknown_kind",
        "agent_memory, row 5 impossible_time",
        "agent_memory, row 6 impossible_time",
        "agent_memory, row 7 not_json",
        "agent_memory, row 8 wrong_type",
        "agent_memory, row 10 conflict",
        "agent_memory, row 11 wrong_type",
        "world_chats, row 1 impossible_time",
        "agent_memory, row 9 orphan",
        "world_chats, row 2 invalid_id",
        "worlds, row 2 invalid_id",
        "world_chats, row 4 no_chat",
        "world_chats, row 3 no_chat",
        "agent_memory, row 2 no_chat",
        "agent_memory, row 3 no_chat",
        "archived_messages, row 1 no_chat",
        "message_queue, row 2 missing",
    ];
    assert_eq!(problems(&report), expected);
    assert_eq!(report.problems_total, expected.len() as u64);
    assert_eq!(messages(&house.chat("x").await).await, ["user: good"]);
    assert_eq!((report.chats_imported, report.chats_left_out), (1, 3));
    assert_eq!(report.messages_left_out, 12);
    assert_eq!((report.progress.chats_done, report.progress.chats_total), (4, Some(4)));
}

// Law 7, and a world that does not open
#[tokio::test]
async fn a_chat_beyond_its_bound_and_a_world_that_does_not_open_are_reported() {
    let old = Old::with_agents(&["ada"]);
    old.chat("large", "Large");
    old.chat("small", "Small");
    for second in 0..20 {
        old.turn("ada", "large", second, &format!("{second} {}", "x".repeat(200)), "y");
    }
    old.turn("ada", "small", 1, "q", "a");
    let house = house().open().await;
    let door = house.world.service();
    let open = |_| std::future::ready(Ok::<_, polychat::Error>(door.clone()));
    let report = AgentWorld::at(old.path()).chat_bytes_max(4_000).import(open).await.unwrap();
    assert_eq!(problems(&report), ["world_chats, row 1 too_large"]);
    assert_eq!((report.chats_imported, report.messages_imported), (1, 2));
    let open =
        |_| std::future::ready(Err::<std::sync::Arc<dyn polychat::ports::WorldService>, _>("no"));
    let report = AgentWorld::at(old.path()).import(open).await.unwrap();
    let expected =
        ["worlds, row 1 refused", "world_chats, row 1 no_chat", "world_chats, row 2 no_chat"];
    assert_eq!(problems(&report), expected);
    assert_eq!((report.chats_left_out, report.progress.chats_done), (2, 2));
}

// issue 4: a database that agent-world wrote itself, ten chats at the same moment
#[tokio::test]
async fn the_damaged_database_of_agent_world_has_20_messages_and_156_duplicates() {
    let Some(path) = fixture("agent-world-0.16.5-damaged.db") else { return };
    let house = house().open().await;
    let worlds = Worlds::new(house.builder());
    let report = brought_into(&worlds, &path).await;
    assert!(report.is_whole(), "{:?}", problems(&report));
    assert_eq!((report.messages_imported, report.duplicates), (20, 156));
    assert_eq!(report.chats_imported, 11, "one of them is empty");
    let world = worlds.get("bench-l3lrer").unwrap().unwrap();
    for n in 0..10 {
        let id = format!("bench-l3lrer-chat-{n:05}");
        let said = messages(&world.chat(&id).unwrap()).await;
        assert_eq!(said.len(), 2);
        assert!(said[0].starts_with("user: hello r0") && said[0].contains(&id), "{said:?}");
        // Where the fault lost the question, the model answered something else.
        assert!(said[1].starts_with("assistant: tag:"), "{said:?}");
    }
    let again = brought_into(&worlds, &path).await;
    assert_eq!((again.chats_imported, again.chats_already_there), (0, 11));
}

// law 7: what a world has no room for is reported, row by row
#[tokio::test]
async fn agents_beyond_what_a_world_may_have_are_reported() {
    let names: Vec<String> = (0..1_030).map(|n| format!("agent-{n}")).collect();
    let old = Old::with_agents(&names.iter().map(|name| &**name).collect::<Vec<_>>());
    let house = house().open().await;
    let worlds = Worlds::new(house.builder());
    let report = brought_into(&worlds, old.path()).await;
    // The world has one of its own.
    assert_eq!((report.agents_added, report.problems_total), (1_023, 7));
    assert_eq!(problems(&report)[0], "agents, row 1024 too_large");
}
