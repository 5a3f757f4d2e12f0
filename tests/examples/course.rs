//! The numbered course: each program ends by itself, and shows what it is there to show.

use crate::program::{Printed, example, run};

async fn lesson(name: &str) -> Printed {
    let printed = run(example(name, &[]), "").await;
    assert_eq!(printed.err, "", "a lesson has nothing to complain about");
    printed
}

fn assert_has(printed: &Printed, lines: &[&str]) {
    for line in lines {
        let has = printed.out.lines().any(|printed| printed == *line);
        assert!(has, "{line:?} is missing in\n{}", printed.out);
    }
}

#[tokio::test]
async fn one_chat_remembers_what_it_was_told_and_has_a_log() {
    let printed = lesson("01_one_chat").await;
    let known = "demo: In this chat you told me that your name is Ada, and the tea is ready.";
    let log = "Its log has 16 events; the last ones are:";
    assert_has(&printed, &[known, log, "   16  turn.ended"]);
}

// REQ-2, REQ-5
#[tokio::test]
async fn two_chats_at_once_answer_each_from_its_own_history() {
    let printed = lesson("02_two_chats_at_once").await;
    assert_has(&printed, &["ada: Your name is Ada.", "bob: Your name is Bob."]);
    for line in printed.out.lines() {
        let (ada, bob) = (line.trim_start().starts_with("ada: "), line.contains("bob: "));
        assert!(ada != bob, "{line:?}");
        assert!(!line.contains(if ada { "Bob" } else { "Ada" }), "{line:?}");
    }
    // Both were streamed, each in its column, and not only answered.
    let (right, left): (Vec<&str>, Vec<&str>) =
        printed.out.lines().partition(|line| line.starts_with("                        bob: "));
    assert!(!right.is_empty() && left.len() > 2, "{}", printed.out);
}

// Law 5
#[tokio::test]
async fn every_way_to_send_and_to_stop_has_its_outcome() {
    let printed = lesson("03_cancel_and_steer").await;
    let outcomes: Vec<_> = printed
        .out
        .lines()
        .filter_map(|line| line.strip_prefix("  "))
        .filter(|line| !line.starts_with("waiting"))
        .map(|line| line.split_whitespace().take(2).collect::<Vec<_>>().join(" "))
        .collect();
    let expected = [
        "first completed",
        "second completed",
        "long completed",
        "steering completed",
        "later completed",
        "long cancelled",
        "urgent completed",
        "endless cancelled",
        "after completed",
        "running completed",
        "regretted withdrawn",
    ];
    assert_eq!(outcomes, expected);
    // The steering prompt came before the one that had waited longer.
    let place = |words: &str| printed.out.find(words).unwrap();
    let steering = place("steering  completed You said \"but this first\". This is message 2 ");
    assert!(
        steering < place("later     completed You said \"and later this\". This is message 3 ")
    );
}

// Law 5, law 6, REQ-11
#[tokio::test]
async fn a_crash_stays_in_its_chat_and_a_closed_world_goes_on_where_it_was() {
    let printed = lesson("04_crash_and_recover").await;
    let story: Vec<_> = (1..=20).map(|n| n.to_string()).collect();
    assert_has(
        &printed,
        &[
            "  wild: failed, panicked: the demo model panicked, as asked",
            &format!("  calm: completed {}.", story.join(" ")),
            "  wild: Your name is Wanda.",
            "  a new prompt is refused: the world is closed",
            "  and now:     In this chat you told me that your name is Ada.",
        ],
    );
    assert!(printed.out.contains("  what ran:    interrupted after \"1 "), "{}", printed.out);
    assert!(printed.out.contains("  what waited: completed \"Nice to meet you, Ada. "));
}

#[tokio::test]
async fn a_model_of_ones_own_answers_and_may_decline() {
    let printed = lesson("05_own_model").await;
    let lines: Vec<_> = printed.out.lines().map(|line| line.rsplit(' ').next().unwrap()).collect();
    assert_eq!(lines, ["stressed", "strap", "failed", "reward"]);
}

