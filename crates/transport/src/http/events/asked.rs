//! What a request for events asks for: its query, and where a browser says that it was.

use std::{fmt, num::NonZeroU64};

use axum::{
    extract::{FromRequestParts, Query},
    http::{HeaderName, request::Parts},
};
use polychat_core::ChatId;

use super::cursor::CHATS_MAX;
use crate::{
    error::{RejectedCommand, claim},
    http::{problem::Problem, state::Http},
};

/// What a browser's `EventSource` sends when it comes back.
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// What to follow, from where, and how far.
#[derive(Debug)]
pub(super) struct Asked {
    /// The chats, each once; none for the world.
    pub(super) chats: Vec<ChatId>,
    /// Where to begin.
    pub(super) begin: Begin,
    /// When to end.
    pub(super) until: Until,
    /// Notices at most.
    pub(super) limit: Option<NonZeroU64>,
}

/// Where to begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Begin {
    /// With the first event.
    Start,
    /// With what happens from now on.
    Now,
    /// After what had this `id`.
    After(String),
}

/// When to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Until {
    /// When there is nothing more to follow.
    End,
    /// When all is told and nothing is at work.
    Idle,
}

impl FromRequestParts<Http> for Asked {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, http: &Http) -> Result<Self, Problem> {
        let pairs = Query::<Vec<(String, String)>>::try_from_uri(&parts.uri)
            .map_err(|error| refused("query", error.body_text()))?;
        let mut fields = Fields::default();
        for (name, value) in pairs.0 {
            fields.take(&name, value)?;
        }
        let last = match parts.headers.get(LAST_EVENT_ID) {
            Some(id) => Some(id.to_str().map_err(|_| refused("cursor", "not a cursor"))?),
            None => None,
        };
        let max = http.options().chats_per_stream_max.min(CHATS_MAX);
        fields.asked(last.filter(|id| !id.is_empty()), max)
    }
}

fn refused(field: &'static str, why: impl fmt::Display) -> Problem {
    RejectedCommand::field(field, why).into()
}

/// What the query says, nothing in it looked at yet.
#[derive(Default)]
struct Fields {
    chats: Vec<String>,
    after: Option<String>,
    start: Option<String>,
    until: Option<String>,
    limit: Option<String>,
}

impl Fields {
    fn take(&mut self, name: &str, value: String) -> Result<(), Problem> {
        let once = match name {
            "chat" => {
                self.chats.push(value);
                return Ok(());
            }
            "after" => &mut self.after,
            "start" => &mut self.start,
            "until" => &mut self.until,
            "limit" => &mut self.limit,
            _ => return Err(refused("query", format!("unknown field {:?}", claim(name)))),
        };
        match once.replace(value) {
            None => Ok(()),
            Some(_) => Err(refused("query", format!("two of {name}"))),
        }
    }

    fn asked(self, last: Option<&str>, chats_max: usize) -> Result<Asked, Problem> {
        let chats = chats(self.chats, chats_max)?;
        let begin = match (last, self.after, self.start.as_deref()) {
            (_, Some(_), Some(_)) => {
                return Err(refused("start", "it begins after something already"));
            }
            // A client that comes back asks the same as at first, and says how far it came.
            (Some(last), ..) => Begin::After(last.into()),
            (None, Some(after), None) => Begin::After(after),
            (None, None, None | Some("start")) => Begin::Start,
            (None, None, Some("now")) => Begin::Now,
            (None, None, Some(_)) => return Err(refused("start", "neither `start` nor `now`")),
        };
        let until = match self.until.as_deref() {
            None => Until::End,
            Some("idle") => Until::Idle,
            Some(_) => return Err(refused("until", "not `idle`")),
        };
        let limit = self.limit.map(|limit| limit.parse());
        let limit = limit.transpose().map_err(|_| refused("limit", "not a number above 0"))?;
        Ok(Asked { chats, begin, until, limit })
    }
}

fn chats(named: Vec<String>, max: usize) -> Result<Vec<ChatId>, Problem> {
    if named.len() > max {
        return Err(refused("chat", format!("more than {max} of them")));
    }
    let mut chats = Vec::with_capacity(named.len());
    for id in named {
        let id = ChatId::try_from(id).map_err(|error| refused("chat", error))?;
        if chats.contains(&id) {
            return Err(refused("chat", "one of them is named twice"));
        }
        chats.push(id);
    }
    Ok(chats)
}
