//! `polychat socket`: a process of its own that any number of this user's programs share.
//!
//! It lives until a signal. Clients come and go, and nothing that runs notices.

use std::{io::Write, path::PathBuf, process::ExitCode, sync::Arc};

use polychat::transport::ipc::socket::Listener;
use tokio_util::sync::CancellationToken;

use crate::{
    args::PipeArgs,
    config::Configured,
    ending::{DRAIN_DURATION, Signals, or_at_once},
    error::Error,
    house::House,
    places,
};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Where to listen, in a folder that only this user may enter. Without it in the folder that
    /// the system keeps for such, under the world's name.
    path: Option<PathBuf>,
    /// Connections at the same time; further ones are closed at once.
    #[arg(long, default_value_t = 256, value_name = "N")]
    connections: usize,
    #[command(flatten)]
    pub(crate) pipe: PipeArgs,
}

pub(crate) async fn run(args: Args, configured: &Configured) -> Result<ExitCode, Error> {
    let mut signals = Signals::listen()?;
    let name = configured.one_world(args.pipe.world.world.as_deref())?;
    let path = args.path.map_or_else(|| places::socket(name), Ok)?;
    // First, because who is told that somebody serves it already knows whom to ask for the chats.
    let listener = Listener::bind(path).await?.connections_max(args.connections);
    let (house, served) = House::open_one(configured, name).await?;
    let listener = listener.rejections(Arc::new(served.rejections("socket")));
    // Whoever started this may wait for it.
    let _ = writeln!(std::io::stdout(), "listening on {}", listener.path().display());
    let stop = CancellationToken::new();
    let server = served.server(args.pipe.framing.into());
    let listening = listener.serve(Arc::clone(&server), stop.clone().cancelled_owned());
    let serving = tokio::spawn(listening);
    signals.next().await;
    let closing = async {
        stop.cancel();
        house.close().await;
        server.close();
        match serving.await {
            Ok(connections) => connections.drain(DRAIN_DURATION).await,
            Err(error) => tracing::error!(%error, "listening ended by a bug"),
        }
    };
    Ok(or_at_once(closing, &mut signals).await)
}
