//! The command line: what is the same for all subcommands, and which there are.

use std::{path::PathBuf, process::ExitCode};

use crate::{
    commands::{export, import, openapi, search, serve, stdio, token, verify},
    config::{Configured, Said},
    error::Error,
};

/// Many AI chats at once, served to browsers and programs.
#[derive(Debug, clap::Parser)]
#[command(name = "polychat", version, propagate_version = true)]
pub(crate) struct Cli {
    /// The configuration. Without it `polychat/polychat.toml` in the folder that the system keeps
    /// for this user's configurations, if there is one.
    #[arg(long, global = true, env = "POLYCHAT_CONFIG", value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// What is logged to standard error, as in `info,polychat=debug`; message contents only at
    /// `trace`. Also POLYCHAT_LOG.
    #[arg(long, global = true, value_name = "FILTER")]
    log: Option<String>,
    /// Prints the configuration that is in force, and does nothing else.
    #[arg(long, global = true)]
    pub(crate) print_config: bool,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Serves browsers and programs over HTTP, until it is told to end.
    Serve(serve::Args),
    /// Serves whoever started this, over standard input and output, until they go away.
    Stdio(stdio::Args),
    /// Serves the programs of this user over a Unix socket, until it is told to end.
    #[cfg(unix)]
    Socket(crate::commands::socket::Args),
    /// Writes chats as JSON Lines or Markdown.
    Export(export::Args),
    /// Brings chats in, from an export or from a database of agent-world.
    Import(import::Args),
    /// Finds messages by their words.
    Search(search::Args),
    /// Looks through the whole file for damage; also while it is in use.
    Verify(verify::Args),
    /// Prints what can be asked over HTTP, as an OpenAPI document.
    Openapi,
    /// Makes a token for `serve`.
    Token(token::Args),
}

impl Cli {
    /// What the options say of the configuration.
    pub(crate) fn said(&self) -> Vec<Said> {
        let log = self.log.as_deref().map(|log| Said::option("--log", &["log", "filter"], log));
        log.into_iter().chain(self.command.said()).collect()
    }
}

impl Command {
    /// What is logged where nobody said anything. Who runs a command hears from the command itself
    /// what it met; the worlds' own words are for operators.
    pub(crate) fn log_filter(&self) -> &'static str {
        match self {
            Self::Serve(_) | Self::Stdio(_) => "warn",
            #[cfg(unix)]
            Self::Socket(_) => "warn",
            _ => "error",
        }
    }

    fn said(&self) -> Vec<Said> {
        match self {
            Self::Serve(args) => args.said(),
            Self::Stdio(args) => args.pipe.house.said(),
            #[cfg(unix)]
            Self::Socket(args) => args.pipe.house.said(),
            Self::Export(args) => args.file.said(),
            Self::Import(args) => args.data.said(),
            Self::Search(args) => args.file.said(),
            Self::Verify(args) => args.file.said(),
            Self::Openapi | Self::Token(_) => Vec::new(),
        }
    }

    pub(crate) async fn run(self, configured: &Configured) -> Result<ExitCode, Error> {
        match self {
            Self::Serve(_) => serve::run(configured).await,
            Self::Stdio(args) => stdio::run(args, configured).await,
            #[cfg(unix)]
            Self::Socket(args) => crate::commands::socket::run(args, configured).await,
            Self::Export(args) => export::run(args, configured).await,
            Self::Import(args) => import::run(args, configured).await,
            Self::Search(args) => search::run(args, configured).await,
            Self::Verify(_) => verify::run(configured).await,
            Self::Openapi => Ok(openapi::run()),
            Self::Token(args) => token::run(&args),
        }
    }
}
