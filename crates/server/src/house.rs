//! The house that is served: a world, its file, and how frames are told apart.

use std::{path::PathBuf, sync::Arc, time::Duration};

use polychat::transport::{
    Rejections,
    ipc::{self, ServeOptions, Server},
};
use polychat::{DemoModel, Hosts, Limits, SqliteStore, World, WorldBuilder, WorldId};
use tokio::task::spawn_blocking;

use crate::{error::Error, places};

/// What all subcommands that serve can be told.
#[derive(Debug, clap::Args)]
pub(crate) struct HouseArgs {
    /// The world that is served; a file may hold several.
    #[arg(long, default_value = "home", value_name = "NAME")]
    pub(crate) world: String,
    /// The file of the chats, made if there is none. Without it a file in the folder that the
    /// system keeps for this user's data.
    #[arg(long, value_name = "FILE", conflicts_with = "memory")]
    data: Option<PathBuf>,
    /// Keeps the chats in memory, and nothing beyond the end of the process.
    #[arg(long)]
    memory: bool,
    /// Refuses models and tools that connected programs bring.
    #[arg(long)]
    no_hosts: bool,
    /// How messages are told apart.
    #[arg(long, value_enum, default_value_t)]
    framing: Framing,
    /// How long running turns may go on once it is time to end; then they end interrupted.
    #[arg(long, default_value_t = 5, value_name = "SECONDS")]
    grace: u64,
}

/// [`ipc::Framing`], as it is written on a command line.
#[derive(Debug, Clone, Copy, Default, clap::ValueEnum)]
enum Framing {
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

/// A world that is open, and the file that it is kept in.
pub(crate) struct House {
    id: WorldId,
    world: World,
    file: Option<Arc<SqliteStore>>,
    /// Models and tools of connected programs, if they may bring any.
    hosts: Option<Hosts>,
    framing: ipc::Framing,
}

impl House {
    pub(crate) async fn open(args: &HouseArgs) -> Result<Self, Error> {
        let id = WorldId::new(&args.world).map_err(polychat::Error::from)?;
        let mut limits = Limits::default();
        limits.shutdown_turn_duration = Duration::from_secs(args.grace);
        let mut builder = WorldBuilder::new(&args.world, DemoModel::new()).limits(limits);
        let mut file = None;
        if !args.memory {
            let path = args.data.clone().map_or_else(places::data, Ok)?;
            let opening = spawn_blocking(move || SqliteStore::open(path));
            let store = Arc::new(opening.await.map_err(Error::Bug)??);
            builder = builder.keep_in(Arc::clone(&store));
            file = Some(store);
        }
        let hosts = (!args.no_hosts).then(Hosts::new);
        if let Some(hosts) = &hosts {
            builder = builder.hosts(hosts);
        }
        let world = builder.open().await?;
        Ok(Self { id, world, file, hosts, framing: args.framing.into() })
    }

    /// Serves this house, to any number of connections.
    pub(crate) fn server(&self) -> Arc<Server> {
        let mut options = ServeOptions::default();
        options.framing = self.framing;
        let server = Server::new(self.id.clone(), self.world.service(), options)
            .rejections(Arc::new(self.rejections("ipc")));
        Arc::new(match &self.hosts {
            Some(hosts) => server.hosts(Arc::new(hosts.clone())),
            None => server,
        })
    }

    /// Counts what is rejected on this path, and tells the world's operators.
    pub(crate) fn rejections(&self, path: &'static str) -> Rejections {
        self.world.rejections(path)
    }

    /// Ends what runs, by its deadline, and gives the file back.
    pub(crate) async fn close(&self) {
        self.world.shutdown().await;
        if let Some(file) = &self.file {
            file.close().await;
        }
    }
}
