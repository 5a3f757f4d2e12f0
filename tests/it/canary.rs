//! The canary run: many chats at once, each with secrets that nobody else may ever see (NFR-1).
//!
//! Every prompt, its metadata and every answer, the arguments, results, failures, live output and
//! progress of every call, and what people answer and give as reasons carry the secret of their
//! chat; some answers and tools fail or panic with it. All chats share one agent and its tools. A
//! host context is attached to each chat and prompt, and another part is resolved for each call: it
//! reaches models and tools, and stands nowhere but in the event that created the chat or accepted
//! the prompt. Whatever comes out of the house is searched: requests, inputs of tools, stored
//! events, deliveries, the world's feed, and every `tracing` record. Gates inside the model and the
//! tools prove that half of the chats were being answered, and called tools, at the same moment.
//!
//! | file | holds |
//! |---|---|
//! | `parrot` | the model of all chats |
//! | `tools` | the tools of all chats, what is resolved for them, and how each of that may leak |
//! | `mcp` | the same with the tools of an MCP server that we did not write |
//! | `secrets` | what a secret looks like, and where it is at home |
//! | `records` | every `tracing` record, searched as it comes |
//! | `crowd` | the gates |
//!
//! `POLYCHAT_CANARY_CHATS` and `POLYCHAT_CANARY_TURNS` ask for more.

mod crowd;
mod mcp;
mod parrot;
mod records;
mod secrets;
mod tools;

use std::sync::{Arc, Mutex};

use futures_util::StreamExt;
use polychat::{
    AgentConfig, AgentName, Chat, ChatId, Event, MemoryStore, Metadata, ModelName, Notice,
    PromptOutcome, Recorded, Seq, StartAt, World, WorldBuilder, WorldId,
    command::NewChat,
    event::ApprovalKind,
    ports::{Entry, LogKey, Store, Toolbox},
    tool::{ApprovalDecision, PolicyMode, ToolPolicy, ToolSelection},
};
use serde::Serialize;
use serde_json::{Map, json};
use tokio::task::JoinSet;

use self::{
    crowd::Crowd,
    parrot::{Parrot, Wants},
    records::{Records, observed_runtime},
    secrets::{Kind, Leak, Place, Secret},
    tools::{Keys, Plant, SharedTools},
};
use super::state_machine::{silence_planned_panics, wanted};

type Leaks = Arc<Mutex<Vec<Leak>>>;

fn text_of(what: &impl Serialize) -> String {
    serde_json::to_string(what).unwrap()
}

/// What a run found, and how much it looked at.
struct Found {
    leaks: Vec<Leak>,
    records: Arc<Records>,
    answers_at_once: usize,
    calls_at_once: usize,
    events: usize,
    deliveries: usize,
    decisions: usize,
    /// Calls that answered with a secret.
    results: usize,
    /// How often a secret was seen where it belongs: the search can see.
    at_home: usize,
}

/// Searches a recorded event of one chat.
fn search(recorded: &Recorded, own: usize, leaks: &mut Vec<Leak>) -> usize {
    let place = match recorded.event {
        Event::ChatCreated { .. } => Place::CREATED,
        Event::PromptAccepted { .. } => Place::ACCEPTED,
        _ => Place::RECORDED,
    };
    place.search(&text_of(recorded), own, leaks)
}

async fn converse(chat: Chat, own: usize, turns: usize) {
    let one = |kind| {
        let secret = Secret::of(own, kind).into();
        Metadata::from(Map::from_iter([("secret".to_owned(), secret)]))
    };
    for turn in 0..turns {
        let said = Secret::of(own, Kind::Said);
        let request = chat.prompt(format!("turn {turn}: my secret is {said}"));
        let prompt = request.metadata(one(Kind::Said)).context(one(Kind::Prompt)).send().await;
        let outcome = prompt.unwrap().outcome().await.unwrap();
        let bad = matches!(outcome, PromptOutcome::Failed { .. });
        assert!(bad || outcome == PromptOutcome::Completed, "{outcome:?}");
    }
}

/// What one listener heard.
#[derive(Default)]
struct Heard {
    deliveries: usize,
    decisions: usize,
    at_home: usize,
    leaks: Vec<Leak>,
}

