//! The process that is killed: a world under load over one file, telling all that is acknowledged.
//!
//! It is this very test binary, started again and filtered to the one test here.

use std::{path::PathBuf, sync::Arc, time::Duration};

use polychat::{
    ChatId, Seq,
    command::{ChatFilter, Page},
};
use polychat_store::Durability;
use serde::{Deserialize, Serialize};

use super::{dice::Dice, house, person::Person};

/// How the child is told what to do.
pub(super) const ORDERS: &str = "POLYCHAT_CRASH_ORDERS";

/// How many chats live at once, each with somebody who uses it.
pub(super) const CHATS: usize = 100;

/// How long a child lives that nobody ends, because its parent is gone.
const LIFE: Duration = Duration::from_secs(600);

/// What to do.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Orders {
    pub(super) folder: PathBuf,
    pub(super) runs: PathBuf,
    pub(super) power_safe: bool,
    pub(super) round: u64,
    pub(super) seed: u64,
}

impl Orders {
    fn durability(&self) -> Durability {
        if self.power_safe { Durability::PowerSafe } else { Durability::ProcessSafe }
    }
}

#[test]
#[ignore = "started by the tests of `crash`, which end it"]
fn lives_until_it_is_killed() {
    // Whoever runs ignored tests directly gives no orders.
    let Ok(orders) = std::env::var(ORDERS) else { return };
    let orders: Orders = serde_json::from_str(&orders).unwrap();
    // The harness has begun a line.
    println!();
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime.worker_threads(2).enable_time().build().unwrap();
    runtime.block_on(async { tokio::time::timeout(LIFE, live(orders)).await.unwrap_err() });
}

async fn live(orders: Orders) {
    let store = Arc::new(house::store(&orders.folder, orders.durability()));
    let world = house::world(store, house::model(), &orders.runs).await;
    let mut old = chats(&world).await;
    let dice = Dice::new(orders.seed);
    for slot in 0..CHATS {
        let dice = dice.apart(slot as u64);
        let name = format!("r{}-c{slot}", orders.round);
        tokio::spawn(Person::new(world.clone(), name, dice).use_chats(old.pop()));
    }
    std::future::pending().await
}

/// The chats that are there, with their heads.
pub(super) async fn chats(world: &polychat::World) -> Vec<(ChatId, Seq)> {
    let (mut chats, mut page) = (Vec::new(), Page::first(100));
    loop {
        let found = world.chats(page, ChatFilter::new().with_archived()).await.unwrap();
        chats.extend(found.chats.into_iter().map(|chat| (chat.chat_id, chat.head)));
        match found.next {
            Some(next) => page = Page::after(next, 100),
            None => return chats,
        }
    }
}
