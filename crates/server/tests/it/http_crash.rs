//! `polychat serve`, killed in the middle of its work again and again: what it acknowledged is there
//! once, and whoever followed its chats over HTTP missed nothing and read nothing twice.

use std::{
    collections::HashSet,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures_util::StreamExt;
use polychat::transport::http::client::{HttpWorld, HttpWorldOptions};
use polychat::{
    Chat, Event, Notice, PromptHandle, PromptId, Recorded, Seq, StartAt, TurnOutcome, World,
};
use tokio::{process::Child, sync::Notify, task::JoinHandle};

use crate::child::{ByHand, Place, polychat, within};

/// Chats that are talked to all the time.
const CHATS: usize = 6;
/// Words of each answer.
const WORDS: usize = 40;
/// How much is read between two kills, in notices of all chats.
const NOTICES_PER_ROUND: usize = 300;

/// How often the server is killed; by hand more often.
fn rounds() -> usize {
    std::env::var("POLYCHAT_KILL_ROUNDS").ok().and_then(|text| text.parse().ok()).unwrap_or(3)
}

/// A server over this file.
struct Serving {
    child: Child,
    address: String,
}

impl Serving {
    async fn start(file: &Path, listen: &str) -> Self {
        let file = file.to_str().unwrap();
        let arguments = ["serve", "--no-auth", "--listen", listen, "--data", file];
        let mut server = ByHand::start(&mut polychat(arguments));
        let link = server.line().await;
        let address = link.trim().trim_start_matches("http://").trim_end_matches('/').to_owned();
        let (child, _) = server.stop_listening();
        Self { child, address }
    }

    /// SIGKILL, and the same server again, at the same address.
    async fn killed(mut self, file: &Path) -> Self {
        within(self.child.kill()).await.unwrap();
        Self::start(file, &self.address).await
    }

    fn world(&self) -> World {
        let mut options = HttpWorldOptions::default();
        options.reconnect_delay = Duration::from_millis(10);
        options.reconnect_delay_max = Duration::from_millis(100);
        let url = format!("http://{}/v1/worlds/home", self.address).parse().unwrap();
        World::of_service(Arc::new(HttpWorld::new(url, options)))
    }
}

/// How much all readers together have read.
#[derive(Default)]
struct Progress {
    notices: AtomicUsize,
    more: Notify,
}

impl Progress {
    fn one_more(&self) {
        self.notices.fetch_add(1, Ordering::Relaxed);
        self.more.notify_waiters();
    }

    async fn reach(&self, notices: usize) {
        loop {
            let more = self.more.notified();
            if self.notices.load(Ordering::Relaxed) >= notices {
                return;
            }
            more.await;
        }
    }
}

/// One stream, from the first event of a chat to the one that it is told to end with.
struct Reader {
    read: JoinHandle<Vec<Arc<Recorded>>>,
}

impl Reader {
    async fn begin(chat: &Chat, progress: &Arc<Progress>) -> Self {
        let mut notices = within(chat.subscribe(StartAt::Start)).await.unwrap();
        let progress = Arc::clone(progress);
        let read = tokio::spawn(async move {
            let mut read = Vec::new();
            while let Some(notice) = notices.next().await {
                progress.one_more();
                let Notice::Recorded { event, .. } = notice else { continue };
                let last = matches!(event.event, Event::ChatClosed { .. });
                read.push(event);
                if last {
                    break;
                }
            }
            read
        });
        Self { read }
    }
}

/// Sends this until it is acknowledged; whoever got no answer asks again with the same id.
async fn acknowledged(chat: &Chat, id: &PromptId, text: &str) -> PromptHandle {
    loop {
        match chat.prompt(text).id(id.clone()).send().await {
            Ok(prompt) => return prompt,
            Err(error) => assert!(error.retryable(), "{error}"),
        }
    }
}

/// One prompt after the other, each when the one before has ended, until it is time to stop.
async fn talk(chat: Chat, stop: Arc<AtomicBool>) -> Vec<(PromptId, Seq)> {
    let mut told = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        let id = PromptId::new(format!("{}-{}", chat.id(), told.len())).unwrap();
        let text = format!("/long {WORDS}");
        let prompt = acknowledged(&chat, &id, &text).await;
        while let Err(error) = prompt.outcome().await {
            assert!(error.retryable(), "{error}");
        }
        told.push((id, prompt.accepted_seq()));
    }
    told
}

