//! Bytes through both readers of frames, whole and in pieces, and on through the reader of messages.
//!
//! `cargo +nightly fuzz run frames`, from the root.

#![no_main]

use libfuzzer_sys::fuzz_target;
use polychat_transport::ipc::Framing;

#[path = "../../crates/transport/tests/it/ipc/decoder/drive.rs"]
#[allow(dead_code)]
mod drive;

fuzz_target!(|data: &[u8]| {
    for framing in [Framing::Lines, Framing::ContentLength] {
        let whole = drive::read_all(framing, &[data]);
        let pieces: Vec<&[u8]> = data.chunks(7).collect();
        assert_eq!(drive::read_all(framing, &pieces), whole);
    }
});
