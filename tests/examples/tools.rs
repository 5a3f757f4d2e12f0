//! `concurrent_chats` with tools, line by line: who may run what, in which chat, and who is told.

use crate::program::{Talk, example};

fn talk() -> Talk {
    Talk::with(example("concurrent_chats", &["--pace", "0"]))
}

const RING: &str = "/tool ring {\"times\":3}";
const WAIT: &str = "/tool wait {\"seconds\":300}";

// REQ-4, law 5, issue 3: approvals in the terminal
#[tokio::test]
async fn what_one_chat_is_allowed_another_is_denied_and_each_hears_only_its_own() {
    let mut talk = talk();
    talk.say(&format!("a: {RING}")).await;
    talk.say("b: /tool ring {\"times\":5}").await;
    talk.hear("a: [waiting for you: ring {\"times\":3} — /allow, /allow-chat, /deny WHY]").await;
    talk.hear("b: [waiting for you: ring {\"times\":5}").await;
    // Both wait at the same moment, and the one that was asked later is decided first.
    talk.say("b: /deny not at night").await;
    talk.hear("b: [ring failed: denied: not at night]").await;
    talk.say("a: /allow").await;
    talk.hear("a: [tool ring {\"times\":3}]").await;
    talk.hear("a: [ring answered: rang 3 times]").await;
    let printed = talk.end().await;

    printed.assert_plain(&["a", "b"]);
    let (a, b) = (printed.row("a"), printed.row("b"));
    assert_eq!((a["turns"], a["completed"], a["awaiting"], a["tool calls"]), (1, 1, 0, 1));
    assert_eq!((b["turns"], b["completed"], b["awaiting"], b["tool calls"]), (1, 1, 0, 1));
    assert_eq!(printed.err, "");
    // What rings is heard nowhere else; and the model hears of both.
    let told =
        |line: &&&str| line.starts_with('[') && (line.contains("Ding") || line.contains('3'));
    assert_eq!(printed.of("b").iter().find(told), None, "{}", printed.out);
    assert!(printed.said("a").contains("rang 3 times"), "{}", printed.out);
    assert!(printed.said("b").contains("not at night"), "{}", printed.out);
}

// REQ-1, REQ-4, REQ-12, law 5
#[tokio::test]
async fn two_chats_run_tools_at_once_while_a_third_is_answered_and_a_cancelled_call_says_so() {
    let mut talk = talk();
    for chat in ["a", "b"] {
        talk.say(&format!("{chat}: {WAIT}")).await;
        talk.hear(&format!("{chat}: [tool wait ")).await;
    }
    // Neither will end by itself while this test runs.
    talk.say("c: /tool calculator {\"expression\":\"6*7\"}").await;
    talk.hear("c: [calculator answered: 42]").await;
    for chat in ["b", "a"] {
        talk.say(&format!("{chat}: /cancel")).await;
        talk.hear(&format!("{chat}: [wait failed: cancelled")).await;
        talk.hear(&format!("{chat}: [cancelled]")).await;
    }
    let printed = talk.end().await;
    printed.assert_plain(&["a", "b", "c"]);
    for chat in ["a", "b"] {
        let row = printed.row(chat);
        assert_eq!((row["cancelled"], row["completed"], row["tool calls"]), (1, 0, 1));
    }
    assert_eq!(printed.row("c")["completed"], 1);
}

