//! `polychat`: a world of many chats, served to the programs of this machine.
//!
//! One file per subcommand in `commands`; what they share is the house they serve (`house`), where
//! its files lie (`places`), when it ends (`ending`), and where its logs go (`log`). All that a chat
//! does is in the library; here are only command line, processes and files.

mod cli;
mod commands;
mod ending;
mod error;
mod house;
mod log;
mod places;

use std::{io::Write, process::ExitCode};

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
    let log = log::begin(&cli.log)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(Error::Runtime)?;
    let outcome = runtime.block_on(cli.command.run());
    // A thread that reads from a pipe cannot be stopped; the process ends it.
    runtime.shutdown_background();
    log.end();
    outcome
}
