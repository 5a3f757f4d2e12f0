//! `polychat verify`: whether the file holds what was stored.

use std::{io::Write, process::ExitCode};

use polychat::{Seq, SqliteStore, ports::LogKey};
use tokio::task::spawn_blocking;

use crate::{
    args::FileArgs,
    config::Configured,
    error::{Error, INCOMPLETE},
    house::archive,
};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) file: FileArgs,
}

pub(crate) async fn run(configured: &Configured) -> Result<ExitCode, Error> {
    let path = archive::existing(&configured.config.store)?;
    let opening = spawn_blocking(move || SqliteStore::open_read_only(path));
    let file = opening.await.map_err(Error::Bug)??;
    let verified = file.verify().await;
    file.close().await;
    let verified = verified?;
    let mut out = std::io::stdout().lock();
    for finding in &verified.findings {
        let _ = writeln!(out, "{}{}", place(finding.key.as_ref(), finding.seq), finding.problem);
    }
    if verified.findings_left_out > 0 {
        let _ = writeln!(out, "and {} more", verified.findings_left_out);
    }
    let (logs, events) = (verified.logs, verified.events);
    let _ = writeln!(std::io::stderr(), "looked at {events} events in {logs} logs");
    Ok(if verified.is_sound() { ExitCode::SUCCESS } else { ExitCode::from(INCOMPLETE) })
}

/// Where something is wrong.
fn place(key: Option<&LogKey>, seq: Option<Seq>) -> String {
    let log = match key {
        None => return String::new(),
        Some(LogKey::World(world)) => format!("world {world}"),
        Some(LogKey::Chat(world, chat)) => format!("world {world}, chat {chat}"),
    };
    seq.map_or_else(|| format!("{log}: "), |seq| format!("{log}, event {seq}: "))
}
