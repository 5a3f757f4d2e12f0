//! The last diagnostics, with repeats counted.

use std::collections::VecDeque;

use polychat_core::Diagnostic;

/// A bounded ring of numbered diagnostics.
pub(super) struct Ring {
    max: usize,
    /// The number of the next one.
    next: u64,
    entries: VecDeque<Numbered>,
}

struct Numbered {
    number: u64,
    repeats: u64,
    diagnostic: Diagnostic,
}

/// What a reader finds.
pub(super) enum Found {
    Diagnostic { repeats: u64, diagnostic: Diagnostic },
    Skipped(u64),
}

impl Ring {
    pub(super) fn new(max: usize) -> Self {
        Self { max: max.max(1), next: 0, entries: VecDeque::new() }
    }

    /// Where a reader begins that wants only what comes.
    pub(super) fn next(&self) -> u64 {
        self.next
    }

    /// Adds one. The same again, right after, is counted and moves to the end, so that readers who
    /// have seen it learn of the new count.
    pub(super) fn push(&mut self, diagnostic: Diagnostic) {
        let same = |last: &&mut Numbered| {
            last.diagnostic.kind == diagnostic.kind && last.diagnostic.chat_id == diagnostic.chat_id
        };
        let number = self.next;
        self.next += 1;
        if let Some(last) = self.entries.back_mut().filter(same) {
            *last = Numbered { number, repeats: last.repeats + 1, diagnostic };
            return;
        }
        if self.entries.len() >= self.max {
            self.entries.pop_front();
        }
        self.entries.push_back(Numbered { number, repeats: 1, diagnostic });
    }

    /// What a reader at `from` finds next, and where it goes on.
    pub(super) fn read(&self, from: u64) -> Option<(Found, u64)> {
        if from >= self.next {
            return None;
        }
        let front = self.entries.front()?;
        // An entry stands for as many numbers as it has repeats.
        let first = front.number + 1 - front.repeats;
        if from < first {
            return Some((Found::Skipped(first - from), first));
        }
        let at = self.entries.partition_point(|entry| entry.number < from);
        let entry = self.entries.get(at)?;
        let diagnostic = entry.diagnostic.clone();
        Some((Found::Diagnostic { repeats: entry.repeats, diagnostic }, entry.number + 1))
    }
}

#[cfg(test)]
mod tests {
    use polychat_core::{ChatId, Timestamp, diagnostic::DiagnosticKind};

    use super::*;

    fn of(code: &str) -> Diagnostic {
        let chat = ChatId::new("a").unwrap();
        Diagnostic::of_chat(Timestamp(0), chat, DiagnosticKind::Refused { code: code.into() })
    }

    fn read_all(ring: &Ring, mut from: u64) -> Vec<String> {
        let mut found = Vec::new();
        while let Some((entry, next)) = ring.read(from) {
            assert!(next > from, "reading makes progress");
            from = next;
            found.push(match entry {
                Found::Skipped(count) => format!("skipped {count}"),
                Found::Diagnostic { repeats, diagnostic } => match diagnostic.kind {
                    DiagnosticKind::Refused { code } => format!("{code}×{repeats}"),
                    other => format!("{other:?}"),
                },
            });
        }
        found
    }

    // law 7
    #[test]
    fn repeats_are_counted_and_what_was_read_too_late_is_stated() {
        let mut ring = Ring::new(2);
        for code in ["a", "a", "a", "b"] {
            ring.push(of(code));
        }
        assert_eq!(read_all(&ring, 0), ["a×3", "b×1"]);
        ring.push(of("c"));
        assert_eq!(read_all(&ring, 0), ["skipped 3", "b×1", "c×1"]);
        assert_eq!(read_all(&ring, 4), ["c×1"]);
        ring.push(of("c"));
        assert_eq!(read_all(&ring, 5), ["c×2"]);
    }
}
