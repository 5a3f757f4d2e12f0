//! CPU per chunk from a writer to its readers, beside a hand-written floor in the same run.
//!
//! The floor is a bounded channel (64) per chat and reader that carries a `String` per chunk. Both
//! sides run on one runtime thread with 1,000 chats at once, and get the same source strings. What
//! counts is the CPU time of the process and the ratio within a run: rounds of both sides alternate,
//! and the median of the rounds is printed.
//!
//! `cargo bench -p polychat-chat-actor --bench feed` (add `-- threads` for two worker threads)

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::suboptimal_flops,
    reason = "a bench may panic, and is to be read as plain arithmetic"
)]

use std::{hint::black_box, sync::Arc};

use async_trait::async_trait;
use futures_util::StreamExt;
use polychat_chat_actor::{
    feed::{Feed, FeedWriter},
    subscription::Subscription,
};
use polychat_core::{
    AgentConfig, AgentName, ChatId, Epoch, Event, Limits, LiveBody, MessageId, ModelName, Notice,
    Recorded, Seq, StartAt, Summary, Timestamp, TurnId, WorldId,
    command::Page,
    ports::{AppendError, Entry, Fence, Head, LogKey, OpenMode, Store, StoreError, StoreErrorKind},
};
use rustix::time::{ClockId, clock_gettime};
use tokio::{runtime::Runtime, sync::mpsc, task::JoinSet};

const CHATS: usize = 1_000;
const CHUNKS: usize = 500;
const ROUNDS: usize = 7;
const CHANNEL: usize = 64;
const READERS: [usize; 3] = [1, 2, 5];
const WORDS: [&str; 8] =
    ["The ", "quick ", "brown ", "fox ", "jumps ", "over ", "the lazy ", "Straßenhund. "];

/// CPU per chunk of the feed and of the channel, for each number of readers.
type Round = [(f64, f64); READERS.len()];

/// How often a writer lets others run.
#[derive(Clone, Copy)]
enum Pace {
    EveryChunk,
    Every8th,
    Never,
}

impl Pace {
    const ALL: [(Self, &str, [f64; 2]); 3] = [
        (Self::EveryChunk, "yields after every chunk", [1.0, 0.5]),
        (Self::Every8th, "yields after every 8th", [0.7, 0.2]),
        (Self::Never, "never yields", [0.2, 0.05]),
    ];

    async fn after(self, chunk: usize) {
        let yields = match self {
            Self::EveryChunk => true,
            Self::Every8th => chunk % 8 == 7,
            Self::Never => false,
        };
        if yields {
            tokio::task::yield_now().await;
        }
    }
}

fn word(chunk: usize) -> &'static str {
    WORDS[chunk % WORDS.len()]
}

fn bytes_of_all() -> usize {
    (0..CHUNKS).map(|chunk| word(chunk).len()).sum()
}

fn cpu_nanos() -> f64 {
    let now = clock_gettime(ClockId::ProcessCPUTime);
    now.tv_sec as f64 * 1e9 + now.tv_nsec as f64
}

/// CPU nanoseconds per chunk while all tasks run to their end.
fn measure(runtime: &Runtime, tasks: impl FnOnce(&mut JoinSet<()>)) -> f64 {
    let before = cpu_nanos();
    runtime.block_on(async {
        let mut set = JoinSet::new();
        tasks(&mut set);
        while let Some(end) = set.join_next().await {
            end.expect("no task of a bench panics");
        }
    });
    (cpu_nanos() - before) / (CHATS * CHUNKS) as f64
}

fn floor(runtime: &Runtime, pace: Pace, readers: usize) -> f64 {
    let channels: Vec<Vec<_>> = (0..CHATS)
        .map(|_| (0..readers).map(|_| mpsc::channel::<String>(CHANNEL)).collect())
        .collect();
    measure(runtime, |set| {
        for chat in channels {
            let mut senders = Vec::with_capacity(readers);
            for (sender, mut receiver) in chat {
                senders.push(sender);
                set.spawn(async move {
                    let mut bytes = 0;
                    while let Some(text) = receiver.recv().await {
                        bytes += black_box(&text).len();
                    }
                    assert_eq!(bytes, bytes_of_all());
                });
            }
            set.spawn(async move {
                for chunk in 0..CHUNKS {
                    for sender in &senders {
                        sender.send(word(chunk).to_owned()).await.expect("the reader is there");
                    }
                    pace.after(chunk).await;
                }
            });
        }
    })
}

fn ours(runtime: &Runtime, pace: Pace, readers: usize) -> f64 {
    let chats: Vec<_> = (0..CHATS).map(|chat| chat_with_open_message(chat, readers)).collect();
    measure(runtime, |set| {
        for (writer, subscriptions) in chats {
            for mut subscription in subscriptions {
                set.spawn(async move {
                    let (mut bytes, all) = (0, bytes_of_all());
                    while bytes < all {
                        let notice = subscription.next().await.expect("the feed does not end");
                        if let Notice::Live { event, .. } = notice
                            && let LiveBody::MessageChunk { text, .. } = &black_box(&event).body
                        {
                            bytes += text.len();
                        }
                    }
                });
            }
            set.spawn(async move {
                for chunk in 0..CHUNKS {
                    writer.text(word(chunk)).expect("the message is open");
                    // What a turn does after each delta, so that others run too.
                    tokio::task::coop::consume_budget().await;
                    pace.after(chunk).await;
                }
            });
        }
    })
}

