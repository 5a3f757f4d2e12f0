//! `@name` and `@all` at the start of a paragraph address agents, where a world allows it.
//!
//! | text | addresses |
//! |---|---|
//! | `@b hi`, `  @b: hi`, `@b` | `b`, at the start of the text or after an empty line |
//! | `hi @b`, `hi⏎@b` | nobody: inside a paragraph |
//! | `> @b`, `- @b` | nobody: quoted, or listed |
//! | `@B`, `@ALL` | nobody: names are compared as they are written |
//! | `@bob`, `@all-in` | not `b`, not all: a name ends at white space or one of `,:;.!?` |
//! | anything between fences of three or more backticks or tildes | nobody: it is code |
//!
//! An agent that is really named `all` is the one whom `@all` means, also where mentions are off.

use crate::{agent::AgentTable, id::AgentName};

/// What addresses all agents of a table that has none of this name.
const ALL: &str = "all";

/// Whom the text of a prompt addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Addressed<'a> {
    /// Nobody: whoever usually answers does.
    Nobody,
    /// This agent of the table.
    One(&'a AgentName),
    /// All agents of the table, one after another in the order of their names.
    All,
}

/// Whom `text` addresses, as far as the settings of the table's world allow it.
///
/// The first paragraph that addresses somebody counts. `@name` counts where
/// [`mentions`](crate::agent::WorldSettings::mentions) are on, `@all` where
/// [`broadcast`](crate::agent::WorldSettings::broadcast) is, each whatever the other one is.
/// An agent that is named `all` is meant by `@all` before everybody is.
///
/// ```
/// use polychat_core::{AgentConfig, AgentName, AgentTable, ModelName};
/// use polychat_core::rules::{Addressed, addressed};
/// let name = AgentName::new("guide")?;
/// let mut table = AgentTable::new(AgentConfig::new(name.clone(), ModelName::new("demo")?));
/// assert_eq!(addressed("@all: what do you think?", &table), Addressed::Nobody);
/// table.settings.broadcast = true;
/// assert_eq!(addressed("@all: what do you think?", &table), Addressed::All);
/// assert_eq!(addressed("@guide: what do you think?", &table), Addressed::Nobody);
/// table.settings.mentions = true;
/// assert_eq!(addressed("@guide: what do you think?", &table), Addressed::One(&name));
/// # Ok::<(), polychat_core::id::InvalidId>(())
/// ```
#[must_use]
pub fn addressed<'a>(text: &str, table: &'a AgentTable) -> Addressed<'a> {
    let settings = &table.settings;
    let meant = |word: &str| match table.agents.get_key_value(word) {
        Some((name, _)) => settings.mentions.then_some(Addressed::One(name)),
        None => (settings.broadcast && word == ALL).then_some(Addressed::All),
    };
    called(text).find_map(meant).unwrap_or(Addressed::Nobody)
}

/// The first agent of the table whom a paragraph of `text` mentions at its start.
///
/// The world's settings do not matter here. Names are compared as written. A mention ends at white space, at the end, or at one of `,:;.!?`.
/// Paragraphs inside fenced code mention nobody.
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
    called(text).find_map(|word| table.agents.get_key_value(word).map(|(name, _)| name))
}

/// What stands behind each `@` that begins a paragraph, up to the end of the word.
fn called(text: &str) -> impl Iterator<Item = &str> {
    let ends = |c: char| c.is_whitespace() || ",:;.!?".contains(c);
    let (mut begins, mut code) = (true, None);
    text.lines().map(str::trim).filter_map(move |line| {
        let at_begin = std::mem::replace(&mut begins, line.is_empty());
        match (code, Fence::of(line)) {
            (None, Some(opening)) if opening.opens(line) => code = Some(opening),
            (Some(opening), Some(fence)) if fence.closes(opening, line) => code = None,
            (Some(_), _) => {}
            (None, _) => return line.strip_prefix('@').filter(|_| at_begin)?.split(ends).next(),
        }
        None
    })
}

/// A run of backticks or tildes at the beginning of a line, as Markdown fences code with.
#[derive(Clone, Copy)]
struct Fence {
    mark: char,
    len: usize,
}

impl Fence {
    fn of(line: &str) -> Option<Self> {
        let mark = line.chars().next().filter(|mark| matches!(mark, '`' | '~'))?;
        let len = line.chars().take_while(|c| *c == mark).count();
        (len >= 3).then_some(Self { mark, len })
    }

    /// Whether code follows: backticks that close in their own line are code within a line.
    fn opens(self, line: &str) -> bool {
        self.mark == '~' || line.chars().filter(|c| *c == self.mark).count() == self.len
    }

    /// Whether code that `opening` began ends here. Without a closing fence all the rest is code.
    fn closes(self, opening: Self, line: &str) -> bool {
        self.mark == opening.mark && self.len >= opening.len && line.chars().count() == self.len
    }
}
