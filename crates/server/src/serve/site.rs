//! Whom a request is meant for, and which page sent it.
//!
//! A browser runs the pages of strangers beside ours, on the same machine. Two things give them
//! away, which no page can change: the `Host` that the request is meant for, which is the stranger's
//! own name where that was made to point here (DNS rebinding), and `Origin` or `Sec-Fetch-Site`,
//! which say where the page came from. Programs that are no browsers send neither of the latter.

use std::net::{IpAddr, SocketAddr};

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Uri, header, uri::Authority},
    middleware::Next,
    response::{IntoResponse, Response},
};

use super::{Connection, denied::Denied};
use crate::config::ServeConfig;

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const SEC_FETCH_DEST: HeaderName = HeaderName::from_static("sec-fetch-dest");

/// The names of this server, and the sites that may ask it beside its own.
#[derive(Debug, Clone, Default)]
pub(crate) struct Site {
    hosts: Vec<String>,
    addresses: Vec<IpAddr>,
    origins: Vec<Origin>,
}

impl Site {
    /// As configured, at these addresses.
    ///
    /// # Errors
    ///
    /// A [`BadSite`] for what is no host or no origin.
    pub(crate) fn new(config: &ServeConfig, listening: &[SocketAddr]) -> Result<Self, BadSite> {
        let mut hosts = vec!["localhost".to_owned()];
        for host in &config.allow_hosts {
            let parsed: Option<Authority> = host.parse().ok();
            let parsed = parsed.filter(|name| !name.as_str().contains('@'));
            let parsed = parsed.ok_or(BadSite::Host)?;
            hosts.push(parsed.host().to_ascii_lowercase());
        }
        let origin = |text: &String| Origin::parse(text).ok_or(BadSite::Origin);
        Ok(Self {
            hosts,
            addresses: listening.iter().map(SocketAddr::ip).collect(),
            origins: config.allow_origins.iter().map(origin).collect::<Result<_, _>>()?,
        })
    }

    /// The listed origins, as browsers write them.
    pub(crate) fn origins(&self) -> impl Iterator<Item = HeaderValue> {
        self.origins.iter().filter_map(|origin| origin.to_string().parse().ok())
    }

    /// Whether a request may be looked at any further.
    fn check(&self, uri: &Uri, headers: &HeaderMap, local: SocketAddr) -> Result<(), Denied> {
        let host = only(headers, &header::HOST).ok().flatten().ok_or(Denied::ForeignHost)?;
        let host: Authority = host.parse().map_err(|_| Denied::ForeignHost)?;
        // A target may name its host too, and then it counts.
        for name in [Some(&host), uri.authority()].into_iter().flatten() {
            if !self.is_ours(name, local.ip()) {
                return Err(Denied::ForeignHost);
            }
        }
        match only(headers, &header::ORIGIN).map_err(|Unclear| Denied::ForeignOrigin)? {
            Some(origin) => {
                let origin = Origin::parse(origin).ok_or(Denied::ForeignOrigin)?;
                if origin.is_of(&host) {
                    return same_site(headers);
                }
                let listed = self.origins.contains(&origin);
                if listed { Ok(()) } else { Err(Denied::ForeignOrigin) }
            }
            None if follows_a_link(uri, headers) => Ok(()),
            None => same_site(headers),
        }
    }

    /// Whether this is a name of this server: `localhost`, an address that it listens at or that
    /// the connection came in by, or a name that was listed. Ports are not looked at: no page can
    /// choose one for another server.
    fn is_ours(&self, name: &Authority, local: IpAddr) -> bool {
        if name.as_str().contains('@') {
            return false;
        }
        let host = name.host();
        if self.hosts.iter().any(|ours| ours.eq_ignore_ascii_case(host)) {
            return true;
        }
        let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
        address.is_ok_and(|address| {
            let address = address.to_canonical();
            let listens = self.addresses.iter().any(|ours| ours.to_canonical() == address);
            !address.is_unspecified() && (listens || local.to_canonical() == address)
        })
    }
}

/// What cannot be a name of this server, or of another site.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BadSite {
    #[error("expected names of hosts, as in \"chat.example.org\"")]
    Host,
    #[error("expected origins of web sites, as in \"https://chat.example.org\"")]
    Origin,
}

impl BadSite {
    /// The key of the configuration that says so.
    pub(crate) fn keys(self) -> [&'static str; 2] {
        match self {
            Self::Host => ["serve", "allow_hosts"],
            Self::Origin => ["serve", "allow_origins"],
        }
    }
}

