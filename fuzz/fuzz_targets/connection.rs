//! Bytes into a whole connection, after `initialize` and before one request that is in order.
//!
//! The first byte says which framing, and how long the pieces are in which the others come. A
//! connection that panics, hangs, spins or stops in the middle of a message is found by the driver.
//!
//! `cargo +nightly fuzz run connection`, from the root.

#![no_main]

use libfuzzer_sys::fuzz_target;
use polychat_transport::ipc::{Closed, Framing};

#[path = "../../crates/transport/tests/it/ipc/decoder/drive.rs"]
#[allow(dead_code)]
mod drive;

fuzz_target!(|data: &[u8]| {
    let Some((how, bytes)) = data.split_first() else { return };
    let framing = if how & 1 == 0 { Framing::Lines } else { Framing::ContentLength };
    let pieces: Vec<&[u8]> = bytes.chunks(usize::from(how >> 1) * 8 + 1).collect();
    let ending = drive::connection(framing, &pieces);
    // Lines cannot be lost, and only `shutdown` leaves a request without an answer.
    if framing == Framing::Lines && !matches!(ending.end, Ok(Closed::ByShutdown)) {
        assert!(ending.answered, "{ending:?}");
    }
});
