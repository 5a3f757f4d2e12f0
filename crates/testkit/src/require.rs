//! Skips that CI may forbid.
//!
//! Some tests need what not every machine has: node, a package of another registry, a kernel that
//! lends namespaces. Without it they skip, visibly. Where they must run, the environment variable
//! [`REQUIRE`] names what has to be there, and the skip becomes a failure.

use std::{
    env,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// The environment variable: a list of names with commas between, for example `node,mock-llm`.
pub const REQUIRE: &str = "POLYCHAT_REQUIRE";

/// Whether a test that needs `name` may go on; prints `SKIPPED: …` when it may not.
///
/// ```
/// use polychat_testkit::require;
///
/// if !require::or_skip("unicorn", false) {
///     return; // printed: SKIPPED: there is no unicorn here …
/// }
/// # unreachable!();
/// ```
///
/// # Panics
///
/// When it was not found although [`REQUIRE`] names it. That fails the test, as it should.
#[must_use]
#[allow(clippy::panic)] // To fail the test is what was asked for.
pub fn or_skip(name: &str, found: bool) -> bool {
    match verdict(name, found, &env::var(REQUIRE).unwrap_or_default()) {
        Verdict::Run => true,
        Verdict::Skip => {
            // Printed past the capture of the test harness: a skip that nobody sees is a lie.
            let line =
                format!("SKIPPED: there is no {name} here ({REQUIRE}={name} forbids this)\n");
            let _ = std::io::Write::write_all(&mut std::io::stderr(), line.as_bytes());
            false
        }
        Verdict::Fail => {
            std::panic::panic_any(format!("there is no {name} here, and {REQUIRE} names it"))
        }
    }
}

/// The entry script of an MCP server that we did not write, npm
/// `@modelcontextprotocol/server-everything`; `None` after a visible skip.
///
/// Started as `node <script> stdio`. It lies where CI installs it, in `target/npm`, or where the
/// environment variable `POLYCHAT_MCP_EVERYTHING` says. Both `node` and `mcp-everything` may be
/// [required](REQUIRE).
///
/// # Panics
///
/// As [`or_skip`] does.
#[must_use]
pub fn mcp_everything() -> Option<PathBuf> {
    let script = env::var_os("POLYCHAT_MCP_EVERYTHING").map_or_else(installed, PathBuf::from);
    let node = Command::new("node").arg("--version").stdout(Stdio::null()).status();
    let found =
        [("node", node.is_ok_and(|status| status.success())), ("mcp-everything", script.is_file())];
    // All of them are looked at, so that each missing one is told.
    let found = found.map(|(name, found)| or_skip(name, found));
    found.iter().all(|found| *found).then_some(script)
}

fn installed() -> PathBuf {
    let package = "target/npm/node_modules/@modelcontextprotocol/server-everything";
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(package).join("dist/index.js")
}

#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    Run,
    Skip,
    Fail,
}

fn verdict(name: &str, found: bool, required: &str) -> Verdict {
    if found {
        Verdict::Run
    } else if required.split(',').any(|required| required.trim() == name) {
        Verdict::Fail
    } else {
        Verdict::Skip
    }
}

#[cfg(test)]
mod tests {
    use super::{Verdict, verdict};

    #[test]
    fn what_is_required_and_missing_fails_and_what_is_only_missing_skips() {
        let table = [
            (true, "", Verdict::Run),
            (true, "node", Verdict::Run),
            (false, "", Verdict::Skip),
            (false, "mock-llm", Verdict::Skip),
            (false, "nodejs", Verdict::Skip),
            (false, "node", Verdict::Fail),
            (false, "mock-llm, node", Verdict::Fail),
        ];
        for (found, required, expected) in table {
            assert_eq!(verdict("node", found, required), expected, "{found} {required:?}");
        }
    }
}
