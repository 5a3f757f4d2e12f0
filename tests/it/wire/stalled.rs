//! Readers and connections that stop in the middle of a hundred streaming chats (laws 4 and 7).
//!
//! What the server keeps for them is what it has taken from the world and not got rid of, so that is
//! counted at the world's door: a reader for whom nothing is taken costs a cursor.

use std::{
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use async_trait::async_trait;
use futures_util::{Stream, future::join_all};
use polychat::{
    Command, CommandError, LiveBody, Notice, PromptHandle, Reply, Scope, ScriptedModel, StartAt,
    World, WorldBuilder, WorldId,
    ports::{NoticeStream, WorldService},
    transport::ipc::{RemoteOptions, RemoteWorld},
};
use polychat_model::Step;
use tokio::task::JoinSet;

use super::{
    pipe::{Valve, over_a_pipe},
    reader::Reader,
};
use crate::support::{chat_id, log};

const CHATS: usize = 100;
/// Of each answer, of which each chat gives several: ten megabytes in all.
const CHUNKS: usize = 9;
const CHUNK_BYTES: usize = 3_000;
const PROMPTS: usize = 4;
const PASSED_MIN: usize = 10_000_000;
/// Events of one subscription that may be under way to the client whose readers stop.
const EVENTS_WAITING_MAX: usize = 4;
/// What a pipe keeps, what a connection lets wait in its buffer, and the message that exceeds it.
const KEPT_BYTES_MAX: usize = 3 * 64 * 1024;

/// A door that counts what is taken from each subscription, in the order in which they were made.
struct Counting {
    world: Arc<dyn WorldService>,
    taken: Mutex<Vec<Arc<Taken>>>,
}

#[derive(Default)]
struct Taken {
    notices: AtomicUsize,
    bytes: AtomicUsize,
}

/// Notices, and bytes of text in them.
type Count = (usize, usize);

impl Counting {
    fn new(world: &World) -> Arc<Self> {
        Arc::new(Self { world: world.service(), taken: Mutex::default() })
    }

    fn counts(&self) -> Vec<Count> {
        let count = |taken: &Arc<Taken>| {
            (taken.notices.load(Ordering::SeqCst), taken.bytes.load(Ordering::SeqCst))
        };
        self.taken.lock().unwrap().iter().map(count).collect()
    }
}

#[async_trait]
impl WorldService for Counting {
    async fn call(&self, command: Command) -> Result<Reply, CommandError> {
        self.world.call(command).await
    }

    async fn subscribe(&self, scope: Scope, start: StartAt) -> Result<NoticeStream, CommandError> {
        let notices = self.world.subscribe(scope, start).await?;
        let taken = Arc::new(Taken::default());
        self.taken.lock().unwrap().push(Arc::clone(&taken));
        Ok(Box::pin(Counted { notices, taken }))
    }
}

struct Counted {
    notices: NoticeStream,
    taken: Arc<Taken>,
}

impl Stream for Counted {
    type Item = Notice;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Notice>> {
        let polled = self.notices.as_mut().poll_next(cx);
        if let Poll::Ready(Some(notice)) = &polled {
            self.taken.notices.fetch_add(1, Ordering::SeqCst);
            if let Notice::Live { event, .. } = notice
                && let LiveBody::MessageChunk { text, .. } = &event.body
            {
                self.taken.bytes.fetch_add(text.len(), Ordering::SeqCst);
            }
        }
        polled
    }
}

fn model() -> ScriptedModel {
    ScriptedModel::answering(|request| {
        let said = request.messages.last().map(|message| message.text()).unwrap_or_default();
        let piece = move |n: usize| {
            let text = format!("{:-<CHUNK_BYTES$}", format!("{said} {n} "));
            [Step::Pause(Duration::from_millis(5)), Step::text(text)]
        };
        (0..CHUNKS).flat_map(piece).collect()
    })
}

async fn readers(remote: &RemoteWorld) -> Vec<Reader> {
    join_all((0..CHATS).map(|n| async move { Reader::new(remote, &chat_id(&n.to_string())).await }))
        .await
}

/// A remote world whose server takes everything from this door.
fn remote(door: &Arc<Counting>, valve: Valve, events_waiting_max: usize) -> RemoteWorld {
    let mut options = RemoteOptions::default();
    options.events_waiting_max = events_waiting_max;
    over_a_pipe(WorldId::new("home").unwrap(), Arc::clone(door) as _, valve, options)
}

/// A world of a hundred chats, in which nothing is going on.
async fn world() -> World {
    let world = WorldBuilder::new("home", model()).open().await.unwrap();
    for n in 0..CHATS {
        world.open_chat(n.to_string()).await.unwrap();
    }
    world
}

/// Prompts every chat so often.
async fn prompt(world: &World) -> Vec<PromptHandle> {
    let mut prompts = Vec::new();
    for n in 0..CHATS * PROMPTS {
        let chat = world.chat((n % CHATS).to_string()).unwrap();
        prompts.push(chat.prompt(format!("prompt {n}")).await.unwrap());
    }
    prompts
}

/// Reads until everything has been said, and compares with the logs; bytes of text that came.
async fn read_all(world: &World, readers: Vec<Reader>) -> usize {
    let mut reading = JoinSet::new();
    for (n, mut reader) in readers.into_iter().enumerate() {
        reading.spawn(async move {
            reader.until_ended(PROMPTS).await;
            (n, reader)
        });
    }
    let mut shown = 0;
    for (n, reader) in reading.join_all().await {
        reader.compare_with_log(&log(&world.chat(n.to_string()).unwrap()).await);
        shown += reader.shown;
    }
    shown
}

// laws 4, 6 and 7; REQ-10
#[tokio::test(start_paused = true)]
async fn whoever_stops_in_the_middle_of_a_hundred_chats_costs_nobody_anything() {
    let world = world().await;
    let (one, other) = (Counting::new(&world), Counting::new(&world));
    // On one connection half of the readers stop, another connection stops as a whole.
    let shared = remote(&one, Valve::default(), EVENTS_WAITING_MAX);
    let (mut stopping, reading) = (readers(&shared).await, readers(&shared).await);
    let valve = Valve::default();
    let held = remote(&other, valve.clone(), usize::from(u16::MAX));
    let mut held_up = readers(&held).await;
    let calm = remote(&Counting::new(&world), Valve::default(), 64);
    let undisturbed = readers(&calm).await;

    prompt(&world).await;
    for reader in stopping.iter_mut().chain(&mut held_up) {
        while reader.shown == 0 {
            reader.next().await;
        }
    }
    valve.hold();
    let (before, passed_before) = ((one.counts(), other.counts()), valve.bytes());
    let passed = tokio::join!(read_all(&world, reading), read_all(&world, undisturbed));
    let said = CHUNKS * CHUNK_BYTES * PROMPTS * CHATS;
    assert_eq!(passed, (said, said), "each byte of text was shown once, to both");
    assert!(said > PASSED_MIN);

    // For each reader that stopped, no more was taken than it had said that there is room for.
    for (now, before) in one.counts().iter().zip(&before.0).take(CHATS) {
        assert!(now.0 - before.0 <= EVENTS_WAITING_MAX, "{now:?} after {before:?}");
    }
    // For the connection that stopped, no more than its buffer and its pipe hold.
    let bytes = |counts: &[Count]| counts.iter().map(|count| count.1).sum::<usize>();
    let taken = bytes(&other.counts()) - bytes(&before.1);
    assert!(taken <= KEPT_BYTES_MAX, "{taken} bytes were taken for nobody");
    assert_eq!(valve.bytes(), passed_before);

    // They go on where they stopped, and miss nothing.
    valve.release();
    read_all(&world, stopping).await;
    read_all(&world, held_up).await;
    assert_eq!([shared.rejected(), held.rejected(), calm.rejected()], [0; 3]);
}

/// Kilobytes of this process that are in memory.
fn resident_kb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()).unwrap().parse().unwrap()
}