/// Turns away what is meant for another host, or was sent by a page of another site.
pub(crate) async fn check(State(site): State<Site>, request: Request, next: Next) -> Response {
    let connection = request.extensions().get::<Connection>();
    let Some(Connection { local, .. }) = connection.copied() else {
        return Denied::ForeignHost.into_response();
    };
    match site.check(request.uri(), request.headers(), local) {
        Ok(()) => next.run(request).await,
        Err(denied) => denied.into_response(),
    }
}

/// Whether a page of this server itself sent the request, as far as browsers tell.
pub(crate) fn sent_by_our_page(headers: &HeaderMap) -> bool {
    let host = only(headers, &header::HOST).ok().flatten().and_then(|host| host.parse().ok());
    let origin = only(headers, &header::ORIGIN).ok().flatten().and_then(Origin::parse);
    match (host, origin) {
        (Some(host), Some(origin)) => origin.is_of(&host),
        _ => only(headers, &SEC_FETCH_SITE) == Ok(Some("same-origin")),
    }
}

/// A header is there more than once, or is no text.
#[derive(Debug, PartialEq, Eq)]
struct Unclear;

/// The value of a header that may be there once.
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a str>, Unclear> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => value.to_str().map(Some).map_err(|_| Unclear),
        _ => Err(Unclear),
    }
}

/// What browsers say of where a request comes from, where they say it.
fn same_site(headers: &HeaderMap) -> Result<(), Denied> {
    match only(headers, &SEC_FETCH_SITE) {
        Ok(None | Some("same-origin" | "none")) => Ok(()),
        // `same-site` is another port of this machine: another program.
        _ => Err(Denied::ForeignOrigin),
    }
}

/// Whether a person comes to the page by a link that may stand anywhere. It shows them only what they
/// may see; but a link with a token could lead them to where somebody else reads along.
fn follows_a_link(uri: &Uri, headers: &HeaderMap) -> bool {
    uri.path() == "/"
        && uri.query().is_none()
        && only(headers, &SEC_FETCH_DEST) == Ok(Some("document"))
}

/// Where a page came from: scheme, host, and port where it is not the scheme's own.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Origin {
    scheme: &'static str,
    authority: String,
}

impl Origin {
    fn parse(text: &str) -> Option<Self> {
        let (scheme, rest) = match text.split_once("://")? {
            ("http", rest) => ("http", rest),
            ("https", rest) => ("https", rest),
            _ => return None,
        };
        let authority: Authority = rest.parse().ok()?;
        if authority.as_str().contains('@') {
            return None;
        }
        Some(Self { scheme, authority: without_port_of(scheme, &authority) })
    }

    /// Whether pages of this host come from there. Whoever stands between may have taken the TLS
    /// off, so the scheme is not compared.
    fn is_of(&self, host: &Authority) -> bool {
        self.authority == without_port_of(self.scheme, host)
    }
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}://{}", self.scheme, self.authority)
    }
}

