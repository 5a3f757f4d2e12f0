//! `concurrent_chats` in a pipe: all input at once, plain lines out.

use crate::program::{Printed, example, output, printed, run};

async fn pipe(args: &[&str], lines: &[&str]) -> Printed {
    run(example("concurrent_chats", args), &lines.join("\n")).await
}

// REQ-2, REQ-3, REQ-5
#[tokio::test]
async fn each_line_belongs_to_a_chat_and_no_chat_says_what_another_was_told() {
    let names = ["Ada", "Bob", "Cleo", "Dora"];
    let chats = ["a", "b", "c", "d"];
    let told = chats.iter().zip(names).map(|(chat, name)| format!("{chat}: my name is {name}"));
    let asked = chats.iter().map(|chat| format!("{chat}: what is my name?"));
    let lines: Vec<String> = told.chain(asked).collect();
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let printed = pipe(&["--pace", "1"], &lines).await;

    printed.assert_plain(&chats);
    assert_eq!(printed.err, "");
    for (chat, name) in chats.iter().zip(names) {
        let expected = format!(
            "Nice to meet you, {name}. This is message 1 you sent in this chat. Your name is {name}."
        );
        assert_eq!(printed.said(chat), expected);
        for other in names.iter().filter(|other| **other != name) {
            assert!(!printed.of(chat).iter().any(|line| line.contains(other)), "{}", printed.out);
        }
        let row = printed.row(chat);
        assert_eq!((row["turns"], row["completed"]), (2, 2));
    }
}

// REQ-11, law 6
#[tokio::test]
async fn a_crash_fails_one_turn_of_one_chat_and_that_chat_goes_on() {
    let lines =
        ["a: /long 200", "b: my name is Bob", "b: /crash", "b: what is my name?", "a: hello"];
    let printed = pipe(&["--pace", "0"], &lines).await;
    printed.assert_plain(&["a", "b"]);
    assert_eq!(printed.err, "", "the chat tells of the panic, and nobody else");
    let (a, b) = (printed.row("a"), printed.row("b"));
    assert_eq!((a["turns"], a["completed"], a["failed"]), (2, 2, 0));
    assert_eq!((b["turns"], b["completed"], b["failed"]), (3, 2, 1));
    let failed = "[failed: panicked: the demo model panicked, as asked]";
    assert!(printed.of("b").contains(&failed));
    assert!(printed.said("b").ends_with("I begin to answer, and then Your name is Bob."));
}

// Law 4: what was merged for a slow reader, or superseded by the record, is not lost.
#[tokio::test]
async fn all_that_a_chat_said_is_printed_once_and_in_order_however_fast_it_came() {
    let printed = pipe(&["--pace", "0"], &["a: /long 20000", "b: /long 20000"]).await;
    let all: Vec<String> = (1..=20_000).map(|n| n.to_string()).collect();
    let all = all.join(" ") + ".";
    for chat in ["a", "b"] {
        assert!(printed.said(chat) == all, "{chat} did not say it all, or not once");
    }
}

// Law 7
#[tokio::test]
async fn a_flood_ends_at_its_bound_and_a_neighbour_is_answered() {
    let printed = pipe(&["--pace", "0"], &["a: /flood", "b: /error", "c: hello"]).await;
    printed.assert_plain(&["a", "b", "c"]);
    assert_eq!((printed.row("a")["failed"], printed.row("b")["failed"]), (1, 1));
    assert_eq!(printed.said("a").matches("flood").count(), 4 * 1024 * 1024 / "flood ".len());
    assert_eq!(printed.row("c")["completed"], 1);
}

// Law 5
#[tokio::test]
async fn what_waits_is_answered_after_the_end_of_input() {
    let lines: Vec<String> =
        (0..30).map(|n| format!("{}: message", ["a", "b", "c"][n % 3])).collect();
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let printed = pipe(&["--pace", "0"], &lines).await;
    for chat in ["a", "b", "c"] {
        let row = printed.row(chat);
        assert_eq!((row["turns"], row["completed"]), (10, 10));
        assert!(printed.said(chat).contains("This is message 10 you sent in this chat."));
    }
}

// Law 5, REQ-12
#[tokio::test]
async fn cancelled_interrupted_and_withdrawn_messages_are_in_the_table() {
    let lines = [
        "a: /hang",
        "a: are you there?",
        "a: /cancel",
        "b: /hang",
        "b: /queue the last one",
        "b: /interrupt the urgent one",
        "c: /hang",
        "c: never answered",
        "c: never answered either",
        "c: /close",
        "c: too late",
        "d: /cancel",
        "d: hello",
    ];
    let printed = pipe(&["--pace", "0"], &lines).await;
    printed.assert_plain(&["a", "b", "c", "d"]);
    let count = |chat: &str, what: &str| printed.row(chat)[what];
    assert_eq!((count("a", "cancelled"), count("a", "completed")), (1, 1));
    assert_eq!((count("b", "cancelled"), count("b", "completed")), (1, 2));
    let said = printed.said("b");
    assert!(said.find("urgent one").unwrap() < said.find("last one").unwrap(), "{said}");
    assert_eq!((count("c", "cancelled"), count("c", "withdrawn"), count("c", "turns")), (1, 2, 1));
    assert!(printed.of("c").contains(&"[refused: the chat is closed]"));
    assert!(printed.of("d").contains(&"[refused: no turn is running]"));
    assert_eq!(count("d", "completed"), 1);
}

