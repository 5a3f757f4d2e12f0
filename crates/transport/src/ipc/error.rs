//! What a connection rejects, and what ends it.

use std::io;

use bytes::Bytes;

use super::rpc::RequestId;

/// A frame that cannot be read. The next one can: the connection goes on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RejectedFrame {
    /// More bytes than the reader takes; they are skipped, and only the first are kept.
    #[error("a frame has more than {max} bytes")]
    TooLong {
        /// The bound, in bytes.
        max: usize,
        /// How it begins: at most [`BEGIN_BYTES_MAX`](super::frame::BEGIN_BYTES_MAX).
        begin: Bytes,
    },
}

/// A frame that holds no message. The connection goes on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RejectedMessage {
    /// Not UTF-8, or no JSON.
    #[error("not JSON: {why}")]
    NotJson {
        /// What the parser says; never the contents.
        why: String,
    },
    /// JSON, but no message of JSON-RPC 2.0.
    #[error("not a message: {why}")]
    Invalid {
        /// The id, as far as there is a valid one.
        id: Option<RequestId>,
        /// What is wrong.
        why: String,
    },
}

/// What ends a connection before its time.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectionError {
    /// The pipe or socket failed.
    #[error("the connection failed: {0}")]
    Io(#[from] io::Error),
    /// Where the next frame begins is not known any more.
    #[error("the frames are lost: {why}")]
    FramesLost {
        /// What was wrong.
        why: &'static str,
    },
    /// The other side answered what no server of this protocol answers.
    #[error("the other side broke the protocol: {why}")]
    Protocol {
        /// What was wrong; never the contents.
        why: String,
    },
}