/// Host and port, but for the port that the scheme has anyway.
fn without_port_of(scheme: &str, authority: &Authority) -> String {
    let own = if scheme == "https" { ":443" } else { ":80" };
    let text = authority.as_str().to_ascii_lowercase();
    text.strip_suffix(own).map(str::to_owned).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOCAL: &str = "127.0.0.1:7777";

    fn site() -> Site {
        let config = ServeConfig {
            allow_hosts: vec!["Chat.Example.org".to_owned()],
            allow_origins: vec!["https://app.example.org".to_owned()],
            ..ServeConfig::default()
        };
        Site::new(&config, &[LOCAL.parse().unwrap()]).unwrap()
    }

    fn checked(target: &str, headers: &[(&str, &str)]) -> Result<(), Denied> {
        let headers = headers.iter().map(|(name, value)| {
            (name.parse::<HeaderName>().unwrap(), value.parse::<HeaderValue>().unwrap())
        });
        let headers: HeaderMap = headers.collect();
        site().check(&target.parse().unwrap(), &headers, LOCAL.parse().unwrap())
    }

    // issue 6: DNS rebinding
    #[test]
    fn only_names_of_this_server_are_taken_as_the_host() {
        for host in [
            "127.0.0.1:7777",
            "127.0.0.1",
            "localhost:7777",
            "LOCALHOST:1234",
            "chat.example.org",
            "chat.example.org:443",
            "[::ffff:127.0.0.1]:7777",
        ] {
            assert_eq!(checked("/", &[("host", host)]), Ok(()), "{host}");
        }
        for host in [
            "",
            "evil.example",
            "evil.example:7777",
            "localhost.evil.example",
            "localhost.",
            "localhost@evil.example",
            "evil@localhost",
            "127.0.0.2:7777",
            "0.0.0.0:7777",
            "[::1]:7777",
            "[::]:7777",
            "2130706433",
            "sub.chat.example.org",
            "localhost:7777 evil.example",
            "localhost, evil.example",
        ] {
            assert_eq!(checked("/", &[("host", host)]), Err(Denied::ForeignHost), "{host}");
        }
        assert_eq!(checked("/", &[]), Err(Denied::ForeignHost));
        let target = "http://evil.example/";
        assert_eq!(checked(target, &[("host", "localhost")]), Err(Denied::ForeignHost));
        let twice = [("host", "localhost"), ("host", "localhost")];
        assert_eq!(checked("/", &twice), Err(Denied::ForeignHost));
    }

    // issue 6: cross-site use
    #[test]
    fn pages_of_other_sites_are_turned_away_and_listed_ones_are_not() {
        let from = |said: &[(&str, &str)]| {
            let mut headers = vec![("host", "localhost:7777")];
            headers.extend(said);
            checked("/", &headers)
        };
        for said in [
            [].as_slice(),
            &[("origin", "http://localhost:7777")],
            &[("origin", "http://localhost:7777"), ("sec-fetch-site", "same-origin")],
            &[("origin", "https://app.example.org"), ("sec-fetch-site", "cross-site")],
            &[("sec-fetch-site", "none")],
        ] {
            assert_eq!(from(said), Ok(()), "{said:?}");
        }
        for said in [
            [("origin", "http://localhost:3000")].as_slice(),
            &[("origin", "http://127.0.0.1:7777")],
            &[("origin", "http://evil.example")],
            &[("origin", "http://app.example.org")],
            &[("origin", "https://app.example.org.evil.example")],
            &[("origin", "https://x@app.example.org")],
            &[("origin", "null")],
            &[("origin", "")],
            &[("origin", "file://")],
            &[("origin", "http://localhost:7777"), ("origin", "http://localhost:7777")],
            &[("origin", "http://localhost:7777"), ("sec-fetch-site", "cross-site")],
            &[("sec-fetch-site", "cross-site")],
            &[("sec-fetch-site", "same-site")],
            &[("sec-fetch-site", "whatever")],
        ] {
            assert_eq!(from(said), Err(Denied::ForeignOrigin), "{said:?}");
        }
    }

    // issue 7: the page behind the link
    #[test]
    fn the_page_can_be_linked_from_anywhere_and_nothing_else_can() {
        let from = |path, kind| {
            let site = ("sec-fetch-site", "cross-site");
            checked(path, &[("host", "localhost:7777"), site, ("sec-fetch-dest", kind)])
        };
        assert_eq!(from("/", "document"), Ok(()));
        // A frame, a picture, a script; and a token that somebody else chose.
        for kind in ["iframe", "image", "script", "empty"] {
            assert_eq!(from("/", kind), Err(Denied::ForeignOrigin), "{kind}");
        }
        for path in ["/?token=theirs", "/app.js", "/v1/worlds/home", "/metrics"] {
            assert_eq!(from(path, "document"), Err(Denied::ForeignOrigin), "{path}");
        }
    }

    #[test]
    fn behind_a_proxy_that_takes_off_the_tls_the_own_page_is_the_own_page() {
        let from = |origin| checked("/", &[("host", "chat.example.org"), ("origin", origin)]);
        assert_eq!(from("https://chat.example.org"), Ok(()));
        assert_eq!(from("https://chat.example.org:443"), Ok(()));
        assert_eq!(from("https://chat.example.org:8443"), Err(Denied::ForeignOrigin));
    }

    #[test]
    fn what_is_no_host_or_origin_is_no_configuration() {
        let new = |hosts: &[&str], origins: &[&str]| {
            let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
            let config = ServeConfig {
                allow_hosts: owned(hosts),
                allow_origins: owned(origins),
                ..ServeConfig::default()
            };
            Site::new(&config, &[])
        };
        assert!(matches!(new(&["https://x"], &[]), Err(BadSite::Host)));
        assert!(matches!(new(&[], &["*"]), Err(BadSite::Origin)));
        assert!(matches!(new(&[], &["https://x/path"]), Err(BadSite::Origin)));
        let site = new(&[], &["https://x:443"]).unwrap();
        assert_eq!(site.origins().collect::<Vec<_>>(), ["https://x"]);
    }
}
