//! A thousand chats that append at once, beside raw group commits of the same rows.

use std::{sync::Arc, time::Instant};

use polychat_core::ports::{LogKey, OpenMode, Store};
use polychat_store::{Durability, SqliteStore};
use polychat_testkit::samples::world_id;

use super::{
    raw::{self, Rows, Took, cpu},
    script::Script,
};

const CHATS: usize = 1_000;
const TURNS: usize = 10;
const ROUNDS: usize = 5;

pub(crate) fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

pub(crate) fn run() {
    let scripts: Arc<Vec<Script>> = Arc::new((0..CHATS).map(|n| Script::new(n, TURNS)).collect());
    let appends: usize = scripts.iter().map(|script| script.appends.len()).sum();
    let events: usize =
        scripts.iter().flat_map(|script| &script.appends).map(|append| append.entries.len()).sum();
    println!("{CHATS} chats at once, {appends} appends, {events} events");
    for durability in [Durability::PowerSafe, Durability::ProcessSafe] {
        let mut sides: [Vec<Took>; 4] = Default::default();
        let mut group = 0;
        for _ in 0..ROUNDS {
            let (took, commits) = runtime().block_on(store(durability, Arc::clone(&scripts)));
            group = appends / usize::try_from(commits).unwrap().max(1);
            sides[0].push(took);
            if durability == Durability::PowerSafe {
                for (n, rows) in [(1, Rows::All), (2, Rows::Summaries), (3, Rows::Events)] {
                    let folder = tempfile::tempdir().unwrap();
                    let path = folder.path().join("raw.db");
                    sides[n].push(raw::write(&path, &scripts, group.max(1), rows));
                }
            }
        }
        println!("{durability:?}: {group} appends in a commit");
        let names = ["store", "raw, all rows", "raw, events and summaries", "raw, events only"];
        let base = median(&sides[0]);
        for (name, side) in names.iter().zip(&sides).filter(|(_, side)| !side.is_empty()) {
            let Took { seconds, cpu } = median(side);
            println!(
                "  {name:28} {:8.0} events/s   {:6.2} µs CPU per event   store is {:.2}x of it",
                events as f64 / seconds,
                cpu * 1e6 / events as f64,
                seconds / base.seconds,
            );
        }
    }
}

/// Each number by itself: the medians of wall time and of CPU time.
fn median(took: &[Took]) -> Took {
    let middle = |number: fn(&Took) -> f64| {
        let mut numbers: Vec<f64> = took.iter().map(number).collect();
        numbers.sort_by(f64::total_cmp);
        numbers[numbers.len() / 2]
    };
    Took { seconds: middle(|took| took.seconds), cpu: middle(|took| took.cpu) }
}

async fn store(durability: Durability, scripts: Arc<Vec<Script>>) -> (Took, u64) {
    let folder = tempfile::tempdir().unwrap();
    let options = SqliteStore::options(folder.path().join("chats.db")).durability(durability);
    let store = Arc::new(options.open().unwrap());
    let mut fences = Vec::new();
    for script in scripts.iter() {
        let key = LogKey::Chat(world_id("w"), script.chat.clone());
        fences.push(Store::open(&*store, &key, OpenMode::Create).await.unwrap().0);
    }
    let (began, cpu_began) = (Instant::now(), cpu());
    let mut tasks = Vec::new();
    for (n, fence) in fences.into_iter().enumerate() {
        let (store, scripts) = (Arc::clone(&store), Arc::clone(&scripts));
        tasks.push(tokio::spawn(async move {
            for append in &scripts[n].appends {
                let (expected, summary) = (append.expected, Some(&append.summary));
                store.append(&fence, expected, &append.entries, summary).await.unwrap();
            }
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    let took = Took { seconds: began.elapsed().as_secs_f64(), cpu: cpu() - cpu_began };
    (took, store.counts().commits)
}
