//! What is said of a server: how it is reached, which of its tools count, what they mean.

use std::{
    ffi::{OsStr, OsString},
    fmt,
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use polychat_core::content::Text;

use super::{McpConfigError, McpConnect, McpLimits, http, names};

/// One MCP server, as it is configured. Nothing is started before a chat needs it.
///
/// ```
/// use polychat_tools::mcp::McpServer;
///
/// let files = McpServer::stdio("files", "npx")
///     .args(["-y", "@modelcontextprotocol/server-filesystem", "/srv/data"])
///     .allow(["read_text_file", "list_directory"]);
/// let search = McpServer::http("search", "https://search.example/mcp")
///     .header("authorization", "Bearer very-secret");
/// assert!(!format!("{search:?}").contains("very-secret"));
/// # let _ = files;
/// ```
#[derive(Clone)]
#[must_use = "a server does nothing before it is part of an `Mcp`"]
pub struct McpServer {
    name: Text,
    prefix: Option<String>,
    reach: Reach,
    tools: ToolRules,
    limits: McpLimits,
    wrong_option: Option<&'static str>,
}

/// How a server is reached.
#[derive(Clone)]
pub(super) enum Reach {
    Stdio(Process),
    Http { url: String, headers: Vec<(String, String)> },
    Stream(Arc<dyn McpConnect>),
}

/// The process of a server, as it is to be started.
#[derive(Clone)]
pub(super) struct Process {
    pub(super) command: OsString,
    pub(super) args: Vec<OsString>,
    pub(super) env: Vec<(OsString, OsString)>,
    pub(super) inherit_env: bool,
    pub(super) working_dir: Option<PathBuf>,
}

/// Which of a server's tools count, and what they mean.
#[derive(Debug, Clone, Default)]
pub(super) struct ToolRules {
    allow: Option<Vec<String>>,
    deny: Vec<String>,
    pub(super) trust_annotations: bool,
    pub(super) needs_approval: bool,
    pub(super) duration_max: Option<Duration>,
    pub(super) result_bytes_max: Option<usize>,
}

impl ToolRules {
    /// Whether a tool counts, by the name that the server gives it.
    pub(super) fn admit(&self, tool: &str) -> bool {
        let named = |names: &[String]| names.iter().any(|name| name == tool);
        self.allow.as_deref().is_none_or(named) && !named(&self.deny)
    }

    /// Whether a tool might count, by the name that models know, before the server was asked.
    fn may_admit(&self, exposed: &str, prefix: &str) -> bool {
        let named =
            |names: &[String]| names.iter().any(|name| names::exposed(prefix, name) == exposed);
        self.allow.as_deref().is_none_or(named) && !named(&self.deny)
    }
}

impl McpServer {
    /// A server that is a process: started with this command, spoken to over its standard input and
    /// output.
    ///
    /// The name begins the names of its tools, and stands in diagnostics. The command is looked up
    /// in `PATH`; no shell is involved. What the process writes to its standard error goes to the
    /// log: at `debug` until it is called, at `trace` from then on, because it may quote calls.
    pub fn stdio(name: &str, command: impl AsRef<OsStr>) -> Self {
        Self::new(
            name,
            Reach::Stdio(Process {
                command: command.as_ref().to_owned(),
                args: Vec::new(),
                env: Vec::new(),
                inherit_env: false,
                working_dir: None,
            }),
        )
    }

    /// A server behind an address, spoken to over streamable HTTP.
    ///
    /// Redirects are followed only to the same scheme, host and port.
    pub fn http(name: &str, url: impl Into<String>) -> Self {
        Self::new(name, Reach::Http { url: url.into(), headers: Vec::new() })
    }

    /// A server behind connections that the embedder opens.
    pub fn connect(name: &str, connect: impl McpConnect) -> Self {
        Self::new(name, Reach::Stream(Arc::new(connect)))
    }

    fn new(name: &str, reach: Reach) -> Self {
        Self {
            name: name.into(),
            prefix: None,
            reach,
            tools: ToolRules::default(),
            limits: McpLimits::default(),
            wrong_option: None,
        }
    }

    /// Adds an argument of the command.
    pub fn arg(self, arg: impl AsRef<OsStr>) -> Self {
        self.args([arg])
    }

    /// Adds arguments of the command.
    pub fn args<A: AsRef<OsStr>>(self, args: impl IntoIterator<Item = A>) -> Self {
        let args = args.into_iter().map(|arg| arg.as_ref().to_owned());
        self.process("an argument", |process| process.args.extend(args))
    }

    /// Sets an environment variable of the process.
    ///
    /// Of this process's own environment it gets only what programs need to run (`PATH`, `HOME` and
    /// the like): other variables may hold keys that are none of its business.
    pub fn env(self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        let pair = (name.as_ref().to_owned(), value.as_ref().to_owned());
        self.process("an environment variable", |process| process.env.push(pair))
    }

    /// Gives the process the whole environment of this one.
    pub fn inherit_env(self) -> Self {
        self.process("an environment", |process| process.inherit_env = true)
    }

    /// Sets the folder in which the process starts.
    pub fn working_dir(self, dir: impl Into<PathBuf>) -> Self {
        self.process("a working folder", |process| process.working_dir = Some(dir.into()))
    }

    /// Adds a header to every request, for example `authorization`.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        match &mut self.reach {
            Reach::Http { headers, .. } => headers.push((name.into(), value.into())),
            Reach::Stdio(_) | Reach::Stream(_) => self.wrong_option = Some("a header"),
        }
        self
    }

    /// Takes only these of the server's tools, by the names that the server gives them.
    pub fn allow<N: Into<String>>(mut self, tools: impl IntoIterator<Item = N>) -> Self {
        self.tools.allow.get_or_insert_default().extend(tools.into_iter().map(Into::into));
        self
    }

    /// Leaves these of the server's tools out, also where they are allowed.
    pub fn deny<N: Into<String>>(mut self, tools: impl IntoIterator<Item = N>) -> Self {
        self.tools.deny.extend(tools.into_iter().map(Into::into));
        self
    }

    /// Sets what the names of its tools begin with, instead of the server's name: `prefix_tool`.
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = Some(prefix.into());
        self
    }

    /// Believes the server which of its tools only read.
    ///
    /// Without this every tool counts as one that may change something, because what a server says
    /// of its own harmlessness is only as good as the server.
    pub fn trust_annotations(mut self) -> Self {
        self.tools.trust_annotations = true;
        self
    }

    /// Makes each call wait for a person, whatever the policy says.
    pub fn needs_approval(mut self) -> Self {
        self.tools.needs_approval = true;
        self
    }

    /// Says how long one call may take; a world's own limit holds where it is shorter.
    pub fn duration_max(mut self, duration: Duration) -> Self {
        self.tools.duration_max = Some(duration);
        self
    }

    /// Says how large the result of one call may be, in bytes; a world's own limit holds where it
    /// is smaller.
    pub fn result_bytes_max(mut self, bytes: usize) -> Self {
        self.tools.result_bytes_max = Some(bytes);
        self
    }

    /// Sets the bounds of the server.
    pub fn limits(mut self, limits: McpLimits) -> Self {
        self.limits = limits;
        self
    }

    fn process(mut self, option: &'static str, set: impl FnOnce(&mut Process)) -> Self {
        match &mut self.reach {
            Reach::Stdio(process) => set(process),
            Reach::Http { .. } | Reach::Stream(_) => self.wrong_option = Some(option),
        }
        self
    }
}

