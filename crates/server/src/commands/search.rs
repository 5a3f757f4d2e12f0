//! `polychat search`: messages found by their words.

use std::{io::Write, process::ExitCode};

use polychat::{ChatId, Page, SearchQuery};

use crate::{
    args::{FileArgs, WorldArgs},
    config::Configured,
    error::Error,
    house::archive::Archive,
};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// What is looked for. Nothing in it is syntax.
    #[arg(required = true)]
    words: Vec<String>,
    /// Only in this chat.
    #[arg(long, value_name = "ID")]
    chat: Option<String>,
    /// How many at most, newest first.
    #[arg(long, default_value_t = 20, value_name = "N")]
    limit: usize,
    #[command(flatten)]
    world: WorldArgs,
    #[command(flatten)]
    pub(crate) file: FileArgs,
}

pub(crate) async fn run(args: Args, configured: &Configured) -> Result<ExitCode, Error> {
    let name = configured.one_world(args.world.world.as_deref())?;
    let mut query = SearchQuery::new(args.words.join(" "), Page::first(args.limit));
    if let Some(chat) = args.chat {
        query = query.in_chat(ChatId::new(chat).map_err(polychat::Error::from)?);
    }
    let archive = Archive::open_existing(configured).await?;
    let found = async {
        let found = archive.existing(name).await?.find(query).await;
        found.map_err(|error| Error::from(polychat::Error::from(error)))
    };
    let found = found.await;
    archive.close().await;
    let found = found?;
    let mut out = std::io::stdout().lock();
    for hit in &found.hits {
        let line = format!("{}\t{}\t{}", hit.chat_id, hit.message_id, one_line(&hit.snippet.text));
        // Whoever closed the pipe has seen enough.
        if writeln!(out, "{line}").is_err() {
            break;
        }
    }
    if found.next.is_some() {
        let _ = writeln!(std::io::stderr(), "there are more: --limit N shows them");
    }
    Ok(ExitCode::SUCCESS)
}

/// What was said, without anything that a terminal would obey.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
