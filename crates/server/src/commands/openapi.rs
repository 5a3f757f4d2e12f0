//! `polychat openapi`: what `serve` answers, as an OpenAPI document.

use std::{io::Write, process::ExitCode};

use polychat::transport::http::openapi;

pub(crate) fn run() -> ExitCode {
    let document = openapi::to_json(&openapi::with_bearer(openapi()));
    // Whoever closed the pipe has seen enough.
    let _ = std::io::stdout().write_all(document.as_bytes());
    ExitCode::SUCCESS
}