fn chat_with_open_message(chat: usize, readers: usize) -> (FeedWriter, Vec<Subscription>) {
    let id = ChatId::new(format!("chat-{chat}")).expect("it is an id");
    let world = WorldId::new("bench").expect("it is an id");
    let feed = Arc::new(Feed::new(id.clone(), Seq::ZERO, (&Limits::default()).into()));
    feed.begin_epoch(Epoch(1), Seq::ZERO).expect("it is the first");
    let turn = TurnId(Seq::FIRST);
    let message = MessageId(Seq::FIRST);
    let agent = AgentConfig::new(
        AgentName::new("guide").expect("it is a name"),
        ModelName::new("demo").expect("it is a name"),
    );
    let started = Event::MessageStart {
        turn_id: turn,
        step: 1,
        agent: Arc::new(agent),
        omitted: polychat_core::message::Omitted::default(),
    };
    let record =
        Recorded { chat_id: id.clone(), seq: Seq::FIRST, at: Timestamp(0), event: started };
    feed.publish(Epoch(1), &[Arc::new(record)]).expect("it is the next");
    let key = LogKey::Chat(world, id);
    let subscriptions = (0..readers)
        .map(|_| feed.subscribe(&StartAt::Now).expect("there is room"))
        .map(|reader| Subscription::new(reader, Arc::new(NoStore), key.clone()))
        .collect();
    (feed.writer(Epoch(1), turn, message), subscriptions)
}

fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers[numbers.len() / 2]
}

fn main() {
    let threads = std::env::args().any(|argument| argument == "threads");
    let runtime = if threads {
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).build()
    } else {
        tokio::runtime::Builder::new_current_thread().build()
    };
    let runtime = runtime.expect("a runtime starts");
    println!("CPU per chunk, {CHATS} chats, {CHUNKS} chunks each, median of {ROUNDS} rounds");
    for (pace, name, targets) in Pace::ALL {
        let mut rounds: Vec<Round> = Vec::new();
        for _ in 0..ROUNDS {
            rounds.push(READERS.map(|n| (ours(&runtime, pace, n), floor(&runtime, pace, n))));
        }
        println!("\nwriter {name}");
        let column = |of: &dyn Fn(&Round) -> f64| median(rounds.iter().map(of).collect());
        let (ours, floor) = (column(&|r| r[0].0), column(&|r| r[0].1));
        let ratio = column(&|r| r[0].0 / r[0].1);
        report("one reader", ours, floor, ratio, targets[0]);
        for (i, readers) in READERS.iter().enumerate().skip(1) {
            let more = (readers - 1) as f64;
            let ours = column(&|r| (r[i].0 - r[0].0) / more);
            let floor = column(&|r| (r[i].1 - r[0].1) / more);
            let ratio = column(&|r| (r[i].0 - r[0].0) / (r[i].1 - r[0].1));
            report(&format!("each of {} further", readers - 1), ours, floor, ratio, targets[1]);
        }
    }
}

fn report(what: &str, ours: f64, floor: f64, ratio: f64, target: f64) {
    let verdict = if ratio <= target { "met" } else { "MISSED" };
    println!(
        "  {what:<18} feed {ours:7.1} ns   channel {floor:7.1} ns   {ratio:5.2}x   (at most {target}x: {verdict})"
    );
}

/// Never asked: no reader of this bench is ever behind.
struct NoStore;

#[async_trait]
impl Store for NoStore {
    async fn open(&self, _: &LogKey, _: OpenMode) -> Result<(Fence, Head), StoreError> {
        Err(nothing())
    }
    async fn append(
        &self,
        _: &Fence,
        _: Seq,
        _: &[Entry],
        _: Option<&Summary>,
    ) -> Result<(), AppendError> {
        Err(AppendError::Rejected(nothing()))
    }
    async fn read(&self, _: &LogKey, _: Seq, _: usize) -> Result<Vec<Entry>, StoreError> {
        Err(nothing())
    }
    async fn summary(&self, _: &LogKey) -> Result<Summary, StoreError> {
        Err(nothing())
    }
    async fn list(&self, _: &WorldId, _: &Page) -> Result<Vec<Summary>, StoreError> {
        Err(nothing())
    }
    async fn worlds(&self, _: &Page) -> Result<Vec<WorldId>, StoreError> {
        Err(nothing())
    }
    async fn delete(&self, _: &Fence) -> Result<(), StoreError> {
        Err(nothing())
    }
}

fn nothing() -> StoreError {
    StoreError::new(StoreErrorKind::Unavailable, "there is no store")
}
