//! `polychat stdio`: a child that serves whoever started it.
//!
//! It lives as long as its parent wants: until `shutdown`, the end of its input, a pipe that breaks,
//! or a signal. Standard output carries frames and nothing else.

use std::process::ExitCode;

use polychat_transport::ipc::{Closed, ConnectionError, stdio};
use tokio::{task::JoinError, time::timeout};

use crate::{
    ending::{DRAIN_DURATION, Signals, or_at_once},
    error::Error,
    house::{House, HouseArgs},
};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    house: HouseArgs,
}

pub(crate) async fn run(args: Args) -> Result<ExitCode, Error> {
    let mut signals = Signals::listen()?;
    let house = House::open(&args.house).await?;
    let pipes = stdio();
    let parent_left = pipes.input_ended();
    let server = house.server();
    let mut serving = tokio::spawn(async move { server.serve(pipes).await });
    let mut ended = tokio::select! {
        ended = &mut serving => Some(ended),
        () = parent_left => None,
        () = signals.next() => None,
    };
    let closing = async {
        house.close().await;
        if ended.is_none() {
            // Who only stopped speaking, or is about to be told, still hears what was asked for.
            ended = timeout(DRAIN_DURATION, &mut serving).await.ok();
        }
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

/// A parent that went away without a word is nothing to complain about.
fn note(ended: Result<Result<Closed, ConnectionError>, JoinError>) {
    match ended {
        Ok(Ok(closed)) => tracing::debug!(?closed, "connection closed"),
        Ok(Err(error)) => tracing::debug!(%error, "connection lost"),
        Err(error) => tracing::error!(%error, "connection ended by a bug"),
    }
}
