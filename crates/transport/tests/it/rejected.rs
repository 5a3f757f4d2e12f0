//! What the decoders refuse, and that no bytes make them panic (REQ-13, law 7).

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use futures_util::{StreamExt, stream};
use polychat_core::{
    Command, CommandError, EndReason, Notice, Refusal, Scope, StartAt, WorldId, ports::WorldService,
};
use polychat_testkit::{
    arbitrary,
    fake_world::lies::{RawLie, raw_lies},
    samples::{chat_id, seq, world_id},
};
use polychat_transport::{
    RejectedCommand, RejectedRecord, RejectedReply, Rejections,
    bytes::{ByteDoor, Frames, NearEnd},
    guard::Expected,
    wire::{
        EventEncoder, WireLimits, decode_command, decode_error, decode_notice, decode_reply,
        decode_subscribe, encode_notice,
    },
};
use proptest::prelude::*;

fn limits() -> WireLimits {
    WireLimits::default()
}

fn of(chat: &str) -> Scope {
    Scope::Chat(chat_id(chat))
}

fn decoded(bytes: &[u8]) -> Result<Notice, RejectedRecord> {
    decode_notice(bytes, &world_id("w"), &of("a"), &limits())
}

/// The frame that the lies bend, unbent.
const TRUTH: &str = r#"{"worldId":"w","cursor":"5-0-0-0","event":{"chatId":"a","seq":5,"at":0,"type":"chat.closed"}}"#;

// REQ-13
#[test]
fn every_lie_is_refused_and_the_truth_is_not() {
    assert!(matches!(decoded(TRUTH.as_bytes()), Ok(Notice::Recorded { .. })));
    for RawLie { what, bytes } in raw_lies(&world_id("w"), &chat_id("a"), &chat_id("b")) {
        assert!(decoded(&bytes).is_err(), "taken in by {what}");
    }
}

