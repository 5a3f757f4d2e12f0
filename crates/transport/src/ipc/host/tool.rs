//! A tool that acts in the host's process.

use std::sync::Arc;

use async_trait::async_trait;
use polychat_core::{
    Failure, FailureKind,
    ports::{Tool, ToolInput, ToolSink},
    tool::{ToolOutput, ToolSpec},
};
use tokio::sync::oneshot;

use super::{
    call::{Ear, End},
    failure::{self, HostError},
    line::{Line, NotBegun},
};
use crate::ipc::{
    protocol::{
        host::{ToolCallParams, ToolCallResult},
        method,
    },
    rpc::members,
};

/// A tool of a host.
pub(super) struct HostTool {
    line: Arc<Line>,
    spec: ToolSpec,
}

impl HostTool {
    pub(super) fn new(line: Arc<Line>, spec: ToolSpec) -> Self {
        Self { line, spec }
    }
}

#[async_trait]
impl Tool for HostTool {
    fn spec(&self) -> ToolSpec {
        self.spec.clone()
    }

    async fn call(&self, input: ToolInput, output: ToolSink) -> Result<ToolOutput, Failure> {
        let (end, ended) = oneshot::channel();
        let begun =
            self.line.begin(method::TOOL_CALL, Ear::Tool { sink: output, end }, |call_id| {
                ToolCallParams {
                    call_id,
                    name: Arc::clone(&self.spec.name),
                    arguments: input.arguments,
                    context: input.context.into(),
                }
            });
        // Dropped together with this future, if the turn is stopped: that gives the call up.
        let mut running = begun.map_err(|declined| not_begun(&declined))?;
        let end = ended.await.unwrap_or(End::Gone);
        running.has_ended();
        output_of(end)
    }
}

fn output_of(end: End) -> Result<ToolOutput, Failure> {
    match end {
        End::Result(result) => {
            let ToolCallResult { parts } =
                members(&result).map_err(|why| nonsense(&format!("its result: {why}")))?;
            Ok(ToolOutput { parts, ..ToolOutput::default() })
        }
        End::Error(error) => Err(HostError::read(&error).map_or_else(
            |why| nonsense(&why),
            |HostError { message, failure }| {
                let failed = Failure::new(FailureKind::ToolFailed, &message);
                if failure.retryable { failed.retryable() } else { failed }
            },
        )),
        End::Broken(why) => Err(nonsense(&why)),
        End::Gone => Err(Failure::new(FailureKind::HostGone, failure::GONE).retryable()),
    }
}

fn nonsense(why: &str) -> Failure {
    let text = format!("what the host said cannot be used: {why}");
    Failure::new(FailureKind::ToolFailed, &text)
}

fn not_begun(declined: &NotBegun) -> Failure {
    let failure = |kind| Failure::new(kind, &declined.to_string());
    match declined {
        NotBegun::Gone => failure(FailureKind::HostGone).retryable(),
        NotBegun::TooMany { .. } | NotBegun::Slow { .. } => {
            failure(FailureKind::ToolFailed).retryable()
        }
        NotBegun::TooLarge { .. } | NotBegun::NoWireForm(_) => failure(FailureKind::ToolFailed),
    }
}
