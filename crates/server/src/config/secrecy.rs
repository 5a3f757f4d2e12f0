//! What must not be shown, though somebody wrote it where it is.
//!
//! Secrets have no key here, but people put them into the wrong places: what is refused there is not
//! repeated, because messages end in terminals and logs.

use super::{Config, ConfigError, Configured, place::Keys};

/// What is wrong, without the value itself where that may be a secret.
pub(super) fn discreet(keys: &Keys, what: String) -> String {
    let section = keys.iter().map(String::as_str).take(2).collect::<Vec<_>>();
    if !matches!(section[..], ["models" | "mcp", ..] | ["serve", "tokens"]) {
        return what;
    }
    match (what.split_once("string \""), what.rsplit_once("\", expected")) {
        (Some((before, _)), Some((_, after))) => format!("{before}a text, expected{after}"),
        _ => what,
    }
}

/// Refuses addresses with a password: they would be printed with what is in force.
pub(super) fn check(configured: &Configured) -> Result<(), ConfigError> {
    let Config { models, mcp, .. } = &configured.config;
    let models = models.iter().map(|(name, model)| (["models", name, "base_url"], &model.base_url));
    let servers = mcp.iter().map(|(name, server)| (["mcp", name, "url"], &server.url));
    for (keys, url) in models.chain(servers) {
        if url.as_deref().is_some_and(has_user) {
            let what = "an address with a name or a password: say by a variable or a file what is \
                        secret";
            return Err(configured.wrong(keys, what));
        }
    }
    Ok(())
}

/// Whether an address names a user.
fn has_user(url: &str) -> bool {
    let after = url.split_once("//").map_or(url, |(_, after)| after);
    after.split(['/', '\\', '?', '#']).next().is_some_and(|authority| authority.contains('@'))
}
