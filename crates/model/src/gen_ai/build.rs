//! What is configured, and the HTTP client made of it.

use std::{sync::Arc, time::Duration};

use genai::{
    Client, Headers, ModelIden, ModelSpec, ServiceTarget,
    adapter::AdapterKind,
    resolver::{AuthData, Endpoint},
};
use reqwest::{Url, redirect};
use rustls::{ClientConfig, crypto::ring};
use rustls_platform_verifier::BuilderVerifierExt;

use super::{GenAiModel, Inner, MissingKey, Secret};

/// Configures a [`GenAiModel`].
#[derive(Debug, Clone)]
#[must_use = "a builder does nothing until `build`"]
pub struct GenAiBuilder {
    model: String,
    provider: String,
    base_url: Option<String>,
    key: Option<Secret>,
    connect_duration_max: Duration,
}

/// Why a [`GenAiModel`] could not be built.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// No provider has this name.
    #[error("there is no provider named {name:?}")]
    UnknownProvider {
        /// The name.
        name: String,
    },
    /// The base URL is none, or not one of HTTP.
    #[error("the base url is not an http url")]
    InvalidBaseUrl,
    /// The provider's own server wants a key, and there is none.
    #[error(transparent)]
    MissingKey(#[from] MissingKey),
    /// TLS could not be set up on this machine.
    #[error("tls cannot be set up")]
    Tls(#[source] rustls::Error),
    /// The HTTP client could not be set up.
    #[error("the http client cannot be set up: {reason}")]
    Http {
        /// Why.
        reason: String,
    },
}

impl GenAiBuilder {
    pub(super) fn new(model: String) -> Self {
        Self {
            model,
            provider: AdapterKind::OpenAI.as_lower_str().to_owned(),
            base_url: None,
            key: None,
            connect_duration_max: Duration::from_secs(10),
        }
    }

    /// Chooses whose protocol to speak: `openai` (the default), `anthropic`, `gemini`, `ollama`,
    /// `openai_resp`, `groq`, and whatever else `genai` knows in lower case. Where a provider has a
    /// name of its own, say it also with a [`base_url`](Self::base_url): there are differences.
    pub fn provider(mut self, name: impl Into<String>) -> Self {
        self.provider = name.into();
        self
    }

    /// Chooses a server other than the provider's own, for example `http://127.0.0.1:11434/v1`.
    ///
    /// The model's name then goes to it unchanged.
    pub fn base_url(mut self, url: impl Into<String>) -> Self {
        self.base_url = Some(url.into());
        self
    }

    /// Sets the key.
    ///
    /// Without one, a server of [`base_url`](Self::base_url) is sent none (an empty one where the
    /// protocol is not OpenAI's), and for a provider's own server it is taken, when the model is
    /// built, from the environment variable usual for it.
    pub fn key(mut self, key: Secret) -> Self {
        self.key = Some(key);
        self
    }

    /// Sets how long a connection may take to stand; 10 seconds by default. The answer itself is
    /// bounded by the deadlines of the turn.
    pub fn connect_duration_max(mut self, duration: Duration) -> Self {
        self.connect_duration_max = duration;
        self
    }

    /// Makes the model. Nothing is sent yet.
    ///
    /// # Errors
    ///
    /// [`BuildError`], for what is wrong with the configuration or the machine.
    pub fn build(self) -> Result<GenAiModel, BuildError> {
        let adapter = AdapterKind::from_lower_str(&self.provider)
            .ok_or_else(|| BuildError::UnknownProvider { name: self.provider.clone() })?;
        let endpoint = self.base_url.as_deref().map(endpoint).transpose()?;
        let key = self.usual_key(adapter)?;
        let iden = ModelIden::new(adapter, self.model.clone());
        let mut client = Client::builder().with_reqwest(http(self.connect_duration_max)?);
        let custom_server = endpoint.is_some();
        let target = match endpoint {
            Some(url) => {
                let auth = auth(adapter, &url, key.as_ref());
                let endpoint = Endpoint::from_owned(url.as_str());
                ModelSpec::Target(ServiceTarget { endpoint, auth, model: iden })
            }
            None => {
                if let Some(key) = &key {
                    client =
                        client.append_provider_config(adapter, AuthData::from_single(key.expose()));
                }
                ModelSpec::Iden(iden)
            }
        };
        let client =
            client.build().map_err(|error| BuildError::Http { reason: error.to_string() })?;
        let inner = Inner { client, target, adapter, name: self.model, custom_server, key };
        Ok(GenAiModel(Arc::new(inner)))
    }

    fn usual_key(&self, adapter: AdapterKind) -> Result<Option<Secret>, MissingKey> {
        if self.key.is_some() || self.base_url.is_some() {
            return Ok(self.key.clone());
        }
        adapter.default_key_env_name().map(Secret::from_env).transpose()
    }
}

/// The base URL with a slash at its end, without which its last segment would be replaced.
fn endpoint(url: &str) -> Result<Url, BuildError> {
    let mut url = Url::parse(url).map_err(|_| BuildError::InvalidBaseUrl)?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return Err(BuildError::InvalidBaseUrl);
    }
    if !url.path().ends_with('/') {
        let path = format!("{}/", url.path());
        url.set_path(&path);
    }
    Ok(url)
}

fn auth(adapter: AdapterKind, base_url: &Url, key: Option<&Secret>) -> AuthData {
    match key {
        Some(key) => AuthData::from_single(key.expose()),
        // `genai` has no way to send an OpenAI request without a key but to say the whole address.
        None if adapter == AdapterKind::OpenAI => {
            let mut url = base_url.clone();
            url.set_path(&format!("{}chat/completions", base_url.path()));
            AuthData::RequestOverride { url: url.into(), headers: Headers::default() }
        }
        None => AuthData::from_single(""),
    }
}

fn http(connect_duration_max: Duration) -> Result<reqwest::Client, BuildError> {
    let tls = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .and_then(|config| config.with_platform_verifier())
        .map_err(BuildError::Tls)?
        .with_no_client_auth();
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .connect_timeout(connect_duration_max)
        // A key belongs to the server that was named, and to no other.
        .redirect(redirect::Policy::none())
        .tcp_nodelay(true)
        .build()
        .map_err(|error| BuildError::Http { reason: error.without_url().to_string() })
}

#[cfg(test)]
mod tests {
    use super::{BuildError, endpoint};
    use crate::GenAiModel;

    #[test]
    fn a_base_url_ends_with_a_slash_whether_it_was_given_or_not() {
        for url in ["http://h:1/v1", "http://h:1/v1/"] {
            assert_eq!(endpoint(url).unwrap().as_str(), "http://h:1/v1/");
        }
    }

    #[test]
    fn what_is_no_http_url_is_refused() {
        for url in ["", "h:1", "localhost:1/v1", "file:///v1", "/v1"] {
            assert!(matches!(endpoint(url), Err(BuildError::InvalidBaseUrl)), "{url:?}");
        }
    }

    #[test]
    fn an_unknown_provider_is_refused_by_name() {
        let error = GenAiModel::builder("m").provider("nobody").build().unwrap_err();
        assert!(matches!(error, BuildError::UnknownProvider { name } if name == "nobody"));
    }
}
