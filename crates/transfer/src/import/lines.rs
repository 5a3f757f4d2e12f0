//! Lines of bytes, none of which takes more memory than allowed.

use std::io;

use tokio::io::{AsyncBufRead, AsyncBufReadExt};

/// A line without its end.
pub(super) enum Line {
    Whole(Vec<u8>),
    /// It was longer than allowed, and was passed over.
    TooLong,
}

/// Reads lines; knows how many, and how many bytes.
pub(super) struct Lines<R> {
    reader: R,
    bytes_max: usize,
    /// The number of the last line, from 1.
    pub(super) number: u64,
    pub(super) bytes: u64,
}

impl<R: AsyncBufRead + Unpin> Lines<R> {
    pub(super) fn new(reader: R, bytes_max: usize) -> Self {
        Self { reader, bytes_max, number: 0, bytes: 0 }
    }

    /// The next line; `None` at the end.
    pub(super) async fn next(&mut self) -> io::Result<Option<Line>> {
        let (mut line, mut read, mut too_long) = (Vec::new(), 0, false);
        loop {
            let chunk = self.reader.fill_buf().await?;
            if chunk.is_empty() {
                break;
            }
            let end = chunk.iter().position(|byte| *byte == b'\n');
            let content = chunk.get(..end.unwrap_or(chunk.len())).unwrap_or_default();
            if line.len() + content.len() > self.bytes_max {
                too_long = true;
                line = Vec::new();
            }
            if !too_long {
                line.extend_from_slice(content);
            }
            let taken = end.map_or(chunk.len(), |end| end + 1);
            self.reader.consume(taken);
            read += taken as u64;
            if end.is_some() {
                break;
            }
        }
        if read == 0 {
            return Ok(None);
        }
        self.number += 1;
        self.bytes += read;
        Ok(Some(if too_long { Line::TooLong } else { Line::Whole(line) }))
    }
}
