//! What a server says it has, as far as it can be used.

use std::{collections::BTreeMap, sync::Arc};

use futures_util::future::BoxFuture;
use polychat_core::{
    Failure, FailureKind,
    content::{Text, json_bytes},
    outcome::cut,
    tool::{ToolCall, ToolKind, ToolSpec},
};
use rmcp::{
    RoleClient,
    model::{self, PaginatedRequestParams},
    service::{Peer, ServiceError},
};
use serde_json::Value;
use tokio::task::spawn_blocking;

use super::{config::Config, names};
use crate::schema::{ArgumentSchema, tidied};

/// How many tools that were left out are remembered.
const LEFT_OUT_MAX: usize = 32;

/// The tools of a server at one moment, by the names that models know.
#[derive(Default)]
pub(super) struct Listing {
    tools: BTreeMap<Text, Listed>,
    left_out: Vec<Text>,
}

/// One tool of a server.
pub(super) struct Listed {
    pub(super) spec: Arc<ToolSpec>,
    /// Its name, as the server knows it.
    pub(super) tool: Text,
    schema: ArgumentSchema,
}

impl Listing {
    /// Asks a server for its tools, page by page, and keeps what can be used. Schemas that are
    /// known already are not compiled again.
    ///
    /// # Errors
    ///
    /// When the server does not answer, or answers with an error.
    pub(super) async fn ask(
        peer: &Peer<RoleClient>,
        config: &Arc<Config>,
        known: Option<&Arc<Self>>,
    ) -> Result<Self, ServiceError> {
        let mut listing = Self::default();
        if peer.peer_info().is_some_and(|info| info.capabilities.tools.is_none()) {
            return Ok(listing);
        }
        let mut cursor = None;
        loop {
            let page = PaginatedRequestParams::default().with_cursor(cursor);
            // Boxed: otherwise the compiler loses sight of its being `Send`.
            let page: BoxFuture<'_, _> = Box::pin(peer.list_tools(Some(page)));
            let page = page.await?;
            let brought_something = !page.tools.is_empty();
            listing = listing.take_page(page.tools, config, known).await?;
            // Each further page has to bring something, so that there is an end to them.
            cursor = page.next_cursor.filter(|cursor| !cursor.is_empty() && brought_something);
            if cursor.is_none() {
                return Ok(listing);
            }
            if listing.tools.len() >= config.limits.tools_max {
                listing.leave_out("further pages", &too_many(config));
                return Ok(listing);
            }
        }
    }

    /// Takes the tools of a page. That compiles schemas of a stranger, which may take seconds, so it
    /// is not done on the threads that all chats share.
    async fn take_page(
        mut self,
        tools: Vec<model::Tool>,
        config: &Arc<Config>,
        known: Option<&Arc<Self>>,
    ) -> Result<Self, ServiceError> {
        let (config, known) = (Arc::clone(config), known.map(Arc::clone));
        let taken = spawn_blocking(move || {
            for tool in tools {
                self.take(tool, &config, known.as_deref());
            }
            self
        });
        // It fails only with its runtime, or if it panics.
        taken.await.map_err(|_| ServiceError::UnexpectedResponse)
    }

    fn take(&mut self, tool: model::Tool, config: &Config, known: Option<&Self>) {
        if !config.tools.admit(&tool.name) {
            return;
        }
        let name: Text = tool.name.as_ref().into();
        let taken = if self.tools.len() >= config.limits.tools_max {
            Err(too_many(config))
        } else {
            listed(tool, config, known)
        };
        match taken {
            Ok(listed) if !self.tools.contains_key(&listed.spec.name) => {
                self.tools.insert(Arc::clone(&listed.spec.name), listed);
            }
            Ok(_) => self.leave_out(&name, "another tool has its name"),
            Err(why) => self.leave_out(&name, &why),
        }
    }

    fn leave_out(&mut self, tool: &str, why: &str) {
        const NAME_BYTES_MAX: usize = 64;
        if self.left_out.len() < LEFT_OUT_MAX {
            let text = format!("{}: {}", cut(tool, NAME_BYTES_MAX), cut(why, 4 * NAME_BYTES_MAX));
            self.left_out.push(text.into());
        }
    }

    pub(super) fn get(&self, exposed: &str) -> Option<&Listed> {
        self.tools.get(exposed)
    }

    /// The tools, in the order of their names: it stays the same whatever order a server likes.
    pub(super) fn specs(&self) -> impl Iterator<Item = &Arc<ToolSpec>> {
        self.tools.values().map(|listed| &listed.spec)
    }

    pub(super) fn len(&self) -> usize {
        self.tools.len()
    }