// REQ-4, law 3, law 5
#[tokio::test]
async fn tools_know_for_whom_they_work_and_what_acts_waits_for_a_person() {
    let printed = lesson("06_tools_and_approval").await;
    let said: Vec<&str> = printed.out.lines().filter_map(|line| line.strip_prefix("  ")).collect();
    let expected = [
        r#"north: stock answered "12 bags"."#,
        r#"south: stock answered "3 bags"."#,
        r#"north: stock failed (tool_failed): "north has no gold"."#,
        // What a schema has against its arguments is the validator's to say.
        "north: stock failed (invalid_arguments): ",
        r#"north awaiting: order {"item":"flour"}?"#,
        "south: Nice to meet you, Sue. ",
        r#"north: order answered "flour for north, by Ida"."#,
        "a second yes is refused: call ",
        r#"south: order was not allowed: "we sell no rye"."#,
        r#"north: order answered "salt for north, by nobody"."#,
        concat!(
            r#"north: order answered "yeast for north, by nobody". "#,
            r#"order answered "milk for north, by nobody"."#
        ),
        r#"south awaiting: "Which bread?""#,
        r#"south: You answered "rolls"."#,
    ];
    assert_eq!(said.len(), expected.len(), "{}", printed.out);
    for (said, expected) in said.iter().zip(expected) {
        // Where the whole line is not known beforehand, its beginning is.
        let whole = !expected.ends_with(' ');
        assert!(said.starts_with(expected) && (!whole || *said == expected), "{said:?}");
    }
}

#[tokio::test]
async fn agents_are_addressed_hand_on_are_asked_at_once_and_end_their_turns_as_they_were() {
    let printed = lesson("08_agents").await;
    let said: Vec<&str> = printed.out.lines().filter_map(|line| line.strip_prefix("  ")).collect();
    let expected = [
        "you: my name is Ada",
        "waiter: Nice to meet you, Ada. This is message 1 you sent in this chat.",
        r#"and the chat, which nobody had named, is called "My name is Ada""#,
        "you: @porter, who are you?",
        r#"porter: I am porter. My instructions are "You carry."."#,
        "you: /handoff cook what is my name?",
        "waiter: @cook what is my name?",
        "cook: Your name is Ada.",
        "you: @all who are you?",
        r#"cook: I am cook. My instructions are "You cook with butter."."#,
        r#"porter: I am porter. My instructions are "You carry."."#,
        r#"waiter: I am waiter. My instructions are "You serve."."#,
        r#"cook: You answered "yes". My instructions are "You cook with butter."."#,
        "you: @cook what are your instructions?",
        r#"cook: My instructions are "You cook with oil."."#,
    ];
    assert_eq!(said, expected);
}

// Law 5, issue 4: start, chat, kill, start again
#[tokio::test]
async fn chats_that_are_kept_outlive_the_kill_of_their_process() {
    let printed = lesson("09_keep_chats").await;
    let expected = [
        "a process chats:",
        "  ada: Nice to meet you, Ada. This is message 1 you sent in this chat.",
        "  bob: Nice to meet you, Bob. This is message 1 you sent in this chat.",
        "  ada: 1 2 3 4 5 6 7 8 9 10 …",
        "the file is held by that process",
        "the process is killed in the middle of the answer",
        "the file is opened again:",
        "  ada has 6 messages",
        "  bob has 2 messages",
        "ada's chat is whole:",
        "  you: my name is Ada",
        "  assistant: Nice to meet you, Ada. This is message 1 you sent in this chat.",
        "  you: /long 100000",
        "  assistant: 1 2 3 4 5 6 7 8 9 10 … (interrupted: the process ended or was shut down)",
        "  you: what is my name?",
        "  assistant: Your name is Ada.",
        "the turn that ran ended as interrupted",
        "and bob goes on: In this chat you told me that your name is Bob.",
    ];
    assert_eq!(printed.out.lines().collect::<Vec<_>>(), expected);
}

