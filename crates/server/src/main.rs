//! `polychat`: worlds of many chats, served to browsers and programs.
//!
//! One file per subcommand in `commands`; what they share is the configuration (`config`), the house
//! that is made of it (`house`), where files lie (`places`), when a process ends (`ending`), and
//! where its logs go (`log`). All that a chat does is in the library; here are only command line,
//! configuration, processes and files.

mod args;
mod cli;
mod commands;
mod config;
mod ending;
mod error;
mod house;
mod log;
mod places;
mod serve;

use std::{ffi::OsString, io::Write, process::ExitCode};

use clap::Parser;

use crate::{
    cli::Cli,
    error::{Error, Told},
};

fn main() -> ExitCode {
    let outcome = run(Cli::parse());
    outcome.unwrap_or_else(|error| {
        // Nobody may read it, and then there is nobody to tell that either.
        let _ = writeln!(std::io::stderr(), "{}", Told(&error));
        ExitCode::FAILURE
    })
}

fn run(cli: Cli) -> Result<ExitCode, Error> {
    let file = cli.config.clone().or_else(places::config);
    let configured = config::load(file.as_deref(), variables(), cli.said())?;
    if cli.print_config {
        let _ = std::io::stdout().write_all(configured.config.to_string().as_bytes());
        return Ok(ExitCode::SUCCESS);
    }
    let log = log::begin(&configured.config.log, cli.command.log_filter())?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(Error::Runtime)?;
    let outcome = runtime.block_on(cli.command.run(&configured));
    // A thread that reads from a pipe cannot be stopped; the process ends it.
    runtime.shutdown_background();
    log.end();
    outcome
}

/// The environment. What is no Unicode is none of ours.
fn variables() -> impl Iterator<Item = (String, String)> {
    let unicode = |(name, value): (OsString, OsString)| {
        Some((name.into_string().ok()?, value.into_string().ok()?))
    };
    std::env::vars_os().filter_map(unicode)
}
