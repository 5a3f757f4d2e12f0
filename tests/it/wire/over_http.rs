//! Pipes in memory to a server of HTTP.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
};

use axum::{http::request::Parts, serve::Listener};
use polychat::{
    World, WorldId,
    transport::http::{self, HttpOptions},
};
use tokio::{io::DuplexStream, sync::mpsc};

/// Serves a world to the far ends of pipes that are sent there.
pub(super) fn serve(world: &World, options: HttpOptions) -> mpsc::UnboundedSender<DuplexStream> {
    let service = world.service();
    let resolve = move |_: &WorldId, _: &Parts| Ok(Arc::clone(&service));
    let router = http::router(resolve, options);
    let (connects, connected) = mpsc::unbounded_channel();
    tokio::spawn(async move { axum::serve(Pipes(connected), router).await });
    connects
}

struct Pipes(mpsc::UnboundedReceiver<DuplexStream>);

impl Listener for Pipes {
    type Io = DuplexStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (DuplexStream, SocketAddr) {
        match self.0.recv().await {
            Some(pipe) => (pipe, SocketAddr::from((Ipv4Addr::LOCALHOST, 1))),
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(SocketAddr::from((Ipv4Addr::LOCALHOST, 2)))
    }
}
