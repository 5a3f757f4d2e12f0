//! `polychat stdio`: a child that serves whoever started it.
//!
//! It lives as long as its parent wants: until `shutdown`, the end of its input, a pipe that breaks,
//! or a signal. Standard output carries frames and nothing else.

use std::{process::ExitCode, sync::Arc, time::Duration};

use polychat::transport::ipc::{Closed, ConnectionError, stdio};
use tokio::{task::JoinError, time::timeout};

use crate::{
    args::PipeArgs,
    config::Configured,
    ending::{DRAIN_DURATION, Signals, or_at_once},
    error::Error,
    house::House,
};

/// How long what was asked before the input ended may take, while the world is still open. Who only
/// stopped speaking hears its answers; a parent that is gone delays the end by nothing, because
/// nothing is left to be told, or the pipe breaks.
const ANSWER_DURATION: Duration = Duration::from_secs(1);

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) pipe: PipeArgs,
}

pub(crate) async fn run(args: Args, configured: &Configured) -> Result<ExitCode, Error> {
    let mut signals = Signals::listen()?;
    let name = configured.one_world(args.pipe.world.world.as_deref())?;
    let (house, served) = House::open_one(configured, name).await?;
    let pipes = stdio();
    let parent_left = pipes.input_ended();
    let server = served.server(args.pipe.framing.into());
    let mut serving = tokio::spawn({
        let server = Arc::clone(&server);
        async move { server.serve(pipes).await }
    });
    let why = tokio::select! {
        ended = &mut serving => Why::Closed(ended),
        () = parent_left => match timeout(ANSWER_DURATION, &mut serving).await {
            Ok(ended) => Why::Closed(ended),
            Err(_) => Why::ParentLeft,
        },
        () = signals.next() => Why::Signal,
    };
    tracing::info!(reason = why.as_str(), "closing");
    let mut ended = None;
    let closing = async {
        house.close().await;
        server.close();
        ended = match why {
            Why::Closed(ended) => Some(ended),
            // The end of the world answers what it still waits for; the server bounds this.
            Why::ParentLeft => Some((&mut serving).await),
            Why::Signal => timeout(DRAIN_DURATION, &mut serving).await.ok(),
        };
    };
    let code = or_at_once(closing, &mut signals).await;
    match ended {
        Some(Ok(Err(error @ ConnectionError::FramesLost { .. }))) => Err(error.into()),
        Some(ended) => {
            note(ended);
            Ok(code)
        }
        None => Ok(code),
    }
}

type Ended = Result<Result<Closed, ConnectionError>, JoinError>;

/// Why it is time to end.
enum Why {
    Closed(Ended),
    ParentLeft,
    Signal,
}

impl Why {
    /// For logs.
    fn as_str(&self) -> &'static str {
        match self {
            Self::Closed(_) => "connection ended",
            Self::ParentLeft => "input ended",
            Self::Signal => "signal",
        }
    }
}

/// A parent that went away without a word is nothing to complain about.
fn note(ended: Ended) {
    match ended {
        Ok(Ok(closed)) => tracing::debug!(?closed, "connection closed"),
        Ok(Err(error)) => tracing::debug!(%error, "connection lost"),
        Err(error) => tracing::error!(%error, "connection ended by a bug"),
    }
}
