//! The door of each world, and none where there is none.
//!
//! A world that a token does not open has no door for its callers, and what asks for a world without
//! a door comes to one place that leads nowhere. So a foreign world is answered as one that is not
//! there, by construction and on every path.

use std::{collections::HashMap, sync::Arc};

use axum::{
    Extension, Json, Router,
    extract::{Request, State},
    http::request::Parts,
    response::{IntoResponse, Response},
};
use percent_encoding::percent_decode_str;
use polychat::{
    World, WorldId,
    ports::{HostRegistry, WorldService},
    transport::http::{self, Denied, HttpOptions, NotFound, Problem},
};
use serde_json::json;
use tower::ServiceExt;

use super::{
    denied,
    grants::Grant,
    stay::Stay,
    visit::{Place, ReadOnly, Visit},
};

/// Where the worlds are told that a caller may know of.
pub(crate) const LIST: &str = "/v1/worlds";
/// What the paths of a world begin with.
const WORLDS: &str = "/v1/worlds/";

/// The doors of all worlds that are served.
pub(crate) struct Doors {
    worlds: HashMap<WorldId, Door>,
    nowhere: Router,
}

/// The door of one world.
struct Door {
    /// For callers who may do everything: they may also bring models and tools.
    whole: Router,
    /// For all others.
    limited: Router,
}

impl Doors {
    /// Opens a door for each of these worlds.
    pub(crate) fn new(
        worlds: impl IntoIterator<Item = (WorldId, World)>,
        hosts: Option<&Arc<dyn HostRegistry>>,
        options: &HttpOptions,
    ) -> Self {
        let door = |(id, world): (WorldId, World)| {
            let mut options = options.clone();
            options.rejections = Arc::new(world.rejections(http::PATH));
            let limited = http::router(resolve(&id, &world), options.clone());
            options.hosts = hosts.cloned();
            let whole = http::router(resolve(&id, &world), options);
            (id, Door { whole, limited })
        };
        let nobody = |_: &WorldId, _: &Parts| Err(NotFound.into());
        Self {
            worlds: worlds.into_iter().map(door).collect(),
            nowhere: http::router(nobody, options.clone()).fallback(denied::nothing_here),
        }
    }

    /// Where this path leads whoever has this grant.
    fn at(&self, path: &str, grant: &Grant) -> &Router {
        // Decoded as the router behind it does, so that both see the same world.
        let name = path.strip_prefix(WORLDS).and_then(|rest| rest.split('/').next());
        let name = name.and_then(|name| percent_decode_str(name).decode_utf8().ok());
        let id = name.and_then(|name| WorldId::new(name).ok()).filter(|id| grant.opens(id));
        match id.and_then(|id| self.worlds.get(&id)) {
            Some(door) if grant.is_whole() => &door.whole,
            Some(door) => &door.limited,
            None => &self.nowhere,
        }
    }
}

/// `GET /v1/worlds`: the worlds that the caller's token opens, by their ids.
pub(crate) async fn list(
    State(doors): State<Arc<Doors>>,
    Extension(grant): Extension<Arc<Grant>>,
) -> Response {
    let mut ids: Vec<&WorldId> = doors.worlds.keys().filter(|id| grant.opens(id)).collect();
    ids.sort();
    let worlds: Vec<_> = ids.into_iter().map(|id| json!({ "worldId": id })).collect();
    Json(json!({ "worlds": worlds })).into_response()
}

/// Answers whatever concerns a world.
pub(crate) async fn enter(
    State(doors): State<Arc<Doors>>,
    Extension(grant): Extension<Arc<Grant>>,
    request: Request,
) -> Response {
    let router = doors.at(request.uri().path(), &grant).clone();
    match router.oneshot(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}

/// Hands the world to whoever the request comes from, as their grant says.
fn resolve(
    id: &WorldId,
    world: &World,
) -> impl Fn(&WorldId, &Parts) -> Result<Arc<dyn WorldService>, Denied> + use<> {
    let (id, written) = (id.clone(), world.service());
    let read = world.scoped(Arc::new(ReadOnly)).service();
    move |asked, request| {
        let grant = request.extensions.get::<Arc<Grant>>();
        let grant = grant.filter(|grant| *asked == id && grant.opens(asked));
        let grant = grant.ok_or(NotFound)?;
        let world = if grant.only_reads() { &read } else { &written };
        let stay = || request.extensions.get::<Arc<Stay>>().cloned();
        let place = is_stream(request.uri.path()).then(|| Place::of(grant, stay())).transpose();
        let place = place.map_err(Problem::from)?;
        Ok(Arc::new(Visit {
            world_id: id.clone(),
            world: Arc::clone(world),
            grant: Arc::clone(grant),
            place: place.map(Arc::new),
        }))
    }
}

/// Whether this path below a world answers for as long as the caller listens.
fn is_stream(path: &str) -> bool {
    let parts: Vec<&str> = path.split('/').collect();
    matches!(parts.as_slice(), ["", "events" | "socket"] | ["", "chats", _, "events"])
}

#[cfg(test)]
mod tests {
    use super::is_stream;

    #[test]
    fn a_stream_is_told_from_a_chat_that_is_called_like_one() {
        for path in ["/events", "/socket", "/chats/a/events", "/chats/events/events"] {
            assert!(is_stream(path), "{path}");
        }
        for path in ["/", "/chats", "/chats/events", "/chats/socket", "/chats/a/prompts/events"] {
            assert!(!is_stream(path), "{path}");
        }
    }
}
