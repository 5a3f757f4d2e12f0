//! `@name` at the start of a paragraph addresses an agent, where a world allows it.

use crate::{agent::AgentTable, id::AgentName};

/// The first agent of the table that a paragraph of `text` begins with an `@` mention of.
///
/// Names are compared as written. A mention ends at white space, at the end, or at one of `,:;.!?`.
///
/// ```
/// use polychat_core::{AgentConfig, AgentName, AgentTable, ModelName, rules::mentioned};
/// let name = AgentName::new("guide")?;
/// let table = AgentTable::new(AgentConfig::new(name.clone(), ModelName::new("demo")?));
/// assert_eq!(mentioned("@guide: where to?", &table), Some(&name));
/// assert_eq!(mentioned("ask @guide", &table), None);
/// # Ok::<(), polychat_core::id::InvalidId>(())
/// ```
#[must_use]
pub fn mentioned<'a>(text: &str, table: &'a AgentTable) -> Option<&'a AgentName> {
    let mut paragraph_begins = true;
    for line in text.lines() {
        if paragraph_begins && let Some(rest) = line.trim_start().strip_prefix('@') {
            let ends = |c: char| c.is_whitespace() || ",:;.!?".contains(c);
            let name = rest.split(ends).next().unwrap_or_default();
            if let Some((name, _)) = table.agents.get_key_value(name) {
                return Some(name);
            }
        }
        paragraph_begins = line.trim().is_empty();
    }
    None
}