// REQ-13
#[test]
fn what_is_wrong_with_a_chat_id_is_told_apart() {
    let with = |chat_id: &str| decoded(TRUTH.replace(r#""a""#, chat_id).as_bytes()).unwrap_err();
    let missing = TRUTH.replace(r#""chatId":"a","#, "");
    assert_eq!(decoded(missing.as_bytes()), Err(RejectedRecord::MissingChatId));
    assert_eq!(with("null"), RejectedRecord::MissingChatId);
    assert_eq!(with("7"), RejectedRecord::InvalidChatId { claimed: "7".into() });
    assert_eq!(with(r#""..""#), RejectedRecord::InvalidChatId { claimed: r#""..""#.into() });
    assert_eq!(with(r#""b""#), RejectedRecord::ForeignChat { claimed: "b".into() });
}

#[test]
fn an_unknown_type_is_a_typed_error_for_a_chat_and_for_a_world() {
    let unknown = |name: &str| Err(RejectedRecord::UnknownType { name: name.into() });
    let odd = TRUTH.replace("chat.closed", "chat.exploded");
    assert_eq!(decoded(odd.as_bytes()), unknown("chat.exploded"));
    let in_world =
        |text: &str| decode_notice(text.as_bytes(), &world_id("w"), &Scope::World, &limits());
    assert_eq!(in_world(TRUTH), unknown("chat.closed"));
    assert_eq!(in_world(r#"{"worldId":"w","event":{"type":"x"}}"#), unknown("x"));
}

// REQ-13: the world's feed names chats too
#[test]
fn a_notice_of_the_world_about_a_chat_must_name_a_valid_one() {
    let in_world = |chat: &str| {
        let text = format!(r#"{{"worldId":"w","event":{{{chat}"type":"chat.deleted"}}}}"#);
        decode_notice(text.as_bytes(), &world_id("w"), &Scope::World, &limits())
    };
    assert!(in_world(r#""chatId":"a","#).is_ok());
    assert_eq!(in_world(""), Err(RejectedRecord::MissingChatId));
    assert!(matches!(in_world(r#""chatId":"","#), Err(RejectedRecord::InvalidChatId { .. })));
}

// law 6: an end that was meant for another stream ends nothing
#[test]
fn the_end_of_another_chats_stream_is_refused() {
    let end = |chat: &str| {
        let text = r#"{"worldId":"w","event":{CHAT"type":"ended","reason":"deleted"}}"#;
        decoded(text.replace("CHAT", chat).as_bytes())
    };
    assert_eq!(end(r#""chatId":"a","#), Ok(Notice::Ended(EndReason::Deleted)));
    assert_eq!(end(r#""chatId":"b","#), Err(RejectedRecord::ForeignChat { claimed: "b".into() }));
    assert_eq!(end(""), Err(RejectedRecord::MissingChatId));
}

#[test]
fn a_number_that_javascript_cannot_hold_is_refused() {
    let too_large = (1_u64 << 53).to_string();
    let at = TRUTH.replace(r#""at":0"#, &format!(r#""at":{too_large}"#));
    assert!(matches!(decoded(at.as_bytes()), Err(RejectedRecord::Malformed { .. })));
    let chunk = |offset: &str| {
        let text = r#"{"worldId":"w","cursor":"5-0-0-0","event":{"chatId":"a","turnId":1,"type":"message.chunk","messageId":2,"offset":N,"text":""}}"#;
        decoded(text.replace('N', offset).as_bytes())
    };
    assert!(chunk("9007199254740991").is_ok());
    assert!(matches!(chunk(&too_large), Err(RejectedRecord::Malformed { .. })));
}

// law 7
#[test]
fn too_many_bytes_are_refused_unread_on_every_path() {
    let mut limits = limits();
    (limits.command_bytes_max, limits.reply_bytes_max, limits.notice_bytes_max) = (4, 5, 6);
    let junk = [b'{'; 7];
    let expected = Expected::of(&Command::GetWorld);
    let (bytes, world) = (junk.len(), world_id("w"));
    assert_eq!(decode_command(&junk, &limits), Err(RejectedCommand::TooLarge { bytes, max: 4 }));
    assert_eq!(decode_subscribe(&junk, &limits), Err(RejectedCommand::TooLarge { bytes, max: 4 }));
    let too_large = RejectedReply::TooLarge { bytes, max: 5 };
    assert_eq!(decode_reply(&junk, &expected, &limits), Err(too_large.clone()));
    assert_eq!(decode_error(&junk, &limits), Err(too_large));
    assert_eq!(
        decode_notice(&junk, &world, &of("a"), &limits),
        Err(RejectedRecord::TooLarge { bytes, max: 6 })
    );
}

// law 7
#[test]
fn json_that_is_too_deep_is_refused_on_every_path() {
    let deep =
        |text: &str| text.replace("DEEP", &format!("{}{}", "[".repeat(20_000), "]".repeat(20_000)));
    let agent = r#"{"method":"approval/decide","params":{"chatId":"a","toolCallId":"1.0","decision":{"kind":"answer","data":DEEP}}}"#;
    assert!(matches!(
        decode_command(deep(agent).as_bytes(), &limits()),
        Err(RejectedCommand::Malformed { .. })
    ));
    let progress = r#"{"worldId":"w","cursor":"5-0-0-0","event":{"chatId":"a","turnId":1,"type":"tool.progress","toolCallId":"2.0","progress":DEEP}}"#;
    assert!(decoded(progress.replace("DEEP", "[]").as_bytes()).is_ok());
    assert!(matches!(decoded(deep(progress).as_bytes()), Err(RejectedRecord::Malformed { .. })));
}

#[test]
fn a_command_that_makes_no_sense_says_what_is_wrong() {
    let refusal = |text: &str| match CommandError::from(
        decode_command(text.as_bytes(), &limits()).unwrap_err(),
    ) {
        CommandError::Refused(refusal) => refusal,
        error => panic!("not refused: {error}"),
    };
    let invalid =
        |what: &str, why: &str| Refusal::InvalidInput { what: what.into(), why: why.into() };
    assert_eq!(
        refusal(r#"{"method":"chat/explode","params":{}}"#),
        Refusal::Unsupported { what: "chat/explode".into() }
    );
    assert_eq!(
        refusal(r#"{"method":"chat/close","params":{"chatId":""}}"#),
        invalid("chatId", "an id must not be empty")
    );
    assert_eq!(
        refusal(r#"{"method":"turn/cancel","params":{"chatId":"a","turnId":9007199254740992}}"#),
        invalid("turnId", "a seq lies below 2^53, this one is 9007199254740992")
    );
    // A slip of the pen in an optional field must not become a command without it.
    for (text, why) in [
        (r#"{"method":"turn/cancel","params":{"chatId":"a","turn":3}}"#, "unknown field `turn`"),
        (r#"{"method":"chat/close","params":{}}"#, "missing field `chatId`"),
        (r#"{"method":"chat/close"}"#, "missing field `params`"),
        (r#"{"params":{}}"#, "missing field `method`"),
        (
            r#"{"method":"prompt/send","params":{"chatId":"a","promptId":"p","parts":[],"mode":"secret"}}"#,
            "not a command: params.mode: an unknown value, expected one of `queue`, `steer`, \
             `interrupt`, `reject` at",
        ),
        // What was said may look like what is expected.
        (
            r#"{"method":"prompt/send","params":{"chatId":"a","promptId":"p","parts":[],"mode":"x`, expected secret"}}"#,
            "not a command: params.mode: an unknown value, expected one of `queue`",
        ),
        (
            r#"{"method":"chat/close","params":{"chatId":7}}"#,
            "not a command: params.chatId: a value of the wrong kind",
        ),
        ("[]", "not a command"),
        ("", "EOF"),
    ] {
        let refusal = refusal(text);
        assert_eq!(refusal.code(), "invalid_input", "{text}");
        assert!(refusal.to_string().contains(why), "{text}: {refusal}");
        assert!(!refusal.to_string().contains("secret"), "{refusal}");
    }
}

#[test]
fn a_parsers_error_does_not_repeat_what_was_said() {
    let secret = r#"{"worldId":"w","cursor":"5-0-0-0","event":{"chatId":"a","turnId":"my secret","type":"message.chunk"}}"#;
    let rejected = decoded(secret.as_bytes()).unwrap_err();
    assert!(!rejected.to_string().contains("secret"), "{rejected}");
}

// REQ-13: without its chat's id a subscription is not one to the world
#[test]
fn a_subscription_that_makes_no_sense_is_refused() {
    for text in [
        r#"{"scope":"chat","start":"now"}"#,
        r#"{"scope":"world","chatId":"a","start":"now"}"#,
        r#"{"start":"now"}"#,
        r#"{"scope":"chat","chatId":"..","start":"now"}"#,
        r#"{"scope":"chat","chatId":"a","start":"after"}"#,
        r#"{"scope":"chat","chatId":"a","start":"after","cursor":"7"}"#,
        r#"{"scope":"chat","chatId":"a","start":"now","cursor":"7-0-0-0"}"#,
        r#"{"scope":"chat","chatId":"a","start":"now","from":"7-0-0-0"}"#,
    ] {
        assert!(decode_subscribe(text.as_bytes(), &limits()).is_err(), "{text}");
    }
}

#[test]
fn an_error_with_an_unknown_code_is_refused_and_says_so() {
    let unknown = br#"{"code":"moon_phase","retryable":true,"message":"no"}"#;
    let rejected = decode_error(unknown, &limits()).unwrap_err();
    assert_eq!(
        rejected,
        RejectedReply::WrongKind { expected: "error", found: "moon_phase".into() }
    );
    assert_eq!(CommandError::from(rejected).code(), "protocol");
}

/// A far end that answers every subscription with the same frames.
struct RawDoor(Mutex<Vec<Vec<u8>>>);

#[async_trait]
impl ByteDoor for RawDoor {
    async fn call(&self, _: Vec<u8>) -> Result<Vec<u8>, Vec<u8>> {
        Err(b"\xff".into())
    }

    async fn subscribe(&self, _: Vec<u8>) -> Result<Frames, Vec<u8>> {
        let frames = self.0.lock().unwrap().clone();
        Ok(Box::pin(stream::iter(frames).chain(stream::pending())))
    }
}

// REQ-13, law 6
#[tokio::test]
async fn a_lie_in_bytes_ends_its_own_stream_as_damaged_and_is_counted() {
    let world: WorldId = world_id("w");
    for RawLie { what, bytes } in raw_lies(&world, &chat_id("a"), &chat_id("b")) {
        let frames = vec![TRUTH.into(), bytes, TRUTH.into()];
        let rejections = Arc::new(Rejections::new("test"));
        let near = NearEnd::new(world.clone(), RawDoor(frames.into()), Arc::clone(&rejections));
        let mut stream = near.subscribe(of("a"), StartAt::Now).await.unwrap();
        assert!(matches!(stream.next().await, Some(Notice::Recorded { .. })), "{what}");
        assert_eq!(stream.next().await, Some(Notice::Ended(EndReason::Damaged)), "{what}");
        assert_eq!(stream.next().await, None, "{what}");
        assert_eq!(rejections.count(), 1, "{what}");
    }
}

#[tokio::test]
async fn an_error_that_cannot_be_read_is_a_fault_of_the_protocol() {
    let rejections = Arc::new(Rejections::new("test"));
    let near = NearEnd::new(world_id("w"), RawDoor(Mutex::default()), rejections);
    assert_eq!(near.call(Command::GetWorld).await.unwrap_err().code(), "protocol");
}

/// Bytes that are almost right: a valid frame with a few of them changed.
fn almost_right() -> impl Strategy<Value = Vec<u8>> {
    let frames: Vec<&'static str> = vec![
        TRUTH,
        r#"{"method":"chat/close","params":{"chatId":"a"}}"#,
        r#"{"scope":"chat","chatId":"a","start":"after","cursor":"5-0-0-0"}"#,
        r#"{"type":"log","events":[{"chatId":"a","seq":5,"at":0,"type":"chat.closed"}],"head":5}"#,
        r#"{"code":"too_large","what":"x","bytes":2,"max":1,"retryable":false,"message":"m"}"#,
    ];
    let edits = proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4);
    (prop::sample::select(frames), edits).prop_map(|(frame, edits)| {
        let mut bytes = frame.as_bytes().to_vec();
        for (place, byte) in edits {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        bytes
    })
}

fn decode_everything(bytes: &[u8]) {
    let limits = limits();
    let read = Command::ReadLog { chat: chat_id("a"), after: seq(0), limit: 1 };
    let _ = decode_command(bytes, &limits);
    let _ = decode_subscribe(bytes, &limits);
    let _ = decode_error(bytes, &limits);
    let _ = decode_reply(bytes, &Expected::of(&read), &limits);
    for scope in [of("a"), Scope::World] {
        let _ = decode_notice(bytes, &world_id("w"), &scope, &limits);
    }
}

proptest! {
    #[test]
    fn no_bytes_make_a_decoder_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        decode_everything(&bytes);
    }

    #[test]
    fn no_bytes_that_are_almost_right_make_a_decoder_panic(bytes in almost_right()) {
        decode_everything(&bytes);
    }

    // REQ-5, REQ-13
    #[test]
    fn a_notice_of_another_chat_is_always_rejected(
        (chat, other, notice) in (arbitrary::chat_id(), arbitrary::chat_id())
            .prop_flat_map(|(a, b)| (Just(a), Just(b.clone()), arbitrary::notice(b)))
            .prop_filter("the same chat", |(a, b, _)| a != b)
    ) {
        let (world, encoder) = (world_id("w"), EventEncoder::new());
        let bytes = encode_notice(&world, &Scope::Chat(other.clone()), &notice, &encoder).unwrap();
        let rejected = decode_notice(&bytes, &world, &Scope::Chat(chat), &limits());
        prop_assert_eq!(
            rejected,
            Err(RejectedRecord::ForeignChat { claimed: other.as_str().into() })
        );
    }
}
