//! A server behind an address, spoken to over streamable HTTP.
//!
//! `rmcp` does the protocol: sessions, streams that are taken up again, headers. Here is what it is
//! given: a client that keeps headers and addresses to itself and goes nowhere else with them.

use std::{collections::HashMap, fmt::Display, sync::Arc, time::Duration};

use polychat_core::content::Text;
use reqwest::{
    StatusCode, Url,
    header::{HeaderName, HeaderValue},
    redirect,
};
use rmcp::{
    model::{ClientJsonRpcMessage, JsonRpcMessage},
    transport::{
        StreamableHttpClientTransport,
        common::client_side_sse::{BoxedSseResponse, ExponentialBackoff},
        streamable_http_client::{
            StreamableHttpClient, StreamableHttpClientTransportConfig, StreamableHttpError,
            StreamableHttpPostResponse, StreamableHttpResponseLimits,
        },
    },
};
use rustls::{ClientConfig, crypto::ring};
use rustls_platform_verifier::BuilderVerifierExt;

use super::{McpConfigError, McpLimits};

/// How long a connection may take to stand.
const CONNECT_DURATION_MAX: Duration = Duration::from_secs(10);
/// Redirects in a row that are followed.
const REDIRECTS_MAX: usize = 5;
/// How often a stream that broke off is taken up again before its call is given up.
const RESUMES_MAX: usize = 3;
/// Headers that belong to the protocol.
const RESERVED: &[&str] = &["accept", "last-event-id", "mcp-protocol-version", "mcp-session-id"];

/// The connection of an HTTP server, as `rmcp` runs it.
pub(super) type HttpLink = StreamableHttpClientTransport<HttpClient>;

/// Where a server is, and what it is told with each request.
pub(super) struct Endpoint {
    url: Url,
    headers: HashMap<HeaderName, HeaderValue>,
    client: HttpClient,
}

impl Endpoint {
    /// Checks an address and headers. Nothing is sent.
    pub(super) fn new(
        server: &Text,
        url: &str,
        headers: &[(String, String)],
    ) -> Result<Self, McpConfigError> {
        let url = Url::parse(url)
            .ok()
            .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        let url = url.ok_or_else(|| McpConfigError::InvalidUrl { server: Arc::clone(server) })?;
        let mut checked = HashMap::new();
        for (name, value) in headers {
            let (name, value) =
                header(name, value).ok_or_else(|| McpConfigError::InvalidHeader {
                    server: Arc::clone(server),
                    header: (**name).into(),
                })?;
            checked.insert(name, value);
        }
        let client = HttpClient(client().map_err(|reason| McpConfigError::Http { reason })?);
        Ok(Self { url, headers: checked, client })
    }

    /// Begins a connection: the first message that is sent opens it.
    pub(super) fn link(&self, limits: &McpLimits) -> HttpLink {
        let mut resume = ExponentialBackoff::default();
        resume.max_times = Some(RESUMES_MAX);
        resume.base_duration = limits.restart_delay;
        resume.max_delay = Some(limits.restart_delay_max);
        let mut config = StreamableHttpClientTransportConfig::with_uri(self.url.as_str())
            .custom_headers(self.headers.clone())
            // A server that answers without a stream holds a request for as long as a call takes.
            .max_concurrent_requests(limits.calls_in_flight_max)
            .max_sse_event_size(limits.message_bytes_max)
            .max_json_response_size(limits.message_bytes_max);
        config.retry_config = Arc::new(resume);
        StreamableHttpClientTransport::with_client(self.client.clone(), config)
    }
}

fn header(name: &str, value: &str) -> Option<(HeaderName, HeaderValue)> {
    let name = HeaderName::try_from(name).ok()?;
    let mut value = HeaderValue::try_from(value).ok()?;
    value.set_sensitive(true);
    (!RESERVED.contains(&name.as_str())).then_some((name, value))
}

fn client() -> Result<reqwest::Client, Text> {
    let reason = |error: &dyn Display| Text::from(error.to_string());
    let tls = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .and_then(|config| config.with_platform_verifier())
        .map_err(|error| reason(&error))?
        .with_no_client_auth();
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .connect_timeout(CONNECT_DURATION_MAX)
        .redirect(redirect::Policy::custom(follow_at_home))
        .tcp_nodelay(true)
        .build()
        .map_err(|error| reason(&error.without_url()))
}

/// Follows a redirect that keeps the request as it is, and only to where it was meant to go:
/// headers may hold keys.
fn follow_at_home(attempt: redirect::Attempt<'_>) -> redirect::Action {
    let keeps =
        matches!(attempt.status(), StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT);
    let first = attempt.previous().first();
    let at_home = first.is_some_and(|first| first.origin() == attempt.url().origin());
    if keeps && at_home && attempt.previous().len() <= REDIRECTS_MAX {
        attempt.follow()
    } else {
        attempt.stop()
    }
}

