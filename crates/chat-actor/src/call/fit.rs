//! Results and failures of tools, made to fit their limits. What was cut is counted.

use polychat_core::{Failure, Part, outcome::cut, tool::ToolOutput};

/// What a part costs besides its contents: many small ones are large, too.
const PART_BYTES: usize = 64;

/// Keeps as much of a result as fits, from its beginning, and says how many bytes were cut.
pub(super) fn fit(output: ToolOutput, bytes_max: usize) -> ToolOutput {
    let ToolOutput { parts, mut cut_bytes, unshown_bytes } = output;
    let output_cut_before = cut_bytes;
    let mut left = bytes_max;
    let mut kept = Vec::new();
    for part in parts {
        let bytes = part.bytes();
        if bytes == 0 {
            // It says nothing, and any number of it would fit.
            continue;
        }
        // The first part costs its contents only, so that a limit on one text is that text's limit.
        let room = if kept.is_empty() { left } else { left.saturating_sub(PART_BYTES) };
        if bytes <= room {
            left = room - bytes;
            kept.push(part);
            continue;
        }
        let mut lost = bytes;
        if let Part::Text { text } = &part {
            let fitting = cut(text, room);
            lost -= fitting.len();
            if !fitting.is_empty() {
                kept.push(Part::text(fitting));
            }
        }
        cut_bytes = cut_bytes.saturating_add(lost as u64);
        // Nothing may follow a gap: what is kept is a beginning.
        left = 0;
    }
    if cut_bytes > output_cut_before {
        // The model is told, too: it would take what is left for the whole.
        kept.push(Part::text(cut_note(cut_bytes)));
    }
    ToolOutput { parts: kept, cut_bytes, unshown_bytes }
}

fn cut_note(cut_bytes: u64) -> String {
    format!("[{cut_bytes} bytes of this result were cut off here]")
}

/// A failure whose message is bounded, and says what of the output was not shown.
pub(super) fn fit_failure(failure: Failure, unshown_bytes: u64) -> Failure {
    let Failure { kind, message, retryable } = failure;
    let fitting = if unshown_bytes == 0 {
        Failure::new(kind, &message)
    } else {
        let note = format!("({unshown_bytes} bytes of its output were not shown)");
        let room = polychat_core::outcome::FAILURE_MESSAGE_BYTES_MAX.saturating_sub(note.len() + 1);
        Failure::new(kind, &format!("{} {note}", cut(&message, room)))
    };
    if retryable { fitting.retryable() } else { fitting }
}

#[cfg(test)]
mod tests {
    use polychat_core::FailureKind;

    use super::*;

    fn output(texts: &[&str]) -> ToolOutput {
        let parts = texts.iter().map(|text| Part::text(*text)).collect();
        ToolOutput { parts, ..ToolOutput::default() }
    }

    fn texts(output: &ToolOutput) -> Vec<&str> {
        output.parts.iter().filter_map(Part::as_text).collect()
    }

    // Law 7, issue 3: what was cut is stated
    #[test]
    fn a_result_is_cut_at_its_limit_and_nothing_follows_the_gap() {
        let fitted = fit(output(&["abc", "defg", "h"]), PART_BYTES + 5);
        assert_eq!((texts(&fitted), fitted.cut_bytes), (vec!["abc", "de", &*cut_note(3)], 3));
        let whole = fit(output(&["abc", "de"]), PART_BYTES + 5);
        assert_eq!((texts(&whole), whole.cut_bytes), (vec!["abc", "de"], 0));
        let one = fit(output(&["abc"]), 3);
        assert_eq!((texts(&one), one.cut_bytes), (vec!["abc"], 0));
        let nothing = fit(output(&["abc"]), 0);
        assert_eq!((texts(&nothing), nothing.cut_bytes), (vec![&*cut_note(3)], 3));
    }

    #[test]
    fn a_character_is_not_cut_in_two_and_its_place_stays_empty() {
        let fitted = fit(output(&["aß", "b"]), 2);
        assert_eq!((texts(&fitted), fitted.cut_bytes), (vec!["a", &*cut_note(3)], 3));
    }

    #[test]
    fn many_small_parts_are_no_way_around_the_limit() {
        let fitted = fit(output(&vec!["x"; 100_000]), 64 * 1024);
        assert!(fitted.parts.len() <= 64 * 1024 / PART_BYTES + 2);
        assert_eq!(fitted.cut_bytes, 100_001 - fitted.parts.len() as u64);
    }

    #[test]
    fn parts_that_say_nothing_do_not_count_and_are_not_kept() {
        let many = vec![""; 10_000];
        assert!(fit(output(&many), 5).parts.is_empty());
    }

    #[test]
    fn a_failure_stays_bounded_and_says_what_was_not_shown() {
        let long = Failure {
            kind: FailureKind::ToolFailed,
            message: "x".repeat(100_000).into(),
            retryable: true,
        };
        let fitted = fit_failure(long, 7);
        assert!(fitted.message.len() <= polychat_core::outcome::FAILURE_MESSAGE_BYTES_MAX);
        assert!(fitted.message.ends_with("(7 bytes of its output were not shown)"));
        assert!(fitted.retryable);
    }
}
