//! The conformance suite of transports through a real child and a real socket at once.
//!
//! The suite plays a world in this process. It is served on a Unix socket; a child, this very test
//! binary started again, speaks to it there as a client and serves it on over its pipes; and the
//! suite looks at it from the other end of those pipes. So whatever it checks has crossed two
//! processes and both transports, in one framing each.

use std::{
    io::{Read, Write},
    process::{Command, Stdio},
    sync::Arc,
};

use futures_util::FutureExt;
use polychat::transport::ipc::{
    Framing, RemoteOptions, RemoteWorld, ServeOptions, Server,
    socket::{Listener, connect},
    stdio,
};
use polychat::{WorldId, ports::WorldService};
use tokio::{
    io::join,
    process::{ChildStdin, ChildStdout},
};

use super::child::Place;

/// Where the child finds the world.
const SOCKET: &str = "POLYCHAT_RELAY_SOCKET";
/// How it speaks on its pipes; on the socket it speaks the other way.
const FRAMING: &str = "POLYCHAT_RELAY_FRAMING";
/// What it says when the harness has said all of its own.
const READY: &[u8] = b"\nREADY\n";

fn other(framing: Framing) -> Framing {
    match framing {
        Framing::Lines => Framing::ContentLength,
        _ => Framing::Lines,
    }
}

fn world() -> WorldId {
    polychat_testkit::samples::world_id("w")
}

fn server(world_served: Arc<dyn WorldService>, framing: Framing) -> Server {
    let mut options = ServeOptions::default();
    options.framing = framing;
    Server::new(world(), world_served, options)
}

fn remote_options(framing: Framing) -> RemoteOptions {
    let mut options = RemoteOptions::default();
    options.framing = framing;
    options
}

#[test]
#[ignore = "started by the tests of `conformance`, at the other end of its pipes"]
fn relays_between_its_pipes_and_a_socket() {
    // Whoever runs ignored tests directly gives no orders.
    let Some(path) = std::env::var_os(SOCKET) else { return };
    let framing = match std::env::var(FRAMING).unwrap().as_str() {
        "lines" => Framing::Lines,
        _ => Framing::ContentLength,
    };
    // The harness has begun a line.
    std::io::stdout().write_all(READY).unwrap();
    std::io::stdout().flush().unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let stream = connect(path).await.unwrap();
        let inside = RemoteWorld::over(stream, world(), remote_options(other(framing)));
        let server = server(Arc::new(inside), framing);
        let pipes = stdio();
        let parent_left = pipes.input_ended();
        tokio::select! {
            _ = server.serve(pipes) => {}
            () = parent_left => {}
        }
    });
    runtime.shutdown_background();
}

/// A world behind the pipes of a child, which finds it on a socket.
fn through_a_child(served: Arc<dyn WorldService>, framing: Framing) -> Arc<dyn WorldService> {
    let place = Place::new();
    let listener = Listener::bind(place.socket()).now_or_never().unwrap().unwrap();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "--nocapture", "--test-threads=1"])
        .arg("conformance::relays_between_its_pipes_and_a_socket")
        .env(SOCKET, place.socket())
        .env(FRAMING, if framing == Framing::Lines { "lines" } else { "content-length" })
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let inside = Arc::new(server(served, other(framing)));
    tokio::spawn(async move {
        let _place = place;
        listener.serve(inside, std::future::pending()).await
    });
    let (into, mut out) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    skip_to_ready(&mut out);
    let pipes = join(ChildStdout::from_std(out).unwrap(), ChildStdin::from_std(into).unwrap());
    // It ends by itself when its pipes are closed; somebody has to take note.
    std::thread::spawn(move || child.wait());
    Arc::new(RemoteWorld::over(pipes, world(), remote_options(framing)))
}

/// Reads what the harness says for itself, and not a byte more.
fn skip_to_ready(out: &mut impl Read) {
    let mut said = Vec::new();
    while !said.ends_with(READY) {
        let mut byte = [0];
        out.read_exact(&mut byte).unwrap();
        said.extend(byte);
    }
}

mod lines_over_pipes_and_lengths_over_a_socket {
    use super::*;

    polychat_testkit::transport_suite!(|world: Arc<dyn WorldService>| -> Arc<dyn WorldService> {
        through_a_child(world, Framing::Lines)
    });
}

mod lengths_over_pipes_and_lines_over_a_socket {
    use super::*;

    polychat_testkit::transport_suite!(|world: Arc<dyn WorldService>| -> Arc<dyn WorldService> {
        through_a_child(world, Framing::ContentLength)
    });
}
