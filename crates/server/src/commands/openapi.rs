//! `polychat openapi`: what `serve` answers, as an OpenAPI document.

use std::{io::Write, process::ExitCode};

use polychat::transport::http::openapi;

use crate::error::Error;

pub(crate) fn run() -> Result<ExitCode, Error> {
    let document = openapi::with_bearer(openapi()).to_pretty_json().map_err(Error::Document)?;
    // Whoever closed the pipe has seen enough.
    let _ = writeln!(std::io::stdout(), "{document}");
    Ok(ExitCode::SUCCESS)
}
