//! Whatever bytes come in: a reader of frames and a whole connection keep their promises.

use polychat_testkit::samples::every_command;
use polychat_transport::{
    ipc::{
        Closed, ConnectionError, Framing,
        rpc::{RequestId, request_of_command},
    },
    wire::encode_command,
};
use proptest::{collection::vec, prelude::*, sample::Index};

mod drive;

const BOTH: [Framing; 2] = [Framing::Lines, Framing::ContentLength];

fn any_framing() -> impl Strategy<Value = Framing> {
    proptest::sample::select(BOTH.to_vec())
}

/// The bytes in pieces of these lengths, again and again.
fn pieces<'a>(bytes: &'a [u8], lengths: &[usize]) -> Vec<&'a [u8]> {
    let mut rest = bytes;
    let mut pieces = Vec::new();
    for length in lengths.iter().cycle() {
        let (piece, after) = rest.split_at((*length).min(rest.len()));
        pieces.push(piece);
        rest = after;
        if rest.is_empty() {
            break;
        }
    }
    pieces
}

/// Lengths of pieces: never all zero.
fn lengths() -> impl Strategy<Value = Vec<usize>> {
    vec(prop_oneof![1_usize..8, 8_usize..200, 200_usize..5_000], 1..6)
}

/// Messages that are in order, all but `shutdown`.
fn valid() -> Vec<Vec<u8>> {
    let commands = every_command().into_iter().enumerate().map(|(n, command)| {
        let id = RequestId::number(n.try_into().unwrap());
        request_of_command(&id, &encode_command(command).unwrap())
    });
    let others = [
        r#"{"jsonrpc":"2.0","id":100,"method":"ping"}"#,
        r#"{"jsonrpc":"2.0","id":101,"method":"events/subscribe","params":{"scope":"chat","chatId":"a","start":"now"}}"#,
        r#"{"jsonrpc":"2.0","id":102,"method":"events/subscribe","params":{"scope":"world","start":"now"}}"#,
        r#"{"jsonrpc":"2.0","id":103,"method":"events/unsubscribe","params":{"subscriptionId":"s1"}}"#,
        r#"{"jsonrpc":"2.0","method":"events/more","params":{"subscriptionId":"s1","events":9}}"#,
        r#"{"jsonrpc":"2.0","method":"$/cancelRequest","params":{"id":7}}"#,
        r#"{"jsonrpc":"2.0","id":8,"result":{"parts":[]}}"#,
        r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"x"}}"#,
    ];
    commands.chain(others.map(|text| text.into())).collect()
}

/// One thing done to a message.
#[derive(Debug, Clone)]
enum Change {
    Set(Index, u8),
    Cut(Index, Index),
    Double(Index, Index),
    Insert(Index, Vec<u8>),
}

/// What upsets readers of JSON.
fn upsetting() -> Vec<Vec<u8>> {
    let words: [&[u8]; 17] = [
        b"\0",
        b"\xef\xbb\xbf",
        b"\xff",
        br#"\ud800"#,
        br#""\udc00\ud800""#,
        br#""id":1,"#,
        br#""chatId":"b","#,
        br#""chatId":null,"#,
        br#""params":[],"#,
        b"1e999",
        b"-0",
        b"18446744073709551616",
        b"9007199254740993",
        b"\n",
        b"\r\n\r\n",
        b"Content-Length: 99999999999\r\n\r\n",
        b"\"",
    ];
    let deep = [b"[".repeat(300), b"{\"a\":".repeat(300), b"\"x\",".repeat(6_000)];
    words.iter().map(|word| word.to_vec()).chain(deep).collect()
}

fn change() -> impl Strategy<Value = Change> {
    let at = any::<Index>;
    prop_oneof![
        (at(), any::<u8>()).prop_map(|(at, byte)| Change::Set(at, byte)),
        (at(), at()).prop_map(|(from, to)| Change::Cut(from, to)),
        (at(), at()).prop_map(|(from, to)| Change::Double(from, to)),
        (at(), proptest::sample::select(upsetting()))
            .prop_map(|(at, word)| Change::Insert(at, word)),
    ]
}

fn changed(mut message: Vec<u8>, changes: &[Change]) -> Vec<u8> {
    for change in changes {
        let place = |at: &Index| at.index(message.len() + 1);
        let range = |from: &Index, to: &Index| {
            let (from, to) = (place(from), place(to));
            from.min(to)..from.max(to)
        };
        match change {
            Change::Set(at, byte) => {
                let at = place(at);
                if let Some(was) = message.get_mut(at) {
                    *was = *byte;
                }
            }
            Change::Cut(from, to) => drop(message.drain(range(from, to))),
            Change::Double(from, to) => {
                let range = range(from, to);
                let twice = message[range.clone()].to_vec();
                message.splice(range.end..range.end, twice);
            }
            Change::Insert(at, word) => {
                let at = place(at);
                message.splice(at..at, word.iter().copied());
            }
        }
    }
    message
}

