//! What the command line says.

use std::{ffi::OsString, path::PathBuf, time::Duration};

use lexopt::{
    Arg::{Long, Short},
    ValueExt,
};

use crate::mcp::McpArg;

pub(crate) const USAGE: &str = "\
Many chats at once, by hand: each line of input is `NAME: MESSAGE`.

Usage: cargo run --release --example concurrent_chats -- [OPTIONS]

Without options a demo model answers, which needs no key and no server.

  --keep FILE        keeps the chats in this file, and goes on with those that it holds
  --pace MS          the demo model's time before each word, in milliseconds (default: 30)
  --patience TIME    after the end of input, how long a chat may show nothing new before its turn
                     is cancelled: 500ms, 30s, 5m (default: 30s)
  --mcp SERVER       adds the tools of an MCP server: 'COMMAND ARGS …' or an http URL, after
                     NAME= if they shall be known as NAME_… (default: mcp1_…, mcp2_…); repeatable
  --tools            gives a real model the built-in tools, which the demo model has anyway
  --model NAME       a real model, by the name that its provider knows
  --base-url URL     any OpenAI-compatible server, for example http://127.0.0.1:11434/v1
  --provider NAME    another provider's protocol: anthropic, gemini, ollama, groq … (default: openai)
  --key-env VAR      the environment variable that holds the key
  -h, --help         this text

A tool that acts waits for a person, and a tool may be a question to one: the chat says so, and
`NAME: /allow`, `/allow-chat`, `/deny WHY` or `/answer TEXT` decides. Lines that come before the
chat asks are refused. At the end of input no decision can come any more: whatever still waits is
left so, and counted as awaiting.";

/// The options.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Args {
    /// The file in which chats are kept; `None` keeps them as long as the program runs.
    pub(crate) keep: Option<PathBuf>,
    pub(crate) pace: Duration,
    pub(crate) patience: Duration,
    pub(crate) mcp: Vec<McpArg>,
    /// Whether there are the built-in tools.
    pub(crate) builtin: bool,
    pub(crate) real: Option<RealModel>,
}

/// A model behind a server. Only the name of the key's variable is here, never the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RealModel {
    pub(crate) name: String,
    pub(crate) base_url: Option<String>,
    pub(crate) provider: Option<String>,
    pub(crate) key_env: Option<String>,
}

/// What the command line asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Request {
    Help,
    Run(Args),
}

/// Reads the arguments, the program's own name not included.
pub(crate) fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Request, lexopt::Error> {
    let (mut pace, mut patience) = (Duration::from_millis(30), Duration::from_secs(30));
    let (mut keep, mut mcp, mut tools) = (None, Vec::new(), false);
    let (mut model, mut base_url, mut provider, mut key_env) = (None, None, None, None);
    let mut parser = lexopt::Parser::from_args(args);
    while let Some(arg) = parser.next()? {
        match arg {
            Long("keep") => keep = Some(PathBuf::from(parser.value()?)),
            Long("pace") => pace = Duration::from_millis(parser.value()?.parse()?),
            Long("patience") => patience = parser.value()?.parse_with(duration)?,
            Long("mcp") => mcp.push(parser.value()?.parse()?),
            Long("tools") => tools = true,
            Long("model") => model = Some(parser.value()?.string()?),
            Long("base-url") => base_url = Some(parser.value()?.string()?),
            Long("provider") => provider = Some(parser.value()?.string()?),
            Long("key-env") => key_env = Some(parser.value()?.string()?),
            Short('h') | Long("help") => return Ok(Request::Help),
            other => return Err(other.unexpected()),
        }
    }
    let real = match model {
        Some(name) => Some(RealModel { name, base_url, provider, key_env }),
        None if base_url.is_some() || provider.is_some() || key_env.is_some() => {
            return Err("which model? --model NAME says it".into());
        }
        None => None,
    };
    let builtin = tools || real.is_none();
    Ok(Request::Run(Args { keep, pace, patience, mcp, builtin, real }))
}

/// Reads `500ms`, `30s`, `5m`; a bare number counts seconds.
fn duration(text: &str) -> Result<Duration, String> {
    let unit = text.trim_start_matches(|c: char| c.is_ascii_digit());
    let count = text.strip_suffix(unit).unwrap_or(text);
    let count: u32 = count.parse().map_err(|_| format!("{text:?} is no time such as 30s"))?;
    let count = u64::from(count);
    match unit {
        "ms" => Ok(Duration::from_millis(count)),
        "" | "s" => Ok(Duration::from_secs(count)),
        "m" => Ok(Duration::from_secs(count * 60)),
        _ => Err(format!("{text:?} is no time such as 30s")),
    }
}
