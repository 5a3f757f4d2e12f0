//! Grants: what each token is good for, and how much of it is in use.

use std::{collections::BTreeSet, sync::Arc};

use polychat::{Access, WorldId};
use tokio::sync::Semaphore;

use super::{rate::Rate, token::TokenHash};
use crate::config::ServeLimits;

/// What one token is good for. Callers of the same token share it, and its limits.
#[derive(Debug)]
pub(crate) struct Grant {
    /// For logs; no secret.
    pub(crate) name: Arc<str>,
    /// The worlds that it opens; `None`: all.
    worlds: Option<BTreeSet<WorldId>>,
    access: Access,
    pub(crate) prompts: Rate,
    pub(crate) streams: Arc<Semaphore>,
    pub(crate) streams_max: usize,
    pub(crate) waits: Arc<Semaphore>,
    pub(crate) waits_max: usize,
}

impl Grant {
    /// All worlds, to read and to write.
    pub(crate) fn whole(name: &str, limits: &ServeLimits) -> Self {
        Self {
            name: name.into(),
            worlds: None,
            access: Access::Write,
            prompts: Rate::new(limits.prompts_per_minute_max),
            streams: Arc::new(Semaphore::new(limits.streams_per_token_max)),
            streams_max: limits.streams_per_token_max,
            waits: Arc::new(Semaphore::new(limits.waits_per_token_max)),
            waits_max: limits.waits_per_token_max,
        }
    }

    /// These worlds only.
    pub(crate) fn worlds(mut self, worlds: impl IntoIterator<Item = WorldId>) -> Self {
        self.worlds = Some(worlds.into_iter().collect());
        self
    }

    /// To read only.
    pub(crate) fn reading(mut self) -> Self {
        self.access = Access::Read;
        self
    }

    pub(crate) fn opens(&self, world: &WorldId) -> bool {
        self.worlds.as_ref().is_none_or(|worlds| worlds.contains(world))
    }

    pub(crate) fn opens_all(&self) -> bool {
        self.worlds.is_none()
    }

    pub(crate) fn only_reads(&self) -> bool {
        self.access < Access::Write
    }

    /// Whether it is good for everything: only then may its callers bring models and tools, because
    /// these are asked for chats of any world.
    pub(crate) fn is_whole(&self) -> bool {
        self.opens_all() && !self.only_reads()
    }
}

/// Who is let in.
#[derive(Debug)]
pub(crate) enum Grants {
    /// Everybody who can connect.
    Everybody(Arc<Grant>),
    /// Whoever shows one of these tokens.
    Tokens(Vec<(TokenHash, Arc<Grant>)>),
}

impl Grants {
    /// What this token is good for, if it is one of ours. All are compared, whichever it is.
    pub(crate) fn of(&self, shown: &str) -> Option<&Arc<Grant>> {
        match self {
            Self::Everybody(grant) => Some(grant),
            Self::Tokens(tokens) => {
                let shown = TokenHash::of(shown);
                tokens.iter().fold(None, |found, (hash, grant)| {
                    if bool::from(hash.same(&shown)) { Some(grant) } else { found }
                })
            }
        }
    }
}
