//! Connections that break at random bytes while fifty chats stream (law 4).
//!
//! Two clients follow all chats, one of them also prompts. Each of their connections is cut after a
//! random number of bytes, in the middle of whatever that is. `POLYCHAT_DISCONNECTS` asks for more of
//! them, `POLYCHAT_SEED` for the same again.

use std::{
    io,
    sync::{Arc, Mutex},
    time::Duration,
};

use polychat::{
    ChatId, Command, CommandError, FaultKind, PromptId, ScriptedModel, World, WorldBuilder,
    WorldId,
    event::{PromptBody, PromptMode},
    ports::WorldService,
    transport::{
        Rejections,
        http::{
            HttpOptions,
            client::{HttpWorld, HttpWorldOptions, WebSocketConnect},
        },
        ipc::{Connect, Jitter, RemoteOptions, RemoteWorld, ServeOptions, Server},
    },
};
use polychat_model::Step;
use polychat_testkit::clock::TokioClock;
use tokio::{io::DuplexStream, task::JoinSet};

use super::{
    over_http,
    pipe::{Pipe, Valve},
    reader::Reader,
};
use crate::{
    crash::dice::Dice,
    state_machine::{wanted, wanted_seed},
    support::{assert_sound, chat_id, log, names, within},
};

const CHATS: usize = 50;
const PROMPTS: usize = 3;
const CHUNKS: u64 = 40;
const DISCONNECTS: u64 = 50;

/// How a world is reached.
#[derive(Debug, Clone, Copy)]
enum By {
    Pipe,
    WebSocket,
    /// Requests, and a stream of events for each chat.
    Requests,
}

/// What happened in all rounds together.
#[derive(Debug, Default)]
struct Met {
    /// Connections that were lost while a turn ran.
    while_streaming: u64,
    /// Connections asked for.
    asked: u64,
    /// Commands of which the answer was lost, and which were sent again.
    sent_again: u64,
}

/// A model that answers slowly, with words of its own chat.
fn model() -> ScriptedModel {
    ScriptedModel::answering(|request| {
        let said = request.messages.last().map(|message| message.text()).unwrap_or_default();
        let word = move |n| {
            [Step::Pause(Duration::from_millis(5)), Step::text(format!("{said} says {n}, süß. "))]
        };
        (0..CHUNKS).flat_map(word).collect()
    })
}

async fn world() -> World {
    WorldBuilder::new("home", model())
        .clock(Arc::new(TokioClock::starting_at(polychat::Timestamp(1_000_000))))
        .open()
        .await
        .unwrap()
}

/// The far side of each connection: what serves it.
type Serve = Arc<dyn Fn(DuplexStream) + Send + Sync>;

/// Serves a world; beside what serves each connection what was rejected there.
fn serve(by: By, world: &World) -> (Serve, Arc<Rejections>) {
    let rejections = Arc::new(Rejections::new("server"));
    let serve: Serve = match by {
        By::Pipe => {
            let id = WorldId::new("home").unwrap();
            let server = Server::new(id, world.service(), ServeOptions::default())
                .rejections(Arc::clone(&rejections));
            let server = Arc::new(server);
            Arc::new(move |far| {
                let server = Arc::clone(&server);
                tokio::spawn(async move { server.serve(far).await });
            })
        }
        By::WebSocket | By::Requests => {
            let mut options = HttpOptions::default();
            options.rejections = Arc::clone(&rejections);
            let connects = over_http::serve(world, options);
            Arc::new(move |far| connects.send(far).unwrap())
        }
    };
    (serve, rejections)
}

/// Connections that are all cut sooner or later.
fn cut_at_random(
    by: By,
    serve: Serve,
    world: &World,
    dice: Dice,
    met: &Arc<Mutex<Met>>,
) -> impl Connect<Io = Pipe> + Clone {
    let (world, met, dice) = (world.clone(), Arc::clone(met), Arc::new(Mutex::new(dice)));
    // Over a connection that carries one chat, or a few questions, less goes.
    let few = if matches!(by, By::Requests) { 10 } else { 1 };
    move || {
        {
            let mut met = met.lock().unwrap();
            met.asked += 1;
            met.while_streaming += u64::from(world.turns_running() > Some(0));
        }
        let mut dice = dice.lock().unwrap();
        let (near, far) = Pipe::new(1 << (6 + dice.below(11)), Valve::default());
        let near = match dice.below(4) {
            // Soon: while it is greeted, or while what was followed is asked for again.
            0 => near.cut_after(1 + dice.below(2_000), 1 + dice.below(8_000 / few)),
            // In the middle of what is told, or of what is asked.
            _ => near.cut_after(1 + dice.below(200_000 / few), 1 + dice.below(40_000 / few)),
        };
        serve(far);
        std::future::ready(Ok::<_, io::Error>(near))
    }
}

/// A world at the other end of such connections.
async fn client(
    by: By,
    connector: impl Connect + Clone,
) -> (Arc<dyn WorldService>, Arc<Rejections>) {
    let url = "http://somewhere/v1/worlds/home".parse().unwrap();
    let rejections = Arc::new(Rejections::new("client"));
    let (delay, delay_max) = (Duration::from_millis(1), Duration::from_millis(20));
    let mut options = RemoteOptions::default();
    (options.reconnect_delay, options.reconnect_delay_max) = (delay, delay_max);
    options.jitter = Jitter::of(|| 0.5);
    options.rejections = Arc::clone(&rejections);
    let near: Arc<dyn WorldService> = match by {
        By::Pipe => connected(connector, options).await,
        By::WebSocket => connected(WebSocketConnect::by(connector, &url), options).await,
        By::Requests => {
            let mut options = HttpWorldOptions::default();
            (options.reconnect_delay, options.reconnect_delay_max) = (delay, delay_max);
            options.jitter = Jitter::of(|| 0.5);
            options.rejections = Arc::clone(&rejections);
            Arc::new(HttpWorld::by(connector, url, options))
        }
    };
    (near, rejections)
}