impl fmt::Debug for McpServer {
    // Arguments, values of environment variables, addresses and headers may hold keys.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("McpServer");
        out.field("name", &self.name);
        match &self.reach {
            Reach::Stdio(process) => {
                let names: Vec<_> = process.env.iter().map(|(name, _)| name).collect();
                out.field("command", &process.command).field("env", &names)
            }
            Reach::Http { headers, .. } => {
                let names: Vec<_> = headers.iter().map(|(name, _)| name).collect();
                out.field("headers", &names)
            }
            Reach::Stream(_) => &mut out,
        };
        out.field("tools", &self.tools).finish_non_exhaustive()
    }
}

/// A server whose configuration was checked.
pub(super) struct Config {
    pub(super) name: Text,
    pub(super) prefix: String,
    pub(super) reach: CheckedReach,
    pub(super) tools: ToolRules,
    pub(super) limits: McpLimits,
}

/// How a server is reached, as far as it can be prepared without reaching it.
pub(super) enum CheckedReach {
    Stdio(Process),
    Http(http::Endpoint),
    Stream(Arc<dyn McpConnect>),
}

impl Config {
    /// Checks what can be checked without starting anything.
    pub(super) fn new(server: McpServer) -> Result<Self, McpConfigError> {
        let McpServer { name, prefix, reach, tools, limits, wrong_option } = server;
        if let Some(option) = wrong_option {
            return Err(McpConfigError::WrongOption { server: name, option });
        }
        let prefix = prefix.unwrap_or_else(|| (*name).to_owned());
        if !names::is_prefix(&prefix) {
            return Err(McpConfigError::InvalidName { name: prefix.into() });
        }
        let reach = match reach {
            Reach::Stdio(process) => CheckedReach::Stdio(process),
            Reach::Http { url, headers } => {
                CheckedReach::Http(http::Endpoint::new(&name, &url, &headers)?)
            }
            Reach::Stream(connect) => CheckedReach::Stream(connect),
        };
        Ok(Self { name, prefix, reach, tools, limits })
    }

