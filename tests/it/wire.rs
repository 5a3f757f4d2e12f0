//! Worlds at the other end of a connection: what holds in process holds over pipes that break, and
//! beside readers that stop (issue 5; laws 4, 6 and 7; REQ-3, REQ-5, REQ-10).
//!
//! The non-interference and the state machine over a pipe stand with their properties.
//!
//! | file | holds |
//! |---|---|
//! | `pipe` | a pipe in memory that is measured, and cut or held up when a test says so |
//! | `reader` | somebody who reads one chat, and what must be true of it |
//! | `over_http` | the same pipes to a server of HTTP |
//! | `disconnects` | connections that break at random bytes |
//! | `stalled` | readers and connections that stop |

mod disconnects;
mod over_http;
pub(crate) mod pipe;
mod reader;
mod stalled;
