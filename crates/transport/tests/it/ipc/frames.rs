//! Where a message ends, whatever comes in.

use bytes::BytesMut;
use polychat_transport::ipc::{
    ConnectionError, Framing, RejectedFrame,
    frame::{BEGIN_BYTES_MAX, FrameCodec, Json},
};
use proptest::prelude::*;
use tokio_util::codec::{Decoder, Encoder};

const BOTH: [Framing; 2] = [Framing::Lines, Framing::ContentLength];

/// What came of a frame: its text, or why there is none.
type Came = Result<String, RejectedFrame>;

/// Messages as they are written.
fn written(framing: Framing, messages: &[&str]) -> Vec<u8> {
    let mut codec = FrameCodec::new(framing, 0);
    let mut out = BytesMut::new();
    for message in messages {
        let before = out.len();
        codec.encode(message.as_bytes().to_vec(), &mut out).unwrap();
        // Both ways to write say the same.
        let mut again = BytesMut::from(&out[..before]);
        let raw: Box<serde_json::value::RawValue> = serde_json::from_str(message).unwrap();
        codec.encode(Json(raw), &mut again).unwrap();
        assert_eq!(out, again);
    }
    out.to_vec()
}

/// Everything that comes out when the input comes in these pieces, and then ends.
fn read<'a>(
    framing: Framing,
    max: usize,
    pieces: impl IntoIterator<Item = &'a [u8]>,
) -> Result<Vec<Came>, ConnectionError> {
    let mut codec = FrameCodec::new(framing, max);
    let (mut input, mut came) = (BytesMut::new(), Vec::new());
    let text = |bytes: bytes::Bytes| String::from_utf8_lossy(&bytes).into_owned();
    for piece in pieces {
        input.extend_from_slice(piece);
        while let Some(frame) = codec.decode(&mut input)? {
            came.push(frame.map(text));
        }
    }
    while let Some(frame) = codec.decode_eof(&mut input)? {
        came.push(frame.map(text));
    }
    assert!(input.is_empty());
    Ok(came)
}

fn too_long(max: usize, begin: &str) -> RejectedFrame {
    RejectedFrame::TooLong { max, begin: begin.to_owned().into() }
}

fn ok(texts: &[&str]) -> Vec<Came> {
    texts.iter().map(|text| Ok((*text).into())).collect()
}

#[test]
fn frames_come_out_alike_wherever_the_bytes_are_cut() {
    let messages = ["{}", "\"ü\"", "[1]"];
    for framing in BOTH {
        let bytes = written(framing, &messages);
        for cut in 0..=bytes.len() {
            let (first, second) = bytes.split_at(cut);
            assert_eq!(read(framing, 8, [first, second]).unwrap(), ok(&messages), "{cut}");
        }
        assert_eq!(read(framing, 8, bytes.chunks(1)).unwrap(), ok(&messages));
    }
}

// law 7
#[test]
fn a_frame_that_is_too_long_is_skipped_and_the_next_one_is_read() {
    let long = format!("\"{}\"", "x".repeat(1_000));
    for framing in BOTH {
        let bytes = written(framing, &["{}", &long, "[]"]);
        let expected = vec![Ok("{}".into()), Err(too_long(100, &long[..100])), Ok("[]".into())];
        assert_eq!(read(framing, 100, [&bytes[..]]).unwrap(), expected);
        assert_eq!(read(framing, 100, bytes.chunks(7)).unwrap(), expected);
    }
}

// law 7: whatever is skipped, as much is kept as says whose it is
#[test]
fn of_a_frame_that_is_too_long_the_beginning_is_kept_and_no_more() {
    let long = format!("\"{}\"", "x".repeat(10_000));
    for framing in BOTH {
        let bytes = written(framing, &[&long, "[]"]);
        let expected = [Err(too_long(9_000, &long[..BEGIN_BYTES_MAX])), Ok("[]".into())];
        assert_eq!(read(framing, 9_000, [&bytes[..]]).unwrap(), expected);
        assert_eq!(read(framing, 9_000, bytes.chunks(7)).unwrap(), expected);
    }
}

#[test]
fn a_frame_of_exactly_the_bound_is_taken_and_one_byte_more_is_not() {
    for framing in BOTH {
        let bytes = written(framing, &["\"1234\""]);
        assert_eq!(read(framing, 6, [&bytes[..]]).unwrap(), ok(&["\"1234\""]));
        let too_long = [Err(too_long(5, "\"1234"))];
        assert_eq!(read(framing, 5, [&bytes[..]]).unwrap(), too_long);
    }
}

#[test]
fn a_frame_that_has_not_ended_with_its_connection_is_dropped() {
    for framing in BOTH {
        let bytes = written(framing, &["{}", "{\"a\":1}"]);
        let (_, cut_off) = bytes.split_last().unwrap();
        assert_eq!(read(framing, 100, [cut_off]).unwrap(), ok(&["{}"]));
    }
}

#[test]
fn empty_lines_and_other_header_fields_say_nothing() {
    let lines = b"\n \r\n{}\r\n\n";
    assert_eq!(read(Framing::Lines, 9, [&lines[..]]).unwrap(), ok(&["{}\r"]));
    let header = b"content-length:2\r\nContent-Type: x; charset=utf-8\r\n\r\n{}";
    assert_eq!(read(Framing::ContentLength, 9, [&header[..]]).unwrap(), ok(&["{}"]));
}

#[test]
fn a_header_without_one_plain_length_loses_the_frames() {
    let long = format!("X: {}", "x".repeat(5_000));
    for header in [
        "",
        "X: 1",
        "Content-Length",
        "Content-Length: ",
        "Content-Length: +1",
        "Content-Length: -1",
        "Content-Length: 0x1",
        "Content-Length: 99999999999999999999999",
        "Content-Length: 1\r\nContent-Length: 2",
        &long,
    ] {
        let bytes = format!("{header}\r\n\r\n{{}}");
        let end = read(Framing::ContentLength, 9, [bytes.as_bytes()]);
        assert!(matches!(end, Err(ConnectionError::FramesLost { .. })), "{header:?}: {end:?}");
    }
}

// law 7
#[test]
fn nothing_is_kept_for_what_was_only_announced() {
    let mut codec = FrameCodec::new(Framing::ContentLength, usize::MAX);
    let mut input = BytesMut::from("Content-Length: 9999999999\r\n\r\n{");
    assert!(codec.decode(&mut input).unwrap().is_none());
    assert!(input.capacity() < 1_000);
}

proptest! {
    #[test]
    fn no_bytes_make_a_reader_of_frames_panic_or_give_more_than_came_in(
        bytes in proptest::collection::vec(any::<u8>(), 0..300),
        lines in any::<bool>(),
        step in 1_usize..20,
    ) {
        let framing = if lines { Framing::Lines } else { Framing::ContentLength };
        if let Ok(came) = read(framing, 20, bytes.chunks(step)) {
            prop_assert!(came.len() <= bytes.len());
        }
    }
}
