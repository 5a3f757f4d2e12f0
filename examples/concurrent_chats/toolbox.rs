//! Which tools there are: the built-in ones, a bell, and those of MCP servers.

use std::{sync::Arc, time::Duration};

use polychat::tools::{
    FnTool, Progress, Tools, ToolsError, builtin,
    mcp::{Mcp, McpConfigError, McpServer},
    schemars,
    schemars::JsonSchema,
    tool_with,
};
use serde::Deserialize;

use crate::{
    args::Args,
    mcp::{self, Place},
};

/// The most that the bell is rung at once.
const TIMES_MAX: u32 = 10_000;

/// The servers that the command line names. None is started before a chat is to be answered.
pub(crate) fn servers(args: &Args) -> Result<Mcp, McpConfigError> {
    Mcp::new(mcp::named(&args.mcp).map(|(name, place)| match place {
        Place::Command { program, args } => McpServer::stdio(&name, program).args(args),
        Place::Url(url) => McpServer::http(&name, url),
    }))
}

/// All tools that the command line asks for.
pub(crate) fn toolbox(args: &Args, servers: Mcp) -> Result<Tools, ToolsError> {
    let tools = Tools::builder().add_source(Arc::new(servers));
    if args.builtin { tools.add_all(builtin::all()).add(bell(args.pace)) } else { tools }.build()
}

#[derive(Deserialize, JsonSchema)]
#[schemars(crate = "schemars")]
struct Ring {
    /// How often.
    #[schemars(range(min = 1, max = TIMES_MAX))]
    times: u32,
}

/// The only tool here that acts, so a person is asked first. All it does is to be heard.
fn bell(pace: Duration) -> FnTool {
    tool_with("ring", "rings a bell", move |Ring { times }, context| async move {
        for time in 1..=times {
            tokio::time::sleep(pace).await;
            context.output("Ding! ");
            context.progress(Progress::new(time.into()).total(times.into()));
        }
        format!("rang {times} times")
    })
}
