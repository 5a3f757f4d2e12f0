//! The part of `concurrent_chats` that makes one text of chunks and of the record behind them.

use crate::voice::Voice;

/// All lines of a message that came in these chunks, its recorded text last.
fn lines(chunks: &[(u64, &str)], recorded: &str) -> Vec<String> {
    let mut voice = Voice::default();
    voice.begin();
    let mut lines: Vec<String> =
        chunks.iter().flat_map(|(offset, text)| voice.chunk(*offset, text)).collect();
    lines.extend(voice.end(recorded));
    assert!(!voice.is_waiting());
    lines
}

// Law 4
#[test]
fn a_text_is_told_once_whether_its_chunks_were_seen_merged_repeated_or_not_at_all() {
    let text = "Grüße aus Ulm. Es regnet.";
    let expected = ["Grüße aus Ulm.", "Es regnet."];
    assert_eq!(lines(&[], text), expected);
    assert_eq!(lines(&[(0, "Grü"), (4, "ße aus Ulm. ")], text), expected);
    assert_eq!(lines(&[(0, "Grüße"), (0, "Grüße aus Ulm. Es"), (4, "ße")], text), expected);
    assert_eq!(lines(&[(0, text)], text), expected);
}

#[test]
fn a_line_ends_with_its_sentence_at_a_break_or_at_a_space_when_it_is_long() {
    assert_eq!(
        lines(&[], "1. tea\n\n    2. milk  \nA? B! v1.2 c."),
        ["1. tea", "    2. milk", "A?", "B!", "v1.2 c."]
    );
    let long = "word ".repeat(40);
    assert!(lines(&[], &long).iter().all(|line| line.len() < 96 && !line.is_empty()));
    let solid = "ß".repeat(300);
    let cut = lines(&[], &solid);
    assert_eq!((cut.len(), cut.concat()), (3, solid));
}

#[test]
fn a_person_need_not_wait_for_the_end_of_a_sentence() {
    let mut voice = Voice::default();
    voice.begin();
    assert!(voice.chunk(0, "I begin to ").is_empty() && voice.is_waiting());
    assert_eq!(voice.flush().as_deref(), Some("I begin to"));
    assert!(!voice.is_waiting());
    assert_eq!(voice.end("I begin to answer."), ["answer."]);
}
