//! Options that several subcommands have, and what they say of the configuration.

use polychat::transport::ipc;

use crate::config::Said;

/// The file of the chats, for subcommands that need one.
#[derive(Debug, clap::Args)]
pub(crate) struct FileArgs {
    /// The file of the chats. Without it as configured, or the one in the folder that the system
    /// keeps for this user's data.
    #[arg(long, value_name = "FILE")]
    data: Option<String>,
}

impl FileArgs {
    pub(crate) fn said(&self) -> Vec<Said> {
        self.data.iter().flat_map(|data| at(data)).collect()
    }
}

/// The chats are in this file.
fn at(data: &str) -> [Said; 2] {
    [
        Said::option("--data", &["store", "file"], data),
        Said::option("--data", &["store", "memory"], false),
    ]
}

/// Where chats are kept, for subcommands that serve.
#[derive(Debug, clap::Args)]
pub(crate) struct StoreArgs {
    /// The file of the chats, made if there is none. Without it a file in the folder that the
    /// system keeps for this user's data.
    #[arg(long, value_name = "FILE", conflicts_with = "memory")]
    data: Option<String>,
    /// Keeps the chats in memory, and nothing beyond the end of the process.
    #[arg(long)]
    memory: bool,
}

impl StoreArgs {
    pub(crate) fn said(&self) -> Vec<Said> {
        let mut said = Vec::new();
        if let Some(data) = &self.data {
            said.extend(at(data));
        }
        if self.memory {
            said.push(Said::option("--memory", &["store", "memory"], true));
        }
        said
    }
}

/// What all subcommands that serve can be told.
#[derive(Debug, clap::Args)]
pub(crate) struct HouseArgs {
    #[command(flatten)]
    store: StoreArgs,
    /// Refuses models and tools that connected programs bring.
    #[arg(long)]
    no_hosts: bool,
    /// How long running turns may go on once it is time to end; then they end interrupted. Without
    /// it as `limits.shutdown_turn_duration` says.
    #[arg(long, value_name = "SECONDS")]
    grace: Option<u32>,
}

impl HouseArgs {
    pub(crate) fn said(&self) -> Vec<Said> {
        let mut said = self.store.said();
        if self.no_hosts {
            said.push(Said::option("--no-hosts", &["hosts", "allow"], false));
        }
        if let Some(seconds) = self.grace {
            let keys = &["limits", "shutdown_turn_duration"];
            said.push(Said::option("--grace", keys, format!("{seconds}s")));
        }
        said
    }
}

/// Which world, for subcommands that have one.
#[derive(Debug, clap::Args)]
pub(crate) struct WorldArgs {
    /// The world, also one that is not configured; a file may hold several. Without it the only
    /// one that is configured, or `home`.
    #[arg(long, value_name = "NAME")]
    pub(crate) world: Option<String>,
}

/// What subcommands can be told that speak JSON-RPC over pipes and sockets.
#[derive(Debug, clap::Args)]
pub(crate) struct PipeArgs {
    #[command(flatten)]
    pub(crate) world: WorldArgs,
    #[command(flatten)]
    pub(crate) house: HouseArgs,
    /// How messages are told apart.
    #[arg(long, value_enum, default_value_t)]
    pub(crate) framing: Framing,
}

/// [`ipc::Framing`], as it is written on a command line.
#[derive(Debug, Clone, Copy, Default, clap::ValueEnum)]
pub(crate) enum Framing {
    /// One message per line.
    #[default]
    Lines,
    /// A header with the length before each, as vscode-jsonrpc speaks.
    ContentLength,
}

impl From<Framing> for ipc::Framing {
    fn from(framing: Framing) -> Self {
        match framing {
            Framing::Lines => Self::Lines,
            Framing::ContentLength => Self::ContentLength,
        }
    }
}