/// The client that `rmcp` uses: its errors name no address, which may hold a key.
#[derive(Clone)]
pub(super) struct HttpClient(reqwest::Client);

type HttpResult<T> = Result<T, StreamableHttpError<reqwest::Error>>;

fn without_url<T>(result: HttpResult<T>) -> HttpResult<T> {
    result.map_err(|error| match error {
        StreamableHttpError::Client(error) => StreamableHttpError::Client(error.without_url()),
        other => other,
    })
}

impl StreamableHttpClient for HttpClient {
    type Error = reqwest::Error;

    async fn post_message(
        &self,
        uri: Arc<str>,
        message: ClientJsonRpcMessage,
        session_id: Option<Arc<str>>,
        auth_header: Option<String>,
        custom_headers: HashMap<HeaderName, HeaderValue>,
    ) -> HttpResult<StreamableHttpPostResponse> {
        let limits = StreamableHttpResponseLimits::default();
        self.post_message_with_response_limits(
            uri,
            message,
            session_id,
            auth_header,
            custom_headers,
            limits,
        )
        .await
    }

    async fn post_message_with_response_limits(
        &self,
        uri: Arc<str>,
        message: ClientJsonRpcMessage,
        session_id: Option<Arc<str>>,
        auth_header: Option<String>,
        custom_headers: HashMap<HeaderName, HeaderValue>,
        limits: StreamableHttpResponseLimits,
    ) -> HttpResult<StreamableHttpPostResponse> {
        let asks = matches!(message, JsonRpcMessage::Request(_)) && session_id.is_some();
        let sent = self.0.post_message_with_response_limits(
            uri,
            message,
            session_id,
            auth_header,
            custom_headers,
            limits,
        );
        match without_url(sent.await) {
            // An error that names no request, as the answer to one: the server has lost the
            // session. It ought to say so by status 404; some say 400 and this. `rmcp` then begins
            // another session and asks once more, instead of waiting for an answer for ever.
            Ok(StreamableHttpPostResponse::Json(JsonRpcMessage::Error(error), _))
                if asks && error.id.is_none() =>
            {
                Err(StreamableHttpError::SessionExpired)
            }
            answer => answer,
        }
    }

    async fn delete_session(
        &self,
        uri: Arc<str>,
        session_id: Arc<str>,
        auth_header: Option<String>,
        custom_headers: HashMap<HeaderName, HeaderValue>,
    ) -> HttpResult<()> {
        let deleted = self.0.delete_session(uri, session_id, auth_header, custom_headers);
        without_url(deleted.await)
    }

    async fn get_stream(
        &self,
        uri: Arc<str>,
        session_id: Option<Arc<str>>,
        last_event_id: Option<String>,
        auth_header: Option<String>,
        custom_headers: HashMap<HeaderName, HeaderValue>,
    ) -> HttpResult<BoxedSseResponse> {
        let limits = StreamableHttpResponseLimits::default();
        self.get_stream_with_max_sse_event_size(
            uri,
            session_id,
            last_event_id,
            auth_header,
            custom_headers,
            limits.max_sse_event_size,
        )
        .await
    }

    async fn get_stream_with_max_sse_event_size(
        &self,
        uri: Arc<str>,
        session_id: Option<Arc<str>>,
        last_event_id: Option<String>,
        auth_header: Option<String>,
        custom_headers: HashMap<HeaderName, HeaderValue>,
        max_sse_event_size: usize,
    ) -> HttpResult<BoxedSseResponse> {
        let stream = self.0.get_stream_with_max_sse_event_size(
            uri,
            session_id,
            last_event_id,
            auth_header,
            custom_headers,
            max_sse_event_size,
        );
        without_url(stream.await)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(url: &str, headers: &[(&str, &str)]) -> Result<Endpoint, McpConfigError> {
        let headers: Vec<_> =
            headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Endpoint::new(&"s".into(), url, &headers)
    }

    #[test]
    fn what_is_no_http_url_is_refused_without_repeating_it() {
        for url in ["", "h:1", "localhost:1/mcp", "file:///mcp", "/mcp"] {
            let refused = endpoint(url, &[]).err();
            assert_eq!(refused, Some(McpConfigError::InvalidUrl { server: "s".into() }), "{url:?}");
        }
    }

    #[test]
    fn headers_that_cannot_be_sent_or_belong_to_the_protocol_are_refused() {
        for (name, value) in
            [("a b", "c"), ("a", "b\nc"), ("Mcp-Session-Id", "mine"), ("accept", "text/html")]
        {
            let refused = endpoint("http://h/mcp", &[(name, value)]).err();
            let expected =
                McpConfigError::InvalidHeader { server: "s".into(), header: name.into() };
            assert_eq!(refused, Some(expected));
        }
        assert!(endpoint("https://h/mcp", &[("Authorization", "Bearer secret")]).is_ok());
    }
}
