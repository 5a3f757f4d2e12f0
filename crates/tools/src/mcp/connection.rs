//! One connection to one server, from its handshake to its end, and the calls on it.

use std::{io, sync::Arc, time::Duration};

use futures_util::future::BoxFuture;
use polychat_core::{content::Text, ports::ToolSink};
use rmcp::{
    RoleClient, ServiceExt,
    model::{
        CallToolRequest, CallToolRequestParams, ClientCapabilities, ClientConfig, ClientRequest,
        Implementation, JsonObject, PingRequest, ProtocolVersion, ServerResult,
    },
    service::{
        ClientCacheConfig, ClientInitializeError, Peer, PeerRequestOptions, RequestHandle,
        RunningService, ServiceError,
    },
    transport::Transport,
};
use tokio::{runtime::Handle, sync::Semaphore, time::timeout};

use super::{
    config::{CheckedReach, Config},
    failure,
    pipe::Pipe,
    process::ProcessLink,
    tap::{Tap, Ticket},
    wire::Wire,
};

/// How long a server may take for a sign of life, once it is asked for one.
const LIFE_DURATION_MAX: Duration = Duration::from_secs(10);

/// A connection whose handshake is done. Dropping it ends the connection, and the process if there
/// is one.
pub(super) struct Connection {
    wire: Arc<Wire>,
    service: RunningService<RoleClient, ClientConfig>,
    pid: Option<u32>,
    places: Arc<Semaphore>,
    runtime: Handle,
}

/// Why a server could not be started.
#[derive(Debug, thiserror::Error)]
pub(super) enum StartError {
    #[error("it cannot be reached: {0}")]
    Reach(#[from] io::Error),
    #[error("the handshake failed: {0}")]
    Handshake(Text),
    #[error("it does not say what tools it has: {0}")]
    Listing(Text),
    #[error("it was not ready within {0:?}")]
    TooSlow(Duration),
    #[error("starting it panicked")]
    Panicked,
}

/// Why a call has no result.
#[derive(Debug)]
pub(super) enum CallError {
    /// The connection has ended.
    Ended(Text),
    /// The server answered with an error, or could not be asked.
    Service(ServiceError),
}

impl Connection {
    /// Reaches a server and shakes hands with it. Dropping the future undoes all of it.
    pub(super) async fn open(config: &Config) -> Result<Self, StartError> {
        let wire = Arc::new(Wire::default());
        let bytes_max = config.limits.message_bytes_max;
        match &config.reach {
            CheckedReach::Stdio(process) => {
                let name = Arc::clone(&config.name);
                let link = ProcessLink::start(process, name, bytes_max, Arc::clone(&wire))?;
                let pid = link.pid();
                Self::shake_hands(link, wire, config, pid).await
            }
            CheckedReach::Http(endpoint) => {
                Self::shake_hands(endpoint.link(&config.limits), wire, config, None).await
            }
            CheckedReach::Stream(connect) => {
                let stream = connect.connect().await?;
                let link = Pipe::new(stream.read, stream.write, bytes_max, Arc::clone(&wire));
                Self::shake_hands(link, wire, config, None).await
            }
        }
    }

    async fn shake_hands(
        link: impl Transport<RoleClient> + 'static,
        wire: Arc<Wire>,
        config: &Config,
        pid: Option<u32>,
    ) -> Result<Self, StartError> {
        let tap = Tap::new(link, Arc::clone(&wire));
        // Boxed: otherwise the compiler loses sight of its being `Send`.
        let served: BoxFuture<'static, _> = Box::pin(us().serve(tap));
        let service = served.await.map_err(|error| StartError::Handshake(reason(&error, &wire)))?;
        // Lists are asked for when they have changed, so what was heard before is of no use.
        service.set_response_cache_config(ClientCacheConfig::disabled()).await;
        let places = config.limits.calls_in_flight_max.clamp(1, Semaphore::MAX_PERMITS);
        Ok(Self {
            wire,
            service,
            pid,
            places: Arc::new(Semaphore::new(places)),
            runtime: Handle::current(),
        })
    }

    pub(super) fn peer(&self) -> &Peer<RoleClient> {
        self.service.peer()
    }

    pub(super) fn wire(&self) -> &Arc<Wire> {
        &self.wire
    }

    pub(super) fn pid(&self) -> Option<u32> {
        self.pid
    }

