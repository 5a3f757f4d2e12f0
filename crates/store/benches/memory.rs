//! What an append and a read cost in the store in memory, beside a floor.
//!
//! The floor is the least that keeps a log: one mutex, one map of vectors, no fence, no check, no
//! summary, no boxed future. Run with `cargo bench -p polychat-store`; times are per append and
//! per entry read.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a benchmark stops at what is wrong")]

use std::{
    collections::HashMap,
    hint::black_box,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use divan::{Bencher, counter::ItemsCount};
use futures_util::FutureExt;
use polychat_core::{
    Seq, Summary,
    ports::{Entry, Fence, LogKey, OpenMode, Store},
};
use polychat_store::MemoryStore;
use polychat_testkit::samples::{self, chat_id, seq, world_id};

fn main() {
    divan::main();
}

/// Appends per iteration, over all logs.
const APPENDS: usize = 1_000;

fn ready<T>(call: impl Future<Output = T>) -> T {
    call.now_or_never().expect("the store answers when first polled")
}

/// A chat's log as its actor would write it: each append with its entries and its summary.
struct Script {
    key: LogKey,
    appends: Vec<(Seq, Vec<Entry>, Summary)>,
}

fn script(chat: usize, appends: usize, batch: u64) -> Script {
    let id = chat_id(&format!("chat-{chat}"));
    let event = samples::every_event().remove(0);
    let appends = (0..appends as u64).map(|n| {
        let entries = (1..=batch)
            .map(|m| Entry::Chat(samples::recorded(&id, seq(n * batch + m), event.clone())));
        let head = seq((n + 1) * batch);
        (seq(n * batch), entries.collect(), samples::summary(&id, head))
    });
    Script { appends: appends.collect(), key: LogKey::Chat(world_id("w"), id) }
}

fn scripts(logs: usize, batch: u64) -> Vec<Script> {
    (0..logs).map(|n| script(n, APPENDS / logs, batch)).collect()
}

/// The least that keeps a log.
#[derive(Default)]
struct Floor(Mutex<HashMap<LogKey, Vec<Entry>>>);

impl Floor {
    fn append(&self, key: &LogKey, entries: &[Entry]) {
        let mut logs = self.0.lock().unwrap();
        match logs.get_mut(key) {
            Some(log) => log.extend_from_slice(entries),
            None => {
                logs.insert(key.clone(), entries.to_vec());
            }
        }
    }

    fn read(&self, key: &LogKey, after: usize, limit: usize) -> Vec<Entry> {
        let logs = self.0.lock().unwrap();
        logs.get(key).unwrap().iter().skip(after).take(limit).cloned().collect()
    }
}

fn opened(scripts: &[Script]) -> (MemoryStore, Vec<Fence>) {
    let store = MemoryStore::new();
    let open = |script: &Script| ready(store.open(&script.key, OpenMode::Create)).unwrap().0;
    let fences = scripts.iter().map(open).collect();
    (store, fences)
}

fn write(store: &MemoryStore, fence: &Fence, script: &Script) {
    for (expected, entries, summary) in &script.appends {
        ready(store.append(fence, *expected, entries, Some(summary))).unwrap();
    }
}

#[divan::bench_group]
mod append {
    use super::*;

    #[divan::bench(args = [1, 10, 1_000])]
    fn memory(bencher: Bencher<'_, '_>, logs: usize) {
        let scripts = scripts(logs, 1);
        let bencher = bencher.counter(ItemsCount::new(APPENDS));
        bencher.with_inputs(|| opened(&scripts)).bench_refs(|(store, fences)| {
            for (fence, script) in fences.iter().zip(&scripts) {
                write(store, fence, script);
            }
        });
    }

    #[divan::bench(args = [1, 10, 1_000])]
    fn floor(bencher: Bencher<'_, '_>, logs: usize) {
        let scripts = scripts(logs, 1);
        let bencher = bencher.counter(ItemsCount::new(APPENDS));
        bencher.with_inputs(Floor::default).bench_refs(|floor| {
            for script in &scripts {
                for (_, entries, _) in &script.appends {
                    floor.append(&script.key, entries);
                }
            }
        });
    }
}

/// Threads that write to logs of their own, in one store: what sharding is for.
#[divan::bench_group(threads = [1, 2])]
mod append_by_threads {
    use super::*;

    #[divan::bench]
    fn memory(bencher: Bencher<'_, '_>) {
        let store = MemoryStore::new();
        let chats = AtomicUsize::new(0);
        let bencher = bencher.counter(ItemsCount::new(APPENDS));
        let input = || {
            let script = script(chats.fetch_add(1, Ordering::Relaxed), APPENDS, 1);
            let (fence, _) = ready(store.open(&script.key, OpenMode::Create)).unwrap();
            (script, fence)
        };
        bencher.with_inputs(input).bench_refs(|(script, fence)| write(&store, fence, script));
    }

    #[divan::bench]
    fn floor(bencher: Bencher<'_, '_>) {
        let floor = Floor::default();
        let chats = AtomicUsize::new(0);
        let bencher = bencher.counter(ItemsCount::new(APPENDS));
        let input = || script(chats.fetch_add(1, Ordering::Relaxed), APPENDS, 1);
        bencher.with_inputs(input).bench_refs(|script| {
            for (_, entries, _) in &script.appends {
                floor.append(&script.key, entries);
            }
        });
    }
}

#[divan::bench_group]
mod read {
    use super::*;

    #[divan::bench(args = [1, 100])]
    fn memory(bencher: Bencher<'_, '_>, limit: usize) {
        let script = script(0, APPENDS, 1);
        let store = MemoryStore::new();
        let (fence, _) = ready(store.open(&script.key, OpenMode::Create)).unwrap();
        write(&store, &fence, &script);
        bencher
            .counter(ItemsCount::new(limit))
            .bench(|| ready(store.read(black_box(&script.key), seq(500), limit)).unwrap());
    }

    #[divan::bench(args = [1, 100])]
    fn floor(bencher: Bencher<'_, '_>, limit: usize) {
        let script = script(0, APPENDS, 1);
        let floor = Floor::default();
        for (_, entries, _) in &script.appends {
            floor.append(&script.key, entries);
        }
        bencher
            .counter(ItemsCount::new(limit))
            .bench(|| floor.read(black_box(&script.key), 500, limit));
    }
}
