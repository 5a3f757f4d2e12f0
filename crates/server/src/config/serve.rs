//! `polychat serve`: where it listens, who is let in, and how much.

use std::{collections::BTreeMap, path::PathBuf};

use serde::{Deserialize, Deserializer, Serialize};

use super::Span;

/// What [`ServeConfig::listen`] is by default: this machine only.
const LISTEN: &str = "127.0.0.1:7777";

/// How the worlds are served over HTTP.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ServeConfig {
    /// Where to listen, each an address and a port; port 0 takes a free one.
    #[serde(deserialize_with = "one_or_many")]
    pub(crate) listen: Vec<String>,
    /// Whether callers need a token. Without only on addresses of this machine alone.
    pub(crate) auth: bool,
    /// The tokens, by names for logs; without any one is made at each start.
    pub(crate) tokens: BTreeMap<String, Token>,
    /// Names under which the server may be asked, beside `localhost` and where it listens.
    #[serde(deserialize_with = "one_or_many")]
    pub(crate) allow_hosts: Vec<String>,
    /// Web origins that may use it, as in `https://example.org`.
    #[serde(deserialize_with = "one_or_many")]
    pub(crate) allow_origins: Vec<String>,
    /// Whether `/metrics` needs no token.
    pub(crate) metrics_open: bool,
    /// How long a stream of events may be silent before a heartbeat says that it lives.
    pub(crate) heartbeat_interval: Span,
    /// After how long a client of a stream that broke should come back.
    pub(crate) retry_after: Span,
    /// How long `?wait=outcome` waits at most.
    pub(crate) wait_duration_max: Span,
    /// How much one caller may use.
    pub(crate) limits: ServeLimits,
}

impl Default for ServeConfig {
    fn default() -> Self {
        Self {
            listen: vec![LISTEN.to_owned()],
            auth: true,
            tokens: BTreeMap::new(),
            allow_hosts: Vec::new(),
            allow_origins: Vec::new(),
            metrics_open: false,
            heartbeat_interval: Span::secs(15),
            retry_after: Span::secs(1),
            wait_duration_max: Span::secs(30 * 60),
            limits: ServeLimits::default(),
        }
    }
}

/// A list, or the only entry of one.
fn one_or_many<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "expected a text or a list of texts")]
    enum OneOrMany {
        One(String),
        Many(Vec<String>),
    }
    Ok(match OneOrMany::deserialize(deserializer)? {
        OneOrMany::One(text) => vec![text],
        OneOrMany::Many(texts) => texts,
    })
}

/// Who may come in: a secret, told by its hash or by where it is kept.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Token {
    /// `sha256:` and the SHA-256 of the token in hexadecimal, as `polychat token` prints it.
    pub(crate) hash: Option<String>,
    /// The environment variable that holds the token.
    pub(crate) token_env: Option<String>,
    /// The file that holds the token.
    pub(crate) token_file: Option<PathBuf>,
    /// The worlds that it opens; without it all.
    pub(crate) worlds: Option<Vec<String>>,
    /// Whether it opens them for reading only.
    pub(crate) read_only: bool,
}

/// How much comes in over HTTP. Beyond is refused with status 413, 414, 429, 431, or 503.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ServeLimits {
    /// Connections at the same time.
    pub(crate) connections_max: usize,
    /// Size of an address.
    pub(crate) url_bytes_max: usize,
    /// Headers of a request.
    pub(crate) headers_max: usize,
    /// Size of a request without its body.
    pub(crate) head_bytes_max: usize,
    /// How long a request may take to come, without its body.
    pub(crate) head_duration_max: Span,
    /// How long the body may take after that.
    pub(crate) body_duration_max: Span,
    /// Size of a body.
    pub(crate) body_bytes_max: usize,
    /// Streams of events and sockets at the same time, for each token.
    pub(crate) streams_per_token_max: usize,
    /// Requests that wait for an outcome at the same time, for each token.
    pub(crate) waits_per_token_max: usize,
    /// Prompts in a minute, for each token.
    pub(crate) prompts_per_minute_max: u32,
}

impl Default for ServeLimits {
    fn default() -> Self {
        Self {
            connections_max: 4_096,
            url_bytes_max: 8 * 1024,
            headers_max: 64,
            head_bytes_max: 32 * 1024,
            head_duration_max: Span::secs(10),
            body_duration_max: Span::secs(30),
            body_bytes_max: 8 * 1024 * 1024,
            streams_per_token_max: 256,
            waits_per_token_max: 1_024,
            prompts_per_minute_max: 600,
        }
    }
}
