//! The words that both sides are given, and models that say them.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use futures_core::Stream;
use futures_util::{StreamExt, stream};
use polychat::{
    SqliteStore, World, WorldBuilder,
    ports::{Model, ModelDelta, ModelError, ModelRequest, ModelStream},
};

pub(crate) const CHUNKS: usize = 50;
pub(crate) const ASKED_TO_PANIC: &str = "asked to";
const WORDS: [&str; 4] = ["The quick ", "brown fox ", "jumps over ", "the lazy dog. "];

/// A stream of chunks that lets others run after each.
pub(crate) struct Source {
    said: usize,
    chunks: usize,
    yielded: bool,
}

impl Source {
    pub(crate) fn new(chunks: usize) -> Self {
        Self { said: 0, chunks, yielded: true }
    }

    /// What it says.
    fn words(chunks: usize) -> impl Iterator<Item = &'static str> {
        WORDS.iter().copied().cycle().take(chunks)
    }
}

impl Stream for Source {
    type Item = String;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<String>> {
        if self.said == self.chunks {
            return Poll::Ready(None);
        }
        if !self.yielded {
            self.yielded = true;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        self.yielded = false;
        let word = WORDS[self.said % WORDS.len()];
        self.said += 1;
        Poll::Ready(Some(word.to_owned()))
    }
}

struct Deltas(Source);

impl Stream for Deltas {
    type Item = Result<ModelDelta, ModelError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Pin::new(&mut self.0).poll_next(cx).map(|word| word.map(|word| Ok(ModelDelta::Text(word))))
    }
}

/// What is said in this many chunks.
pub(crate) fn sentence(chunks: usize) -> String {
    Source::words(chunks).collect()
}

/// Says the chunks; on request it says more, or at a pace, never ends, floods, or panics.
pub(crate) struct BenchModel;

impl Model for BenchModel {
    fn stream(&self, request: ModelRequest) -> ModelStream {
        let said = request.messages.last().map(|message| message.text()).unwrap_or_default();
        match said.as_str() {
            "hang" => Box::pin(futures_util::stream::pending()),
            "panic" => Box::pin(futures_util::stream::poll_fn(|_| panic!("{ASKED_TO_PANIC}"))),
            "flood" => Box::pin(futures_util::stream::repeat_with(|| {
                Ok(ModelDelta::Text("a flood of words that never ends ".repeat(4)))
            })),
            "block" => Box::pin(futures_util::stream::once(async {
                let until = std::time::Instant::now() + Duration::from_secs(2);
                while std::time::Instant::now() < until {
                    std::hint::spin_loop();
                }
                Ok(ModelDelta::Text("back".to_owned()))
            })),
            "calm" => Box::pin(futures_util::stream::unfold(0u32, |n| async move {
                tokio::time::sleep(Duration::from_millis(2)).await;
                let sent = std::time::Instant::now();
                (n < 500).then(|| (Ok(ModelDelta::Text(stamp(sent))), n + 1))
            })),
            other => match asked(other) {
                ("say", chunks) => Box::pin(Deltas(Source::new(chunks))),
                ("slowly", chunks) => Box::pin(slowly(chunks)),
                _ => Box::pin(Deltas(Source::new(CHUNKS))),
            },
        }
    }
}

/// What to do with how many chunks.
fn asked(said: &str) -> (&str, usize) {
    let (what, chunks) = said.split_once(' ').unwrap_or((said, ""));
    (what, chunks.parse().unwrap_or(CHUNKS))
}

/// As real models speak: 20 chunks a second.
fn slowly(chunks: usize) -> impl Stream<Item = Result<ModelDelta, ModelError>> {
    let words = stream::iter(Source::words(chunks));
    words.then(|word| async move {
        tokio::time::sleep(Duration::from_millis(50)).await;
        Ok(ModelDelta::Text(word.to_owned()))
    })
}

/// A moment as text, so that it travels with the chunk.
fn stamp(at: std::time::Instant) -> String {
    format!("{}\n", since_start(at))
}

/// Nanoseconds since the first call in this process.
pub(crate) fn since_start(at: std::time::Instant) -> u128 {
    static START: std::sync::OnceLock<std::time::Instant> = std::sync::OnceLock::new();
    at.saturating_duration_since(*START.get_or_init(|| at)).as_nanos()
}

pub(crate) async fn world(limits: polychat::Limits) -> World {
    WorldBuilder::new("bench", BenchModel).limits(limits).open().await.unwrap()
}

/// The world's supervisor and all its chats end, so that a round leaves nothing behind.
pub(crate) async fn end(world: World) {
    world.shutdown().await;
}

/// Ends a world and closes its file. A task of the world may look at the file for a moment more.
pub(crate) async fn end_in(mut file: Arc<SqliteStore>, world: World) {
    end(world).await;
    loop {
        match Arc::try_unwrap(file) {
            Ok(file) => return file.close().await,
            Err(shared) => file = shared,
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}
