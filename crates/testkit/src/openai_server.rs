//! A small OpenAI-compatible server that misbehaves on request.
//!
//! It serves `POST /v1/chat/completions` as server-sent events on a free port of 127.0.0.1. Tests
//! of model drivers tell it what to do with each request and look at what it was sent. It is for
//! tests only: what it records grows with every request.
//!
//! Which [`Behaviour`] a request meets: the one registered with [`OpenAiServer::when`] for the text
//! of its last user message; else the next one of the queue ([`OpenAiServer::then`]); else the
//! server echoes that text word by word.

mod behaviour;
mod record;
mod serve;

use std::{io, net::SocketAddr, sync::Arc};

use tokio::{net::TcpListener, task::AbortHandle};

pub use behaviour::{Behaviour, Frame};
pub use record::Received;
use record::Shared;

/// The running server. Dropping it stops it.
///
/// ```
/// use polychat_testkit::openai_server::{Behaviour, OpenAiServer};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> std::io::Result<()> {
/// let server = OpenAiServer::start().await?;
/// server.then(Behaviour::rate_limited("2"));
/// server.when("break", Behaviour::cut_after("hel"));
/// println!("{}", server.base_url()); // http://127.0.0.1:…/v1
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct OpenAiServer {
    address: SocketAddr,
    shared: Arc<Shared>,
    task: AbortHandle,
}

impl OpenAiServer {
    /// Starts a server on a free port of 127.0.0.1.
    ///
    /// # Errors
    ///
    /// When the port cannot be bound.
    pub async fn start() -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let shared = Arc::<Shared>::default();
        let router = serve::router(Arc::clone(&shared));
        let task = tokio::spawn(async move {
            // It ends only by being aborted; a failed accept is retried inside.
            let _ = axum::serve(listener, router).await;
        })
        .abort_handle();
        Ok(Self { address, shared, task })
    }

    /// What a client calls its base URL, without a slash at the end.
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// Appends a behaviour to the queue: one request uses it up.
    pub fn then(&self, behaviour: Behaviour) {
        self.shared.lock().queue.push_back(behaviour);
    }

    /// Sets the behaviour for every request whose last user message is exactly `text`.
    pub fn when(&self, text: &str, behaviour: Behaviour) {
        self.shared.lock().by_text.insert(text.to_owned(), behaviour);
    }

    /// All requests until now, in the order in which they came.
    #[must_use]
    pub fn received(&self) -> Vec<Received> {
        self.shared.lock().received.clone()
    }

    /// How many answers are under way; a client that goes away ends its own.
    #[must_use]
    pub fn answers_open(&self) -> usize {
        *self.shared.open.borrow()
    }

    /// Waits until exactly this many answers are under way.
    ///
    /// Dropping the future is harmless.
    pub async fn answers_open_reach(&self, count: usize) {
        let mut open = self.shared.open.subscribe();
        // The sender lives in `shared`, so waiting cannot fail.
        let _ = open.wait_for(|open| *open == count).await;
    }
}

impl Drop for OpenAiServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}
