//! Many chats at once, one turn of 50 chunks each, every one of them watched.

use futures_util::StreamExt;
use polychat::{Chat, Event, Limits, LiveBody, Notice, StartAt, World, ports::NoticeStream};
use tokio::task::JoinSet;

use crate::{
    floor,
    measure::{cpu_nanos, median, one_thread},
    source::{CHUNKS, end, world},
};

const ROUNDS: usize = 5;

pub(crate) fn run() {
    println!("## turns: one turn of {CHUNKS} chunks per chat, one reader each, CPU per chat");
    println!("chats | world | floor | ratio");
    for chats in [100, 1_000, 10_000] {
        let (mut ours, mut floors, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            let world = one_world(chats) / chats as f64 / 1e3;
            let floor = one_floor(chats) / chats as f64 / 1e3;
            ours.push(world);
            floors.push(floor);
            ratios.push(world / floor);
        }
        let (ours, floors) = (median(&mut ours), median(&mut floors));
        println!("{chats} | {ours:.1} µs | {floors:.1} µs | {:.2}×", median(&mut ratios));
    }
}

fn one_floor(chats: usize) -> f64 {
    one_thread().block_on(async {
        let began = cpu_nanos();
        assert!(floor::turns(chats).await > chats * CHUNKS);
        cpu_nanos() - began
    })
}

fn one_world(chats: usize) -> f64 {
    one_thread().block_on(async {
        let world = world(Limits::default()).await;
        let handles = open(&world, chats).await;
        let began = cpu_nanos();
        let mut readers = JoinSet::new();
        for chat in &handles {
            readers.spawn(read_turn(chat.subscribe(StartAt::Now).await.unwrap()));
        }
        for chat in &handles {
            chat.prompt("go").await.unwrap();
        }
        let bytes: usize = readers.join_all().await.into_iter().sum();
        assert!(bytes > chats * CHUNKS);
        let used = cpu_nanos() - began;
        drop(handles);
        end(world).await;
        used
    })
}

/// Reads until a turn has ended; answers with the bytes of text that it saw.
pub(crate) async fn read_turn(mut notices: NoticeStream) -> usize {
    let mut bytes = 0;
    while let Some(notice) = notices.next().await {
        match notice {
            Notice::Live { event, .. } => {
                if let LiveBody::MessageChunk { text, .. } = &event.body {
                    bytes += text.len();
                }
            }
            Notice::Recorded { event, .. } => {
                if let Event::TurnEnded { .. } = event.event {
                    break;
                }
            }
            _ => {}
        }
    }
    bytes
}

pub(crate) async fn open(world: &World, chats: usize) -> Vec<Chat> {
    let mut handles = Vec::with_capacity(chats);
    for n in 0..chats {
        handles.push(world.open_chat(format!("chat-{n}")).await.unwrap());
    }
    handles
}
