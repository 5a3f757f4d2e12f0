//! What people write for `concurrent_chats`: orders, decisions, and MCP servers on the command line.

use polychat::{
    MessageId, Seq, ToolCallId, TurnId,
    command::PendingApproval,
    event::ApprovalKind::{self, Permission, Question},
    tool::ApprovalDecision,
};
use serde_json::json;

use crate::{
    decide::{choose, decision},
    line::{Line, Order, Says, parse},
    mcp::{McpArg, Place, named},
};

#[test]
fn a_decision_may_name_its_call_and_give_words() {
    let table = [
        ("/allow", (None, Says::Allow)),
        ("/allow #2", (Some(2), Says::Allow)),
        ("/allow-chat  #12 ", (Some(12), Says::AllowInChat)),
        ("/deny", (None, Says::Deny(""))),
        ("/deny #1", (Some(1), Says::Deny(""))),
        ("/deny #1 not now", (Some(1), Says::Deny("not now"))),
        ("/deny not #1", (None, Says::Deny("not #1"))),
        ("/answer #1 red", (Some(1), Says::Answer("red"))),
        // An answer that only looks like a number is one all the same.
        ("/answer #1", (None, Says::Answer("#1"))),
        ("/answer #70000 is my house", (None, Says::Answer("#70000 is my house"))),
    ];
    for (text, (call, says)) in table {
        let line = format!("a: {text}");
        let expected = Line { chat: "a", order: Order::Decide(call, says) };
        assert_eq!(parse(&line), Ok(expected), "{text}");
    }
    assert!(parse("a: /answer").is_err());
    let plain = Line { chat: "a", order: Order::Queue("/allowed?") };
    assert_eq!(parse("a: /allowed?"), Ok(plain));
}

fn waiting(index: u16, kind: ApprovalKind) -> PendingApproval {
    PendingApproval {
        chat_id: polychat::ChatId::new("a").unwrap(),
        tool_call_id: ToolCallId { message: MessageId(Seq::FIRST), index },
        turn_id: TurnId(Seq::FIRST),
        name: "it".into(),
        arguments: json!({}),
        kind,
    }
}

#[test]
fn a_decision_goes_to_the_oldest_call_that_it_fits_or_to_the_one_that_is_named() {
    let waiting = [waiting(1, Question), waiting(2, Permission), waiting(4, Permission)];
    let chosen = |call, says| choose(&waiting, call, says).map(|asked| asked.tool_call_id.index);
    assert_eq!(chosen(None, Says::Allow), Ok(2));
    assert_eq!(chosen(None, Says::AllowInChat), Ok(2));
    assert_eq!(chosen(None, Says::Answer("x")), Ok(1));
    assert_eq!(chosen(None, Says::Deny("x")), Ok(1));
    // People count from 1.
    assert_eq!(chosen(Some(5), Says::Allow), Ok(4));
    let hint = |call, says| chosen(call, says).unwrap_err();
    assert!(hint(Some(2), Says::Allow).contains("is a question"));
    assert!(hint(Some(3), Says::Answer("x")).contains("asks for no answer"));
    assert_eq!(hint(Some(1), Says::Allow), "no call #1 waits for you");
    assert_eq!(choose(&[], None, Says::Allow).unwrap_err(), "nothing waits for you");
}

#[test]
fn a_denial_always_has_a_reason_for_the_model() {
    let ApprovalDecision::Deny { reason } = decision(Says::Deny("")) else { panic!("no denial") };
    assert!(!reason.is_empty());
}

#[test]
fn a_server_is_a_command_as_a_shell_splits_it_or_an_address_and_may_have_a_name() {
    let command = |program: &str, args: &[&str]| Place::Command {
        program: program.to_owned(),
        args: args.iter().map(|&arg| arg.to_owned()).collect(),
    };
    let table = [
        ("npx -y 'a server' --key=x", "mcp1", command("npx", &["-y", "a server", "--key=x"])),
        ("files=node dist/index.js", "files", command("node", &["dist/index.js"])),
        ("env KEY=x node", "mcp1", command("env", &["KEY=x", "node"])),
        ("http://h/mcp?a=b", "mcp1", Place::Url("http://h/mcp?a=b".to_owned())),
        ("docs=https://h/mcp", "docs", Place::Url("https://h/mcp".to_owned())),
    ];
    for (text, name, place) in table {
        let servers: [McpArg; 1] = [text.parse().unwrap()];
        assert_eq!(named(&servers).collect::<Vec<_>>(), [(name.to_owned(), &place)], "{text}");
    }
    for wrong in ["", "  ", "files=", "node 'dist"] {
        assert!(wrong.parse::<McpArg>().is_err(), "{wrong:?}");
    }
}

#[test]
fn servers_without_a_name_are_counted() {
    let servers = ["x", "b=y", "z"].map(|text| text.parse::<McpArg>().unwrap());
    let names: Vec<String> = named(&servers).map(|(name, _)| name).collect();
    assert_eq!(names, ["mcp1", "b", "mcp3"]);
}
