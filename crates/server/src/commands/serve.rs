//! `polychat serve`: the worlds over HTTP, for browsers and whoever else speaks it.
//!
//! It lives until a signal. What stands between a connection and a world is in `crate::serve`; here
//! it is made of what is configured, and ended in order.

use std::{io::Write, net::SocketAddr, process::ExitCode, sync::Arc};

use polychat::{Exports, WorldId, ports::HostRegistry, transport::http::HttpOptions};
use tokio::net::TcpListener;

use crate::{
    args::HouseArgs,
    config::{Configured, Said, ServeConfig, Token as TokenConfig},
    ending::{DRAIN_DURATION, Signals, or_at_once},
    error::Error,
    house::{House, secret::Kept},
    serve::{
        Front,
        grants::{Grant, Grants},
        listener::Serving,
        metrics,
        site::Site,
        token::{Token, TokenHash},
    },
};

/// The name in logs of whoever comes by a token that was made at the start.
const LINK: &str = "link";
/// The name in logs of everybody, where no token is needed.
const EVERYBODY: &str = "everybody";

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Where to listen; may be given several times. Port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS")]
    listen: Vec<String>,
    /// Lets everybody in. Only on addresses of this machine alone.
    #[arg(long)]
    no_auth: bool,
    /// A name under which the server may be asked beside `localhost` and its addresses, as behind a
    /// proxy; may be given several times.
    #[arg(long, value_name = "HOST")]
    allow_host: Vec<String>,
    /// A web origin whose pages may use the server, as in `https://example.org`; may be given several
    /// times.
    #[arg(long, value_name = "ORIGIN")]
    allow_origin: Vec<String>,
    #[command(flatten)]
    house: HouseArgs,
}

impl Args {
    /// What the options say of the configuration.
    pub(crate) fn said(&self) -> Vec<Said> {
        let mut said = self.house.said();
        if self.no_auth {
            said.push(Said::option("--no-auth", &["serve", "auth"], false));
        }
        let mut list = |option, keys, values: &Vec<String>| {
            if !values.is_empty() {
                said.push(Said::option(option, keys, values.clone()));
            }
        };
        list("--listen", &["serve", "listen"], &self.listen);
        list("--allow-host", &["serve", "allow_hosts"], &self.allow_host);
        list("--allow-origin", &["serve", "allow_origins"], &self.allow_origin);
        said
    }
}

pub(crate) async fn run(configured: &Configured) -> Result<ExitCode, Error> {
    let mut signals = Signals::listen()?;
    let config = &configured.config.serve;
    // What is wrong with the configuration is said before anything is opened.
    let listeners = bind(&config.listen).await?;
    let addresses: Vec<SocketAddr> = listeners.iter().map(|(_, address)| *address).collect();
    let site = Site::new(config, &addresses);
    let site = site.map_err(|bad| configured.wrong(bad.keys(), bad.to_string()))?;
    let (grants, token) = let_in(configured, &addresses)?;
    let house = House::open(configured).await?;
    let options = options(config);
    let stop = options.closing.clone();
    let front = Front {
        worlds: house.worlds().iter().map(|(id, world)| (id.clone(), world.clone())).collect(),
        hosts: house.hosts().map(|hosts| Arc::new(hosts.clone()) as Arc<dyn HostRegistry>),
        options,
        grants,
        site,
        limits: config.limits.clone(),
        metrics: metrics::install().map_err(Error::Metrics)?,
        metrics_open: config.metrics_open,
    };
    let serving = Serving::new(front.router(), &config.limits, stop.clone());
    for (listener, _) in listeners {
        serving.listen(listener);
    }
    tell(&addresses, token.as_ref());
    signals.next().await;
    let closing = async {
        // Streams end, and nobody new comes in; then the turns get their time, and with them
        // whoever asked for something that is not answered yet.
        stop.cancel();
        house.close().await;
        serving.drain(DRAIN_DURATION).await;
    };
    Ok(or_at_once(closing, &mut signals).await)
}

/// Takes these addresses.
async fn bind(addresses: &[String]) -> Result<Vec<(TcpListener, SocketAddr)>, Error> {
    let mut listeners = Vec::new();
    for address in addresses {
        let error = |source| Error::Listen { address: address.clone(), source };
        let listener = TcpListener::bind(address).await.map_err(error)?;
        let local = listener.local_addr().map_err(error)?;
        listeners.push((listener, local));
    }
    Ok(listeners)
}