    /// Whether both can be servers of one toolbox: each name of a tool belongs to one of them.
    pub(super) fn stands_beside(&self, other: &Self) -> Result<(), McpConfigError> {
        if self.name == other.name {
            return Err(McpConfigError::DuplicateName { name: Arc::clone(&self.name) });
        }
        let begins = |first: &str, second: &str| {
            first == second || names::has_prefix(&format!("{first}_"), second)
        };
        let (first, second) = (&*self.prefix, &*other.prefix);
        if begins(first, second) || begins(second, first) {
            let (first, second) = (first.into(), second.into());
            return Err(McpConfigError::OverlappingPrefixes { first, second });
        }
        Ok(())
    }

    /// Whether a tool of this name could be this server's, before it was asked.
    pub(super) fn may_have(&self, exposed: &str) -> bool {
        names::has_prefix(exposed, &self.prefix) && self.tools.may_admit(exposed, &self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(server: McpServer) -> Result<Config, McpConfigError> {
        Config::new(server)
    }

    // Issue 3: allow lists
    #[test]
    fn allowed_and_denied_tools_are_named_as_the_server_names_them() {
        let server = McpServer::stdio("s", "x").allow(["a", "b.c"]).deny(["a"]);
        let config = config(server).unwrap();
        assert_eq!(["a", "b.c", "d"].map(|tool| config.tools.admit(tool)), [false, true, false]);
        let exposed = names::exposed("s", "b.c");
        assert!(config.may_have(&exposed));
        assert!(!config.may_have("s_a"));
        assert!(!config.may_have("s_d"));
        assert!(!config.may_have("t_a"));
    }

    #[test]
    fn names_that_cannot_begin_a_tool_are_refused() {
        for name in ["", "a b", "ä", &"x".repeat(33)] {
            let refused = config(McpServer::stdio(name, "x")).err();
            assert_eq!(refused, Some(McpConfigError::InvalidName { name: name.into() }));
        }
        // The name itself is free where the prefix is not made of it.
        assert!(config(McpServer::stdio("the files", "x").prefix("files")).is_ok());
    }

    #[test]
    fn options_of_another_sort_of_server_are_refused_and_not_ignored() {
        let wrong = [
            (McpServer::stdio("s", "x").header("a", "b"), "a header"),
            (McpServer::http("s", "http://h/mcp").arg("a"), "an argument"),
            (McpServer::http("s", "http://h/mcp").env("a", "b"), "an environment variable"),
        ];
        for (server, option) in wrong {
            let refused = config(server).err();
            assert_eq!(refused, Some(McpConfigError::WrongOption { server: "s".into(), option }));
        }
    }

    // Each name of a tool belongs to one server, also before the servers were asked
    #[test]
    fn servers_whose_tools_could_have_the_same_name_cannot_stand_together() {
        let beside = |first: &str, second: &str| {
            let server = |name| config(McpServer::stdio(name, "x")).unwrap();
            server(first).stands_beside(&server(second)).is_ok()
        };
        assert!(beside("git", "gitlab") && beside("git_hub", "git-hub"));
        assert!(!beside("git", "git") && !beside("git", "git_hub") && !beside("git_hub", "git"));
        let two = [McpServer::stdio("a", "x"), McpServer::stdio("b", "x").prefix("a")];
        let [a, b] = two.map(|server| config(server).unwrap());
        let refused = McpConfigError::OverlappingPrefixes { first: "a".into(), second: "a".into() };
        assert_eq!(a.stands_beside(&b), Err(refused));
    }

    // What embedders configure is theirs: keys among it never reach a log
    #[test]
    fn debug_shows_names_but_no_values() {
        let server = McpServer::stdio("s", "cmd").arg("--key=arg-secret").env("KEY", "env-secret");
        let shown = format!("{server:?}");
        assert!(shown.contains("cmd") && shown.contains("KEY"), "{shown}");
        let server = McpServer::http("s", "https://user:url-secret@h/?k=url-secret")
            .header("authorization", "header-secret");
        let shown = format!("{shown} {server:?}");
        assert!(shown.contains("authorization"), "{shown}");
        assert!(!shown.contains("secret"), "{shown}");
    }
}
