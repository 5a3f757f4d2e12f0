//! Lines from somebody else's program: none is kept beyond its bound.

use std::{io, mem};

use rmcp::model::RequestId;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};

use super::scan::Scan;

/// Reads lines of bounded length. [`next`](Self::next) is cancel-safe.
pub(super) struct Lines<R> {
    read: BufReader<R>,
    line: Vec<u8>,
    bytes_max: usize,
    /// Set while a line passes that is too long.
    skipping: Option<Scan>,
}

/// One line, without its end.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// All of it.
    Whole(Vec<u8>),
    /// It was too long to be kept; if it was the answer to a request, to which.
    TooLong(Option<RequestId>),
}

impl<R: AsyncRead + Unpin> Lines<R> {
    pub(super) fn new(read: R, bytes_max: usize) -> Self {
        Self { read: BufReader::new(read), line: Vec::new(), bytes_max, skipping: None }
    }

    /// The next line; `None` at the end. A last line without an end is no message, and dropped.
    pub(super) async fn next(&mut self) -> io::Result<Option<Line>> {
        loop {
            let available = self.read.fill_buf().await?;
            if available.is_empty() {
                return Ok(None);
            }
            // From here on nothing waits, so that a dropped future loses nothing.
            let end = available.iter().position(|byte| *byte == b'\n');
            let bytes = available.get(..end.unwrap_or(available.len())).unwrap_or_default();
            match &mut self.skipping {
                Some(scan) => scan.feed(bytes),
                None if self.line.len().saturating_add(bytes.len()) > self.bytes_max => {
                    let mut scan = Scan::default();
                    scan.feed(&mem::take(&mut self.line));
                    scan.feed(bytes);
                    self.skipping = Some(scan);
                }
                None => self.line.extend_from_slice(bytes),
            }
            let taken = bytes.len() + usize::from(end.is_some());
            self.read.consume(taken);
            if end.is_some() {
                let line = mem::take(&mut self.line);
                return Ok(Some(match self.skipping.take() {
                    Some(scan) => Line::TooLong(scan.answers()),
                    None => Line::Whole(line),
                }));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt;

    use super::*;

    fn whole(text: &str) -> Option<Line> {
        Some(Line::Whole(text.as_bytes().to_vec()))
    }

    // Law 7: a line that never ends takes no memory, and what follows it is read
    #[tokio::test]
    async fn a_line_that_is_too_long_is_skipped_and_the_next_one_is_whole() {
        let long = format!("{{\"result\":\"{}\",\"id\":3}}", "x".repeat(100_000));
        let text = format!("short\n{long}\nexactly-20-bytes-abc\n\nunfinished");
        let mut lines = Lines::new(text.as_bytes(), 20);
        assert_eq!(lines.next().await.unwrap(), whole("short"));
        let too_long = Some(Line::TooLong(Some(RequestId::Number(3))));
        assert_eq!(lines.next().await.unwrap(), too_long);
        assert!(lines.line.capacity() <= 64, "{}", lines.line.capacity());
        assert_eq!(lines.next().await.unwrap(), whole("exactly-20-bytes-abc"));
        assert_eq!(lines.next().await.unwrap(), whole(""));
        assert_eq!(lines.next().await.unwrap(), None);
    }

    #[tokio::test]
    async fn a_read_that_was_given_up_loses_nothing() {
        let (mut write, read) = tokio::io::duplex(64);
        let mut lines = Lines::new(read, 100);
        write.write_all(b"half a ").await.unwrap();
        assert!(futures_util::poll!(Box::pin(lines.next())).is_pending());
        write.write_all(b"line\n").await.unwrap();
        assert_eq!(lines.next().await.unwrap(), whole("half a line"));
    }
}
