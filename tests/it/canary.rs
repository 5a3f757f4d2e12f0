//! The canary run: many chats at once, each with a secret that nobody else may ever see (NFR-1).
//!
//! Every prompt, its metadata, its context and every answer carry the secret of their chat; some
//! answers fail or panic with it. Whatever comes out of the house is searched: model requests,
//! stored events, deliveries, the world's feed, and every `tracing` record. A gate inside the model
//! proves that half of the chats were being answered at the same moment.
//!
//! `POLYCHAT_CANARY_CHATS` and `POLYCHAT_CANARY_TURNS` ask for more.

mod records;
mod secrets;

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use futures_util::StreamExt;
use polychat::{
    Chat, ChatId, MemoryStore, Metadata, Notice, PromptOutcome, Seq, StartAt, World, WorldBuilder,
    WorldId,
    command::NewChat,
    ports::{
        Entry, LogKey, Model, ModelDelta, ModelError, ModelErrorKind, ModelRequest, ModelStream,
        Store,
    },
};
use serde::Serialize;
use serde_json::{Map, Value};
use tokio::{sync::watch, task::JoinSet};

use self::{
    records::{Records, observed_runtime},
    secrets::{Leak, Secret},
};
use super::state_machine::{silence_planned_panics, wanted};

/// Answers with the secret that it is told, and counts how many answers are being given.
#[derive(Clone)]
struct Parrot {
    /// How many answers must be open at once before any of them goes on.
    crowd: usize,
    open: watch::Sender<usize>,
    most: Arc<AtomicUsize>,
    leaks: Leaks,
}

type Leaks = Arc<Mutex<Vec<Leak>>>;

/// An answer that is being given.
struct Open(watch::Sender<usize>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.send_modify(|open| *open -= 1);
    }
}

impl Parrot {
    fn new(crowd: usize) -> Self {
        let (most, leaks) = (Arc::default(), Arc::default());
        Self { crowd, open: watch::Sender::new(0), most, leaks }
    }

    fn begin(&self) -> Open {
        self.open.send_modify(|open| {
            *open += 1;
            self.most.fetch_max(*open, Ordering::SeqCst);
        });
        Open(self.open.clone())
    }

    /// Waits until the crowd is there; it need not stay together.
    async fn crowd(&self) {
        let mut open = self.open.subscribe();
        while self.most.load(Ordering::SeqCst) < self.crowd {
            let _ = open.changed().await;
        }
    }
}

impl Model for Parrot {
    fn stream(&self, request: ModelRequest) -> ModelStream {
        let owner = request.context.chat.get("secret").and_then(Value::as_str).map(str::to_owned);
        let secret = Secret::find(owner.as_deref().unwrap_or_default());
        let context = (&request.context.chat, &request.context.prompt);
        let given = text_of(&(&request.messages, &request.system, context));
        let found = Secret::all_in(&given).filter(|found| Some(*found) != secret);
        self.leaks.lock().unwrap().extend(found.map(|of| Leak { of, place: "request" }));
        let heard = request.messages.iter().filter(|message| message.is_user()).count();
        let (parrot, open) = (self.clone(), self.begin());
        let secret = owner.unwrap_or_default();
        let first = async move {
            parrot.crowd().await;
            tokio::task::yield_now().await;
            // Held until the answer ends: from here on the stream owns it.
            (open, Ok(ModelDelta::Reasoning(format!("{secret} said something"))), secret)
        };
        let rest = futures_util::stream::once(first).flat_map(move |(open, thought, secret)| {
            let said = move |n: usize| text(n, heard, &secret);
            let held = move |_: &Result<ModelDelta, ModelError>| {
                let _ = &open;
            };
            let pieces = (0..3).map(said).inspect(held);
            futures_util::stream::iter(std::iter::once(thought).chain(pieces))
        });
        Box::pin(rest)
    }
}

