//! Chats that come back to life: with 200 messages, and with 10,000 events, in the crowd's world.
//!
//! A snapshot of a chat that rests folds its log and revives nothing; a prompt revives it, and is
//! accepted when it is stored. The floor reads the same payloads by raw SQLite, and nothing else.

use std::{path::Path, time::Instant};

use polychat::Limits;
use rusqlite::Connection;

use crate::{
    crowd::settled,
    measure::{Times, quantile, two_threads},
    source::end_in,
};

/// Turns, and the chats of the crowd that have so many: five events each, and one for the creation.
const LONG: [(usize, std::ops::Range<usize>); 2] = [(100, 0..40), (2_000, 40..50)];
/// How often the world is opened, and each of these chats comes back in it.
const ROUNDS: usize = 3;
/// How often a chat that rests is looked at.
const LOOKS: usize = 3;

/// How many turns a chat of the crowd has.
pub(crate) fn turns_of(n: usize) -> usize {
    LONG.iter().find(|(_, chats)| chats.contains(&n)).map_or(1, |(turns, _)| *turns)
}

pub(crate) fn run(path: &Path) {
    println!("coming back | median | p99 | CPU | raw SQLite, median");
    for (turns, chats) in LONG {
        let (mut snapshots, mut prompts) = (Times::default(), Times::default());
        for _ in 0..ROUNDS {
            two_threads().block_on(async {
                let (file, world) = settled(path, Limits::default()).await;
                for n in chats.clone() {
                    let chat = world.chat(name(n)).unwrap();
                    for _ in 0..LOOKS {
                        let snapshot = snapshots.of(chat.snapshot()).await.unwrap();
                        assert!(snapshot.messages.len() >= turns * 2);
                    }
                    let prompt = prompts.of(chat.prompt("go").send()).await.unwrap();
                    prompt.outcome().await.unwrap();
                }
                end_in(file, world).await;
            });
        }
        let mut raw = raw_reads(path, turns);
        let raw = format!("{:.2} ms", quantile(&mut raw, 0.5));
        let log = format!("{} messages, {} events", turns * 2, turns * 5 + 1);
        snapshots.say(&format!("a snapshot, {log}"), &raw);
        prompts.say(&format!("a prompt accepted, {log}"), &raw);
    }
}

fn name(n: usize) -> String {
    format!("chat-{n:06}")
}

/// The floor: the payloads of the first chats that have such a log.
fn raw_reads(path: &Path, turns: usize) -> Vec<f64> {
    let connection = Connection::open(path).unwrap();
    let find = "SELECT id, head FROM logs WHERE chat = ?1";
    let sql = "SELECT seq, at, format, seal, body FROM events WHERE log = ?1 ORDER BY seq";
    let mut select = connection.prepare(sql).unwrap();
    let mut took = Vec::new();
    for n in (0..).take_while(|n| turns_of(*n) > 1).filter(|n| turns_of(*n) == turns) {
        let log = connection.query_row(find, [name(n)], |row| Ok((row.get(0)?, row.get(1)?)));
        let (log, head): (i64, i64) = log.unwrap();
        let began = Instant::now();
        let mut rows = select.query([log]).unwrap();
        let (mut events, mut bytes) = (0, 0);
        while let Some(row) = rows.next().unwrap() {
            events += 1;
            bytes += row.get::<_, String>(4).unwrap().len();
        }
        took.push(began.elapsed().as_secs_f64() * 1e3);
        assert!(events == head && bytes > 0);
    }
    took
}