async fn connected(connector: impl Connect + Clone, options: RemoteOptions) -> Arc<RemoteWorld> {
    loop {
        match RemoteWorld::connect(connector.clone(), options.clone()).await {
            Ok(remote) => return Arc::new(remote),
            // Cut before it was one.
            Err(error) => {
                assert!(matches!(error, polychat::transport::ipc::ConnectionError::Io(_)));
            }
        }
    }
}

/// Sends a prompt, again and again until it is known to be accepted.
async fn prompt(near: &dyn WorldService, chat: &ChatId, n: usize, met: &Mutex<Met>) {
    let id = PromptId::new(format!("{chat}-{n}")).unwrap();
    let body = PromptBody::text(format!("{chat} {n}"));
    loop {
        let (chat, prompt) = (chat.clone(), id.clone());
        let send =
            Command::SendPrompt { chat, prompt, mode: PromptMode::Queue, body: body.clone() };
        match within(near.call(send)).await {
            Ok(_) => return,
            Err(CommandError::Fault(fault)) if fault.kind == FaultKind::ConnectionLost => {
                met.lock().unwrap().sent_again += 1;
            }
            Err(error) => panic!("{error}"),
        }
    }
}

/// One world, in which all chats stream until all have said everything.
async fn round(by: By, seed: u64, met: &Arc<Mutex<Met>>) {
    let dice = Dice::new(seed);
    let world = world().await;
    let (serve, rejected_there) = serve(by, &world);
    let chats: Vec<ChatId> = (0..CHATS).map(|n| chat_id(&format!("chat{n}"))).collect();
    for chat in &chats {
        world.open_chat(chat.as_str()).await.unwrap();
    }
    let cut = |n| cut_at_random(by, Arc::clone(&serve), &world, dice.apart(n), met);
    let clients = [client(by, cut(1)).await, client(by, cut(2)).await];
    let (mut reading, mut prompting) = (JoinSet::new(), JoinSet::new());
    for ((near, _), chat) in clients.iter().flat_map(|it| chats.iter().map(move |chat| (it, chat)))
    {
        let (near, chat) = (Arc::clone(near), chat.clone());
        reading.spawn(async move {
            let mut reader = Reader::new(&*near, &chat).await;
            reader.until_ended(PROMPTS).await;
            (chat, reader)
        });
    }
    for (chat, n) in chats.iter().flat_map(|chat| (0..PROMPTS).map(move |n| (chat, n))) {
        let (near, chat, met) = (Arc::clone(&clients[0].0), chat.clone(), Arc::clone(met));
        prompting.spawn(async move { prompt(&*near, &chat, n, &met).await });
    }
    prompting.join_all().await;
    for (chat, reader) in reading.join_all().await {
        reader.compare_with_log(&log(&world.chat(chat.as_str()).unwrap()).await);
    }
    for chat in &chats {
        let chat = world.chat(chat.as_str()).unwrap();
        assert_sound(&chat).await;
        let names = names(&chat).await;
        let accepted = names.iter().filter(|name| **name == "prompt.accepted").count();
        assert_eq!(accepted, PROMPTS, "{}", chat.id());
    }
    assert_eq!(clients.map(|(_, rejected)| rejected.count()), [0, 0]);
    assert_eq!(rejected_there.count(), 0);
}

fn broken_at_random_bytes(by: By) {
    let (wanted, seed) = (wanted("POLYCHAT_DISCONNECTS", DISCONNECTS), wanted_seed());
    println!("replay: POLYCHAT_SEED={seed} POLYCHAT_DISCONNECTS={wanted}");
    let met = Arc::new(Mutex::new(Met::default()));
    let mut rounds = 0;
    while met.lock().unwrap().while_streaming < wanted {
        let runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = { runtime }.enable_time().start_paused(true).build().unwrap();
        runtime.block_on(round(by, seed.wrapping_add(rounds), &met));
        rounds += 1;
    }
    println!("{by:?}, {rounds} rounds: {met:?}");
    let met = met.lock().unwrap();
    // What it is about has happened, and not only once or twice in thousands of rounds.
    assert!(met.while_streaming >= rounds * 10, "{met:?}");
    assert!(met.sent_again > 0, "{met:?}");
}

// laws 4 and 5; REQ-3, REQ-5, REQ-10
#[test]
fn readers_whose_connections_break_at_random_bytes_see_what_the_log_says() {
    broken_at_random_bytes(By::Pipe);
}

// laws 4 and 5; REQ-3, REQ-5, REQ-10
#[test]
fn readers_whose_web_sockets_break_at_random_bytes_see_what_the_log_says() {
    broken_at_random_bytes(By::WebSocket);
}

// laws 4 and 5; REQ-3, REQ-5, REQ-10
#[test]
fn readers_whose_streams_of_events_break_at_random_bytes_see_what_the_log_says() {
    broken_at_random_bytes(By::Requests);
}