/// Reads one chat from its beginning to the end of the world, and decides what it is asked.
async fn listen(chat: Chat, own: usize) -> Heard {
    let mut notices = chat.subscribe(StartAt::Start).await.unwrap();
    let mut heard = Heard::default();
    while let Some(notice) = notices.next().await {
        heard.deliveries += 1;
        match &notice {
            Notice::Recorded { event, .. } => {
                heard.at_home += search(event, own, &mut heard.leaks);
                if let Event::ApprovalRequested { tool_call_id, kind, .. } = &event.event {
                    heard.decisions += 1;
                    let decision = decision(*kind, own, heard.decisions);
                    chat.decide(*tool_call_id, decision).await.unwrap();
                }
            }
            Notice::Live { event, .. } => {
                heard.at_home += Place::LIVE.search(&text_of(event), own, &mut heard.leaks);
            }
            _ => {}
        }
    }
    heard
}

/// Answers questions, and allows every second call.
fn decision(asked: ApprovalKind, own: usize, n: usize) -> ApprovalDecision {
    let secret = Secret::of(own, Kind::Decided);
    match asked {
        ApprovalKind::Question => ApprovalDecision::Answer { data: json!({ "answer": secret }) },
        _ if n.is_multiple_of(2) => ApprovalDecision::AllowOnce,
        _ => ApprovalDecision::Deny { reason: format!("because of {secret}").into() },
    }
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

/// The tools that all chats of a run share.
struct Shared {
    tools: Arc<dyn Toolbox>,
    wants: Wants,
    policy: PolicyMode,
    plant: Plant,
    calls: Crowd,
    leaks: Leaks,
}

impl Shared {
    /// Our own tools, which look at what they are given.
    fn own(chats: usize, plant: Plant) -> Self {
        let (calls, leaks) = (Crowd::new(chats / 2), Leaks::default());
        let tools = Arc::new(SharedTools::new(plant, calls.clone(), Arc::clone(&leaks)));
        Self { tools, wants: parrot::calls, policy: PolicyMode::Ask, plant, calls, leaks }
    }
}

async fn run(chats: usize, turns: usize, shared: Shared, records: Arc<Records>) -> Found {
    let Shared { tools, wants, policy, plant, calls, leaks } = shared;
    let (answers, store) = (Crowd::new(chats / 2), Arc::new(MemoryStore::new()));
    let name = |name| AgentName::new(name).unwrap();
    let mut with = ToolPolicy::default();
    with.mode = policy;
    let agent = AgentConfig::new(name("assistant"), ModelName::new("parrot").unwrap())
        .tools(ToolSelection::All)
        .policy(with);
    let parrot = Parrot::new(wants, answers.clone(), Arc::clone(&leaks));
    let world = WorldBuilder::new("canaries", parrot)
        .agent(agent)
        .tools(tools)
        .context_provider(Keys::new(plant))
        .store(Arc::clone(&store) as Arc<dyn Store>);
    let world = world.open().await.unwrap();
    let (mut watchers, mut speakers) = (JoinSet::new(), JoinSet::new());
    let of_world = tokio::spawn(listen_to_world(world.clone()));
    for n in 0..chats {
        let context = Map::from_iter([("secret".to_owned(), Secret::of(n, Kind::Chat).into())]);
        let new = NewChat::with_id(chat_id(n)).context(context);
        let chat = world.create_chat(new).await.unwrap();
        watchers.spawn(listen(chat.clone(), n));
        speakers.spawn(converse(chat, n, turns));
    }
    while let Some(done) = speakers.join_next().await {
        done.unwrap();
    }
    world.shutdown().await;
    let mut found = Found {
        leaks: std::mem::take(&mut *leaks.lock().unwrap()),
        records,
        answers_at_once: answers.most(),
        calls_at_once: calls.most(),
        events: 0,
        deliveries: 0,
        decisions: 0,
        results: 0,
        at_home: 0,
    };
    found.leaks.extend(of_world.await.unwrap());
    while let Some(heard) = watchers.join_next().await {
        let heard = heard.unwrap();
        found.deliveries += heard.deliveries;
        found.decisions += heard.decisions;
        found.at_home += heard.at_home;
        found.leaks.extend(heard.leaks);
    }
    search_store(&*store, chats, &mut found).await;
    found
}

async fn search_store(store: &dyn Store, chats: usize, found: &mut Found) {
    for n in 0..chats {
        let key = LogKey::Chat(WorldId::new("canaries").unwrap(), chat_id(n));
        for entry in store.read(&key, Seq::ZERO, usize::MAX).await.unwrap() {
            let Entry::Chat(event) = entry else { panic!("a chat's log holds its events") };
            found.events += 1;
            let secrets = search(&event, n, &mut found.leaks);
            found.at_home += secrets;
            if let Event::ToolResult { .. } = event.event {
                found.results += secrets.min(1);
            }
        }
        let summary = text_of(&store.summary(&key).await.unwrap());
        Place::RECORDED.search(&summary, n, &mut found.leaks);
    }
}

fn chat_id(n: usize) -> ChatId {
    ChatId::new(format!("chat-{n}")).unwrap()
}

fn chat_number(id: &ChatId) -> usize {
    id.as_str().trim_start_matches("chat-").parse().expect("chats here are numbered")
}

// REQ-2 to REQ-5, REQ-9, REQ-15, NFR-1, NFR-4; laws 2, 3; issue 3
#[test]
fn no_secret_of_a_thousand_chats_is_ever_seen_outside_its_own() {
    silence_planned_panics();
    let chats = usize::try_from(wanted("POLYCHAT_CANARY_CHATS", 1_000)).unwrap();
    let turns = usize::try_from(wanted("POLYCHAT_CANARY_TURNS", 10)).unwrap();
    let records = Arc::new(Records::default());
    let found = observed_runtime(&records, |records| {
        run(chats, turns, Shared::own(chats, Plant::Nothing), records)
    });
    let Found { answers_at_once, calls_at_once, events, deliveries, decisions, at_home, .. } =
        found;
    let records = found.records;
    println!(
        "{chats} chats of {turns} turns, {answers_at_once} answers and {calls_at_once} calls at \
         once; searched: {events} events, {deliveries} deliveries, {} records, {decisions} \
         decisions; {at_home} secrets at home",
        records.seen()
    );
    assert_eq!(found.leaks, [], "leaks");
    assert_eq!(records.leaks(), [], "leaks in records");
    assert!(answers_at_once >= chats / 2, "{answers_at_once}");
    assert!(calls_at_once >= chats / 2, "{calls_at_once}");
    // The search could see: secrets in each prompt, answer and call, turns among the records.
    assert!(at_home >= chats * turns * 8, "{at_home}");
    assert!(events >= chats * turns * 8, "{events}");
    assert!(decisions >= chats * turns / 5, "{decisions}");
    assert!(records.seen() >= chats * turns, "{}", records.seen());
    assert!(records.of_chats() >= chats * turns, "{}", records.of_chats());
}

mod teeth {
    use super::*;

    // NFR-1: a check that cannot fail is a defect
    #[test]
    fn a_secret_in_a_record_or_in_another_chats_text_is_found() {
        let of = |chat| Secret::of(chat, Kind::Said);
        let (mine, other, attached) = (of(7), of(8), Secret::of(7, Kind::Prompt));
        let mut leaks = Vec::new();
        assert_eq!(Place::READ.search(&format!("{mine} and {mine}"), 7, &mut leaks), 2);
        assert_eq!(leaks, []);
        Place::READ.search(&format!("{mine} and {other} and {attached}"), 7, &mut leaks);
        assert_eq!(leaks.len(), 2);
        let records = Arc::new(Records::default());
        observed_runtime(&records, async |_| {
            let inside = tracing::info_span!("chat", chat_id = "chat-7");
            inside.in_scope(|| tracing::trace!(text = %mine, "at home"));
            tracing::trace!(chat_id = "chat-7", text = %mine, "at home");
            assert_eq!(records.leaks(), []);
            tracing::trace!(chat_id = "chat-7", text = %other, "a neighbour's");
            tracing::trace!(chat_id = "chat-7", text = %attached, "attached");
            tracing::trace!(text = %mine, "nobody's");
            tracing::debug!(chat_id = "chat-7", text = %mine, "too loud");
            tracing::error!("{mine} in the message");
            tracing::warn_span!("chat", secret = %mine);
        });
        assert_eq!(records.leaks().len(), 6);
    }

    // NFR-1: each way in which tools and providers may mix chats up is found, where it shows
    #[test]
    fn what_tools_and_providers_leak_is_found() {
        silence_planned_panics();
        for (plant, places) in [
            (Plant::SharedCell, vec!["recorded", "request"]),
            (Plant::StraySink, vec!["live"]),
            (Plant::MixedProvider, vec!["resolved"]),
            (Plant::TalksToLogs, vec!["record"]),
            (Plant::TellsResolved, vec!["recorded", "request"]),
        ] {
            let records = Arc::new(Records::default());
            let found =
                observed_runtime(&records, |records| run(8, 4, Shared::own(8, plant), records));
            let leaks = [found.leaks, found.records.leaks()].concat();
            let seen = |place| leaks.iter().any(|leak| leak.place == place);
            assert!(places.iter().all(|place| seen(*place)), "{plant:?}: {leaks:?}");
        }
    }
}
