//! What a connection takes of the memory for what comes in and what goes out, in heap bytes.
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

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use polychat_core::{Part, Reply, Seq, Timestamp, command::WaitingPrompt, event::PromptMode};
use polychat_testkit::{
    fake_world::FakeWorld,
    samples::{prompt_id, world_id},
};
use polychat_transport::ipc::{Framing, ServeOptions, Server};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, duplex, split},
    runtime::Builder,
    sync::Semaphore,
    task::yield_now,
    time::timeout,
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

/// What a connection takes while its client reads nothing, and once it has read all, of answers of
/// `BYTES` bytes to so many requests.
fn taken_by_answers(framing: Framing, requests: usize, options: ServeOptions) -> (usize, usize) {
    let runtime = Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let parts = vec![Part::text("x".repeat(BYTES))];
        let prompt = WaitingPrompt {
            prompt_id: prompt_id("p"),
            accepted_seq: Seq::FIRST,
            at: Timestamp(0),
            mode: PromptMode::Queue,
            parts,
        };
        let answer = Ok(Reply::Prompts(vec![prompt]));
        let may_answer = Arc::new(Semaphore::new(0));
        let gate = Arc::clone(&may_answer);
        // All requests run before the first is answered.
        let world = FakeWorld::answering(move |_| {
            let (gate, answer) = (Arc::clone(&gate), answer.clone());
            async move {
                drop(gate.acquire().await.unwrap());
                answer
            }
        });
        let server = Server::new(world_id("w"), Arc::new(world), options);
        let (near, far) = duplex(4_096);
        let serving = tokio::spawn(async move { server.serve(far).await });
        let (mut reader, mut writer) = split(near);
        writer.write_all(&framed(framing, INITIALIZE)).await.unwrap();
        for id in 1..=requests {
            let request = request("prompt/list", r#"{"chatId":"a"}"#);
            let request = request.replace("\"id\":1", &format!("\"id\":{id}"));
            writer.write_all(&framed(framing, &request)).await.unwrap();
        }
        settle().await;
        let before = HEAP.current_usage();
        may_answer.add_permits(1);
        for _ in 0..requests {
            settle().await;
        }
        let unread = HEAP.current_usage().saturating_sub(before);
        // Until nothing more comes: the time goes on once nobody has anything to do.
        let mut heard = [0; 4_096];
        while timeout(Duration::from_secs(1), reader.read(&mut heard)).await.is_ok() {}
        let read = HEAP.current_usage().saturating_sub(before);
        writer.shutdown().await.unwrap();
        serving.await.unwrap().unwrap();
        (unread, read)
    })
}

// law 7: a client that reads slowly costs a buffer and the room for answers, not memory
#[test]
fn answers_that_nobody_reads_take_the_room_for_them_and_what_was_read_takes_nothing() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    for framing in [Framing::Lines, Framing::ContentLength] {
        let mut options = ServeOptions::default();
        options.framing = framing;
        // Two answers, each in its envelope.
        options.answer_bytes_waiting_max = 2 * (BYTES + 1_000);
        let (unread, read) = taken_by_answers(framing, 12, options);
        // One more is being written, in a buffer that has doubled.
        assert!(unread <= (2 + 2) * BYTES + FIXED_BYTES, "{framing:?}: {unread} bytes unread");
        assert!(unread >= 2 * BYTES, "{framing:?}: only {unread} bytes wait");
        assert!(read <= FIXED_BYTES, "{framing:?}: {read} bytes are kept of what was read");
    }
}
