//! One question over HTTP and its answer, as a door of bytes.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use async_trait::async_trait;
use bytes::Bytes;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::{
    Request, Response, StatusCode,
    body::Incoming,
    header::{self, HeaderName, HeaderValue},
};
use hyper_util::{
    client::legacy::{self, Client},
    rt::{TokioExecutor, TokioTimer},
};
use polychat_core::{CommandError, Fault, FaultKind, Refusal};
use tokio::{
    sync::Semaphore,
    time::{Instant, sleep},
};

use super::{
    super::problem::MEDIA_TYPE, asked::Asked, dial::Dial, frames::EventFrames,
    options::HttpWorldOptions, url::WorldUrl,
};
use crate::{
    bytes::{ByteDoor, Frames},
    error::{RejectedCommand, RejectedReply},
    ipc::remote::Ended,
    wire::{decode_error, encode_error},
};

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
const EVENT_STREAM: &str = "text/event-stream";

/// What all questions to one world share.
pub(super) struct Line {
    client: Client<Dial, Full<Bytes>>,
    pub(super) url: WorldUrl,
    pub(super) options: HttpWorldOptions,
    requests: Semaphore,
    streams: Arc<Semaphore>,
}

impl Line {
    pub(super) fn new(dial: Dial, url: WorldUrl, options: HttpWorldOptions) -> Self {
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            // Before the silence of one that nobody uses would count as its loss.
            .pool_idle_timeout(options.silence_duration_max / 2)
            .pool_max_idle_per_host(options.requests_in_flight_max)
            .build(dial);
        let places = |max: usize| Semaphore::new(max.min(Semaphore::MAX_PERMITS));
        let requests = places(options.requests_in_flight_max);
        let streams = Arc::new(places(options.streams_max));
        Self { client, url, options, requests, streams }
    }
}

/// How a question failed.
enum Failed {
    /// Nobody knows what became of it.
    Lost(Fault),
    /// It was answered with an error, or never sent.
    With(CommandError),
    /// It was answered with the bytes of an error.
    WithBytes(Vec<u8>),
}

impl<E: Into<CommandError>> From<E> for Failed {
    fn from(error: E) -> Self {
        Self::With(error.into())
    }
}

/// One question, or a few for the sake of one.
pub(super) struct Exchange {
    pub(super) line: Arc<Line>,
    pub(super) ended: Ended,
    /// Whether a question was sent, as far as that can be known.
    pub(super) sent: Arc<AtomicBool>,
}

impl Exchange {
    /// Sends it, over a connection that there is or a new one; waits for one while there is none.
    async fn send(&self, asked: &Asked) -> Result<Response<Incoming>, Failed> {
        let Line { client, options, .. } = &*self.line;
        let begun = Instant::now();
        let mut backoff = options.backoff();
        loop {
            let error = match client.request(self.request(asked)?).await {
                Ok(response) => {
                    self.sent.store(true, Ordering::Relaxed);
                    return Ok(response);
                }
                Err(error) => error,
            };
            let left = options.connect_duration_max.saturating_sub(begun.elapsed());
            if !error.is_connect() || left.is_zero() {
                self.sent.fetch_or(!error.is_connect(), Ordering::Relaxed);
                return Err(Failed::Lost(lost(&error)));
            }
            sleep(backoff.next().min(left)).await;
        }
    }

    fn request(&self, asked: &Asked) -> Result<Request<Full<Bytes>>, RejectedCommand> {
        let Line { url, options, .. } = &*self.line;
        let mut request =
            Request::builder().method(asked.method.clone()).uri(url.http(&asked.target));
        if let Some(headers) = request.headers_mut() {
            options.headers.add_to(headers);
            if asked.body.is_some() {
                let json = HeaderValue::from_static("application/json");
                headers.insert(header::CONTENT_TYPE, json);
            }
            if let Some(id) = &asked.last_event_id {
                headers.insert(LAST_EVENT_ID, id.clone());
            }
        }
        let body = asked.body.clone().map_or_else(Full::default, |body| Full::new(body.into()));
        request.body(body).map_err(|error| RejectedCommand::field("path", error))
    }

