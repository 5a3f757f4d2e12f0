//! Where a message ends: one line each, or a length before each.
//!
//! Both are codecs of `tokio-util` with a bound. What is too long is skipped and is an item like any
//! other, because a codec's error would end the connection. Only its beginning is kept, which may
//! say who waits for it.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use serde::Serialize;
use tokio_util::codec::{AnyDelimiterCodec, AnyDelimiterCodecError, Decoder, Encoder};

use super::error::{ConnectionError, RejectedFrame};

/// Bytes of the header fields before a message at most.
const HEADER_BYTES_MAX: usize = 4 * 1024;

/// Bytes kept of a frame that is too long: the longest id, and what stands before it.
pub const BEGIN_BYTES_MAX: usize = 512;

/// Bytes that a reader's buffer keeps at most once a larger frame is out of it.
const KEPT_BYTES_MAX: usize = 64 * 1024;

/// How messages are told apart. Both ends must agree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Framing {
    /// One message per line; empty lines are skipped.
    #[default]
    Lines,
    /// `Content-Length: n` and an empty line before each message, as language servers speak.
    ContentLength,
}

/// A message as it is written: serialised straight into the connection's buffer.
#[derive(Debug)]
pub struct Json<M>(pub M);

/// Frames out of bytes, and messages into bytes.
///
/// At the end of the input, a frame that has begun and not ended is dropped.
///
/// ```
/// use bytes::BytesMut;
/// use polychat_transport::ipc::frame::{FrameCodec, Framing};
/// use tokio_util::codec::Decoder;
///
/// let mut codec = FrameCodec::new(Framing::ContentLength, 1024);
/// let mut input = BytesMut::from("Content-Length: 2\r\n\r\n{}Content-Le");
/// let frame = codec.decode(&mut input)?.transpose().unwrap();
/// assert_eq!(frame.as_deref(), Some(b"{}".as_slice()));
/// assert!(codec.decode(&mut input)?.is_none());
/// # Ok::<(), polychat_transport::ipc::ConnectionError>(())
/// ```
#[derive(Debug)]
pub struct FrameCodec {
    reader: Reader,
    bytes_max: usize,
}

#[derive(Debug)]
enum Reader {
    Lines(AnyDelimiterCodec),
    ContentLength(Place),
}

/// Where a reader of lengths stands.
#[derive(Debug, Clone, Copy)]
enum Place {
    Header,
    Body {
        bytes: usize,
    },
    /// Too long; how it begins is still to come.
    TooLong {
        bytes: usize,
    },
    Skipping {
        bytes: usize,
    },
}

type Frame = Result<Bytes, RejectedFrame>;

impl FrameCodec {
    /// A codec that takes frames of at most so many bytes. What it writes is not bounded here.
    #[must_use]
    pub fn new(framing: Framing, bytes_max: usize) -> Self {
        let reader = match framing {
            Framing::Lines => Reader::Lines(AnyDelimiterCodec::new_with_max_length(
                b"\n".to_vec(),
                b"\n".to_vec(),
                bytes_max,
            )),
            Framing::ContentLength => Reader::ContentLength(Place::Header),
        };
        Self { reader, bytes_max }
    }
}

impl Decoder for FrameCodec {
    type Item = Frame;
    type Error = ConnectionError;

    fn decode(&mut self, input: &mut BytesMut) -> Result<Option<Frame>, ConnectionError> {
        let max = self.bytes_max;
        let frame = match &mut self.reader {
            Reader::Lines(lines) => line(lines, input, max),
            Reader::ContentLength(place) => measured(place, input, max),
        }?;
        if let Some(frame) = &frame {
            give_back(frame.as_ref().map_or(max, Bytes::len), input);
        }
        Ok(frame)
    }

    fn decode_eof(&mut self, input: &mut BytesMut) -> Result<Option<Frame>, ConnectionError> {
        let frame = self.decode(input)?;
        if frame.is_none() {
            input.clear();
        }
        Ok(frame)
    }
}

/// A buffer that has grown for one large frame is not kept for the small ones after it.
fn give_back(frame_bytes: usize, input: &mut BytesMut) {
    if frame_bytes > KEPT_BYTES_MAX && input.len() <= KEPT_BYTES_MAX {
        let mut smaller = BytesMut::with_capacity(KEPT_BYTES_MAX);
        smaller.extend_from_slice(input);
        *input = smaller;
    }
}

