//! `polychat export`: chats as text, for people and for machines.

use std::{
    fs::File,
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

use polychat::{
    ChatId, StreamExt,
    transfer::{Export, Pieces},
};

use crate::{
    args::{FileArgs, WorldArgs},
    config::Configured,
    error::Error,
    house::archive::Archive,
};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// One chat; without it all of the world, with its settings and agents.
    #[arg(long, value_name = "ID")]
    chat: Option<String>,
    /// What is written.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// Where to; without it to standard output. A file that is there is replaced once the new one is
    /// whole.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    world: WorldArgs,
    #[command(flatten)]
    pub(crate) file: FileArgs,
}

/// What chats are written as.
#[derive(Debug, Clone, Copy, Default, clap::ValueEnum)]
enum Format {
    /// JSON Lines, which `import` reads.
    #[default]
    Jsonl,
    /// For people.
    Markdown,
}

pub(crate) async fn run(args: Args, configured: &Configured) -> Result<ExitCode, Error> {
    let name = configured.one_world(args.world.world.as_deref())?;
    let chat = args.chat.map(ChatId::new).transpose().map_err(polychat::Error::from)?;
    let archive = Archive::open_existing(configured).await?;
    let exported = async {
        let world = archive.existing(name).await?.service();
        let export = match chat {
            Some(chat) => Export::chat(world, chat),
            None => Export::world(world),
        };
        let pieces = match args.format {
            Format::Jsonl => export.json_lines(),
            Format::Markdown => export.markdown(),
        };
        match &args.output {
            Some(path) => write_file(pieces, path).await,
            None => write(pieces, io::stdout().lock()).await,
        }
    };
    let exported = exported.await;
    archive.close().await;
    match exported {
        Ok(()) => Ok(ExitCode::SUCCESS),
        // Whoever read it has seen enough.
        Err(Error::Write(error)) if error.kind() == io::ErrorKind::BrokenPipe => {
            Ok(ExitCode::SUCCESS)
        }
        Err(error) => Err(error),
    }
}

/// Writes beside the file, and puts it in its place when it is whole.
async fn write_file(pieces: Pieces, path: &Path) -> Result<(), Error> {
    let failed = |source| Error::Output { path: path.to_owned(), source };
    let mut part = path.as_os_str().to_owned();
    part.push(".part");
    let part = PathBuf::from(part);
    let file = File::create(&part).map_err(failed)?;
    let written = write(pieces, &file).await;
    let whole = written
        .and_then(|()| file.sync_all().and_then(|()| std::fs::rename(&part, path)).map_err(failed));
    if whole.is_err() {
        let _ = std::fs::remove_file(&part);
    }
    whole
}

async fn write(mut pieces: Pieces, to: impl Write) -> Result<(), Error> {
    let mut to = BufWriter::new(to);
    while let Some(piece) = pieces.next().await {
        to.write_all(piece?.as_bytes()).map_err(Error::Write)?;
    }
    to.flush().map_err(Error::Write)
}