async fn log(chat: &Chat) -> Vec<Arc<Recorded>> {
    let (mut events, mut after) = (Vec::new(), Seq::ZERO);
    loop {
        let page = within(chat.log(after, 200)).await.unwrap();
        let Some(last) = page.events.last() else { return events };
        after = last.seq;
        events.extend(page.events);
    }
}

/// Law 5: one end for each prompt that was acknowledged, and each of them there once.
fn judge(told: &[(PromptId, Seq)], log: &[Arc<Recorded>]) {
    let (mut accepted, mut open) = (HashSet::new(), None);
    for (recorded, seq) in log.iter().zip(1..) {
        assert_eq!(recorded.seq.get(), seq);
        match &recorded.event {
            Event::PromptAccepted { prompt_id, .. } => {
                assert!(accepted.insert((prompt_id.clone(), recorded.seq)), "{prompt_id} twice");
            }
            Event::TurnStarted { .. } => assert!(open.replace(recorded.seq).is_none()),
            Event::TurnEnded { .. } => assert!(open.take().is_some()),
            _ => {}
        }
    }
    assert_eq!(open, None);
    assert_eq!(accepted, told.iter().cloned().collect(), "acknowledged, and in the log");
}

// Laws 1, 4 and 5, issue 6: kill -9 of the server under HTTP load
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_under_load_it_loses_nothing_that_it_acknowledged_and_its_readers_miss_nothing() {
    let place = Place::new();
    let mut serving = Serving::start(&place.file(), "127.0.0.1:0").await;
    let (world, progress) = (serving.world(), Arc::<Progress>::default());
    let stop = Arc::<AtomicBool>::default();
    let (mut chats, mut readers, mut talking) = (Vec::new(), Vec::new(), Vec::new());
    for name in 0..CHATS {
        let chat = within(world.open_chat(format!("chat-{name}"))).await.unwrap();
        readers.push(Reader::begin(&chat, &progress).await);
        talking.push(tokio::spawn(talk(chat.clone(), Arc::clone(&stop))));
        chats.push(chat);
    }
    let hanging = within(world.open_chat("hanging")).await.unwrap();
    let mut hung = Vec::new();
    for round in 0..rounds() {
        let id = PromptId::new(format!("hang-{round}")).unwrap();
        let prompt = within(acknowledged(&hanging, &id, "/hang")).await;
        hung.push((id, prompt.accepted_seq()));
        let before = progress.notices.load(Ordering::Relaxed);
        within(progress.reach(before + NOTICES_PER_ROUND)).await;
        serving = serving.killed(&place.file()).await;
    }
    stop.store(true, Ordering::Relaxed);
    for ((chat, reader), talking) in chats.iter().zip(readers).zip(talking) {
        let told = within(talking).await.unwrap();
        within(chat.close()).await.unwrap();
        let read = within(reader.read).await.unwrap();
        let log = log(chat).await;
        assert_eq!(read, log, "{}", chat.id());
        judge(&told, &log);
    }
    // Each round killed at least this turn: one that could not have ended by itself.
    let log = log(&hanging).await;
    let interrupted = |recorded: &&Arc<Recorded>| {
        matches!(&recorded.event, Event::TurnEnded { outcome: TurnOutcome::Interrupted, .. })
    };
    assert_eq!(log.iter().filter(interrupted).count(), rounds());
    judge(&hung, &log);
}
