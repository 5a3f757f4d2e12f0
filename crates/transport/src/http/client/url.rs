//! Where a world is served.

use std::{fmt, str::FromStr};

use hyper::{Uri, http::uri::Authority};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use polychat_core::WorldId;

/// What stands in a path or a query as it is; all else is spelled in percent.
const SPELLED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A name or value as it stands in a path or a query.
pub(super) fn spelled(text: &str) -> impl fmt::Display + '_ {
    utf8_percent_encode(text, SPELLED)
}

/// The address of a world: `http://host:port/v1/worlds/{world}`, under whatever path that begins.
///
/// `http` and `ws` are taken alike, because one server has both. `https` and `wss` are taken, too, but
/// there is no TLS here: whoever wants it brings a [`Connect`](crate::ipc::Connect) of their own.
///
/// ```
/// use polychat_transport::http::client::WorldUrl;
///
/// let url: WorldUrl = "http://127.0.0.1:7777/v1/worlds/home".parse()?;
/// assert_eq!(url.world_id().as_str(), "home");
/// assert_eq!((url.host(), url.port()), ("127.0.0.1", 7777));
/// # Ok::<(), polychat_transport::http::client::RejectedUrl>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorldUrl {
    secure: bool,
    authority: Authority,
    /// Up to and with the world, without a slash behind it.
    path: String,
    world_id: WorldId,
}

/// What is no address of a world.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not the address of a world: {why}")]
pub struct RejectedUrl {
    why: String,
}

impl RejectedUrl {
    fn because(why: impl fmt::Display) -> Self {
        Self { why: why.to_string() }
    }
}

impl WorldUrl {
    /// The world that is served there.
    #[must_use]
    pub fn world_id(&self) -> &WorldId {
        &self.world_id
    }

    /// Whether it asks for TLS.
    #[must_use]
    pub fn is_secure(&self) -> bool {
        self.secure
    }

    /// The name or address of the host; one of IPv6 without its brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        let host = self.authority.host();
        host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
    }

    /// The port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.authority.port_u16().unwrap_or(if self.secure { 443 } else { 80 })
    }

    /// The address of something below the world, spelled already.
    pub(super) fn http(&self, below: &str) -> String {
        let scheme = if self.secure { "https" } else { "http" };
        format!("{scheme}://{}{}{below}", self.authority, self.path)
    }

    /// The address of its WebSocket.
    pub(super) fn socket(&self) -> String {
        let scheme = if self.secure { "wss" } else { "ws" };
        format!("{scheme}://{}{}/socket", self.authority, self.path)
    }
}

impl FromStr for WorldUrl {
    type Err = RejectedUrl;

    fn from_str(text: &str) -> Result<Self, RejectedUrl> {
        // A library that parses addresses would drop it, and the server never see it.
        if text.contains('#') {
            return Err(RejectedUrl::because("it has a fragment"));
        }
        let uri: Uri = text.parse().map_err(RejectedUrl::because)?;
        let secure = match uri.scheme_str() {
            Some("http" | "ws") => false,
            Some("https" | "wss") => true,
            _ => return Err(RejectedUrl::because("its scheme is not http, https, ws or wss")),
        };
        let authority = uri.authority().ok_or_else(|| RejectedUrl::because("it has no host"))?;
        if authority.as_str().contains('@') {
            return Err(RejectedUrl::because("it names a user; who asks is said in a header"));
        }
        if uri.query().is_some() {
            return Err(RejectedUrl::because("it has a query"));
        }
        let path = uri.path().strip_suffix('/').unwrap_or(uri.path());
        let mut steps = path.rsplit('/');
        let (world, worlds, version) = (steps.next(), steps.next(), steps.next());
        if (worlds, version) != (Some("worlds"), Some("v1")) {
            return Err(RejectedUrl::because("its path does not end in /v1/worlds/{world}"));
        }
        let world = percent_decode_str(world.unwrap_or_default()).decode_utf8();
        let world_id = WorldId::new(world.map_err(RejectedUrl::because)?)
            .map_err(|error| RejectedUrl::because(format_args!("its world: {error}")))?;
        Ok(Self { secure, authority: authority.clone(), path: path.into(), world_id })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_taken_apart_and_put_together() {
        let url: WorldUrl = "http://[::1]:7777/chats/v1/worlds/a%20b/".parse().unwrap();
        assert_eq!((url.host(), url.port(), url.is_secure()), ("::1", 7777, false));
        assert_eq!(url.world_id().as_str(), "a b");
        assert_eq!(url.http("/chats"), "http://[::1]:7777/chats/v1/worlds/a%20b/chats");
        assert_eq!(url.socket(), "ws://[::1]:7777/chats/v1/worlds/a%20b/socket");
        let url: WorldUrl = "wss://host/v1/worlds/w".parse().unwrap();
        assert_eq!((url.host(), url.port(), url.is_secure()), ("host", 443, true));
        assert_eq!(url.http(""), "https://host/v1/worlds/w");
    }

    #[test]
    fn what_is_no_address_of_a_world_is_refused() {
        for wrong in [
            "",
            "/v1/worlds/w",
            "ftp://host/v1/worlds/w",
            "http://host",
            "http://host/v1/worlds/",
            "http://host/v1/worlds/w/socket",
            "http://host/v2/worlds/w",
            "http://host/v1/worlds/w?token=t",
            "http://host/v1/worlds/w#chat",
            "http://user:secret@host/v1/worlds/w",
            "http://host/v1/worlds/%ff",
            "http://host/v1/worlds/%2e%2e",
        ] {
            let rejected = wrong.parse::<WorldUrl>();
            assert!(rejected.is_err(), "{wrong}: {rejected:?}");
            assert!(!rejected.unwrap_err().to_string().contains("secret"), "{wrong}");
        }
    }
}
