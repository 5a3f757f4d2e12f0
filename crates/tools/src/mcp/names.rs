//! How the tools of a server are named.
//!
//! Providers take only 1 to 64 of `A-Z a-z 0-9 _ -`, servers may say anything. A name must go on
//! meaning the same tool, whatever other tools come and go: people allow tools by name.

use crate::schema::{TOOL_NAME_BYTES_MAX, is_tool_name};

/// The longest prefix, so that something is left for the tool.
pub(super) const PREFIX_BYTES_MAX: usize = 32;

/// How many bytes the mark of a changed name takes, its `_` included.
const MARK_BYTES: usize = 9;

/// Whether names of tools may begin with this.
pub(super) fn is_prefix(prefix: &str) -> bool {
    prefix.len() <= PREFIX_BYTES_MAX && is_tool_name(prefix)
}

/// The name of a server's tool for models: `prefix_tool`.
///
/// A name that does not fit is made to fit, and marked with a hash of the whole. It depends on
/// nothing else, so that it stays the same as long as the server calls the tool so.
pub(super) fn exposed(prefix: &str, tool: &str) -> String {
    let plain = format!("{prefix}_{tool}");
    if is_tool_name(&plain) {
        return plain;
    }
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    let room = TOOL_NAME_BYTES_MAX.saturating_sub(prefix.len() + 1 + MARK_BYTES);
    let tool_made_fit: String =
        tool.chars().map(|c| if fits(c) { c } else { '_' }).take(room).collect();
    format!("{prefix}_{tool_made_fit}_{:08x}", mark(tool))
}

/// Whether a tool could have this name under this prefix.
pub(super) fn has_prefix(name: &str, prefix: &str) -> bool {
    name.strip_prefix(prefix).is_some_and(|rest| rest.len() > 1 && rest.starts_with('_'))
}

/// FNV-1a: names are kept in logs, so the hash must be the same in every release.
fn mark(text: &str) -> u32 {
    text.bytes().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

#[cfg(test)]
mod tests {
    use super::*;

    // Issue 3: prefixed names
    #[test]
    fn a_name_that_fits_only_gets_its_prefix() {
        assert_eq!(exposed("files", "read_file"), "files_read_file");
        assert_eq!(exposed("f", &"x".repeat(62)), format!("f_{}", "x".repeat(62)));
    }

    // Issue 3: names handed to providers fit, and stay the same in every release
    #[test]
    fn a_name_that_does_not_fit_is_made_to_and_marked_with_its_hash() {
        assert_eq!(exposed("files", "read.file"), "files_read_file_2d6f0437");
        assert_eq!(exposed("files", "read/file"), "files_read_file_e53a8158");
        let prefix = "p".repeat(PREFIX_BYTES_MAX);
        for tool in ["ä".repeat(100), "x".repeat(100), String::new(), "🦊".to_owned()] {
            let name = exposed(&prefix, &tool);
            assert!(is_tool_name(&name), "{name}");
        }
    }

    #[test]
    fn names_that_differ_only_in_what_does_not_fit_stay_apart() {
        let names = ["a.b", "a/b", "a b", "a_b"].map(|tool| exposed("s", tool));
        let different: std::collections::HashSet<_> = names.iter().collect();
        assert_eq!(different.len(), names.len(), "{names:?}");
    }

    #[test]
    fn only_what_follows_the_whole_prefix_belongs_to_a_server() {
        for (name, expected) in
            [("git_log", true), ("git_", false), ("git", false), ("gitlab_log", false), ("", false)]
        {
            assert_eq!(has_prefix(name, "git"), expected, "{name}");
        }
    }
}
