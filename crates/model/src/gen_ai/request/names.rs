//! The names of tools as providers allow them.
//!
//! Ours may be any text; theirs are letters, digits, `_` and `-`, at most 64 of them. One name that
//! is not would make them refuse the whole request, and so every later one of that chat.

use std::collections::BTreeSet;

use polychat_core::{content::Text, outcome::cut};

/// The longest name that all providers take, in bytes.
const NAME_BYTES_MAX: usize = 64;

/// How the tools of a request are called on the other side.
#[derive(Debug, Default)]
pub(in super::super) struct Names {
    /// Ours and theirs, where they differ.
    changed: Vec<(Text, String)>,
}

impl Names {
    /// Finds a name for each tool; a name that is allowed is sent as it is.
    pub(in super::super) fn of<'a>(tools: impl Iterator<Item = &'a Text> + Clone) -> Self {
        let mut taken: BTreeSet<String> =
            tools.clone().filter(|name| is_allowed(name)).map(|name| name.to_string()).collect();
        let mut changed = Vec::new();
        for name in tools.filter(|name| !is_allowed(name)) {
            let theirs = free(&allowed(name), &taken);
            taken.insert(theirs.clone());
            changed.push((Text::clone(name), theirs));
        }
        Self { changed }
    }

    /// What a tool, or what a model once took for one, is called on the other side.
    pub(super) fn sent(&self, name: &str) -> String {
        let known = self.changed.iter().find(|(ours, _)| **ours == *name);
        known.map_or_else(|| allowed(name), |(_, theirs)| theirs.clone())
    }

    /// The tool that the other side calls so.
    pub(in super::super) fn ours(&self, name: String) -> Text {
        let known = self.changed.iter().find(|(_, theirs)| *theirs == name);
        known.map_or_else(|| name.into(), |(ours, _)| Text::clone(ours))
    }
}

fn is_allowed(name: &str) -> bool {
    !name.is_empty() && name.len() <= NAME_BYTES_MAX && name.chars().all(is_plain)
}

fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == '-'
}

fn allowed(name: &str) -> String {
    let plain: String = name.chars().map(|c| if is_plain(c) { c } else { '_' }).collect();
    if plain.is_empty() { "unnamed".to_owned() } else { cut(&plain, NAME_BYTES_MAX).to_owned() }
}

/// This name, or with a number behind it when it is taken.
fn free(name: &str, taken: &BTreeSet<String>) -> String {
    let numbered = (2..).map(|n: u32| {
        let end = format!("_{n}");
        format!("{}{end}", cut(name, NAME_BYTES_MAX - end.len()))
    });
    let mut names = std::iter::once(name.to_owned()).chain(numbered);
    names.find(|name| !taken.contains(name)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use polychat_core::content::Text;

    use super::Names;

    fn names(names: &[&str]) -> (Vec<Text>, Names) {
        let tools: Vec<Text> = names.iter().map(|name| Text::from(*name)).collect();
        let names = Names::of(tools.iter());
        (tools, names)
    }

    #[test]
    fn every_name_is_allowed_unlike_the_others_and_finds_its_way_back() {
        let (long, longer) = ("x".repeat(64), "x".repeat(80));
        let (tools, names) = names(&[
            "a.b",
            "a_b",
            "a/b",
            "a_b_2",
            "",
            "clock",
            "wär",
            &long,
            &longer,
            &longer[1..],
        ]);
        let sent: Vec<String> = tools.iter().map(|name| names.sent(name)).collect();
        assert_eq!(sent[..7], ["a_b_3", "a_b", "a_b_4", "a_b_2", "unnamed", "clock", "w_r"]);
        for (name, sent) in tools.iter().zip(&sent) {
            assert!(super::is_allowed(sent), "{sent:?}");
            assert_eq!(names.ours(sent.clone()), *name);
        }
        let different: std::collections::BTreeSet<_> = sent.iter().collect();
        assert_eq!(different.len(), sent.len(), "{sent:?}");
    }

    #[test]
    fn what_a_model_took_for_a_tool_is_allowed_too_and_comes_back_as_it_was_said() {
        let (_, names) = names(&["clock"]);
        assert_eq!(names.sent("run me!"), "run_me_");
        assert_eq!(&*names.ours("run me!".to_owned()), "run me!");
    }
}