// REQ-4
#[tokio::test]
async fn what_tools_show_is_seen_while_they_run_each_in_its_chat() {
    // Ten thousand times, a fiftieth of a second apart: neither ends while this test runs.
    let mut talk = Talk::with(example("concurrent_chats", &["--pace", "20"]));
    for (chat, times) in [("a", 10_000), ("b", 9_999)] {
        talk.say(&format!("{chat}: /tool ring {{\"times\":{times}}}")).await;
        talk.hear(&format!("{chat}: [waiting for you: ring")).await;
        talk.say(&format!("{chat}: /allow")).await;
    }
    for (chat, times) in [("a", 10_000), ("b", 9_999)] {
        talk.hear(&format!("{chat}: [ring: Ding!]")).await;
        talk.hear(&format!(" of {times}]")).await;
    }
    for chat in ["a", "b"] {
        talk.say(&format!("{chat}: /cancel")).await;
        talk.hear(&format!("{chat}: [ring failed: cancelled")).await;
    }
    let printed = talk.end().await;
    for (chat, other) in [("a", "9999"), ("b", "10000")] {
        let told = |line: &&&str| line.starts_with('[') && line.contains(other);
        assert_eq!(printed.of(chat).iter().find(told), None, "{}", printed.out);
        assert_eq!(printed.row(chat)["cancelled"], 1);
    }
}

// Issue 3: allow this tool for this chat
#[tokio::test]
async fn a_tool_that_is_allowed_for_a_chat_runs_there_without_asking_and_asks_elsewhere() {
    let mut talk = talk();
    talk.say(&format!("a: {RING}")).await;
    talk.hear("a: [waiting for you: ring").await;
    talk.say("a: /allow-chat").await;
    talk.hear("a: [ring answered").await;
    talk.say(&format!("a: {RING}")).await;
    talk.hear("a: [ring answered").await;
    talk.say(&format!("b: {RING}")).await;
    talk.hear("b: [waiting for you: ring").await;
    talk.say("b: /cancel").await;
    talk.hear("b: [cancelled]").await;
    let printed = talk.end().await;
    let asked =
        |chat| printed.of(chat).iter().filter(|line| line.starts_with("[waiting for you")).count();
    assert_eq!((asked("a"), asked("b")), (1, 1));
    assert_eq!((printed.row("a")["tool calls"], printed.row("a")["completed"]), (2, 2));
    assert!(printed.of("b").iter().any(|line| line.starts_with("[ring failed: cancelled")));
    assert!(!printed.out.contains("b: [tool ring"), "it never ran: {}", printed.out);
}

// Issue 3: calls of one step
#[tokio::test]
async fn of_several_calls_each_is_decided_by_itself_and_the_turn_goes_on_after_the_last() {
    let mut talk = talk();
    talk.say(&format!("a: {RING}; /tool ring {{\"times\":4}}; /tool clock")).await;
    talk.hear("a: [clock #3 answered").await;
    talk.hear("a: [waiting for you: ring #2 {\"times\":4}").await;
    talk.say("a: /allow #2").await;
    talk.hear("a: [ring #2 answered: rang 4 times]").await;
    talk.say("a: /allow #2").await;
    talk.hear("a: [no call #2 waits for you]").await;
    talk.say("a: /deny enough").await;
    talk.hear("a: [ring #1 failed: denied: enough]").await;
    let printed = talk.end().await;
    assert_eq!((printed.row("a")["turns"], printed.row("a")["completed"]), (1, 1));
    assert_eq!(printed.row("a")["tool calls"], 3);
    // The model hears of all three only after the last decision, in the order of its calls.
    let said = printed.said("a");
    assert!(said.find("enough").unwrap() < said.find("rang 4 times").unwrap(), "{said}");
}

// Issue 3: a question with options or free text
#[tokio::test]
async fn a_question_is_answered_with_words_and_nothing_else() {
    let mut talk = talk();
    talk.say("a: /ask Which colour? | red | blue").await;
    let asks =
        "a: [waiting for you: ask_user Which colour? (red | blue) — /answer TEXT, /deny WHY]";
    talk.hear(asks).await;
    talk.say("a: /allow").await;
    talk.hear("a: [ask_user is a question: /answer TEXT, or /deny WHY]").await;
    talk.say("a: /answer blue").await;
    talk.hear("a: [ask_user answered: blue]").await;
    let printed = talk.end().await;
    printed.assert_plain(&["a"]);
    assert!(printed.said("a").contains("blue"));
    assert_eq!((printed.row("a")["completed"], printed.row("a")["tool calls"]), (1, 1));
}

