//! Servers of tools, as they are configured.

use std::sync::Arc;

use polychat::{
    ports::Toolbox,
    tools::mcp::{Mcp, McpLimits, McpServer},
};

use super::secret;
use crate::config::{self, ConfigError, Configured};

/// All servers. Nothing is started before a chat needs it.
#[derive(Clone)]
pub(super) struct Servers(Option<Mcp>);

impl Servers {
    pub(super) fn new(configured: &Configured) -> Result<Self, ConfigError> {
        let configs = &configured.config.mcp;
        if configs.is_empty() {
            return Ok(Self(None));
        }
        let servers = configs.iter().map(|(name, config)| server(configured, name, config));
        let servers = servers.collect::<Result<Vec<_>, _>>()?;
        let mcp = Mcp::new(servers);
        mcp.map(|mcp| Self(Some(mcp))).map_err(|error| configured.wrong(["mcp"], error.to_string()))
    }

    /// Their tools.
    pub(super) fn toolbox(&self) -> Option<Arc<dyn Toolbox>> {
        self.0.clone().map(|mcp| Arc::new(mcp) as Arc<dyn Toolbox>)
    }

    /// Ends them all.
    pub(super) async fn stop(&self) {
        if let Some(mcp) = &self.0 {
            mcp.stop().await;
        }
    }
}

fn server(
    configured: &Configured,
    name: &str,
    config: &config::Mcp,
) -> Result<McpServer, ConfigError> {
    let mut server = match (&config.command, &config.url) {
        (Some(command), None) => process(configured, name, config, command)?,
        (None, Some(url)) => address(configured, name, config, url)?,
        _ => return Err(configured.wrong(["mcp", name], "either `command` or `url` is needed")),
    };
    if let Some(prefix) = &config.prefix {
        server = server.prefix(prefix);
    }
    if let Some(allow) = &config.allow {
        server = server.allow(allow);
    }
    server = server.deny(&config.deny);
    if config.trust_annotations {
        server = server.trust_annotations();
    }
    if config.needs_approval {
        server = server.needs_approval();
    }
    if let Some(duration) = config.duration_max {
        server = server.duration_max(duration.0);
    }
    if let Some(duration) = config.start_duration_max {
        let mut limits = McpLimits::default();
        limits.start_duration_max = duration.0;
        server = server.limits(limits);
    }
    Ok(server)
}

fn process(
    configured: &Configured,
    name: &str,
    config: &config::Mcp,
    command: &str,
) -> Result<McpServer, ConfigError> {
    if !config.headers_env.is_empty() {
        return Err(configured.wrong(["mcp", name, "headers_env"], "a process has no headers"));
    }
    let mut server = McpServer::stdio(name, command).args(&config.args);
    for variable in &config.pass_env {
        let value = secret::variable(variable)
            .map_err(|what| configured.wrong(["mcp", name, "pass_env"], what))?;
        server = server.env(variable, value);
    }
    Ok(match &config.working_dir {
        Some(folder) => server.working_dir(folder),
        None => server,
    })
}

fn address(
    configured: &Configured,
    name: &str,
    config: &config::Mcp,
    url: &str,
) -> Result<McpServer, ConfigError> {
    let of_processes = [
        ("args", !config.args.is_empty()),
        ("pass_env", !config.pass_env.is_empty()),
        ("working_dir", config.working_dir.is_some()),
    ];
    if let Some((key, _)) = of_processes.into_iter().find(|(_, said)| *said) {
        return Err(configured.wrong(["mcp", name, key], "a server with a `url` has none"));
    }
    let mut server = McpServer::http(name, url);
    for (header, variable) in &config.headers_env {
        let keys = ["mcp", name, "headers_env", header];
        let value = secret::variable(variable).map_err(|what| configured.wrong(keys, what))?;
        server = server.header(header, value);
    }
    Ok(server)
}
