//! The models of all worlds, as they are configured.

use std::{collections::BTreeMap, sync::Arc};

use polychat::{
    AgentConfig, DemoModel, Hosts, ModelName,
    ports::{Model, ModelRequest, ModelStream},
};

use crate::config::{self, ConfigError, Configured};

/// A model of any kind.
#[derive(Clone)]
pub(super) struct AnyModel(Arc<dyn Model>);

impl AnyModel {
    fn new(model: impl Model + 'static) -> Self {
        Self(Arc::new(model))
    }
}

impl Model for AnyModel {
    fn stream(&self, request: ModelRequest) -> ModelStream {
        self.0.stream(request)
    }
}

/// The models that agents can name.
pub(super) struct Models(BTreeMap<ModelName, AnyModel>);

impl Models {
    /// Makes them all. Nothing is sent yet.
    pub(super) fn new(configured: &Configured) -> Result<Self, ConfigError> {
        let mut models = BTreeMap::new();
        for (name, config) in &configured.config.models {
            let id = ModelName::new(name)
                .map_err(|error| configured.wrong(["models", name], error.to_string()))?;
            let demo = config.provider == config::Model::DEMO;
            let model = if demo {
                AnyModel::new(DemoModel::new())
            } else {
                provided(configured, name, config)?
            };
            models.insert(id, model);
        }
        Ok(Self(models))
    }

    /// All of them, by name.
    pub(super) fn all(&self) -> impl Iterator<Item = (&ModelName, &AnyModel)> {
        self.0.iter()
    }

    /// Whether there is one of this name.
    pub(super) fn has(&self, name: &ModelName) -> bool {
        self.0.contains_key(name)
    }

    /// The one that this agent speaks through. One that is not here is a connected program's.
    pub(super) fn of(&self, agent: &AgentConfig, hosts: Option<&Hosts>) -> AnyModel {
        let own = self.0.get(&agent.model).cloned();
        let hosted = || hosts.map(|hosts| AnyModel::new(hosts.model(agent.model.clone())));
        own.or_else(hosted).unwrap_or_else(|| AnyModel::new(DemoModel::new()))
    }
}

/// A model behind an API.
#[cfg(feature = "genai")]
fn provided(
    configured: &Configured,
    name: &str,
    config: &config::Model,
) -> Result<AnyModel, ConfigError> {
    use polychat::{GenAiModel, Secret};

    use super::secret::Kept;

    let model = config.model.as_deref().unwrap_or(name);
    let mut builder = GenAiModel::builder(model)
        .provider(&config.provider)
        .connect_duration_max(config.connect_duration_max.0);
    if let Some(url) = &config.base_url {
        builder = builder.base_url(url);
    }
    let kept = Kept { variable: config.key_env.as_deref(), file: config.key_file.as_deref() };
    let (variable, file) = (["models", name, "key_env"], ["models", name, "key_file"]);
    if let Some(key) = kept.read(configured, &variable, &file)? {
        builder = builder.key(Secret::new(key));
    }
    let model = builder.build();
    model.map(AnyModel::new).map_err(|error| configured.wrong(["models", name], error.to_string()))
}

/// A build without providers.
#[cfg(not(feature = "genai"))]
fn provided(
    configured: &Configured,
    name: &str,
    _config: &config::Model,
) -> Result<AnyModel, ConfigError> {
    let what = "this build knows only the provider `demo`: it was made without feature `genai`";
    Err(configured.wrong(["models", name, "provider"], what))
}
