//! The envelope of JSON-RPC 2.0, whatever comes in.

use polychat_transport::ipc::{
    RejectedMessage,
    rpc::{
        ErrorCode, ErrorObject, Failure, Incoming, Notification, Request, RequestId, Success,
        parse, request_of_command,
    },
};
use proptest::prelude::*;
use serde_json::json;

/// The id of a request, or of a rejected one.
fn id_of(text: &str) -> Option<String> {
    match parse(text.as_bytes()) {
        Ok(Incoming::Request { id, .. }) => Some(id.as_json().into()),
        Err(RejectedMessage::Invalid { id, .. }) => id.map(|id| id.as_json().into()),
        other => panic!("{text}: {other:?}"),
    }
}

#[test]
fn an_id_comes_back_exactly_as_it_came() {
    for id in ["1", "-7", "1.50", "1e3", "\"x\"", r#""\u0061 \"ü""#, "\"\"", "18446744073709551616"]
    {
        let text = format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"ping"}}"#);
        let Ok(Incoming::Request { id: found, .. }) = parse(text.as_bytes()) else {
            panic!("{id}")
        };
        let answer = serde_json::to_string(&Success::new(&found, json!({}))).unwrap();
        assert_eq!(answer, format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{}}}}"#));
    }
}

#[test]
fn what_is_no_message_is_told_apart_and_keeps_its_id() {
    for text in ["", "{", "nonsense", "{} {}", r#"{"jsonrpc":"2.0","id":1,"method":"a""#] {
        let came = parse(text.as_bytes());
        assert!(matches!(came, Err(RejectedMessage::NotJson { .. })), "{text}: {came:?}");
    }
    assert!(matches!(parse(b"\"\xff\""), Err(RejectedMessage::NotJson { .. })));
    for (text, id) in [
        ("null", None),
        (r#"["2.0",1,"ping",{}]"#, None),
        (r#"[{"jsonrpc":"2.0","id":1,"method":"ping"}]"#, None),
        ("{}", None),
        (r#"{"id":1,"method":"ping"}"#, Some("1")),
        (r#"{"jsonrpc":"1.0","id":1,"method":"ping"}"#, Some("1")),
        (r#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#, None),
        (r#"{"jsonrpc":"2.0","id":{},"method":"ping"}"#, None),
        (r#"{"jsonrpc":"2.0","id":true,"method":"ping"}"#, None),
        (r#"{"jsonrpc":"2.0","id":1,"method":7}"#, Some("1")),
        (r#"{"jsonrpc":"2.0","id":1,"method":null}"#, Some("1")),
        (r#"{"jsonrpc":"2.0","id":1}"#, Some("1")),
        (r#"{"jsonrpc":"2.0","id":1,"result":1,"error":1}"#, Some("1")),
        (r#"{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}"#, None),
    ] {
        assert_eq!(id_of(text), id.map(String::from), "{text}");
        assert!(matches!(parse(text.as_bytes()), Err(RejectedMessage::Invalid { .. })), "{text}");
    }
    // law 7
    let long = format!(r#"{{"jsonrpc":"2.0","id":"{}","method":"ping"}}"#, "x".repeat(300));
    assert_eq!(id_of(&long), None);
}

#[test]
fn a_result_of_null_is_an_answer_all_the_same() {
    let text = br#"{"jsonrpc":"2.0","id":1,"result":null}"#;
    assert!(matches!(parse(text), Ok(Incoming::Answer { outcome: Ok(_), .. })));
    let text = br#"{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":""}}"#;
    assert!(matches!(parse(text), Ok(Incoming::Answer { id: None, outcome: Err(_) })));
}

#[test]
fn every_form_of_a_message_is_pinned() {
    let id = RequestId::number(7);
    let forms = [
        serde_json::to_string(&Request::new(&id, "ping", json!({}))).unwrap(),
        serde_json::to_string(&Notification::new("event", json!({ "a": 1 }))).unwrap(),
        serde_json::to_string(&Failure::new(None, ErrorObject::plain(ErrorCode::NOT_JSON, "x")))
            .unwrap(),
        String::from_utf8(request_of_command(&id, br#"{"method":"world/get"}"#)).unwrap(),
    ];
    assert_eq!(
        forms,
        [
            r#"{"jsonrpc":"2.0","id":7,"method":"ping","params":{}}"#,
            r#"{"jsonrpc":"2.0","method":"event","params":{"a":1}}"#,
            r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"x","data":{"code":"not_json","retryable":false,"message":"x"}}}"#,
            r#"{"jsonrpc":"2.0","id":7,"method":"world/get"}"#,
        ]
    );
}

proptest! {
    #[test]
    fn no_bytes_make_a_reader_of_messages_panic(
        bytes in proptest::collection::vec(any::<u8>(), 0..300),
    ) {
        let _ = parse(&bytes);
    }

    #[test]
    fn no_message_with_something_odd_in_it_is_taken_for_another(
        id in any::<i64>(),
        odd in "[\\PC]{0,20}",
    ) {
        let text = json!({ "jsonrpc": "2.0", "id": id, "method": odd, "params": [odd] });
        match parse(text.to_string().as_bytes()) {
            Ok(Incoming::Request { id: found, method, .. }) => {
                prop_assert_eq!(found.as_json(), id.to_string());
                prop_assert_eq!(method, odd);
            }
            other => prop_assert!(false, "{other:?}"),
        }
    }
}
