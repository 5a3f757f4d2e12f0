//! What all requests share, and who a request comes from.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    extract::{FromRequestParts, RawPathParams, rejection::RawPathParamsRejection},
    http::{StatusCode, request::Parts},
    response::{IntoResponse, Response},
};
use polychat_core::{
    Command, CommandError, Refusal, Reply, Scope, StartAt, WorldId,
    ports::{NoticeStream, WorldService},
};

use super::{
    options::HttpOptions,
    problem::Problem,
    resolve::{Denied, Resolve},
};
use crate::{
    bytes::FarEnd,
    error::RejectedCommand,
    in_process,
    ipc::{Framing, ServeOptions, Server, serve::Common},
};

/// What all requests share.
#[derive(Clone)]
pub(super) struct Http {
    shared: Arc<Shared>,
}

struct Shared {
    resolve: Box<dyn Resolve>,
    options: HttpOptions,
    /// What is encoded is encoded once for all callers of a world that are there at the same time.
    common: Mutex<HashMap<WorldId, Common>>,
}

impl Http {
    pub(super) fn new(resolve: impl Resolve, options: HttpOptions) -> Self {
        let common = Mutex::default();
        Self { shared: Arc::new(Shared { resolve: Box::new(resolve), options, common }) }
    }

    pub(super) fn options(&self) -> &HttpOptions {
        &self.shared.options
    }

    fn common(&self, world: &WorldId) -> Common {
        let mut common = self.shared.common.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = common.get(world) {
            return known.clone();
        }
        // Before the map would grow, worlds that nobody is connected to go.
        if common.len() == common.capacity() {
            common.retain(|_, common| !common.is_unused());
        }
        common.entry(world.clone()).or_default().clone()
    }
}

/// A world as whoever sent the request may see it.
///
/// As an extractor it comes after the path was matched; it asks the [`Resolve`].
#[derive(Clone)]
pub(super) struct Caller {
    http: Http,
    world_id: WorldId,
    world: Arc<dyn WorldService>,
    common: Common,
}

impl Caller {
    pub(super) fn world_id(&self) -> &WorldId {
        &self.world_id
    }

    pub(super) fn options(&self) -> &HttpOptions {
        self.http.options()
    }

    pub(super) async fn call(&self, command: Command) -> Result<Reply, CommandError> {
        self.world.call(command).await
    }

    /// The world itself, as the caller may see it.
    pub(super) fn world(&self) -> Arc<dyn WorldService> {
        Arc::clone(&self.world)
    }

    /// The notices themselves, for what is not handed on as it is. Foreign ones end the stream.
    pub(super) async fn watch(
        &self,
        scope: Scope,
        start: StartAt,
    ) -> Result<NoticeStream, CommandError> {
        let guarded = in_process(self.world()).rejections(Arc::clone(&self.options().rejections));
        guarded.subscribe(scope, start).await
    }

    /// The world's notices in their envelopes, encoded once for all who read them.
    pub(super) fn far_end(&self) -> FarEnd {
        FarEnd::new(self.world_id.clone(), Arc::clone(&self.world))
            .limits(self.options().wire.clone())
            .sharing(self.common.encoders())
    }

    /// Serves frames of IPC to this caller.
    pub(super) fn server(&self) -> Server {
        let (id, world) = (self.world_id.clone(), Arc::clone(&self.world));
        let options = self.options();
        let socket = ServeOptions { framing: Framing::Lines, ..options.socket.clone() };
        let server = Server::sharing(id, world, socket, self.common.clone())
            .rejections(Arc::clone(&options.rejections));
        match &options.hosts {
            Some(hosts) => server.hosts(Arc::clone(hosts)),
            None => server,
        }
    }
}

impl FromRequestParts<Http> for Caller {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, http: &Http) -> Result<Self, Response> {
        let path = RawPathParams::from_request_parts(parts, http).await;
        let world_id = path
            .map_err(|error| malformed(&error))
            .and_then(|path| named(&path))
            .map_err(IntoResponse::into_response)?;
        let world =
            http.shared.resolve.resolve(&world_id, parts).await.map_err(Denied::into_inner)?;
        let common = http.common(&world_id);
        Ok(Self { http: http.clone(), world_id, world, common })
    }
}

/// The world that the path names.
fn named(path: &RawPathParams) -> Result<WorldId, Problem> {
    // An id may hold a slash, but proxies take an encoded one for a plain one, or refuse it; what
    // is behind them must not be somebody else's path. Such a chat has the other transports.
    if path.iter().any(|(_, value)| value.contains('/')) {
        return Err(RejectedCommand::field("path", "an encoded slash").into());
    }
    let asked = path.iter().find(|(name, _)| *name == "world").map(|(_, value)| value);
    WorldId::new(asked.unwrap_or_default())
        .map_err(|error| RejectedCommand::field("worldId", error).into())
}

fn malformed(error: &RawPathParamsRejection) -> Problem {
    RejectedCommand::field("path", error.body_text()).into()
}

/// The answer below a world where there is nothing.
pub(super) async fn nothing_here() -> Problem {
    let refusal = Refusal::Unsupported { what: "this path".into() };
    Problem::with_status(StatusCode::NOT_FOUND, &refusal.into())
}

/// The answer where there is something, but not by this method; the router adds which there are.
pub(super) async fn not_by_this_method() -> Problem {
    let refusal = Refusal::Unsupported { what: "this method".into() };
    Problem::with_status(StatusCode::METHOD_NOT_ALLOWED, &refusal.into())
}