/// A piece of the answer; the sixth turn of some chats ends badly, and says why.
fn text(n: usize, heard: usize, secret: &str) -> Result<ModelDelta, ModelError> {
    let number = Secret::find(secret).map_or(0, |secret| secret.chat);
    match (n, heard, number % 50) {
        (1, 6, 0) => {
            Err(ModelError::new(ModelErrorKind::Refused, format!("planned: no {secret} here")))
        }
        (1, 6, 1) => panic!("planned: {secret} was too much"),
        (0, ..) => Ok(ModelDelta::Text(format!("after {heard} I know "))),
        (1, ..) => Ok(ModelDelta::Text(secret.to_owned())),
        _ => Ok(ModelDelta::Text(", and nothing else".to_owned())),
    }
}

fn text_of(what: &impl Serialize) -> String {
    serde_json::to_string(what).unwrap()
}

/// What a run found, and how much it looked at.
struct Found {
    leaks: Vec<Leak>,
    records: Arc<Records>,
    most_at_once: usize,
    events: usize,
    deliveries: usize,
    /// How often a secret was seen where it belongs: the search can see.
    at_home: usize,
}

/// Searches what belongs to one chat: its own secret is at home there.
fn search(text: &str, own: usize, place: &'static str, leaks: &mut Vec<Leak>) -> usize {
    let mut at_home = 0;
    for of in Secret::all_in(text) {
        if of.chat == own {
            at_home += 1;
        } else {
            leaks.push(Leak { of, place });
        }
    }
    at_home
}

async fn converse(chat: Chat, secret: String, turns: usize) {
    for turn in 0..turns {
        let one =
            |key: &str| Metadata::from(Map::from_iter([(key.to_owned(), secret.as_str().into())]));
        let request = chat.prompt(format!("turn {turn}: my secret is {secret}"));
        let prompt = request.metadata(one("secret")).context(one("prompt_secret")).send().await;
        let outcome = prompt.unwrap().outcome().await.unwrap();
        let bad = matches!(outcome, PromptOutcome::Failed { .. });
        assert!(bad || outcome == PromptOutcome::Completed, "{outcome:?}");
    }
}

/// Reads one chat from its beginning to the end of the world.
async fn listen(chat: Chat, own: usize) -> (usize, usize, Vec<Leak>) {
    let mut notices = chat.subscribe(StartAt::Start).await.unwrap();
    let (mut count, mut at_home, mut leaks) = (0, 0, Vec::new());
    while let Some(notice) = notices.next().await {
        count += 1;
        let text = match &notice {
            Notice::Recorded { event, .. } => text_of(event),
            Notice::Live { event, .. } => text_of(event),
            _ => continue,
        };
        at_home += search(&text, own, "delivery", &mut leaks);
    }
    (count, at_home, leaks)
}

/// The world's feed tells statuses and diagnostics, and no word of what anybody said.
async fn listen_to_world(world: World) -> Vec<Leak> {
    let (mut notices, mut leaks) = (world.subscribe().await.unwrap(), Vec::new());
    while let Some(notice) = notices.next().await {
        let found = format!("{notice:?}");
        leaks.extend(Secret::all_in(&found).map(|of| Leak { of, place: "world feed" }));
    }
    leaks
}