    /// The body of what was done, or why it was not.
    async fn body(&self, response: Response<Incoming>) -> Result<Vec<u8>, Failed> {
        let (parts, body) = response.into_parts();
        let max = self.line.options.wire.reply_bytes_max;
        let body = match Limited::new(body, max).collect().await {
            Ok(body) => body.to_bytes().into(),
            Err(error) if error.is::<LengthLimitError>() => {
                let bytes = max.saturating_add(1);
                return Err(RejectedReply::TooLarge { bytes, max }.into());
            }
            Err(error) => {
                let why = format!("the answer broke off: {error}");
                return Err(Failed::Lost(Fault::new(FaultKind::ConnectionLost, &why)));
            }
        };
        if parts.status.is_success() {
            return Ok(body);
        }
        let is_problem = is(parts.headers.get(header::CONTENT_TYPE), MEDIA_TYPE);
        // What stands before a world may say it as a world does, with a code that no world has.
        let is_known = is_problem && decode_error(&body, &self.line.options.wire).is_ok();
        Err(match foreign(parts.status).filter(|_| !is_known) {
            Some(foreign) => foreign,
            None if is_problem => Failed::WithBytes(body),
            None => {
                let why = format!("{} without problem details", parts.status);
                Fault::new(FaultKind::Protocol, &why).into()
            }
        })
    }

    async fn done(&self, command: &[u8]) -> Result<Vec<u8>, Failed> {
        let asked = Asked::of_command(command)?;
        // Nobody closes it.
        let _place = self.line.requests.acquire().await.ok();
        let response = self.send(&asked).await?;
        self.body(response).await
    }

    async fn watched(&self, subscription: &[u8]) -> Result<Frames, Failed> {
        let asked = Asked::of_subscription(subscription)?;
        let options = &self.line.options;
        let full = || Refusal::SubscribersFull { max: options.streams_max };
        let place = Arc::clone(&self.line.streams).try_acquire_owned().map_err(|_| full())?;
        let response = self.send(&asked).await?;
        let is_stream = is(response.headers().get(header::CONTENT_TYPE), EVENT_STREAM);
        if response.status() != StatusCode::OK || !is_stream {
            self.body(response).await?;
            let why = "the answer to a subscription is no stream of events";
            return Err(Fault::new(FaultKind::Protocol, why).into());
        }
        let max = options.wire.notice_bytes_max;
        let ended = self.ended.clone();
        Ok(Box::pin(EventFrames::new(response.into_body(), max, ended, place)))
    }

    fn failed(&self, failed: Failed) -> Vec<u8> {
        match failed {
            Failed::Lost(fault) => {
                self.ended.because(fault.clone());
                encode_error(&fault.into())
            }
            Failed::With(error) => encode_error(&error),
            Failed::WithBytes(bytes) => bytes,
        }
    }
}

#[async_trait]
impl ByteDoor for Exchange {
    async fn call(&self, command: Vec<u8>) -> Result<Vec<u8>, Vec<u8>> {
        self.done(&command).await.map_err(|failed| self.failed(failed))
    }

    async fn subscribe(&self, subscription: Vec<u8>) -> Result<Frames, Vec<u8>> {
        self.watched(&subscription).await.map_err(|failed| self.failed(failed))
    }
}

/// Whether a header says this media type, with whatever parameters.
fn is(said: Option<&HeaderValue>, media_type: &str) -> bool {
    let said = said.and_then(|said| said.to_str().ok()).unwrap_or_default();
    let said = said.split(';').next().unwrap_or_default().trim();
    said.eq_ignore_ascii_case(media_type)
}

/// What a status alone says: of what stands before a world, or in its place.
fn foreign(status: StatusCode) -> Option<Failed> {
    match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Some(Refusal::Forbidden {}.into()),
        StatusCode::REQUEST_TIMEOUT
        | StatusCode::BAD_GATEWAY
        | StatusCode::SERVICE_UNAVAILABLE
        | StatusCode::GATEWAY_TIMEOUT => {
            let why = format!("something on the way answered {status}");
            Some(Failed::Lost(Fault::new(FaultKind::ConnectionLost, &why)))
        }
        _ => None,
    }
}

/// Why a request has no answer, with what was behind it.
fn lost(error: &legacy::Error) -> Fault {
    let mut why = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(error) = source {
        why.push_str(": ");
        why.push_str(&error.to_string());
        source = error.source();
    }
    Fault::new(FaultKind::ConnectionLost, &why)
}
