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
    transport::ipc::{Jitter, RemoteOptions, RemoteWorld, ServeOptions, Server},
};
use polychat_model::Step;
use polychat_testkit::clock::TokioClock;
use tokio::task::JoinSet;

use super::{
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

/// What happened in all rounds together.
#[derive(Debug, Default)]
struct Met {
    /// Connections that were lost while a turn ran.
    while_streaming: u64,
    /// Connections asked for, and those of them that came to say which world is served.
    asked: u64,
    made: u64,
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

/// A client whose connections are all cut sooner or later.
async fn client(
    server: &Arc<Server>,
    world: &World,
    dice: Dice,
    met: &Arc<Mutex<Met>>,
) -> Arc<RemoteWorld> {
    let (server, world, met) = (Arc::clone(server), world.clone(), Arc::clone(met));
    let dice = Mutex::new(dice);
    let connector = move || {
        {
            let mut met = met.lock().unwrap();
            met.asked += 1;
            met.while_streaming += u64::from(world.turns_running() > Some(0));
        }
        let mut dice = dice.lock().unwrap();
        let (near, far) = Pipe::new(1 << (6 + dice.below(11)), Valve::default());
        let near = match dice.below(4) {
            // Soon: while it is greeted, or while what was followed is asked for again.
            0 => near.cut_after(1 + dice.below(2_000), 1 + dice.below(8_000)),
            // In the middle of what is told, or of what is asked.
            _ => near.cut_after(1 + dice.below(200_000), 1 + dice.below(40_000)),
        };
        let server = Arc::clone(&server);
        tokio::spawn(async move { server.serve(far).await });
        std::future::ready(Ok::<_, io::Error>(near))
    };
    let mut options = RemoteOptions::default();
    (options.reconnect_delay, options.reconnect_delay_max) =
        (Duration::from_millis(1), Duration::from_millis(20));
    options.jitter = Jitter::of(|| 0.5);
    let connector = Arc::new(connector);
    loop {
        let connector = Arc::clone(&connector);
        match RemoteWorld::connect(move || connector(), options.clone()).await {
            Ok(remote) => return Arc::new(remote),
            // Cut before it was one.
            Err(error) => {
                assert!(matches!(error, polychat::transport::ipc::ConnectionError::Io(_)))
            }
        }
    }
}

/// Sends a prompt, again and again until it is known to be accepted.
async fn prompt(remote: &RemoteWorld, chat: &ChatId, n: usize, met: &Mutex<Met>) {
    let id = PromptId::new(format!("{chat}-{n}")).unwrap();
    let body = PromptBody::text(format!("{chat} {n}"));
    loop {
        let (chat, prompt) = (chat.clone(), id.clone());
        let send =
            Command::SendPrompt { chat, prompt, mode: PromptMode::Queue, body: body.clone() };
        match within(remote.call(send)).await {
            Ok(_) => return,
            Err(CommandError::Fault(fault)) if fault.kind == FaultKind::ConnectionLost => {
                met.lock().unwrap().sent_again += 1;
            }
            Err(error) => panic!("{error}"),
        }
    }
}

/// One world, in which all chats stream until all have said everything.
async fn round(seed: u64, met: &Arc<Mutex<Met>>) {
    let dice = Dice::new(seed);
    let world = world().await;
    let server =
        Server::new(WorldId::new("home").unwrap(), world.service(), ServeOptions::default());
    let server = Arc::new(server);
    let chats: Vec<ChatId> = (0..CHATS).map(|n| chat_id(&format!("chat{n}"))).collect();
    for chat in &chats {
        world.open_chat(chat.as_str()).await.unwrap();
    }
    let clients = [
        client(&server, &world, dice.apart(1), met).await,
        client(&server, &world, dice.apart(2), met).await,
    ];
    let (mut reading, mut prompting) = (JoinSet::new(), JoinSet::new());
    for (remote, chat) in clients.iter().flat_map(|it| chats.iter().map(move |chat| (it, chat))) {
        let (remote, chat) = (Arc::clone(remote), chat.clone());
        reading.spawn(async move {
            let mut reader = Reader::new(&remote, &chat).await;
            reader.until_ended(PROMPTS).await;
            (chat, reader)
        });
    }
    for (chat, n) in chats.iter().flat_map(|chat| (0..PROMPTS).map(move |n| (chat, n))) {
        let (remote, chat, met) = (Arc::clone(&clients[0]), chat.clone(), Arc::clone(met));
        prompting.spawn(async move { prompt(&remote, &chat, n, &met).await });
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
    let connections: u64 = clients.iter().map(|remote| remote.connections()).sum();
    met.lock().unwrap().made += connections;
    assert_eq!(clients.map(|remote| remote.rejected()), [0, 0]);
    assert_eq!(server.rejected(), 0);
}

// laws 4 and 5; REQ-3, REQ-5, REQ-10
#[test]
fn readers_whose_connections_break_at_random_bytes_see_what_the_log_says() {
    let (wanted, seed) = (wanted("POLYCHAT_DISCONNECTS", DISCONNECTS), wanted_seed());
    println!("replay: POLYCHAT_SEED={seed} POLYCHAT_DISCONNECTS={wanted}");
    let met = Arc::new(Mutex::new(Met::default()));
    let mut rounds = 0;
    while met.lock().unwrap().while_streaming < wanted {
        let runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = { runtime }.enable_time().start_paused(true).build().unwrap();
        runtime.block_on(round(seed.wrapping_add(rounds), &met));
        rounds += 1;
    }
    println!("{rounds} rounds: {met:?}");
    let met = met.lock().unwrap();
    // What it is about has happened, and not only once or twice in thousands of rounds.
    assert!(met.while_streaming >= rounds * 10 && met.asked > met.made, "{met:?}");
    assert!(met.sent_again > 0, "{met:?}");
}