fn options(config: &ServeConfig) -> HttpOptions {
    let mut options = HttpOptions::default();
    options.heartbeat_interval = config.heartbeat_interval.0;
    options.retry_after = config.retry_after.0;
    options.wait_duration_max = config.wait_duration_max.0;
    options.wire.command_bytes_max = config.limits.body_bytes_max;
    options.wants_bearer = config.auth;
    options.exporter = Some(Arc::new(Exports));
    options
}

/// Who is let in; and the token that was made for it, if one was.
fn let_in(
    configured: &Configured,
    addresses: &[SocketAddr],
) -> Result<(Grants, Option<Token>), Error> {
    let config = &configured.config.serve;
    if !config.auth {
        let others = addresses.iter().find(|address| !address.ip().is_loopback());
        if let Some(address) = others {
            let what = format!("everybody could come in at {address}, not this machine alone");
            return Err(configured.wrong(["serve", "auth"], what).into());
        }
        return Ok((Grants::Everybody(Grant::whole(EVERYBODY, &config.limits).into()), None));
    }
    if config.tokens.is_empty() {
        let token = Token::generate().map_err(Error::Random)?;
        let grant = Grant::whole(LINK, &config.limits);
        return Ok((Grants::Tokens(vec![(token.hash(), grant.into())]), Some(token)));
    }
    let mut tokens: Vec<(TokenHash, Arc<Grant>)> = Vec::new();
    for (name, token) in &config.tokens {
        let hash = hash_of(configured, name, token)?;
        if tokens.iter().any(|(other, _)| other.same(&hash).into()) {
            let what = "this token has another name already";
            return Err(configured.wrong(["serve", "tokens", name], what).into());
        }
        tokens.push((hash, grant_of(configured, name, token)?.into()));
    }
    Ok((Grants::Tokens(tokens), None))
}

/// What is kept of a token, wherever it is itself.
fn hash_of(configured: &Configured, name: &str, token: &TokenConfig) -> Result<TokenHash, Error> {
    let keys = |key| ["serve", "tokens", name, key];
    let (variable, file) = (keys("token_env"), keys("token_file"));
    let kept = Kept { variable: token.token_env.as_deref(), file: token.token_file.as_deref() };
    let chosen = kept.read(configured, &variable, &file)?;
    match (&token.hash, chosen) {
        (Some(hash), None) => {
            let hash = hash.parse::<TokenHash>();
            Ok(hash.map_err(|bad| configured.wrong(keys("hash"), bad.to_string()))?)
        }
        (None, Some(chosen)) => {
            let at = if token.token_env.is_some() { variable } else { file };
            let chosen = Token::chosen(&chosen);
            Ok(chosen.map_err(|bad| configured.wrong(at, bad.to_string()))?.hash())
        }
        _ => {
            let what = "expected one of hash, token_env and token_file";
            Err(configured.wrong(["serve", "tokens", name], what).into())
        }
    }
}

/// What a token is good for.
fn grant_of(configured: &Configured, name: &str, token: &TokenConfig) -> Result<Grant, Error> {
    let mut grant = Grant::whole(name, &configured.config.serve.limits);
    if let Some(names) = &token.worlds {
        let world = |world: &String| {
            let known = configured.config.worlds.contains_key(world);
            WorldId::new(world).ok().filter(|_| known).ok_or_else(|| {
                let what = format!("there is no world {world:?}");
                configured.wrong(["serve", "tokens", name, "worlds"], what)
            })
        };
        let worlds = names.iter().map(world).collect::<Result<Vec<_>, _>>()?;
        grant = grant.worlds(worlds);
    }
    Ok(if token.read_only { grant.reading() } else { grant })
}

/// Tells whoever started this where it is. A token that was made for them is told here and nowhere
/// else.
fn tell(addresses: &[SocketAddr], token: Option<&Token>) {
    let mut out = std::io::stdout();
    for address in addresses {
        if !address.ip().is_loopback() {
            tracing::warn!(%address, "tokens and chats pass unencrypted: have a proxy speak TLS");
        }
        // All addresses of a machine have no address themselves.
        let place = if address.ip().is_unspecified() {
            format!("localhost:{}", address.port())
        } else {
            address.to_string()
        };
        let query = token.map(|token| format!("?token={}", token.as_str())).unwrap_or_default();
        // Nobody may be reading.
        let _ = writeln!(out, "http://{place}/{query}");
    }
}
