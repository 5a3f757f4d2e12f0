//! A world as the callers of one token use it: how often they may prompt, and the place of each of
//! their streams.

use std::sync::Arc;

use async_trait::async_trait;
use futures_util::StreamExt;
use metrics::Gauge;
use polychat::{
    Access, ChatId, Command, CommandError, NewChat, Refusal, Reply, Scope, ScopePolicy, StartAt,
    WorldId,
    ports::{NoticeStream, WorldService},
};
use tokio::sync::OwnedSemaphorePermit;

use super::{grants::Grant, stay::Stay};

/// A world, for one request or one socket.
pub(crate) struct Visit {
    pub(crate) world_id: WorldId,
    pub(crate) world: Arc<dyn WorldService>,
    pub(crate) grant: Arc<Grant>,
    /// Given back when the request, and all that it watches, has ended.
    pub(crate) place: Option<Arc<Place>>,
}

impl Visit {
    /// Whether there is room for a further prompt of this token.
    fn may_prompt(&self) -> Result<(), Refusal> {
        let prompts = &self.grant.prompts;
        prompts.take().map_err(|wait| Refusal::RateLimited {
            max: prompts.per_minute(),
            wait_ms: u64::try_from(wait.as_millis()).unwrap_or(u64::MAX),
        })
    }
}

#[async_trait]
impl WorldService for Visit {
    async fn call(&self, command: Command) -> Result<Reply, CommandError> {
        let prompt = match &command {
            Command::SendPrompt { prompt, .. } | Command::Revise { prompt, .. } => Some(prompt),
            _ => None,
        };
        // What ties a request to its chat in the logs: the span has the request, this has the ids.
        tracing::debug!(
            world_id = %self.world_id,
            chat_id = command.chat().map(tracing::field::display),
            prompt_id = prompt.map(tracing::field::display),
            command = command.name(),
            token = &*self.grant.name,
            "command asked for",
        );
        if prompt.is_some() {
            self.may_prompt()?;
        }
        self.world.call(command).await
    }

    async fn subscribe(&self, scope: Scope, start: StartAt) -> Result<NoticeStream, CommandError> {
        if let Some(place) = self.place.clone() {
            return Ok(held(self.world.subscribe(scope, start).await?, place));
        }
        // A request that waits for an outcome: without a place it is answered as accepted.
        let wait = Arc::clone(&self.grant.waits).try_acquire_owned();
        let wait = wait.map_err(|_| Refusal::SubscribersFull { max: self.grant.waits_max })?;
        Ok(held(self.world.subscribe(scope, start).await?, wait))
    }
}

/// These notices, and with them what is given back when nobody reads them any more.
fn held(notices: NoticeStream, place: impl Send + 'static) -> NoticeStream {
    let held = move |notice| {
        let _ = &place;
        notice
    };
    Box::pin(notices.map(held))
}

/// A place among the streams of a token.
pub(crate) struct Place {
    _permit: OwnedSemaphorePermit,
    /// The connection is in use for as long.
    _stay: Option<Arc<Stay>>,
    streams: Gauge,
}

impl Place {
    /// A place, if there is one left.
    pub(crate) fn of(grant: &Grant, stay: Option<Arc<Stay>>) -> Result<Self, Refusal> {
        let permit = Arc::clone(&grant.streams).try_acquire_owned();
        let permit = permit.map_err(|_| Refusal::SubscribersFull { max: grant.streams_max })?;
        let streams = metrics::gauge!("polychat_http_streams");
        streams.increment(1.0);
        Ok(Self { _permit: permit, _stay: stay, streams })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.streams.decrement(1.0);
    }
}

/// Everything may be read, and nothing changed.
pub(crate) struct ReadOnly;

impl ScopePolicy for ReadOnly {
    fn chat(&self, _: &ChatId) -> Access {
        Access::Read
    }

    fn world(&self) -> Access {
        Access::Read
    }

    fn admit(&self, _: &mut NewChat) -> Result<(), Refusal> {
        Err(Refusal::Forbidden {})
    }
}