fn line(
    lines: &mut AnyDelimiterCodec,
    input: &mut BytesMut,
    max: usize,
) -> Result<Option<Frame>, ConnectionError> {
    loop {
        match lines.decode(input) {
            Ok(Some(line)) if line.iter().all(u8::is_ascii_whitespace) => {}
            Ok(line) => return Ok(line.map(Ok)),
            Err(AnyDelimiterCodecError::MaxChunkLengthExceeded) => {
                return Ok(Some(Err(too_long(input, max))));
            }
            Err(AnyDelimiterCodecError::Io(error)) => return Err(error.into()),
        }
    }
}

fn measured(
    place: &mut Place,
    input: &mut BytesMut,
    max: usize,
) -> Result<Option<Frame>, ConnectionError> {
    loop {
        match *place {
            Place::Header => {
                let Some(bytes) = header(input)? else { return Ok(None) };
                let fits = bytes <= max;
                *place = if fits { Place::Body { bytes } } else { Place::TooLong { bytes } };
            }
            Place::TooLong { .. } if input.len() < begin_bytes(max) => return Ok(None),
            Place::TooLong { bytes } => {
                *place = Place::Skipping { bytes };
                return Ok(Some(Err(too_long(input, max))));
            }
            // Nothing is reserved for what was only announced.
            Place::Body { bytes } if input.len() < bytes => return Ok(None),
            Place::Body { bytes } => {
                *place = Place::Header;
                return Ok(Some(Ok(input.split_to(bytes).freeze())));
            }
            Place::Skipping { bytes } if input.len() < bytes => {
                *place = Place::Skipping { bytes: bytes - input.len() };
                input.clear();
                return Ok(None);
            }
            Place::Skipping { bytes } => {
                input.advance(bytes);
                *place = Place::Header;
            }
        }
    }
}

/// What is said of a frame with more than `max` bytes, the first of which are there.
fn too_long(input: &[u8], max: usize) -> RejectedFrame {
    let begin = input.get(..begin_bytes(max)).unwrap_or(input);
    RejectedFrame::TooLong { max, begin: Bytes::copy_from_slice(begin) }
}

/// How many bytes are kept of a frame with more than `max`.
fn begin_bytes(max: usize) -> usize {
    BEGIN_BYTES_MAX.min(max)
}

/// The length that the header announces, once all of the header is there.
fn header(input: &mut BytesMut) -> Result<Option<usize>, ConnectionError> {
    const END: &[u8] = b"\r\n\r\n";
    let lost = |why| ConnectionError::FramesLost { why };
    let looked_at = input.get(..HEADER_BYTES_MAX).unwrap_or(input);
    let Some(end) = looked_at.windows(END.len()).position(|bytes| bytes == END) else {
        return if input.len() < HEADER_BYTES_MAX { Ok(None) } else { Err(lost("a long header")) };
    };
    let header = input.split_to(end + END.len());
    let header = std::str::from_utf8(&header).map_err(|_| lost("a header that is no text"))?;
    let mut length = None;
    for field in header.split("\r\n").filter(|field| !field.is_empty()) {
        let (name, value) =
            field.split_once(':').ok_or_else(|| lost("a header without a colon"))?;
        if !name.eq_ignore_ascii_case("content-length") {
            continue;
        }
        let value = value.trim();
        // `parse` alone would take a sign too.
        if length.is_some() || !value.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(lost("a length that is no number, or two of them"));
        }
        length = Some(value.parse().map_err(|_| lost("a length that is no number"))?);
    }
    length.map(Some).ok_or_else(|| lost("a header without a length"))
}

impl<M: Serialize> Encoder<Json<M>> for FrameCodec {
    type Error = ConnectionError;

    fn encode(&mut self, Json(message): Json<M>, out: &mut BytesMut) -> Result<(), Self::Error> {
        let begin = out.len();
        if let Err(error) = serde_json::to_writer(out.writer(), &message) {
            out.truncate(begin);
            return Err(ConnectionError::Protocol { why: crate::error::why(&error) });
        }
        self.close(begin, out);
        Ok(())
    }
}

impl Encoder<Vec<u8>> for FrameCodec {
    type Error = ConnectionError;

    /// Frames a message that has its bytes already; in lines, it must not contain a line break.
    fn encode(&mut self, message: Vec<u8>, out: &mut BytesMut) -> Result<(), Self::Error> {
        let begin = out.len();
        out.extend_from_slice(&message);
        self.close(begin, out);
        Ok(())
    }
}

impl FrameCodec {
    /// Makes what was written since `begin` one frame.
    pub(super) fn close(&self, begin: usize, out: &mut BytesMut) {
        match self.reader {
            Reader::Lines(_) => out.put_u8(b'\n'),
            Reader::ContentLength(_) => {
                let body = out.split_off(begin);
                out.extend_from_slice(format!("Content-Length: {}\r\n\r\n", body.len()).as_bytes());
                out.unsplit(body);
            }
        }
    }
}
