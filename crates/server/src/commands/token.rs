//! `polychat token`: a token for somebody, and what the configuration has to say of it.

use std::{io::Write, process::ExitCode};

use crate::{error::Error, serve::token::Token};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The name under which it stands in the configuration and in logs.
    #[arg(default_value = "mine")]
    name: String,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode, Error> {
    let token = Token::generate().map_err(Error::Random)?;
    let mut out = std::io::stdout().lock();
    let name = toml::Value::from(args.name.as_str());
    // The token stands alone on its line, and nowhere else again.
    let _ = writeln!(
        out,
        "{}\n\n# For the configuration, which needs only the hash:\n[serve.tokens.{name}]\nhash = \"{}\"",
        token.as_str(),
        token.hash(),
    );
    Ok(ExitCode::SUCCESS)
}
