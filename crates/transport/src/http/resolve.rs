//! Who may see which world.

use std::sync::Arc;

use async_trait::async_trait;
use axum::{http::request::Parts, response::Response};
use polychat_core::{WorldId, ports::WorldService};

/// Answers for each request with the world as its caller may see it, or with a response.
///
/// This is where a program brings its own authentication, by what it finds in the request's headers
/// and extensions, and its authorisation, by handing out a world behind a policy. A closure that
/// decides at once is one too.
///
/// A caller who may not see a world should be answered like one who asks for a world that is not
/// there: by [`NotFound`](super::NotFound).
#[async_trait]
pub trait Resolve: Send + Sync + 'static {
    /// The world of this id for whoever sent this request.
    ///
    /// # Errors
    ///
    /// The response that the caller gets instead.
    async fn resolve(
        &self,
        world: &WorldId,
        request: &Parts,
    ) -> Result<Arc<dyn WorldService>, Response>;
}

#[async_trait]
impl<F> Resolve for F
where
    F: Fn(&WorldId, &Parts) -> Result<Arc<dyn WorldService>, Response> + Send + Sync + 'static,
{
    async fn resolve(
        &self,
        world: &WorldId,
        request: &Parts,
    ) -> Result<Arc<dyn WorldService>, Response> {
        self(world, request)
    }
}