    /// Calls a tool. Progress of this very call goes to the sink.
    ///
    /// Dropping the future tells the server that nobody waits any more.
    pub(super) async fn call(
        &self,
        tool: &str,
        arguments: JsonObject,
        sink: ToolSink,
    ) -> Result<ServerResult, CallError> {
        let work = async {
            let place = Arc::clone(&self.places).acquire_owned().await;
            let place = Arc::new(place.map_err(|_| ServiceError::TransportClosed)?);
            let route = self.wire.route(sink);
            let params = CallToolRequestParams::new(tool.to_owned()).with_arguments(arguments);
            let mut request = CallToolRequest::new(params);
            let ticket = Ticket { token: route.token(), _place: Arc::clone(&place) };
            request.extensions.insert(ticket);
            let request = ClientRequest::CallToolRequest(request);
            let options = PeerRequestOptions::no_options();
            let heard = self.wire.heard();
            let handle = self.peer().send_request_with_option(request, options).await?;
            OpenCall { handle: Some(handle), connection: self, heard }.answer().await
        };
        tokio::select! {
            biased;
            // An answer that came right before the end counts.
            answer = work => answer.map_err(|error| match error {
                // Over HTTP, the stream of this very call may have broken off.
                ServiceError::TransportClosed if !self.wire.has_ended() => {
                    CallError::Ended("the connection has broken off".into())
                }
                ServiceError::TransportClosed => CallError::Ended(self.wire.why_ended()),
                other => CallError::Service(other),
            }),
            () = self.wire.ended() => Err(CallError::Ended(self.wire.why_ended())),
        }
    }

    /// Ends the connection in an orderly way, and waits for that. Calls on it fail at once.
    pub(super) async fn close(&self) {
        self.wire.end("it was stopped");
        self.service.cancellation_token().cancel();
        self.wire.gone().await;
    }
}

/// A call that was sent. Dropped without an answer, it is cancelled.
struct OpenCall<'a> {
    handle: Option<RequestHandle<RoleClient>>,
    connection: &'a Connection,
    /// How many messages had come from the server when it was made.
    heard: u64,
}

impl OpenCall<'_> {
    async fn answer(mut self) -> Result<ServerResult, ServiceError> {
        let answer = match &mut self.handle {
            Some(handle) => (&mut handle.rx).await,
            None => return Err(ServiceError::TransportClosed),
        };
        self.handle = None;
        answer.unwrap_or(Err(ServiceError::TransportClosed))
    }
}

impl Drop for OpenCall<'_> {
    fn drop(&mut self) {
        let Some(handle) = self.handle.take() else { return };
        let word = "nobody waits for it any more".to_owned();
        let doubtful = self.connection.wire.given_up(self.heard);
        let doubted = doubtful.then(|| {
            (self.connection.peer().clone(), Arc::clone(&self.connection.wire), self.heard)
        });
        self.connection.runtime.spawn(async move {
            let _ = handle.cancel(Some(word)).await;
            if let Some((peer, wire, heard)) = doubted {
                ask_for_life(peer, &wire, heard).await;
            }
        });
    }
}

/// Gives a server up that says nothing at all, not even that it is still there: as long as it does
/// not end, nothing else would end the connection, and each call would wait for its time limit.
async fn ask_for_life(peer: Peer<RoleClient>, wire: &Wire, heard: u64) {
    let ping = ClientRequest::PingRequest(PingRequest::default());
    // Boxed: otherwise the compiler loses sight of its being `Send`.
    let ping: BoxFuture<'_, _> = Box::pin(peer.send_request(ping));
    // Any message is a sign of life, so what comes back does not matter.
    let _ = timeout(LIFE_DURATION_MAX, ping).await;
    if wire.heard() == heard {
        wire.end("it does not answer");
    }
}

/// Who we say we are, and what we can do for a server: nothing. `rmcp` then refuses what it asks.
fn us() -> ClientConfig {
    let name = Implementation::new("polychat", env!("CARGO_PKG_VERSION"));
    // The newest version that begins with a handshake, which all servers know.
    ClientConfig::new(ClientCapabilities::default(), name)
        .with_protocol_version(ProtocolVersion::LATEST_WITH_INITIALIZE)
}

/// What operators are told of a handshake that failed.
fn reason(error: &ClientInitializeError, wire: &Wire) -> Text {
    match error {
        ClientInitializeError::JsonRpcError(error) => error.message.as_ref().into(),
        ClientInitializeError::ConnectionClosed(_) => wire.why_ended(),
        ClientInitializeError::TransportError { error, .. } => failure::send_reason(error).into(),
        other => other.to_string().into(),
    }
}
