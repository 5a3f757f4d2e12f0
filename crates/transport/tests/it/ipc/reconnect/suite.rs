//! Whoever holds a world that comes back cannot tell it from the world itself.

use std::sync::Arc;

use async_trait::async_trait;
use polychat_core::{
    Command, CommandError, Reply, Scope, StartAt,
    ports::{NoticeStream, WorldService},
};
use polychat_testkit::samples::world_id;
use polychat_transport::ipc::{RemoteOptions, RemoteWorld, ServeOptions, Server};
use tokio::sync::OnceCell;

use super::super::PIPE_BYTES;

/// A remote world that connects when it is used first, since the suite does not wait for it.
struct Connecting {
    server: Arc<Server>,
    remote: OnceCell<RemoteWorld>,
}

impl Connecting {
    async fn remote(&self) -> &RemoteWorld {
        let connect = || async {
            let server = Arc::clone(&self.server);
            let connector = move || {
                let (near, far) = tokio::io::duplex(PIPE_BYTES);
                let server = Arc::clone(&server);
                tokio::spawn(async move { server.serve(far).await });
                std::future::ready(Ok(near))
            };
            RemoteWorld::connect(connector, RemoteOptions::default()).await.unwrap()
        };
        self.remote.get_or_init(connect).await
    }
}

#[async_trait]
impl WorldService for Connecting {
    async fn call(&self, command: Command) -> Result<Reply, CommandError> {
        self.remote().await.call(command).await
    }

    async fn subscribe(&self, scope: Scope, start: StartAt) -> Result<NoticeStream, CommandError> {
        self.remote().await.subscribe(scope, start).await
    }
}

polychat_testkit::transport_suite!(|world: Arc<dyn WorldService>| -> Arc<dyn WorldService> {
    let server = Arc::new(Server::new(world_id("w"), world, ServeOptions::default()));
    Arc::new(Connecting { server, remote: OnceCell::new() })
});
