//! What `--mcp` says: an MCP server and its name.

use std::str::FromStr;

/// The longest name; what is longer is a command.
const NAME_BYTES_MAX: usize = 16;

/// A server as the command line names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct McpArg {
    /// Comes before the names of its tools; `None` counts: `mcp1`, `mcp2`.
    name: Option<String>,
    pub(crate) place: Place,
}

/// Where a server is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// Started here, and spoken to through its standard input and output.
    Command { program: String, args: Vec<String> },
    /// Elsewhere, over streamable HTTP.
    Url(String),
}

/// Reads `COMMAND ARGS …` as a shell would split it, `http://…`, or one of them after `NAME=`.
impl FromStr for McpArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let named = text.split_once('=').filter(|(name, _)| is_name(name));
        let (name, place) = match named {
            Some((name, place)) => (Some(name.to_owned()), place),
            None => (None, text),
        };
        if place.starts_with("http://") || place.starts_with("https://") {
            return Ok(Self { name, place: Place::Url(place.to_owned()) });
        }
        let words = shlex::split(place).ok_or("a quote is left open")?;
        let mut words = words.into_iter();
        let program = words.next().ok_or("an MCP server is a command or a URL")?;
        Ok(Self { name, place: Place::Command { program, args: words.collect() } })
    }
}

/// The servers, each with the name that its tools are known by.
pub(crate) fn named(servers: &[McpArg]) -> impl Iterator<Item = (String, &Place)> {
    (1..).zip(servers).map(|(number, server)| {
        let name = server.name.clone().unwrap_or_else(|| format!("mcp{number}"));
        (name, &server.place)
    })
}

/// Short and plain, so that no `=` within a command or a URL is taken for the end of a name.
fn is_name(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    !text.is_empty() && text.len() <= NAME_BYTES_MAX && text.chars().all(plain)
}