// Law 5: a decision without anything to decide is refused, and harms nothing.
#[tokio::test]
async fn a_decision_for_which_nobody_waits_is_told_politely() {
    let mut talk = talk();
    for order in ["/allow", "/allow-chat", "/deny", "/answer yes"] {
        talk.say(&format!("a: {order}")).await;
        talk.hear("a: [nothing waits for you]").await;
    }
    talk.say(&format!("a: {RING}")).await;
    talk.hear("a: [waiting for you: ring").await;
    // A decision in another chat reaches nobody here.
    talk.say("b: /allow").await;
    talk.hear("b: [nothing waits for you]").await;
    talk.say("a: /answer yes").await;
    talk.hear("a: [ring asks for no answer: /allow, /allow-chat, or /deny WHY]").await;
    talk.say("a: /allow #2").await;
    talk.hear("a: [no call #2 waits for you]").await;
    talk.say("a: /deny").await;
    talk.hear("a: [ring failed: denied: the user does not want it]").await;
    let printed = talk.end().await;
    assert_eq!(printed.row("a")["completed"], 1);
    assert!(!printed.out.contains("Ding"), "{}", printed.out);
}

// What is allowed must be what it seems: no letter steers the terminal or turns others around.
#[tokio::test]
async fn arguments_that_would_deceive_the_person_who_judges_them_are_shown_as_they_are() {
    let mut talk = talk();
    talk.say("a: /ask Delete \u{202e}gpj.exe\u{202c}?\u{1b}[2K | yes").await;
    talk.hear("a: [waiting for you: ask_user Delete gpj.exe?[2K (yes)").await;
    talk.say("a: /deny").await;
    talk.hear("a: [ask_user failed: denied").await;
    talk.end().await.assert_plain(&["a"]);
}

// Issue 3: what is wrong goes back to the model.
#[tokio::test]
async fn a_call_that_cannot_run_is_told_with_its_reason_and_nobody_is_asked() {
    let mut talk = talk();
    talk.say("a: /tool ring {\"times\":0}").await;
    talk.hear("a: [ring failed: invalid_arguments").await;
    // The demo knows which tools it was offered; real models may not, see `real_model`.
    talk.say("a: /tool nonsense").await;
    talk.hear("a: I have no tool nonsense").await;
    talk.say("a: /tool clock").await;
    talk.hear("a: [clock answered: ").await;
    let printed = talk.end().await;
    assert_eq!((printed.row("a")["completed"], printed.row("a")["tool calls"]), (3, 2));
    assert!(!printed.out.contains("waiting for you"));
}

// Law 5: `interrupted` means a turn that ran; one that waits for a person goes on waiting.
#[cfg(unix)]
#[tokio::test]
async fn ctrl_c_leaves_a_chat_waiting_that_waits_for_a_person() {
    let mut talk = talk();
    talk.say(&format!("a: {RING}")).await;
    talk.hear("a: [waiting for you: ring").await;
    talk.say("a: and then?").await;
    talk.say("b: /hang").await;
    talk.say("b: /history").await;
    talk.hear("b: [you: /hang]").await;
    let process = talk.process().to_string();
    let sent = tokio::process::Command::new("kill").args(["-INT", &process]).status().await;
    assert!(sent.unwrap().success());
    let printed = talk.end_by_itself().await;
    let (a, b) = (printed.row("a"), printed.row("b"));
    assert_eq!((a["turns"], a["awaiting"], a["interrupted"]), (1, 1, 0));
    assert_eq!((b["awaiting"], b["interrupted"]), (0, 1));
    assert!(printed.of("a").contains(&"[left waiting for you: ring]"), "{}", printed.out);
    assert!(printed.of("a").contains(&"[left without an answer: 1]"), "{}", printed.out);
}
