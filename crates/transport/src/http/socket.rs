//! The frames of IPC over a WebSocket: one JSON-RPC message per text message.
//!
//! What is said is what [`crate::ipc`] says; this brings a request's connection there and closes it
//! with a code that says why it ended:
//!
//! | code | |
//! |---|---|
//! | 1000 | the client closed it, or asked for the end by `shutdown` |
//! | 1001 | the server is about to stop; requests that ran have their answers |
//! | 1002 | what came was no WebSocket's or no connection's of this protocol, or nobody answered two pings |
//! | 1003 | a binary message came |
//! | 1007 | a text came that is no UTF-8 |
//! | 1009 | a message came that is longer than a frame of IPC may be |
//!
//! However it ends, it cancels nothing. A client that reads slowly costs the buffers of its
//! connection.

pub(super) mod adapter;
mod closing;
mod fault;
mod pulse;

use std::time::Duration;

use axum::{
    Router,
    body::Body,
    extract::Request,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use polychat_core::Refusal;
use tokio_tungstenite::tungstenite::{
    handshake::server::create_response_with_body, protocol::frame::coding::CloseCode,
};

use self::{adapter::Lines, closing::UntilClosing, fault::SocketFault};
use super::{
    problem::Problem,
    state::{Caller, Http},
};
use crate::{
    error::RejectedCommand,
    ipc::{Closed, ConnectionError},
};

/// How long a client may take to hear that the socket is closed, and to close its own end.
const CLOSING_DURATION_MAX: Duration = Duration::from_secs(5);

pub(super) fn routes() -> Router<Http> {
    Router::new().route("/socket", get(open))
}

/// `GET /socket`: the connection of this request becomes a WebSocket.
async fn open(caller: Caller, mut request: Request) -> Result<Response, Response> {
    if request.uri().query().is_some_and(|query| !query.is_empty()) {
        let refused = RejectedCommand::field("query", "a socket has no parameters");
        return Err(Problem::from(refused).into_response());
    }
    // Only what a connection can become is there; a request that was made up in memory has none.
    let connection = request.extensions_mut().remove::<OnUpgrade>().ok_or_else(no_upgrade)?;
    let answer = create_response_with_body(&request, Body::empty).map_err(|_| no_upgrade())?;
    tokio::spawn(async move {
        match connection.await {
            Ok(connection) => serve(&caller, connection).await,
            Err(error) => {
                let world_id = caller.world_id().as_str();
                tracing::debug!(world_id, %error, "connection broke before it was a socket");
            }
        }
    });
    Ok(answer)
}

/// The answer to whoever asks for a socket without becoming one.
fn no_upgrade() -> Response {
    let refusal = Refusal::Unsupported { what: "this path without a WebSocket".into() };
    let problem = Problem::with_status(StatusCode::UPGRADE_REQUIRED, &refusal.into());
    let mut headers = HeaderMap::new();
    headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(header::SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
    (headers, problem).into_response()
}

/// Serves a socket until it ends, and closes it.
async fn serve(caller: &Caller, connection: Upgraded) {
    let (server, options) = (caller.server(), caller.options());
    let io = TokioIo::new(connection);
    let mut lines = Lines::serving(io, server.frame_bytes_max(), options.heartbeat_interval).await;
    let closing = &options.closing;
    let ended = tokio::select! {
        ended = server.serve(UntilClosing::new(&mut lines, closing)) => ended,
        // It does not end by itself while its client reads nothing.
        () = too_long_after(closing.cancelled(), options.socket.ending_duration_max) => {
            Ok(Closed::ByClient)
        }
    };
    let Some((code, why)) = last_words(ended, closing.is_cancelled()) else { return };
    tracing::debug!(world_id = caller.world_id().as_str(), code = u16::from(code), "socket closed");
    lines.close(code, why, CLOSING_DURATION_MAX).await;
}

async fn too_long_after(beginning: impl Future<Output = ()>, patience: Duration) {
    beginning.await;
    tokio::time::sleep(patience).await;
}

/// With what a socket is closed; `None` when there is nobody to tell.
fn last_words(
    ended: Result<Closed, ConnectionError>,
    closing: bool,
) -> Option<(CloseCode, &'static str)> {
    match ended {
        Ok(_) if closing => Some((CloseCode::Away, "the server is about to stop")),
        Ok(_) => Some((CloseCode::Normal, "")),
        Err(ConnectionError::Io(error)) => {
            SocketFault::of(&error).map(|fault| (fault.code(), fault.why()))
        }
        Err(_) => Some((CloseCode::Protocol, SocketFault::Protocol.why())),
    }
}
