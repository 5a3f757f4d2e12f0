//! What is done with bytes that may be anything. The fuzz targets in `fuzz/` do the very same.

use std::{
    future::Future,
    pin::pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use bytes::BytesMut;
use futures_util::StreamExt;
use polychat_core::{Command, Reply, Scope, StartAt, ports::WorldService};
use polychat_testkit::{
    fake_world::FakeWorld,
    samples::{chat_id, world_id},
};
use polychat_transport::ipc::{
    Closed, ConnectionError, Framing, RemoteOptions, RemoteWorld, ServeOptions, Server,
    frame::FrameCodec,
    rpc::{Incoming, parse},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, duplex, split},
    time::timeout,
};
use tokio_util::codec::{Decoder, Encoder};

/// Bytes of a frame that are taken here: little, so that frames that are too long are common.
const COMMAND_BYTES_MAX: usize = 16 * 1024;

/// The id of the request that comes last.
const LAST: &str = "\"last\"";

/// What became of a connection.
#[derive(Debug)]
pub(super) struct Ending {
    /// How it ended.
    pub(super) end: Result<Closed, ConnectionError>,
    /// Whether the request that came last was answered.
    pub(super) answered: bool,
}

/// Messages in frames.
pub(super) fn framed<'a>(
    framing: Framing,
    messages: impl IntoIterator<Item = &'a [u8]>,
) -> Vec<u8> {
    let (mut codec, mut out) = (FrameCodec::new(framing, 0), BytesMut::new());
    for message in messages {
        codec.encode(message.to_vec(), &mut out).unwrap();
    }
    out.to_vec()
}

/// Reads frames, and messages out of them, until the bytes end or the frames are lost.
pub(super) fn read_all(framing: Framing, pieces: &[&[u8]]) -> usize {
    let (mut codec, mut input) = (FrameCodec::new(framing, COMMAND_BYTES_MAX), BytesMut::new());
    let mut read = 0;
    for piece in pieces {
        input.extend_from_slice(piece);
        loop {
            match codec.decode(&mut input) {
                Ok(Some(Ok(frame))) => {
                    let _ = parse(&frame);
                    read += 1;
                }
                Ok(Some(Err(_))) => read += 1,
                Ok(None) => break,
                Err(_) => return read,
            }
        }
    }
    read
}

/// Writes these pieces to a server after `initialize`, then one request that is in order, and then
/// nothing more; reads all that comes.
///
/// The clock is paused, so waiting in vain is noticed at once, and spinning is by the number of
/// polls. Both panic.
pub(super) fn connection(framing: Framing, pieces: &[&[u8]]) -> Ending {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(async {
        let mut options = ServeOptions::default();
        options.framing = framing;
        options.wire.command_bytes_max = COMMAND_BYTES_MAX;
        let world = Arc::new(FakeWorld::always(Ok(Reply::Done)));
        let server = Server::new(world_id("w"), world, options);
        let (near, far) = duplex(1_024);
        let bytes: usize = pieces.iter().map(|piece| piece.len()).sum();
        let serving = tokio::spawn(async move {
            within_polls(server.serve(far), 1_000 + 4 * (bytes + pieces_max(bytes))).await
        });
        let (mut reader, mut writer) = split(near);
        let hearing = tokio::spawn(async move {
            let mut heard = Vec::new();
            // A server that ends may break the pipe; what it said before is there all the same.
            let _ = reader.read_to_end(&mut heard).await;
            heard
        });
        // Whoever writes to a server that has ended is told so, and is not asked here.
        let _ = writer.write_all(&framed(framing, [INITIALIZE])).await;
        for piece in pieces {
            let _ = writer.write_all(piece).await;
            tokio::task::yield_now().await;
        }
        let last = format!(r#"{{"jsonrpc":"2.0","id":{LAST},"method":"ping"}}"#);
        // Whatever line was begun ends here.
        let gap: &[u8] = if framing == Framing::Lines { b"\n" } else { b"" };
        let _ = writer.write_all(gap).await;
        let _ = writer.write_all(&framed(framing, [last.as_bytes()])).await;
        let _ = writer.shutdown().await;
        let minute = Duration::from_secs(60);
        let end = timeout(minute, serving).await.expect("the connection hangs").unwrap();
        let heard = timeout(minute, hearing).await.expect("the pipe stays open").unwrap();
        Ending { end, answered: answers(framing, &heard).iter().any(|id| id == LAST) }
    })
}

const INITIALIZE: &[u8] = br#"{"jsonrpc":"2.0","id":"first","method":"initialize","params":{"protocolVersion":1,"client":{"name":"test"}}}"#;

/// How a server answers `initialize` to a remote world.
pub(super) const WELCOME: &[u8] = br#"{"jsonrpc":"2.0","id":0,"result":{"protocolVersion":1,"server":{"name":"s","version":""},"worldId":"w","limits":{"frameBytesMax":1000,"requestsInFlightMax":9,"subscriptionsMax":9}}}"#;

/// Has a server say these pieces and then nothing more, to a remote world that is asked and watched.
///
/// Panics when who asked, or who watches, waits in vain.
pub(super) fn remote(framing: Framing, pieces: &[&[u8]]) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(async {
        let mut options = RemoteOptions::default();
        options.framing = framing;
        let (near, far) = duplex(1_024);
        let remote = RemoteWorld::over(near, world_id("w"), options);
        let (mut reader, mut writer) = split(far);
        // What it asks is read, so that it never waits for room.
        let reading = tokio::spawn(async move {
            let _ = reader.read_to_end(&mut Vec::new()).await;
        });
        let scope = Scope::Chat(chat_id("a"));
        let asking = async {
            (remote.call(Command::GetWorld).await, remote.subscribe(scope, StartAt::Now).await)
        };
        let saying = async {
            for piece in pieces {
                let _ = writer.write_all(piece).await;
                tokio::task::yield_now().await;
            }
            let _ = writer.shutdown().await;
        };
        let minute = Duration::from_secs(60);
        let both = timeout(minute, async { tokio::join!(asking, saying).0 });
        let (_, watched) = both.await.expect("who asked waits in vain");
        if let Ok(mut notices) = watched {
            let all = async { while notices.next().await.is_some() {} };
            timeout(minute, all).await.expect("who watches waits in vain");
        }
        drop(remote);
        timeout(minute, reading).await.expect("the pipe stays open").unwrap();
    });
}

fn pieces_max(bytes: usize) -> usize {
    // A piece may be empty, and is then no reason to be polled.
    bytes + 16
}

/// The ids of the answers in what was heard. All of it must be messages.
fn answers(framing: Framing, heard: &[u8]) -> Vec<String> {
    let (mut codec, mut input) = (FrameCodec::new(framing, usize::MAX / 2), BytesMut::from(heard));
    let mut ids = Vec::new();
    while let Some(frame) = codec.decode(&mut input).unwrap() {
        if let Incoming::Answer { id: Some(id), .. } = parse(&frame.unwrap()).unwrap() {
            ids.push(id.as_json().to_owned());
        }
    }
    assert!(input.is_empty(), "the server stopped in the middle of a message");
    ids
}

/// Panics when a future is polled more often than this.
async fn within_polls<T>(future: impl Future<Output = T>, polls_max: usize) -> T {
    let (mut future, mut polls) = (pin!(future), 0);
    std::future::poll_fn(move |cx: &mut Context<'_>| -> Poll<T> {
        polls += 1;
        assert!(polls <= polls_max, "polled {polls} times");
        future.as_mut().poll(cx)
    })
    .await
}