/// Messages of which most are not quite in order.
fn mutated() -> impl Strategy<Value = Vec<Vec<u8>>> {
    let message = (proptest::sample::select(valid()), vec(change(), 0..4))
        .prop_map(|(message, changes)| changed(message, &changes));
    vec(message, 1..8)
}

/// What a server says, most of it not quite in order, after it has said who it is.
fn said() -> impl Strategy<Value = Vec<Vec<u8>>> {
    let said = [
        r#"{"jsonrpc":"2.0","id":1,"result":{"type":"done"}}"#,
        r#"{"jsonrpc":"2.0","id":1,"result":{"subscriptionId":"s1"}}"#,
        r#"{"jsonrpc":"2.0","id":2,"result":{"subscriptionId":"s1"}}"#,
        r#"{"jsonrpc":"2.0","id":2,"error":{"code":-32000,"message":"x","data":{"code":"forbidden"}}}"#,
        r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"x"}}"#,
        r#"{"jsonrpc":"2.0","method":"event","params":{"subscriptionId":"s1","worldId":"w","cursor":"1-0-0-0","event":{"chatId":"a","seq":1,"at":1,"type":"chat.closed"}}}"#,
        r#"{"jsonrpc":"2.0","method":"event","params":{"subscriptionId":"s1","worldId":"w","event":{"chatId":"a","type":"ended","reason":"deleted"}}}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"tool/call","params":{}}"#,
    ];
    let said: Vec<Vec<u8>> = said.iter().map(|text| text.as_bytes().to_vec()).collect();
    let message = (proptest::sample::select(said), vec(change(), 0..3))
        .prop_map(|(message, changes)| changed(message, &changes));
    vec(message, 0..8)
}

proptest! {
    // law 6: whatever a server says, who asked hears something, and a stream ends
    #[test]
    fn no_server_makes_a_remote_world_panic_or_hang(
        messages in said(),
        framing in any_framing(),
        lengths in lengths(),
    ) {
        let mut all = vec![drive::WELCOME.to_vec()];
        all.extend(messages);
        let bytes = drive::framed(framing, all.iter().map(Vec::as_slice));
        drive::remote(framing, &pieces(&bytes, &lengths));
    }

    // law 6, law 7
    #[test]
    fn whatever_is_done_to_messages_the_next_request_is_answered(
        messages in mutated(),
        framing in any_framing(),
        lengths in lengths(),
    ) {
        let bytes = drive::framed(framing, messages.iter().map(Vec::as_slice));
        let ending = drive::connection(framing, &pieces(&bytes, &lengths));
        prop_assert!(ending.answered, "{:?}", ending);
        prop_assert!(matches!(ending.end, Ok(Closed::ByClient)), "{:?}", ending);
    }

    // law 6: only who announces lengths can lose the frames
    #[test]
    fn whatever_bytes_come_in_a_connection_goes_on_or_ends_with_a_reason(
        bytes in vec(any::<u8>(), 0..3_000),
        messages in mutated(),
        cut in any::<Index>(),
        framing in any_framing(),
        lengths in lengths(),
    ) {
        // Bytes of no meaning, in the middle of frames.
        let mut all = drive::framed(framing, messages.iter().map(Vec::as_slice));
        let at = cut.index(all.len() + 1);
        all.splice(at..at, bytes);
        let ending = drive::connection(framing, &pieces(&all, &lengths));
        match ending.end {
            Ok(Closed::ByClient) => {
                prop_assert!(ending.answered || framing == Framing::ContentLength);
            }
            Err(ConnectionError::FramesLost { .. }) => {
                prop_assert_eq!(framing, Framing::ContentLength);
            }
            other => prop_assert!(false, "{:?}", other),
        }
    }

    #[test]
    fn no_bytes_make_a_reader_give_more_than_came_in_or_other_frames_in_other_pieces(
        bytes in vec(any::<u8>(), 0..2_000),
        messages in mutated(),
        framing in any_framing(),
        lengths in lengths(),
    ) {
        let framed = drive::framed(framing, messages.iter().map(Vec::as_slice));
        for bytes in [bytes, framed] {
            let frames = drive::read_all(framing, &pieces(&bytes, &lengths));
            prop_assert!(frames <= bytes.len());
            prop_assert_eq!(frames, drive::read_all(framing, &[&bytes]));
        }
    }
}
