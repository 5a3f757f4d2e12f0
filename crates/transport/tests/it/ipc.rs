//! Worlds over pipes: conformance in both framings, and what only a connection can show.

use std::sync::Arc;

use polychat_core::ports::WorldService;
use polychat_testkit::samples::world_id;
use polychat_transport::ipc::{Framing, RemoteOptions, RemoteWorld, ServeOptions, Server};

mod by_hand;
mod closing;
mod decoder;
mod faults;
mod frames;
mod golden;
mod host;
mod in_step;
mod in_turn;
mod messages;
mod order;
mod reconnect;
mod remote;
mod requests;
mod room;
#[cfg(unix)]
mod socket;
mod stdio;

/// Bytes that the pair keeps in each direction: few, so that every check meets a full pipe.
const PIPE_BYTES: usize = 512;

fn serve_options(framing: Framing) -> ServeOptions {
    let mut options = ServeOptions::default();
    options.framing = framing;
    options
}

/// A world behind a pair of pipes in memory.
fn over_a_pipe(world: Arc<dyn WorldService>, framing: Framing) -> Arc<dyn WorldService> {
    let (near, far) = tokio::io::duplex(PIPE_BYTES);
    let server = Server::new(world_id("w"), world, serve_options(framing));
    tokio::spawn(async move { server.serve(far).await });
    let mut options = RemoteOptions::default();
    options.framing = framing;
    Arc::new(RemoteWorld::over(near, world_id("w"), options))
}

mod through_lines {
    use super::*;

    polychat_testkit::transport_suite!(|world: Arc<dyn WorldService>| -> Arc<dyn WorldService> {
        over_a_pipe(world, Framing::Lines)
    });
}

mod through_content_length {
    use super::*;

    polychat_testkit::transport_suite!(|world: Arc<dyn WorldService>| -> Arc<dyn WorldService> {
        over_a_pipe(world, Framing::ContentLength)
    });
}