// issue 4: brought in once, found, and taken out for people
#[tokio::test]
async fn chats_of_another_program_are_brought_in_found_and_printed() {
    let printed = lesson("10_import_and_search").await;
    let lost =
        "  left out: agent_memory, row 19: a message of no chat, or of one that is not there";
    assert_eq!(printed.out.matches(lost).count(), 2, "{}", printed.out);
    assert_has(
        &printed,
        &[
            "  [#############-------] 2 of 3 chats",
            "  3 chats and 6 messages are new",
            "  0 chats were there; 12 rows said nothing new",
            "  0 chats and 0 messages are new",
            "  3 chats were there; 12 rows said nothing new",
            "  chat-1: [Green] [tea], black [tea], and coffee.",
            "  chat-1: is there [green] [tea]?",
            "  # A room",
            "  Chat `chat-2`, 4 messages, begun 2024-05-01T08:00:00Z",
            "  **host**, 2024-05-01T08:00:10Z",
            "  > The green one, above the garden.",
        ],
    );
    // Written without terminal control: one line per chat.
    assert!(!printed.out.contains('\r'));
}

// Law 4, issue 5: a client outlives its server's connections, and its text has no hole
#[tokio::test]
async fn a_client_of_a_socket_goes_on_where_it_was() {
    let printed = lesson("11_ipc_server_and_client").await;
    let expected = [
        "Three chats on one connection:",
        "  ada: Your name is Ada.",
        "  bob: Your name is Bob.",
        "  cyd: Your name is Cyd.",
        "The connection is lost while ada answers, and made again:",
        "  nobody is connected, and the world goes on with 1 turn",
        "  connections made: 2",
        "  what was shown is what was answered: true",
        "A second program reads bob from the beginning:",
        "   1 chat.created",
        "   2 prompt.accepted",
        "   3 turn.started",
        "   4 message.start",
        "   5 message.end",
        "   6 turn.ended",
    ];
    assert_eq!(printed.out.lines().collect::<Vec<_>>(), expected);
}

// Issue 6: two users in one world see nothing of each other
#[tokio::test]
async fn a_program_of_ones_own_hands_out_the_world_as_each_person_may_see_it() {
    let printed = lesson("14_embed_in_axum").await;
    let expected = [
        "Both talk in one world, each in a chat of their own:",
        "  ada-plans: completed",
        "  bob-diary: completed",
        "What Ada's list and search hold:",
        "  /chats: {\"ada-plans\"}",
        "  /search?text=secret: {\"ada-plans\"}",
        "What Ada gets for a chat of Bob's, and for one that nobody has:",
        "  bob-diary: 404 Not Found, unknown_chat",
        "  bob-dreams: 404 Not Found, unknown_chat",
        "  to make one in his name: 403 Forbidden, forbidden",
        "Who is not signed in: 401 Unauthorized",
    ];
    assert_eq!(printed.out.lines().collect::<Vec<_>>(), expected);
}

// Issue 6: the world over HTTP, by a client of ours and by hand
#[tokio::test]
async fn a_world_over_http_answers_and_tells_what_it_records() {
    let printed = lesson("13_http_server").await;
    let expected = [
        "Two chats at once, by a client that is a world:",
        "  ada: Your name is Ada.",
        "  bob: Your name is Bob.",
        "A prompt, and the answer to this very prompt:",
        "  completed, Your name is Ada.",
        "What the chat of Bob has recorded, as its stream tells it until the chat is idle:",
        "  chat.created",
        "  prompt.accepted",
        "  turn.started",
        "  message.start",
        "  message.end",
        "  turn.ended",
        "  prompt.accepted",
        "  turn.started",
        "  message.start",
        "  message.end",
        "  turn.ended",
        "  ended",
        "A chat that nobody has made:",
        "  404, unknown_chat",
    ];
    assert_eq!(printed.out.lines().collect::<Vec<_>>(), expected);
}
