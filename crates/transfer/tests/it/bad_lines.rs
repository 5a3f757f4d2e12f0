//! Lines that make no sense: each is reported with its number, and the rest goes on.

use polychat_core::{Command, ports::WorldService};
use polychat_transfer::{Import, Observed, PROBLEMS_KEPT_MAX};

use crate::support::{import, lines, old_chat, problems, said, world};

fn chat(id: &str) -> String {
    format!(r#"{{"v":1,"type":"chat","chatId":"{id}","source":"s","createdAt":1,"updatedAt":1}}"#)
}

fn says(chat: &str, text: &str) -> String {
    message(chat, text, r#""role":"user""#)
}

fn message(chat: &str, text: &str, role: &str) -> String {
    format!(
        r#"{{"v":1,"type":"message","chatId":"{chat}","id":"{text}","at":1,{role},"parts":[{{"type":"text","text":"{text}"}}]}}"#
    )
}

fn answers(chat: &str, text: &str, asked: &str, call: u16) -> String {
    let role = format!(r#""role":"tool","answers":{{"message":"{asked}","call":{call}}}"#);
    message(chat, text, &role)
}

const CALLS: &str =
    r#""role":"assistant","toolCalls":[{"name":"t","arguments":{}},{"name":"t","arguments":1}]"#;
const END: &str = r#"{"v":1,"type":"end","chats":1,"messages":1}"#;

fn joined(lines: &[String]) -> String {
    lines.iter().map(|line| format!("{line}\n")).collect()
}

// issue 4, REQ-13: reported row by row, never dropped silently
#[tokio::test(start_paused = true)]
async fn each_bad_line_is_reported_with_its_number_and_the_rest_is_imported() {
    let table: [(String, &str); 22] = [
        (says("a", "early"), "no_chat"),
        (chat("a"), ""),
        (says("a", "one"), ""),
        ("{\"v\":1,".into(), "not_json"),
        ("\u{feff}".into(), "not_json"),
        ("[1]".into(), "wrong_type"),
        (says("a", "old").replace("\"v\":1", "\"v\":2"), "unknown_version"),
        (says("a", "none").replace("\"v\":1,", ""), "unknown_version"),
        (says("b", "foreign"), "foreign_chat"),
        (message("a", "owl", r#""role":"owl""#), "wrong_type"),
        (says("a", "late").replace("\"at\":1", "\"at\":\"now\""), "wrong_type"),
        (says("a", "past").replace("\"at\":1", "\"at\":-1"), "wrong_type"),
        (says("a", "partless").replace("\"parts\":", "\"p\":"), "wrong_type"),
        (answers("a", "orphan", "one", 0), "orphan"),
        (message("a", "asks", CALLS), ""),
        (answers("a", "third", "asks", 2), "orphan"),
        (answers("a", "second", "asks", 1), ""),
        (answers("a", "twice", "asks", 1), "orphan"),
        ("  ".into(), ""),
        (says("a", "two"), ""),
        (chat("."), "invalid_id"),
        (says(".", "of nobody"), "invalid_id"),
    ];
    let text: Vec<String> = table.iter().map(|(line, _)| line.clone()).collect();
    let text = joined(&text)
        + &joined(&[
            chat("c"),
            r#"{"v":1,"type":"dream"}"#.into(),
            says("c", "after a dream"),
            r#"{"v":1,"type":"missing","chatId":"d","code":"chat_failed","why":"damaged"}"#.into(),
            END.into(),
        ]);
    let expected: Vec<String> = (1..)
        .zip(table.iter().map(|(_, kind)| *kind).chain(["", "unknown_kind", "no_chat", "missing"]))
        .filter(|(_, kind)| !kind.is_empty())
        .map(|(number, kind)| format!("line {number} {kind}"))
        .collect();
    let world = world("home").await;
    let mut observed = Vec::new();
    let report = Import::new(world.clone())
        .observe(|it| {
            if let Observed::Problem(problem) = it {
                observed.push(format!("{} {}", problem.place, problem.kind.as_str()));
            }
        })
        .json_lines(text.as_bytes())
        .await
        .unwrap();
    assert_eq!(problems(&report), expected);
    assert_eq!(observed, expected);
    assert_eq!(report.problems_total, expected.len() as u64);
    assert_eq!(said(&world, "a").await, ["one", "asks", "second", "two"]);
    assert_eq!((report.chats_imported, report.messages_imported), (2, 4));
    // The chat with an impossible id, and the one that was missing.
    assert_eq!(report.chats_left_out, 2);
    assert_eq!(report.messages_left_out, 11);
    assert_eq!((report.progress.chats_done, report.progress.bytes), (3, text.len() as u64));
}

// issue 4: lines that were cut off bring no chat that lacks its end
#[tokio::test(start_paused = true)]
async fn wherever_the_lines_are_cut_off_running_the_whole_file_later_brings_everything() {
    let first = world("one").await;
    for id in ["a", "b"] {
        let chat = Box::new(old_chat(id, &["x", "y"]));
        first.call(Command::ImportChat { chat }).await.unwrap();
    }
    let whole = lines(&first).await;
    for cut in 1..whole.len() {
        if !whole.is_char_boundary(cut) || cut % 7 != 0 && cut + 1 != whole.len() {
            continue;
        }
        let second = world("two").await;
        let report = import(&second, &whole[..cut]).await;
        let is_whole = cut + 1 == whole.len(); // only the end of the last line is missing
        assert_eq!(report.is_whole(), is_whole, "cut at {cut}");
        let report = import(&second, &whole).await;
        assert!(report.is_whole(), "cut at {cut}: {:?}", report.problems);
        assert_eq!(said(&second, "b").await, ["x", "y"]);
    }
}

// Law 7: neither a line nor a chat nor the report grows without a bound
#[tokio::test(start_paused = true)]
async fn long_lines_large_chats_and_many_problems_are_bounded() {
    let world = world("home").await;
    let long = says("a", &"x".repeat(5_000));
    let text = joined(&[chat("a"), long, says("a", "short"), END.into()]);
    // The reader hands out a little at a time.
    let reader = tokio::io::BufReader::with_capacity(64, text.as_bytes());
    let report = Import::new(world.clone()).line_bytes_max(1_000).json_lines(reader).await.unwrap();
    assert_eq!(problems(&report), ["line 2 too_large"]);
    assert_eq!(said(&world, "a").await, ["short"]);

    let large =
        joined(&[chat("b"), says("b", "12345"), says("b", "678901"), chat("c"), END.into()]);
    let small = Import::new(world.clone()).chat_bytes_max(20);
    let report = small.json_lines(large.as_bytes()).await.unwrap();
    // Names and texts of both have 22 bytes.
    assert_eq!(problems(&report), ["line 1 too_large"]);
    assert_eq!((report.chats_imported, report.chats_left_out), (1, 1));

    let many = PROBLEMS_KEPT_MAX + 7;
    let report = import(&world, &("nonsense\n".repeat(many) + END)).await;
    assert_eq!((report.problems.len(), report.problems_total), (PROBLEMS_KEPT_MAX, many as u64));
}
