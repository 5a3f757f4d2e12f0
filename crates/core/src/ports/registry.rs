//! What takes in the models and tools of a program outside.

use std::{any::Any, fmt, sync::Arc};

use super::{Model, Tool};
use crate::{content::Text, id::ModelName, refusal::Refusal};

/// What a host brings: models and tools that live in its own process.
///
/// To a world they are models and tools like all others: whoever made the offer carries each call to
/// the host and its answer back.
#[derive(Clone, Default)]
#[non_exhaustive]
pub struct HostOffer {
    /// Who it is, for people and diagnostics; not unique.
    pub host: Text,
    /// Its models, by the names under which agents find them.
    pub models: Vec<(ModelName, Arc<dyn Model>)>,
    /// Its tools.
    pub tools: Vec<Arc<dyn Tool>>,
}

impl HostOffer {
    /// An offer of nothing yet.
    #[must_use]
    pub fn new(host: impl Into<Text>) -> Self {
        Self { host: host.into(), models: Vec::new(), tools: Vec::new() }
    }

    /// Adds a model.
    #[must_use]
    pub fn model(mut self, name: ModelName, model: Arc<dyn Model>) -> Self {
        self.models.push((name, model));
        self
    }

    /// Adds a tool.
    #[must_use]
    pub fn tool(mut self, tool: Arc<dyn Tool>) -> Self {
        self.tools.push(tool);
        self
    }
}

impl fmt::Debug for HostOffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let models: Vec<_> = self.models.iter().map(|(name, _)| name).collect();
        let tools: Vec<_> = self.tools.iter().map(|tool| tool.spec().name).collect();
        f.debug_struct("HostOffer")
            .field("host", &self.host)
            .field("models", &models)
            .field("tools", &tools)
            .finish()
    }
}

/// Takes hosts in. Transports offer, whoever put a world together decides.
///
/// ```
/// use polychat_core::{Refusal, ports::{HostOffer, HostRegistry, HostStay}};
///
/// struct NoHosts;
///
/// impl HostRegistry for NoHosts {
///     fn admit(&self, _offer: HostOffer) -> Result<HostStay, Refusal> {
///         Err(Refusal::Unsupported { what: "a host".into() })
///     }
/// }
/// ```
pub trait HostRegistry: Send + Sync {
    /// Takes in all that is offered, or nothing. It must not block.
    ///
    /// # Errors
    ///
    /// [`Refusal::NameTaken`] when something of such a name is there, [`Refusal::InvalidInput`] for
    /// a name or schema that cannot be used, [`Refusal::TooLarge`] beyond the bounds.
    fn admit(&self, offer: HostOffer) -> Result<HostStay, Refusal>;
}

/// The stay of a host. Dropping it takes out what the host has brought.
///
/// What is gone is not offered to models any more; calls of it end as
/// [`HostGone`](crate::FailureKind::HostGone).
#[must_use = "dropping it takes the host out again"]
pub struct HostStay(#[allow(dead_code)] Box<dyn Any + Send + Sync>);

impl HostStay {
    /// A stay that ends when this value is dropped.
    pub fn new(guard: impl Any + Send + Sync) -> Self {
        Self(Box::new(guard))
    }
}

impl fmt::Debug for HostStay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HostStay { .. }")
    }
}