async fn run(chats: usize, turns: usize, records: Arc<Records>, store: Arc<dyn Store>) -> Found {
    let parrot = Parrot::new(chats / 2);
    let world = WorldBuilder::new("canaries", parrot.clone()).store(Arc::clone(&store));
    let world = world.open().await.unwrap();
    let mut watchers = JoinSet::new();
    let mut speakers = JoinSet::new();
    let of_world = tokio::spawn(listen_to_world(world.clone()));
    for n in 0..chats {
        let secret = Secret::of(n);
        let context = Map::from_iter([("secret".to_owned(), secret.as_str().into())]);
        let new = NewChat::with_id(chat_id(n)).context(context);
        let chat = world.create_chat(new).await.unwrap();
        watchers.spawn(listen(chat.clone(), n));
        speakers.spawn(converse(chat, secret, turns));
    }
    while let Some(done) = speakers.join_next().await {
        done.unwrap();
    }
    let mut found = Found {
        leaks: std::mem::take(&mut *parrot.leaks.lock().unwrap()),
        records,
        most_at_once: parrot.most.load(Ordering::SeqCst),
        events: 0,
        deliveries: 0,
        at_home: 0,
    };
    world.shutdown().await;
    found.leaks.extend(of_world.await.unwrap());
    while let Some(read) = watchers.join_next().await {
        let (count, at_home, leaks) = read.unwrap();
        found.deliveries += count;
        found.at_home += at_home;
        found.leaks.extend(leaks);
    }
    for n in 0..chats {
        let key = LogKey::Chat(WorldId::new("canaries").unwrap(), chat_id(n));
        for entry in store.read(&key, Seq::ZERO, usize::MAX).await.unwrap() {
            let Entry::Chat(event) = entry else { panic!("a chat's log holds its events") };
            found.events += 1;
            found.at_home += search(&text_of(&event), n, "store", &mut found.leaks);
        }
        let summary = store.summary(&key).await.unwrap();
        search(&text_of(&summary), n, "summary", &mut found.leaks);
    }
    found
}

fn chat_id(n: usize) -> ChatId {
    ChatId::new(format!("chat-{n}")).unwrap()
}

// REQ-2, REQ-3, REQ-5, REQ-9, REQ-15, NFR-1, NFR-4; laws 2, 3
#[test]
fn no_secret_of_a_thousand_chats_is_ever_seen_outside_its_own() {
    silence_planned_panics();
    let chats = usize::try_from(wanted("POLYCHAT_CANARY_CHATS", 1_000)).unwrap();
    let turns = usize::try_from(wanted("POLYCHAT_CANARY_TURNS", 20)).unwrap();
    let records = Arc::new(Records::default());
    let found = observed_runtime(&records, |records| {
        run(chats, turns, records, Arc::new(MemoryStore::new()))
    });
    let Found { leaks, records, most_at_once, events, deliveries, at_home } = found;
    println!(
        "{chats} chats of {turns} turns, {most_at_once} answers at once; searched: {events} \
         events, {deliveries} deliveries, {} records; {at_home} secrets at home",
        records.seen()
    );
    assert_eq!(leaks, [], "leaks");
    assert_eq!(records.leaks(), [], "leaks in records");
    assert!(most_at_once >= chats / 2, "{most_at_once}");
    // The search could see: secrets in each prompt and answer, turns among the records.
    assert!(at_home >= chats * turns * 4, "{at_home}");
    assert!(events >= chats * turns * 5, "{events}");
    assert!(records.seen() >= chats * turns, "{}", records.seen());
    assert!(records.of_chats() >= chats * turns, "{}", records.of_chats());
}

mod teeth {
    use super::*;

    // NFR-1: a check that cannot fail is a defect
    #[test]
    fn a_secret_in_a_record_or_in_another_chats_text_is_found() {
        let (mine, other) = (Secret::of(7), Secret::of(8));
        let mut leaks = Vec::new();
        assert_eq!(search(&format!("{mine} and {mine}"), 7, "here", &mut leaks), 2);
        assert_eq!(leaks, []);
        search(&format!("{mine} and {other}"), 7, "here", &mut leaks);
        assert_eq!(leaks.len(), 1);
        let records = Arc::new(Records::default());
        observed_runtime(&records, async |_| {
            let inside = tracing::info_span!("chat", chat_id = "chat-7");
            inside.in_scope(|| tracing::trace!(text = %mine, "at home"));
            tracing::trace!(chat_id = "chat-7", text = %mine, "at home");
            assert_eq!(records.leaks(), []);
            tracing::trace!(chat_id = "chat-7", text = %other, "a neighbour's");
            tracing::trace!(text = %mine, "nobody's");
            tracing::debug!(chat_id = "chat-7", text = %mine, "too loud");
            tracing::error!("{mine} in the message");
            tracing::warn_span!("chat", secret = %mine);
        });
        assert_eq!(records.leaks().len(), 5);
    }
}
