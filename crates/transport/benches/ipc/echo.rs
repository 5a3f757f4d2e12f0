//! The floor: the same bytes, sent back as they come.

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, BufReader},
    net::UnixStream,
};

use crate::{measure::read, source::Pace};

/// Writes these lines to whoever sends back what comes, and reads as many: their bytes.
pub(crate) async fn echo(lines: &[Vec<u8>], pace: Pace) -> usize {
    let (near, mut far) = UnixStream::pair().unwrap();
    let (reader, mut writer) = near.into_split();
    let lines = lines.to_vec();
    let count = lines.len();
    let echoing = tokio::spawn(async move {
        let mut buffer = vec![0; 64 * 1024];
        loop {
            let bytes = far.read(&mut buffer).await.unwrap();
            if bytes == 0 {
                return;
            }
            far.write_all(&buffer[..bytes]).await.unwrap();
        }
    });
    let writing = tokio::spawn(async move {
        let mut waiting = Vec::new();
        for (n, line) in lines.iter().enumerate() {
            pace_of(&mut waiting, line, n, pace, &mut writer).await;
        }
        writer.write_all(&waiting).await.unwrap();
        writer.shutdown().await.unwrap();
    });
    let bytes = read(&mut BufReader::with_capacity(64 * 1024, reader), count).await;
    writing.await.unwrap();
    echoing.await.unwrap();
    bytes
}

/// What is there at the same time is written at once, as far as a buffer of 64 KiB goes.
async fn pace_of(
    waiting: &mut Vec<u8>,
    line: &[u8],
    n: usize,
    pace: Pace,
    writer: &mut (impl AsyncWriteExt + Unpin),
) {
    waiting.extend_from_slice(line);
    let alone = match pace {
        Pace::EveryChunk => true,
        Pace::Every8th => n % 8 == 7,
        Pace::Never => false,
    };
    if alone || waiting.len() >= 64 * 1024 {
        writer.write_all(waiting).await.unwrap();
        waiting.clear();
        pace.after(n).await;
    }
}
