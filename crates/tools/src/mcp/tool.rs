//! One tool of a server, as it is called.

use std::sync::Arc;

use async_trait::async_trait;
use polychat_core::{
    Failure, FailureKind,
    ports::{Tool, ToolInput, ToolSink},
    tool::{ToolOutput, ToolSpec},
};
use serde_json::Value;

use super::{answer, connection::CallError, failure, listing::unknown, server::Server};

/// A tool of a server. What the server knows of it is looked up when it is called.
pub(super) struct McpTool {
    pub(super) server: Arc<Server>,
    pub(super) spec: Arc<ToolSpec>,
}

#[async_trait]
impl Tool for McpTool {
    fn spec(&self) -> ToolSpec {
        (*self.spec).clone()
    }

    /// Only the arguments go to the server; the host context stays here.
    async fn call(&self, input: ToolInput, output: ToolSink) -> Result<ToolOutput, Failure> {
        let server = &self.server.config().name;
        let connection =
            self.server.connection().await.map_err(|it| failure::unavailable(server, &it))?;
        let listing = self.server.listing().unwrap_or_default();
        // What was checked before may have been another life of the server, or none at all.
        let listed = listing.get(&self.spec.name).ok_or_else(|| unknown(&self.spec.name))?;
        listed.check(&input.arguments)?;
        let Value::Object(arguments) = input.arguments else {
            return Err(Failure::new(FailureKind::InvalidArguments, "the arguments are no object"));
        };
        match connection.call(&listed.tool, arguments, output).await {
            Ok(answer) => answer::output(answer),
            Err(CallError::Ended(why)) => Err(failure::ended(server, &why)),
            Err(CallError::Service(error)) => {
                if let Some(why) = failure::useless(&error) {
                    self.server.retire(&connection, &why);
                }
                Err(failure::of_service(server, &error))
            }
        }
    }
}
