//! The world's own log: its agents and settings.
//!
//! It has one writer at a time, and no actor: changes are rare, and the supervisor does no I/O.

use std::{sync::Arc, time::Duration};

use polychat_chat_actor::{environment::Agents, replay::in_time};
use polychat_core::{
    AgentTable, CommandError, Fault, FaultKind, Refusal, Reply, Seq,
    agent::WorldSettings,
    ports::{
        AppendError, Clock, Entry, Fence, LogKey, OpenMode, Store, StoreError, StoreErrorKind,
    },
    world::{WorldChange, WorldEvent, WorldRecorded},
};
use tokio::{sync::Mutex, time::timeout};

use crate::options::{OpenError, WorldOptions};

/// Entries read at once.
const PAGE: usize = 512;

pub(crate) struct WorldLog {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    /// How long the store may take for one answer.
    patience: Duration,
    events_max: u64,
    writer: Mutex<Writer>,
}

struct Writer {
    fence: Fence,
    head: Seq,
    /// Whether an append was not acknowledged, so that the log must be read again first.
    unsettled: bool,
}

impl WorldLog {
    /// Opens the world's log, or begins it, and answers with the table that it says.
    pub(crate) async fn open(options: &WorldOptions) -> Result<(Self, Arc<AgentTable>), OpenError> {
        let (store, key) = (Arc::clone(&options.store), LogKey::World(options.world.clone()));
        let patience = options.limits.append_duration_max;
        let opened = in_time(patience, store.open(&key, OpenMode::Existing)).await;
        let (fence, mut head, table) = match opened {
            Ok((fence, head)) => {
                let table = read(&*store, &key, head, patience).await?;
                (fence, head, table)
            }
            Err(error) if error.kind == StoreErrorKind::NotFound => {
                let (fence, head) = in_time(patience, store.open(&key, OpenMode::Create)).await?;
                (fence, head, None)
            }
            Err(error) => return Err(error.into()),
        };
        let mut events = Vec::new();
        if table.is_none() {
            let agent = Arc::new(options.agent.clone());
            events.push(WorldEvent::WorldCreated { agent, settings: WorldSettings::default() });
        }
        for agent in std::iter::once(&options.agent).chain(&options.agents) {
            let known = table.as_ref().and_then(|table| table.get(&agent.name));
            let just_made = table.is_none() && agent.name == options.agent.name;
            if known.is_none_or(|known| **known != *agent) && !just_made {
                events.push(WorldEvent::AgentPut { agent: Arc::new(agent.clone()) });
            }
        }
        let table = events.iter().fold(table, AgentTable::apply);
        let table = table.ok_or_else(|| OpenError::Damaged("it names no agent".to_owned()))?;
        let clock = Arc::clone(&options.clock);
        if !events.is_empty() {
            let entries = entries(&events, head, &*clock);
            let append = store.append(&fence, head, &entries, None);
            let append = async { append.await.map_err(|error| error.inner().clone()) };
            in_time(patience, append).await?;
            head = head.plus(entries.len() as u64);
        }
        let writer = Mutex::new(Writer { fence, head, unsettled: false });
        let events_max = options.limits.log_events_max;
        Ok((Self { store, clock, patience, events_max, writer }, Arc::new(table)))
    }

    /// Records a change, then puts it in force for turns that start from now on.
    pub(crate) async fn change(
        &self,
        change: WorldChange,
        agents: &Agents,
    ) -> Result<Reply, CommandError> {
        let mut writer = self.writer.lock().await;
        if writer.unsettled {
            let settled = timeout(self.patience, self.settle(&mut writer, agents)).await;
            settled.unwrap_or_else(|_| Err(late())).map_err(|error| fault(&error))?;
        }
        let events = writer.head.get();
        if events >= self.events_max {
            return Err(Refusal::LogFull { events, max: self.events_max }.into());
        }
        let table = agents.get();
        let event = table.decide(change)?;
        let entries = entries(std::slice::from_ref(&event), writer.head, &*self.clock);
        // Until the store has answered, nobody knows how the log ends, also if the caller goes away.
        writer.unsettled = true;
        let append = self.store.append(&writer.fence, writer.head, &entries, None);
        let appended = timeout(self.patience, append).await;
        let appended = appended.unwrap_or_else(|_| Err(AppendError::Ambiguous(late())));
        appended.map_err(|error| fault(error.inner()))?;
        writer.unsettled = false;
        writer.head = writer.head.next();
        if let Some(table) = AgentTable::apply(Some((*table).clone()), &event) {
            agents.set(Arc::new(table));
        }
        Ok(Reply::Done)
    }

    /// Reads the log again after an append whose end is not known.
    async fn settle(&self, writer: &mut Writer, agents: &Agents) -> Result<(), StoreError> {
        let key = writer.fence.key.clone();
        let (fence, head) = self.store.open(&key, OpenMode::Existing).await?;
        let damaged = |e: OpenError| StoreError::new(StoreErrorKind::Unavailable, e.to_string());
        if let Some(table) = read(&*self.store, &key, head, self.patience).await.map_err(damaged)? {
            agents.set(Arc::new(table));
        }
        *writer = Writer { fence, head, unsettled: false };
        Ok(())
    }
}

fn entries(events: &[WorldEvent], head: Seq, clock: &dyn Clock) -> Vec<Entry> {
    let at = clock.now();
    let recorded = (1u64..).zip(events).map(|(n, event)| {
        let (seq, event) = (head.plus(n), event.clone());
        Entry::World(Arc::new(WorldRecorded { seq, at, event }))
    });
    recorded.collect()
}

async fn read(
    store: &dyn Store,
    key: &LogKey,
    head: Seq,
    patience: Duration,
) -> Result<Option<AgentTable>, OpenError> {
    let mut table = None;
    let mut seq = Seq::ZERO;
    while seq < head {
        let page = in_time(patience, store.read(key, seq, PAGE)).await?;
        if page.is_empty() {
            return Err(OpenError::Damaged(format!("it ends before {head}")));
        }
        for entry in page {
            match entry {
                Entry::World(recorded) if recorded.seq == seq.next() => {
                    table = AgentTable::apply(table, &recorded.event);
                    seq = recorded.seq;
                }
                other => return Err(OpenError::Damaged(format!("wrong at {}", other.seq()))),
            }
        }
    }
    Ok(table)
}

fn late() -> StoreError {
    StoreError::new(StoreErrorKind::Unavailable, "the store took too long")
}

fn fault(error: &StoreError) -> CommandError {
    Fault::new(FaultKind::StoreUnavailable, &error.to_string()).into()
}
