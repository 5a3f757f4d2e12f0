//! Who may see which world.

use std::sync::Arc;

use async_trait::async_trait;
use axum::{
    http::request::Parts,
    response::{IntoResponse, Response},
};
use polychat_core::{WorldId, ports::WorldService};

/// What a caller gets instead of a world: any response.
///
/// ```
/// use axum::http::StatusCode;
/// use polychat_transport::http::{Denied, NotFound};
///
/// let stranger: Denied = StatusCode::UNAUTHORIZED.into();
/// let elsewhere: Denied = NotFound.into();
/// ```
// Behind a pointer, so that what is seldom said does not make every answer bigger.
#[derive(Debug)]
pub struct Denied(Box<Response>);

impl Denied {
    /// The response.
    #[must_use]
    pub fn into_inner(self) -> Response {
        *self.0
    }
}

impl<R: IntoResponse> From<R> for Denied {
    fn from(response: R) -> Self {
        Self(Box::new(response.into_response()))
    }
}

/// Answers for each request with the world as its caller may see it, or with a response
/// instead.
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
    ) -> Result<Arc<dyn WorldService>, Denied>;
}

#[async_trait]
impl<F> Resolve for F
where
    F: Fn(&WorldId, &Parts) -> Result<Arc<dyn WorldService>, Denied> + Send + Sync + 'static,
{
    async fn resolve(
        &self,
        world: &WorldId,
        request: &Parts,
    ) -> Result<Arc<dyn WorldService>, Denied> {
        self(world, request)
    }
}
