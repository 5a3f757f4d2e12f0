//! `polychat import`: chats brought in, from an export or from another program.

use std::{
    fs::File,
    io::{Read, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

use polychat::{
    WorldId,
    transfer::{AgentWorld, Import, Observed, Report},
};
use tokio::io::BufReader;

use crate::{
    args::{FileArgs, WorldArgs},
    config::Configured,
    error::{Error, INCOMPLETE},
    house::archive::Archive,
};

/// What every SQLite file begins with.
const SQLITE: &[u8; 16] = b"SQLite format 3\0";

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// What `export` wrote as JSON Lines, or a database of agent-world, whose worlds keep their
    /// names.
    file: PathBuf,
    /// Takes over the settings of the worlds, too.
    #[arg(long)]
    take_settings: bool,
    #[command(flatten)]
    world: WorldArgs,
    #[command(flatten)]
    pub(crate) data: FileArgs,
}

pub(crate) async fn run(args: Args, configured: &Configured) -> Result<ExitCode, Error> {
    let database = is_database(&args.file)?;
    let archive = Archive::open(configured).await?;
    let report = if database {
        from_agent_world(&args, &archive).await
    } else {
        from_lines(&args, configured, &archive).await
    };
    archive.close().await;
    let report = report?;
    // Whoever closed the pipe does not want to know.
    let _ = writeln!(std::io::stdout(), "{}", Told(&report));
    Ok(if report.is_whole() { ExitCode::SUCCESS } else { ExitCode::from(INCOMPLETE) })
}

async fn from_lines(
    args: &Args,
    configured: &Configured,
    archive: &Archive<'_>,
) -> Result<Report, Error> {
    let name = configured.one_world(args.world.world.as_deref())?;
    let id = WorldId::new(name).map_err(polychat::Error::from)?;
    let mut import = Import::new(archive.world(&id).await?.service()).observe(tell);
    if args.take_settings {
        import = import.take_settings();
    }
    let file = tokio::fs::File::open(&args.file).await.map_err(input(&args.file))?;
    Ok(import.json_lines(BufReader::new(file)).await?)
}

async fn from_agent_world(args: &Args, archive: &Archive<'_>) -> Result<Report, Error> {
    let mut import = AgentWorld::at(&args.file).observe(tell);
    if args.take_settings {
        import = import.take_settings();
    }
    let open = async |id: WorldId| archive.world(&id).await.map(|world| world.service());
    Ok(import.import(open).await?)
}

/// Says what was left out, as it is found.
#[allow(clippy::needless_pass_by_value)] // as observers are called
fn tell(observed: Observed<'_>) {
    if let Observed::Problem(problem) = observed {
        let _ = writeln!(std::io::stderr(), "left out: {problem}");
    }
}

fn is_database(path: &Path) -> Result<bool, Error> {
    let mut begin = Vec::new();
    let file = File::open(path).map_err(input(path))?;
    let length = SQLITE.len() as u64;
    file.take(length).read_to_end(&mut begin).map_err(input(path))?;
    Ok(begin == SQLITE)
}

fn input(path: &Path) -> impl Fn(std::io::Error) -> Error {
    move |source| Error::Input { path: path.to_owned(), source }
}

/// A report in words.
struct Told<'a>(&'a Report);

impl std::fmt::Display for Told<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Report { chats_imported, chats_already_there, chats_left_out, .. } = self.0;
        let Report { messages_imported, messages_left_out, duplicates, agents_added, .. } = self.0;
        writeln!(f, "chats imported: {chats_imported}")?;
        writeln!(f, "chats already there: {chats_already_there}")?;
        writeln!(f, "chats left out: {chats_left_out}")?;
        writeln!(f, "messages imported: {messages_imported}")?;
        writeln!(f, "messages left out: {messages_left_out}")?;
        writeln!(f, "duplicates: {duplicates}")?;
        write!(f, "agents added: {agents_added}")
    }
}
