//! What ends a WebSocket before its time, and the code with which it is closed.

use std::io;

use tokio_tungstenite::tungstenite::{
    self, error::ProtocolError, protocol::frame::coding::CloseCode,
};

/// What the other side of a WebSocket did that ends it.
///
/// It travels as the inside of an [`io::Error`], through whoever only knows lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.why())]
pub(in crate::http) enum SocketFault {
    /// A message that is not text.
    Binary,
    /// A text that is no UTF-8.
    NotUtf8,
    /// A message of more bytes than are taken; it was not kept.
    TooLong,
    /// Frames that no WebSocket sends, or that do not belong here.
    Protocol,
    /// Neither an answer to a ping nor anything else for two intervals.
    Silent,
}

impl SocketFault {
    /// The fault inside an error, if it is one.
    pub(in crate::http) fn of(error: &io::Error) -> Option<Self> {
        error.get_ref()?.downcast_ref().copied()
    }

    /// The same in words, for whoever sent it.
    pub(in crate::http) fn why(self) -> &'static str {
        match self {
            Self::Binary => "a message that is not text",
            Self::NotUtf8 => "a text that is no UTF-8",
            Self::TooLong => "a message that is too long",
            Self::Protocol => "frames that do not belong here",
            Self::Silent => "no answer to pings",
        }
    }

    /// The code with which the socket is closed.
    pub(in crate::http) fn code(self) -> CloseCode {
        match self {
            Self::Binary => CloseCode::Unsupported,
            Self::NotUtf8 => CloseCode::Invalid,
            Self::TooLong => CloseCode::Size,
            Self::Protocol | Self::Silent => CloseCode::Protocol,
        }
    }
}

impl From<SocketFault> for io::Error {
    fn from(fault: SocketFault) -> Self {
        Self::other(fault)
    }
}

/// What an error of the library means: `None` when the other side is gone, however it went.
pub(super) fn met(error: tungstenite::Error) -> Option<io::Error> {
    use tungstenite::Error;
    Some(match error {
        Error::ConnectionClosed
        | Error::AlreadyClosed
        | Error::Protocol(
            ProtocolError::ResetWithoutClosingHandshake | ProtocolError::SendAfterClosing,
        ) => return None,
        Error::Io(error) => error,
        Error::Capacity(_) => SocketFault::TooLong.into(),
        Error::Utf8(_) => SocketFault::NotUtf8.into(),
        _ => SocketFault::Protocol.into(),
    })
}
