//! A world opened again after a crash, until nothing is left to do.

use std::{collections::HashSet, path::Path, sync::Arc, time::Duration};

use polychat::{
    Chat, ChatId, CommandError, EndReason, Notice, Refusal, StartAt, StatusKind, StreamExt, World,
    rules::ChatState, tool::ApprovalDecision,
};
use polychat_store::Durability;
use polychat_testkit::{
    checker::{RunState, check},
    history::{Entry, Fact, History, RecordingModel, RecordingStore, RecordingWorld},
};

use super::{child::chats, fault::Fault, house};

/// How long it may take however busy the machine is: a test that fails is better than one that
/// hangs.
const PATIENCE: Duration = Duration::from_secs(300);

/// Opens the file in this folder, lets everything that a crash left behind come to its end, and
/// decides what waits for a person. Answers what the checker found in all that happened: what
/// models were given, what was shown, answered and stored; and how often models were asked.
pub(super) fn come_to_rest(
    folder: &Path,
    runs: &Path,
    durability: Durability,
) -> (Vec<Fault>, usize) {
    let history = History::new();
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime.worker_threads(2).enable_time().build().unwrap();
    runtime.block_on(async {
        let store = house::store(folder, durability);
        let store = Arc::new(RecordingStore::new(store, house::world_id(), history.clone()));
        let model = RecordingModel::new(house::model(), history.clone());
        let world = house::world(store, model, runs).await;
        let recording = RecordingWorld::new(world.service(), history.clone());
        let seen = World::of_service(Arc::new(recording));
        let resting = tokio::time::timeout(PATIENCE, all_rest(&seen));
        resting.await.expect("chats do not come to rest");
        world.shutdown().await;
    });
    let is_request = |entry: &Arc<Entry>| matches!(entry.fact, Fact::Requested { .. });
    let asked = history.entries().iter().filter(|entry| is_request(entry)).count();
    (check(&history, RunState::Quiet).into_iter().map(Fault::Law).collect(), asked)
}

async fn all_rest(world: &World) {
    let mut half_deleted: HashSet<ChatId> = HashSet::new();
    for (id, _) in chats(world).await {
        let chat = world.chat(id.as_str()).unwrap();
        if rests(&chat).await == Rest::Deleted {
            half_deleted.insert(id);
        }
    }
    // Their rows go without anybody asking.
    while chats(world).await.iter().any(|(id, _)| half_deleted.contains(id)) {
        tokio::task::yield_now().await;
    }
}

/// What became of a chat.
#[derive(Debug, PartialEq, Eq)]
enum Rest {
    Idle,
    Deleted,
}

/// Reads along until nothing runs, waits or is asked for.
async fn rests(chat: &Chat) -> Rest {
    let begun = async { Ok((chat.subscribe(StartAt::Start).await?, chat.snapshot().await?)) };
    let (mut notices, snapshot) = match begun.await {
        Ok(begun) => begun,
        Err(CommandError::Refused(Refusal::ChatDeleted { .. })) => return Rest::Deleted,
        Err(error) => panic!("{}: {error:?}", chat.id()),
    };
    let mut state = ChatState::of_empty_log(chat.id());
    let head = snapshot.status.head;
    loop {
        if state.head() >= head {
            if matches!(state.status().kind, StatusKind::Idle | StatusKind::Closed) {
                return Rest::Idle;
            }
            if let Some(asked) = state.approvals().first() {
                let deny = ApprovalDecision::Deny { reason: "too late".into() };
                // Whoever else ended it did so in the log, which is read next.
                let _ = chat.decide(asked.tool_call_id, deny).await;
            }
        }
        match notices.next().await {
            Some(Notice::Recorded { event, .. }) => state.apply(&event).unwrap(),
            Some(Notice::Live { .. }) => {}
            Some(Notice::Ended(EndReason::Deleted)) => return Rest::Deleted,
            other => panic!("{} was shown {other:?}", chat.id()),
        }
    }
}
