//! One stream of text, made of chunks and of the record that completes it, cut into lines.
//!
//! A chunk is a preview: a reader that lags sees chunks merged, or none at all. What was said is in
//! the recorded end of the message. So this counts the bytes that it has, takes from each chunk only
//! what is new, and from the end only what is missing.

/// A line is broken at a space once it is this long, in bytes.
const LINE_BYTES: usize = 88;
/// Text without spaces is broken here, in bytes.
const LINE_BYTES_MAX: usize = 240;

/// The text of one message, or its reasoning, on the way to the screen.
#[derive(Debug, Default)]
pub(crate) struct Voice {
    /// How much of the message's text was taken, in bytes.
    taken: usize,
    /// What was taken and makes no whole line yet.
    pending: String,
}

impl Voice {
    /// A new message begins.
    pub(crate) fn begin(&mut self) {
        self.taken = 0;
    }

    /// Takes a chunk that stands at `offset`, and gives back the lines that it completes.
    pub(crate) fn chunk(&mut self, offset: u64, text: &str) -> Vec<String> {
        let offset = usize::try_from(offset).unwrap_or(usize::MAX);
        let known = self.taken.saturating_sub(offset);
        if let Some(new) = text.get(known..) {
            self.taken += new.len();
            self.pending.push_str(new);
        }
        self.lines()
    }

    /// Takes what the recorded text has beyond the chunks, and gives back all that is left.
    pub(crate) fn end(&mut self, text: &str) -> Vec<String> {
        let mut lines = self.chunk(0, text);
        lines.extend(self.flush());
        lines
    }

    /// Gives back what waits, though its sentence is not over.
    pub(crate) fn flush(&mut self) -> Option<String> {
        let rest = std::mem::take(&mut self.pending);
        worth_showing(&rest)
    }

    /// Whether something waits for its sentence to end.
    pub(crate) fn is_waiting(&self) -> bool {
        !self.pending.trim().is_empty()
    }

    fn lines(&mut self) -> Vec<String> {
        let mut lines = Vec::new();
        let mut begin = 0;
        while let Some(rest) = self.pending.get(begin..)
            && let Some(length) = line_length(rest)
        {
            lines.extend(rest.get(..length).and_then(worth_showing));
            begin += length;
        }
        self.pending.drain(..begin);
        lines
    }
}

/// Where the first line of `text` ends, in bytes: at a line break, after a sentence, or at a space
/// when it gets long. `None` when more text may still belong to it.
fn line_length(text: &str) -> Option<usize> {
    let mut before = ' ';
    let mut second_before = ' ';
    for (at, c) in text.char_indices() {
        let sentence_over = matches!(before, '.' | '!' | '?') && !second_before.is_numeric();
        if c == '\n' || (c == ' ' && (sentence_over || at >= LINE_BYTES)) {
            return Some(at + 1);
        }
        if at >= LINE_BYTES_MAX {
            return Some(at);
        }
        (second_before, before) = (before, c);
    }
    None
}

/// The line without the white space at its end; `None` when nothing is left.
fn worth_showing(line: &str) -> Option<String> {
    let line = line.trim_end();
    (!line.is_empty()).then(|| line.to_owned())
}