/// How much this process grows while ten megabytes pass a hundred readers of one connection, and
/// another whole connection, which `stop`, or which go away before anything was said.
async fn measure(stop: bool) {
    let world = world().await;
    let doors = [(); 3].map(|()| Counting::new(&world));
    let valve = Valve::default();
    let one = remote(&doors[0], Valve::default(), EVENTS_WAITING_MAX);
    let other = remote(&doors[1], valve.clone(), usize::from(u16::MAX));
    let stopped = (readers(&one).await, readers(&other).await);
    let calm = remote(&doors[2], Valve::default(), 64);
    let undisturbed = readers(&calm).await;
    let stopped = stop.then_some(stopped);
    valve.hold();
    let before = resident_kb();
    prompt(&world).await;
    let passed = read_all(&world, undisturbed).await;
    println!("{passed} bytes passed; resident: {before} kB before, {} kB after", resident_kb());
    drop(stopped);
}

// by hand, each in a process of its own: cargo nextest run --test it --run-ignored only resident
#[tokio::test(start_paused = true)]
#[ignore = "started by hand, for the figures in docs/performance.md"]
async fn what_is_resident_beside_readers_that_stop() {
    measure(true).await;
}

#[tokio::test(start_paused = true)]
#[ignore = "started by hand, for the figures in docs/performance.md"]
async fn what_is_resident_beside_readers_that_went_away() {
    measure(false).await;
}