    /// Tools that cannot be used, each with the reason.
    pub(super) fn left_out(&self) -> &[Text] {
        &self.left_out
    }

    /// The tool that is called, if the arguments fit.
    pub(super) fn check(&self, call: &ToolCall) -> Result<&Listed, Failure> {
        let listed = self.get(&call.name).ok_or_else(|| unknown(&call.name))?;
        listed.check(&call.arguments)?;
        Ok(listed)
    }

    /// Whether both say the same to models.
    pub(super) fn says_the_same_as(&self, other: &Self) -> bool {
        self.specs().eq(other.specs())
    }
}

impl Listed {
    /// Whether these arguments fit.
    pub(super) fn check(&self, arguments: &Value) -> Result<(), Failure> {
        self.schema.check(arguments)
    }
}

/// What a model hears that calls what is not there.
pub(super) fn unknown(name: &str) -> Failure {
    Failure::new(FailureKind::UnknownTool, &format!("there is no tool named {name:?}"))
}

fn too_many(config: &Config) -> String {
    format!("there are more than {} tools", config.limits.tools_max)
}

fn listed(tool: model::Tool, config: &Config, known: Option<&Listing>) -> Result<Listed, String> {
    if tool.name.is_empty() {
        return Err("it has no name".to_owned());
    }
    let limits = &config.limits;
    if json_bytes(&tool.input_schema) > limits.schema_bytes_max {
        return Err(format!("its schema is larger than {} bytes", limits.schema_bytes_max));
    }
    let schema = Value::Object(Arc::unwrap_or_clone(tool.input_schema));
    let name = names::exposed(&config.prefix, &tool.name);
    let before = known.and_then(|known| known.get(&name)).map(|listed| &listed.schema);
    let compiled = match before.filter(|before| before.is_of(&schema)) {
        Some(same) => same.clone(),
        // Before it is tidied, which takes away what edition of the language it is in.
        None => ArgumentSchema::compile(&schema).map_err(|error| error.to_string())?,
    };
    let description = tool.description.as_deref().or(tool.title.as_deref()).unwrap_or_default();
    let description = cut(description, limits.description_bytes_max);
    let mut spec = ToolSpec::new(name, description, tidied(schema));
    let only_reads = tool.annotations.is_some_and(|it| it.read_only_hint == Some(true));
    if config.tools.trust_annotations && only_reads {
        spec = spec.kind(ToolKind::Read);
    }
    Ok(Listed {
        spec: Arc::new(with_rules(spec, config)),
        tool: (*tool.name).into(),
        schema: compiled,
    })
}

/// A spec with what was configured for all tools of its server.
pub(super) fn with_rules(mut spec: ToolSpec, config: &Config) -> ToolSpec {
    if config.tools.needs_approval {
        spec = spec.needs_approval();
    }
    if let Some(duration) = config.tools.duration_max {
        spec = spec.duration_max(duration);
    }
    if let Some(bytes) = config.tools.result_bytes_max {
        spec = spec.result_bytes_max(bytes);
    }
    spec
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::mcp::McpServer;

    fn listing(schema: &Value, known: Option<&Listing>) -> Listing {
        let config = Config::new(McpServer::stdio("s", "x")).unwrap();
        let tool = json!({ "name": "work", "inputSchema": schema });
        let mut listing = Listing::default();
        listing.take(serde_json::from_value(tool).unwrap(), &config, known);
        listing
    }

    // A server may say every few seconds that its tools have changed
    #[test]
    fn a_schema_that_has_not_changed_is_not_compiled_again() {
        let object = json!({ "type": "object", "properties": { "a": { "type": "array" } } });
        let known = listing(&object, None);
        let schema = |listing: &Listing| listing.get("s_work").unwrap().schema.clone();
        assert!(schema(&listing(&object, Some(&known))).is_same(&schema(&known)));
        assert!(!schema(&listing(&object, None)).is_same(&schema(&known)));
        let other = listing(&json!({ "type": "object" }), Some(&known));
        assert!(!schema(&other).is_same(&schema(&known)));
    }

    #[test]
    fn each_array_says_what_its_items_are_and_an_old_edition_is_still_understood() {
        let tuple = json!({ "type": "array", "items": [{ "type": "string" }] });
        let schema = json!({ "$schema": "http://json-schema.org/draft-07/schema#",
            "type": "object", "properties": { "a": { "type": "array" }, "b": tuple } });
        let listing = listing(&schema, None);
        let listed = listing.get("s_work").unwrap();
        assert_eq!(listed.spec.schema["properties"]["a"], json!({ "type": "array", "items": {} }));
        assert!(listed.check(&json!({ "b": ["x", 1] })).is_ok());
        assert!(listed.check(&json!({ "b": [1] })).is_err());
    }
}
