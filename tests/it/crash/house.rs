//! The world of these tests: a demo model that never waits, two tools that leave a trace, small
//! checkpoints, and a file.

use std::{
    fs::File,
    io::Write,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use polychat::{
    AgentConfig, AgentName, DemoModel, Failure, FailureKind, Limits, ModelName, World,
    WorldBuilder, WorldId,
    ports::{Model, Store, Tool, ToolInput, ToolSink},
    tool::{PolicyMode, ToolOutput, ToolPolicy, ToolSelection, ToolSpec},
};
use polychat_store::{Durability, SqliteStore};
use serde_json::json;
use tokio::task::yield_now;

/// The tool that runs when it is asked for, and the one that a person must allow.
pub(super) const NOTE: &str = "note";
pub(super) const GUARDED: &str = "guarded";
/// The argument that names a call, as `CHAT/NAME`: no two calls are given the same.
pub(super) const NAME: &str = "name";

/// Less than a disk needs to be kept free, so that each round writes little.
const BALLAST_BYTES: u64 = 64 * 1024;

pub(super) fn world_id() -> WorldId {
    WorldId::new("home").unwrap()
}

/// Opens the file in this folder.
pub(super) fn store(folder: &Path, durability: Durability) -> SqliteStore {
    let options = SqliteStore::options(folder.join("chats.db")).durability(durability);
    options.ballast_bytes(BALLAST_BYTES).open().unwrap_or_else(|error| panic!("{error:?}"))
}

/// The model: it answers at once.
pub(super) fn model() -> DemoModel {
    DemoModel::new().pace(Duration::ZERO)
}

/// Opens the world over a store; the tools write to `runs`.
pub(super) async fn world(
    store: Arc<dyn Store>,
    model: impl Model + 'static,
    runs: &Path,
) -> World {
    let runs = File::options().create(true).append(true).open(runs).unwrap();
    let runs = Arc::new(runs);
    let name = || AgentName::new("assistant").unwrap();
    let mut policy = ToolPolicy::default();
    policy.mode = PolicyMode::Auto;
    let agent = AgentConfig::new(name(), ModelName::new("demo").unwrap())
        .tools(ToolSelection::All)
        .policy(policy);
    let mut limits = Limits::default();
    limits.checkpoint_bytes = 256;
    // However busy the machine is: a disk that is slow is not what is tested here.
    limits.append_duration_max = Duration::from_secs(600);
    WorldBuilder::new(world_id().as_str(), model)
        .agent(agent)
        .tool(Tracing { name: NOTE, runs: Arc::clone(&runs) })
        .tool(Tracing { name: GUARDED, runs })
        .limits(limits)
        .store(store)
        .open()
        .await
        .unwrap_or_else(|error| panic!("{error:?}"))
}

/// A tool whose every run leaves a line, which outlives the process.
struct Tracing {
    name: &'static str,
    runs: Arc<File>,
}

#[async_trait]
impl Tool for Tracing {
    fn spec(&self) -> ToolSpec {
        let schema = json!({
            "type": "object",
            "properties": { NAME: { "type": "string" } },
            "required": [NAME],
        });
        let spec = ToolSpec::new(self.name, "leaves a trace", schema);
        if self.name == GUARDED { spec.needs_approval() } else { spec }
    }

    async fn call(&self, input: ToolInput, output: ToolSink) -> Result<ToolOutput, Failure> {
        let name = input.arguments.get(NAME).and_then(|name| name.as_str());
        let name = name.ok_or_else(|| Failure::new(FailureKind::ToolFailed, "no name"))?;
        // In one write, so that it is there whole or not at all.
        (&*self.runs).write_all(format!("{name}\n").as_bytes()).unwrap();
        for _ in 0..20 {
            output.output("… ");
            yield_now().await;
        }
        Ok(ToolOutput::text(name))
    }
}

/// The folders of one test, gone when dropped.
pub(super) struct Place(tempfile::TempDir);

impl Place {
    pub(super) fn new() -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        std::fs::create_dir(place.live()).unwrap();
        place
    }

    /// The folder of the database. The name of no link, so that it can be compared.
    pub(super) fn live(&self) -> PathBuf {
        self.path("live")
    }

    /// Where tools leave their traces.
    pub(super) fn runs(&self) -> PathBuf {
        self.path("runs")
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.0.path().canonicalize().unwrap().join(name)
    }
}

/// Copies the files of a folder, the memory that processes share excepted: it is made anew.
pub(super) fn copy(from: &Path, to: &Path) {
    let _ = std::fs::remove_dir_all(to);
    std::fs::create_dir(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        if !entry.file_name().to_string_lossy().ends_with("-shm") {
            std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
}
