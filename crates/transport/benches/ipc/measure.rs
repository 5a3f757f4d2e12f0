//! CPU time, medians, runtimes, and a client that only reads.

use rustix::time::{ClockId, clock_gettime};
use serde_json::json;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{UnixStream, unix::OwnedWriteHalf},
    runtime::{Builder, Runtime},
};

/// The CPU time that this process has used, in nanoseconds.
pub(crate) fn cpu_nanos() -> f64 {
    let now = clock_gettime(ClockId::ProcessCPUTime);
    now.tv_sec as f64 * 1e9 + now.tv_nsec as f64
}

pub(crate) fn quantile(values: &mut [f64], q: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    values[((values.len() - 1) as f64 * q).round() as usize]
}

pub(crate) fn median(values: &mut [f64]) -> f64 {
    quantile(values, 0.5)
}

/// One thread, so that CPU time is comparable.
pub(crate) fn one_thread() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

/// A client that has subscribed to the source, and reads lines.
pub(crate) struct Client {
    pub(crate) lines: BufReader<tokio::net::unix::OwnedReadHalf>,
    // Dropping it would end the connection.
    _out: OwnedWriteHalf,
}

impl Client {
    pub(crate) async fn subscribe(io: UnixStream) -> Self {
        let (lines, mut out) = io.into_split();
        let mut lines = BufReader::with_capacity(64 * 1024, lines);
        let initialize = json!({ "protocolVersion": 1, "client": { "name": "bench" } });
        let chat = json!({ "scope": "chat", "chatId": "chat-1", "start": "now" });
        for (id, method, params) in [(1, "initialize", initialize), (2, "events/subscribe", chat)] {
            let message = json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params });
            out.write_all(format!("{message}\n").as_bytes()).await.unwrap();
            let mut answer = String::new();
            lines.read_line(&mut answer).await.unwrap();
            assert!(answer.contains("\"result\""), "{answer}");
        }
        Self { lines, _out: out }
    }

    /// Reads so many lines: their bytes.
    pub(crate) async fn read(&mut self, count: usize) -> usize {
        read(&mut self.lines, count).await
    }
}

/// Reads so many lines: their bytes.
pub(crate) async fn read(lines: &mut (impl AsyncBufReadExt + Unpin), count: usize) -> usize {
    let (mut line, mut bytes) = (Vec::new(), 0);
    for _ in 0..count {
        line.clear();
        bytes += lines.read_until(b'\n', &mut line).await.unwrap();
    }
    bytes
}
