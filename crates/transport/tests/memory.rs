//! What a connection takes of the memory for what comes in, in heap bytes.
//!
//! A binary of its own, because it counts what its whole process allocates. A block that grows is
//! counted twice while it moves, which is the worst that an allocator may do; so a buffer that
//! doubles is at three times its contents for a moment, and at two afterwards.

#![cfg(feature = "ipc")]
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests fail like tests; clippy exempts only the tests themselves"
)]

use std::sync::{Arc, Mutex, PoisonError};

use polychat_core::Reply;
use polychat_testkit::{fake_world::FakeWorld, samples::world_id};
use polychat_transport::ipc::{Framing, ServeOptions, Server};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, duplex, split},
    runtime::Builder,
    task::yield_now,
};

#[global_allocator]
static HEAP: peak_alloc::PeakAlloc = peak_alloc::PeakAlloc;

/// One test at a time, where they run as threads.
static ALONE: Mutex<()> = Mutex::new(());

/// Bytes of a message: a little more than a buffer that doubles had before.
const BYTES: usize = 512 * 1024 + 100;

/// Values that a command may hold here.
const VALUES_MAX: usize = 5_000;

/// What a connection needs whatever comes in: its buffers, and the world's own record of commands.
const FIXED_BYTES: usize = 192 * 1024;

/// What was taken, in heap bytes.
#[derive(Debug)]
struct Taken {
    /// At the worst moment.
    peak: usize,
    /// Once everything was read that came, and answered.
    kept: usize,
}

/// Writes these bytes to a connection that is initialized, and nothing more.
fn taken(framing: Framing, bytes: &[u8]) -> Taken {
    let runtime = Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let mut options = ServeOptions::default();
        options.framing = framing;
        options.wire.command_values_max = VALUES_MAX;
        let world = Arc::new(FakeWorld::always(Ok(Reply::Done)));
        let server = Server::new(world_id("w"), world, options);
        let (near, far) = duplex(4_096);
        let serving = tokio::spawn(async move { server.serve(far).await });
        let (mut reader, mut writer) = split(near);
        let hearing = tokio::spawn(async move {
            let mut heard = [0; 1_024];
            while reader.read(&mut heard).await.unwrap_or(0) > 0 {}
        });
        writer.write_all(&framed(framing, INITIALIZE)).await.unwrap();
        settle().await;
        let before = HEAP.current_usage();
        HEAP.reset_peak_usage();
        writer.write_all(bytes).await.unwrap();
        settle().await;
        let taken = Taken {
            peak: HEAP.peak_usage() - before,
            kept: HEAP.current_usage().saturating_sub(before),
        };
        writer.shutdown().await.unwrap();
        serving.await.unwrap().unwrap();
        hearing.await.unwrap();
        taken
    })
}

/// Lets everybody do what there is to do.
async fn settle() {
    for _ in 0..50 {
        yield_now().await;
    }
}

const INITIALIZE: &str = r#"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":1,"client":{"name":"test"}}}"#;

fn framed(framing: Framing, message: &str) -> Vec<u8> {
    match framing {
        Framing::ContentLength => format!("Content-Length: {}\r\n\r\n{message}", message.len()),
        _ => format!("{message}\n"),
    }
    .into_bytes()
}

fn request(method: &str, params: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{params}}}"#)
}

/// So much of the same that a message of it has its size.
fn full(unit: &str) -> String {
    unit.repeat(BYTES / unit.len())
}

fn send(fields: &str) -> String {
    request("prompt/send", &format!(r#"{{"chatId":"a","promptId":"p",{fields}}}"#))
}

/// Messages that are large, each in another way.
fn large() -> Vec<(&'static str, String)> {
    let (x, numbers) = (full("x"), format!("[{}0]", full("0,")));
    let half = BYTES / 2;
    vec![
        ("no message", x.clone()),
        ("open brackets", full("[")),
        ("deep", request("chat/close", &format!("{}{}", "[".repeat(half), "]".repeat(half)))),
        ("id", format!(r#"{{"jsonrpc":"2.0","id":"{x}","method":"ping"}}"#)),
        ("method", request(&x, "{}")),
        ("escaped method", request(&full("\\u0061"), "{}")),
        ("members", format!("{{{}\"a\":1}}", full("\"a\":1,"))),
        ("chat id", request("chat/close", &format!(r#"{{"chatId":"{x}"}}"#))),
        ("subscription", request("events/unsubscribe", &format!(r#"{{"subscriptionId":"{x}"}}"#))),
        ("scope", request("events/subscribe", &format!(r#"{{"scope":{numbers}}}"#))),
        ("answer", format!(r#"{{"jsonrpc":"2.0","id":1,"result":{numbers}}}"#)),
        ("text", send(&format!(r#""parts":[{{"type":"text","text":"{x}"}}]"#))),
        ("parts", send(&format!(r#""parts":[{}0]"#, full(r#"{"type":"text","text":""},"#)))),
        ("metadata", send(&format!(r#""parts":[],"metadata":{{"a":{numbers}}}"#))),
        (
            "opaque",
            send(&format!(r#""parts":[{{"type":"opaque","provider":"p","data":{numbers}}}]"#)),
        ),
        (
            "parameters first",
            format!(
                r#"{{"jsonrpc":"2.0","id":1,"params":{{"chatId":{numbers}}},"method":"chat/close"}}"#
            ),
        ),
        (
            "names",
            request(
                "agent/put",
                &format!(
                    r#"{{"agent":{{"name":"a","model":"m","tools":{{"kind":"only","names":[{}""]}}}}}}"#,
                    full("\"\",")
                ),
            ),
        ),
    ]
}

// law 7
#[test]
fn a_message_takes_a_few_times_its_size_at_most_and_nothing_of_it_is_kept() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    for framing in [Framing::Lines, Framing::ContentLength] {
        for (what, message) in large() {
            let taken = taken(framing, &framed(framing, &message));
            // The buffer while it moves, and the parser's own copy of a text, while that moves.
            assert!(taken.peak <= 5 * BYTES + FIXED_BYTES, "{what} {framing:?}: {taken:?}");
            // What the world takes is the world's: the text of a prompt.
            let content = if what == "text" { BYTES } else { 0 };
            assert!(taken.kept <= content + FIXED_BYTES, "{what} {framing:?}: {taken:?}");
        }
    }
}

// law 7
#[test]
fn of_a_message_that_has_not_ended_at_most_twice_its_bytes_are_kept() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let message = full("x");
    let announced = format!("Content-Length: 8000000\r\n\r\n{message}");
    for (framing, bytes) in [(Framing::Lines, message), (Framing::ContentLength, announced)] {
        let taken = taken(framing, bytes.as_bytes());
        assert!(taken.peak <= 3 * BYTES + FIXED_BYTES, "{framing:?}: {taken:?}");
        assert!(taken.kept <= 2 * BYTES + FIXED_BYTES, "{framing:?}: {taken:?}");
    }
}

// law 7
#[test]
fn what_is_announced_or_too_long_takes_nothing() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let too_long = vec![b'x'; 9 * 1024 * 1024];
    let header = |bytes: usize| format!("Content-Length: {bytes}\r\n\r\n").into_bytes();
    for bytes in [header(8_000_000), header(usize::MAX), [header(9 << 20), too_long].concat()] {
        let taken = taken(Framing::ContentLength, &bytes);
        assert!(taken.peak <= FIXED_BYTES, "{taken:?}");
    }
}
