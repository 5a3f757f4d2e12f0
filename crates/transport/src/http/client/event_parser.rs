//! Server-sent events out of bytes, with a bound.
//!
//! What a line may hold, and when an event is whole, is said by the standard:
//! <https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation>.
//! Fields that only a browser has to follow (`id`, `retry`) are skipped: where a stream goes on stands
//! in the notices themselves.

use bytes::{Buf, BytesMut};

/// Bytes of a line beside what is data.
const FIELD_BYTES_MAX: usize = 1024;

/// What came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Came {
    /// An event: its name, `message` when it has none, and its data.
    Event(Event),
    /// One that is longer than may be. Nothing after it can be read.
    TooLong,
}

/// An event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Event {
    pub(super) name: String,
    pub(super) data: Vec<u8>,
}

/// Server-sent events out of bytes.
#[derive(Debug)]
pub(super) struct EventParser {
    /// What is not a whole line yet.
    buffer: BytesMut,
    /// Bytes at its beginning in which there is no end of a line.
    looked_at: usize,
    /// Whether a line ended with a carriage return: a line feed after it belongs to it.
    after_return: bool,
    /// Whether the next line is the first.
    at_start: bool,
    name: String,
    data: Option<Vec<u8>>,
    data_bytes_max: usize,
}

impl EventParser {
    /// A parser of events whose data has at most so many bytes.
    pub(super) fn new(data_bytes_max: usize) -> Self {
        Self {
            buffer: BytesMut::new(),
            looked_at: 0,
            after_return: false,
            at_start: true,
            name: String::new(),
            data: None,
            data_bytes_max,
        }
    }

    /// Takes further bytes. All events are to be taken out before the next ones come in.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The next event that is whole.
    pub(super) fn next(&mut self) -> Option<Came> {
        while let Some(line) = self.line() {
            if line.is_empty() {
                if let Some(event) = self.dispatch() {
                    return Some(Came::Event(event));
                }
            } else {
                self.field(&line);
                if self.data.as_ref().is_some_and(|data| data.len() > self.data_bytes_max) {
                    return Some(Came::TooLong);
                }
            }
        }
        let line_bytes_max = self.data_bytes_max.saturating_add(FIELD_BYTES_MAX);
        (self.buffer.len() > line_bytes_max).then_some(Came::TooLong)
    }

    /// The next whole line, without its end.
    fn line(&mut self) -> Option<BytesMut> {
        if self.after_return && !self.buffer.is_empty() {
            self.after_return = false;
            if self.buffer.starts_with(b"\n") {
                self.buffer.advance(1);
            }
        }
        let unseen = self.buffer.get(self.looked_at..).unwrap_or_default();
        let Some(end) = unseen.iter().position(|byte| matches!(byte, b'\n' | b'\r')) else {
            self.looked_at = self.buffer.len();
            return None;
        };
        let mut line = self.buffer.split_to(self.looked_at + end);
        self.looked_at = 0;
        self.after_return = self.buffer.starts_with(b"\r");
        self.buffer.advance(1);
        if std::mem::take(&mut self.at_start) && line.starts_with("\u{feff}".as_bytes()) {
            line.advance('\u{feff}'.len_utf8());
        }
        Some(line)
    }

    fn field(&mut self, line: &[u8]) {
        let colon = line.iter().position(|byte| *byte == b':').unwrap_or(line.len());
        let (name, value) = line.split_at(colon);
        let value = value.strip_prefix(b":").unwrap_or_default();
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match name {
            b"event" => self.name = String::from_utf8_lossy(value).into_owned(),
            b"data" => match &mut self.data {
                Some(data) => {
                    data.push(b'\n');
                    data.extend_from_slice(value);
                }
                None => self.data = Some(value.into()),
            },
            // A comment, or what only a browser has to follow.
            _ => {}
        }
    }

    /// What came since the last empty line; without data it is no event.
    fn dispatch(&mut self) -> Option<Event> {
        let name = std::mem::take(&mut self.name);
        let data = self.data.take()?;
        let name = if name.is_empty() { "message".into() } else { name };
        Some(Event { name, data })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MAX: usize = 40;

    fn event(name: &str, data: &str) -> Came {
        Came::Event(Event { name: name.into(), data: data.into() })
    }

    /// What comes of these pieces, up to what is too long.
    fn parsed(pieces: &[&[u8]]) -> Vec<Came> {
        let mut parser = EventParser::new(MAX);
        let mut came = Vec::new();
        for piece in pieces {
            parser.push(piece);
            while let Some(next) = parser.next() {
                came.push(next);
                if came.last() == Some(&Came::TooLong) {
                    return came;
                }
            }
        }
        came
    }

    #[test]
    fn fields_are_read_as_the_standard_says() {
        let stream = "\u{feff}retry: 5\n\n: a comment\ndata: YHOO\ndata:+2\ndata\nid: 7\n\n\
                      event: x\ndata:  two\n\nevent: lost\n\ndata\n\ndata: one\nnonsense\n\ndata: cut";
        let expected = [
            event("message", "YHOO\n+2\n"),
            event("x", " two"),
            event("message", ""),
            event("message", "one"),
        ];
        assert_eq!(parsed(&[stream.as_bytes()]), expected);
        for end in ["\r", "\r\n"] {
            assert_eq!(parsed(&[stream.replace('\n', end).as_bytes()]), expected, "{end:?}");
        }
    }

    // law 7
    #[test]
    fn what_is_too_long_is_said_before_it_is_whole() {
        let fits = format!("data: {}\n\n", "x".repeat(MAX));
        assert_eq!(parsed(&[fits.as_bytes()]), [event("message", &"x".repeat(MAX))]);
        let one_line = "x".repeat(MAX + FIELD_BYTES_MAX + 1);
        let in_lines = "data: 12345678\n".repeat(6);
        for long in [one_line, in_lines, format!("data: {}\n", "x".repeat(MAX + 1))] {
            assert_eq!(parsed(&[long.as_bytes()]), [Came::TooLong], "{long:?}");
        }
    }

    proptest! {
        #[test]
        fn it_does_not_matter_where_the_bytes_are_cut(
            stream in "(data: [a-z]{0,9}|event: [a-z]{1,3}|id: 7|: x|\n|\r|\r\n|){0,40}",
            cuts in prop::collection::vec(0_usize..200, 0..6),
        ) {
            let whole = parsed(&[stream.as_bytes()]);
            let mut cuts: Vec<_> = cuts.into_iter().map(|cut| cut.min(stream.len())).collect();
            cuts.sort_unstable();
            let mut pieces = Vec::new();
            let mut from = 0;
            for to in cuts.into_iter().chain([stream.len()]) {
                pieces.push(&stream.as_bytes()[from..to]);
                from = to;
            }
            prop_assert_eq!(parsed(&pieces), whole);
        }
    }
}
