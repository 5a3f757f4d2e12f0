//! The HTTP side: one route.

use std::{collections::VecDeque, io, sync::Arc};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::State,
    http::{HeaderMap, HeaderValue, Response, StatusCode, header},
    routing::post,
};
use futures_util::stream;

use super::{
    Behaviour, Frame,
    record::{OpenAnswer, Received, Shared},
};

pub(super) fn router(shared: Arc<Shared>) -> Router {
    Router::new().route("/v1/chat/completions", post(completions)).with_state(shared)
}

async fn completions(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    let authorization = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let text = String::from_utf8_lossy(&body).into_owned();
    let behaviour = shared.receive(Received::new(authorization.map(str::to_owned), text));
    let open = OpenAnswer::new(shared);
    match behaviour {
        Behaviour::Stream(frames) => {
            respond(StatusCode::OK, "text/event-stream", body_of(frames, open))
        }
        Behaviour::Status { status, headers, body } => {
            // A test that asks for an impossible status shall see it fail, not pass.
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::NOT_IMPLEMENTED);
            let mut response = respond(status, "application/json", Body::from(body));
            for (name, value) in headers {
                if let (Ok(name), Ok(value)) =
                    (header::HeaderName::try_from(name), HeaderValue::try_from(value))
                {
                    response.headers_mut().insert(name, value);
                }
            }
            response
        }
        Behaviour::Html(page) => respond(StatusCode::OK, "text/html", Body::from(page)),
        Behaviour::Silence => {
            let _open = open;
            std::future::pending().await
        }
    }
}

fn respond(status: StatusCode, media_type: &'static str, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    response
}

/// Sends frame after frame. Each is its own item, so what came before a cut or a stall is out.
fn body_of(frames: Vec<Frame>, open: OpenAnswer) -> Body {
    let frames = VecDeque::from(frames);
    Body::from_stream(stream::unfold((frames, open), |(mut frames, open)| async move {
        // Gives the connection the chance to send what it has before the next frame cuts it.
        tokio::task::yield_now().await;
        let item = match frames.pop_front()? {
            Frame::Stall => std::future::pending().await,
            Frame::Cut => Err(io::Error::from(io::ErrorKind::ConnectionReset)),
            frame => Ok(Bytes::from(frame.bytes())),
        };
        Some((item, (frames, open)))
    }))
}