#[tokio::test]
async fn a_model_that_hangs_is_cancelled_when_the_patience_ends_and_the_next_message_runs() {
    let lines = ["a: /hang", "a: are you there?", "b: hello"];
    let printed = pipe(&["--pace", "0", "--patience", "300ms"], &lines).await;
    printed.assert_plain(&["a", "b"]);
    let (a, b) = (printed.row("a"), printed.row("b"));
    assert_eq!((a["cancelled"], a["completed"]), (1, 1));
    assert!(printed.of("a").contains(&"[nothing new for 300ms: cancelling]"));
    assert_eq!((b["cancelled"], b["completed"]), (0, 1));
}

// Law 5: a chat that waits for a person goes on waiting; the program does not.
#[tokio::test]
async fn whatever_still_waits_for_a_person_at_the_end_of_input_is_left_and_counted() {
    let lines = [
        "a: /tool ring {\"times\":2}",
        "a: and then?",
        "b: /tool ring {\"times\":2}; /tool ring {\"times\":3}; /tool wait {\"seconds\":1}",
        "c: /tool clock",
        // Nothing waits yet, and a decision is about something that was seen.
        "d: /allow",
        "d: hello",
    ];
    let printed = pipe(&["--pace", "0"], &lines).await;
    printed.assert_plain(&["a", "b", "c", "d"]);
    let (a, b) = (printed.row("a"), printed.row("b"));
    assert_eq!((a["turns"], a["awaiting"], a["completed"], a["tool calls"]), (1, 1, 0, 0));
    assert_eq!((b["turns"], b["awaiting"], b["completed"], b["tool calls"]), (1, 1, 0, 1));
    let told = |chat, what: &str| assert!(printed.of(chat).contains(&what), "{}", printed.out);
    told("a", "[waiting for you: ring {\"times\":2} — /allow, /allow-chat, /deny WHY]");
    told("a", "[left waiting for you: ring]");
    told("a", "[left without an answer: 1]");
    // What runs beside a call that waits is waited for.
    told("b", "[wait #3 answered: waited 1 seconds]");
    told("b", "[left waiting for you: ring #1, ring #2]");
    told("d", "[nothing waits for you]");
    for chat in ["c", "d"] {
        assert_eq!((printed.row(chat)["completed"], printed.row(chat)["awaiting"]), (1, 0));
    }
    assert_eq!(printed.row("c")["tool calls"], 1);
}

#[tokio::test]
async fn thinking_is_told_from_speaking() {
    let printed = pipe(&["--pace", "0"], &["a: think about tea"]).await;
    assert!(printed.of("a").contains(&"[thinking: The question is tea.]"), "{}", printed.out);
    assert!(printed.said("a").starts_with("I have thought about \"tea\"."));
}

#[tokio::test]
async fn a_line_without_a_chat_gets_a_hint_and_harms_nothing() {
    let lines = ["hello there", ": nobody", "two words: hello", "a:", "a: /steer", "", "a: hello"];
    let printed = pipe(&["--pace", "0"], &lines).await;
    printed.assert_plain(&["a"]);
    assert_eq!(printed.row("a")["turns"], 1);
    let hints: Vec<&str> = printed.err.lines().collect();
    assert_eq!(hints.len(), 5, "{}", printed.err);
    assert!(hints[0].contains("which chat?") && hints[0].ends_with("`a: hello there`"));
    assert!(hints[4].contains("a text is missing"));
}

#[tokio::test]
async fn no_input_is_no_error() {
    let printed = pipe(&[], &[]).await;
    assert_eq!((printed.out.as_str(), printed.err.as_str()), ("", ""));
}

#[tokio::test]
async fn what_the_options_cannot_mean_is_said_and_fails() {
    let no_key: &[&str] = &["--model", "m", "--key-env", "POLYCHAT_NO_SUCH_VARIABLE"];
    let wrong: [(&[&str], &str); 8] = [
        (&["--base-url", "http://127.0.0.1:1/v1"], "--model"),
        (&["--model", "m", "--base-url", "nonsense"], "http url"),
        (&["--patience", "soon"], "30s"),
        (&["--nonsense"], "--help"),
        (&["--mcp", "node 'dist"], "quote"),
        (&["--mcp", "x=node", "--mcp", "x=python"], "two servers named"),
        (&["--mcp", "http://"], "http url"),
        (no_key, "POLYCHAT_NO_SUCH_VARIABLE"),
    ];
    for (args, hint) in wrong {
        let output = output(&mut example("concurrent_chats", args), "a: hello\n").await;
        assert_eq!(output.status.code(), Some(1), "{args:?}");
        let printed = printed(&output);
        assert!(printed.err.contains(hint) && printed.out.is_empty(), "{args:?}: {printed:?}");
    }
}
