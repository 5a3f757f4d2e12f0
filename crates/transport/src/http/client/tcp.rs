//! Plain connections over TCP.

use std::io;

use tokio::net::TcpStream;

use super::url::WorldUrl;
use crate::ipc::Connect;

/// Makes plain connections over TCP, for addresses without TLS.
#[derive(Debug, Clone)]
pub struct Tcp {
    host: String,
    port: u16,
    secure: bool,
}

impl Tcp {
    /// Connections to the host of this address.
    #[must_use]
    pub fn to(url: &WorldUrl) -> Self {
        Self { host: url.host().into(), port: url.port(), secure: url.is_secure() }
    }
}

impl Connect for Tcp {
    type Io = TcpStream;

    async fn connect(&self) -> io::Result<TcpStream> {
        if self.secure {
            // What is meant to be secret is not said in the clear.
            let why = "there is no TLS here: bring a connector of your own";
            return Err(io::Error::new(io::ErrorKind::Unsupported, why));
        }
        let stream = TcpStream::connect((self.host.as_str(), self.port)).await?;
        // A request is small, and whoever asks waits for it.
        stream.set_nodelay(true)?;
        Ok(stream)
    }
}
