//! Models and tools of a client, as a server sees them.
//!
//! A client registers, and what it offers becomes [models](model::HostModel) and
//! [tools](tool::HostTool) like all others; whoever put the server together takes them into a
//! world. Each call goes over the client's connection: the chat's own task [begins](line::Line) it,
//! the connection carries the request there and what is said back, by the call's id, and the
//! chat's task takes that at its own pace.
//!
//! | | touched by | holds |
//! |---|---|---|
//! | [`line`] | chats' tasks, the connection | calls that wait to be written, calls that were given up |
//! | [`call`] | one chat's task, the connection | what the host said and the chat has not taken |
//! | [`calls`] | the connection alone | calls that were written, by id |
//! | [`registration`] | the connection, one registering task | the stay of what was registered |
//!
//! A chat is never named to a host, and a call is known on its own connection only, so a host can
//! address nothing else (law 3). Each of the four is bounded (law 7). A call waits for nothing but
//! its own host, and when the connection ends, for whatever reason, all its calls end.

use std::sync::Arc;

use polychat_core::{
    Refusal,
    content::Text,
    ports::{HostOffer, HostRegistry},
};

pub(super) use self::calls::{Calls, Misplaced, ToHost};
use self::{line::Line, model::HostModel, registration::Registration, tool::HostTool};
use super::protocol::host::Register;

mod call;
mod calls;
mod failure;
mod line;
mod model;
mod registration;
mod tool;

/// How much of its client's models and tools one connection holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct CallLimits {
    /// Calls that run at once. Beyond: the call fails, and may be tried again.
    pub calls_max: usize,
    /// Bytes of requests that wait to be written. Beyond: the call fails, and may be tried again.
    ///
    /// A request with more bytes than this fails for good.
    pub bytes_waiting_max: usize,
    /// Bytes of one call that its chat has not taken yet, or of its result. Beyond: that call fails.
    pub call_bytes_max: usize,
}

impl Default for CallLimits {
    fn default() -> Self {
        Self {
            calls_max: 4_096,
            bytes_waiting_max: 64 * 1024 * 1024,
            call_bytes_max: 8 * 1024 * 1024,
        }
    }
}

/// The host at the other end of a connection. Dropping it ends its calls and its stay.
pub(super) struct Host {
    registration: Arc<Registration>,
    line: Arc<Line>,
    pub(super) calls: Calls,
}

impl Host {
    /// A host that has registered nothing; each piece of JSON that it says holds so many values.
    pub(super) fn new(limits: CallLimits, values_max: usize) -> Self {
        let line = Arc::new(Line::new(limits));
        let calls = Calls::new(Arc::clone(&line), values_max);
        Self { registration: Arc::default(), line, calls }
    }

    /// Registers what it offers instead of what it has registered; the future may be dropped at any
    /// time.
    pub(super) fn register(
        &self,
        registry: Arc<dyn HostRegistry>,
        name: Text,
        offered: Register,
    ) -> impl Future<Output = Result<(), Refusal>> + Send + use<> {
        let offer = self.offer(name, offered);
        Arc::clone(&self.registration).replace(registry, offer)
    }

    /// What was offered, as objects that carry each call to the host.
    fn offer(&self, name: Text, offered: Register) -> HostOffer {
        let mut offer = HostOffer::new(name);
        for model in offered.models {
            let carries = HostModel::new(Arc::clone(&self.line), model.name.clone());
            offer = offer.model(model.name, Arc::new(carries));
        }
        for spec in offered.tools {
            offer = offer.tool(Arc::new(HostTool::new(Arc::clone(&self.line), spec)));
        }
        offer
    }
}

impl Host {
    /// It has gone, or says nothing more: its calls and its stay end.
    pub(super) fn end(&mut self) {
        // First nobody finds it any more, then whoever waits for it hears that it has gone.
        self.registration.leave();
        self.calls.end();
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.end();
    }
}
