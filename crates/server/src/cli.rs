//! The command line: what is the same for all subcommands, and which there are.

use std::process::ExitCode;

use crate::{commands::stdio, error::Error};

/// Many AI chats at once, served to the programs of this machine.
#[derive(Debug, clap::Parser)]
#[command(name = "polychat", version, propagate_version = true)]
pub(crate) struct Cli {
    /// What is logged to standard error, as in `info,polychat=debug`; message contents only at
    /// `trace`.
    #[arg(
        long,
        global = true,
        env = "POLYCHAT_LOG",
        default_value = "warn",
        value_name = "FILTER"
    )]
    pub(crate) log: String,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Serves whoever started this, over standard input and output, until they go away.
    Stdio(stdio::Args),
    /// Serves the programs of this user over a Unix socket, until it is told to end.
    #[cfg(unix)]
    Socket(crate::commands::socket::Args),
}

impl Command {
    pub(crate) async fn run(self) -> Result<ExitCode, Error> {
        match self {
            Self::Stdio(args) => stdio::run(args).await,
            #[cfg(unix)]
            Self::Socket(args) => crate::commands::socket::run(args).await,
        }
    }
}
