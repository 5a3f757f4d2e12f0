//! The repository about itself: what is promised outside of code is checked here.
//!
//! Everything is read from the working tree; nothing is built. Only the count of dependencies asks
//! cargo, offline.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may panic")]

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// Crates of others that the code of the default build names itself.
const DIRECT_DEPENDENCIES: usize = 13;
/// All crates of others in the default build, those that only compile it included.
const ALL_DEPENDENCIES_MAX: usize = 60;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: impl AsRef<Path>) -> String {
    let path = root().join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// All files below a folder whose names end like this, as paths from the root.
fn files(folder: &str, suffix: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display())) {
            let path = entry.unwrap().path();
            let is_made = ["target", "node_modules"].iter().any(|name| path.ends_with(name));
            if path.is_dir() && !is_made {
                folders.push(path);
            } else if path.to_string_lossy().ends_with(suffix) {
                found.push(path.strip_prefix(root()).unwrap().to_owned());
            }
        }
    }
    assert!(!found.is_empty(), "{folder} has no *{suffix}");
    found.sort();
    found
}

fn sources() -> Vec<PathBuf> {
    ["src", "crates", "tests", "examples"].iter().flat_map(|folder| files(folder, ".rs")).collect()
}

fn manifests() -> Vec<PathBuf> {
    let mut found = files("crates", "Cargo.toml");
    found.push("Cargo.toml".into());
    found
}

/// The text between a line that begins like this and the next line that is this.
fn block<'a>(text: &'a str, begin: &str, end: &str) -> &'a str {
    let at = text.find(begin).unwrap_or_else(|| panic!("there is no {begin:?}"));
    let inner = &text[at + begin.len()..];
    &inner[..inner.find(end).unwrap_or(inner.len())]
}

#[test]
fn the_first_program_of_the_readme_is_the_second_example_and_short() {
    let example = read("examples/02_two_chats_at_once.rs");
    let program: Vec<&str> =
        example.lines().skip_while(|line| line.starts_with("//!") || line.is_empty()).collect();
    let readme = read("README.md");
    let shown: Vec<&str> = block(&readme, "```rust\n", "```").lines().collect();
    assert_eq!(shown, program);
    let lines = program.iter().filter(|line| !line.trim().is_empty()).count();
    assert!(lines <= 20, "{lines} lines");
}

#[test]
fn the_readme_has_one_command_to_run_and_one_to_test() {
    let readme = read("README.md");
    let commands: Vec<&str> = readme.lines().filter(|line| line.starts_with("cargo ")).collect();
    let run = "cargo run --release -p polychat-server -- serve";
    assert!(commands.iter().any(|command| command.starts_with(run)), "{commands:?}");
    let test = "cargo test --workspace --all-features";
    assert_eq!(commands.iter().filter(|command| command.starts_with("cargo test")).count(), 1);
    assert!(commands.contains(&test), "{commands:?}");
    assert!(read("justfile").contains(&format!("test:\n    {test}\n")));
    // CI takes both from there.
    let ci = read(".ci/run");
    for word in ["test --workspace", "polychat-server -- serve"] {
        assert!(ci.contains(&format!("$(readme_command '{word}')")), "{word}");
    }
}

#[test]
fn the_course_of_the_readme_is_the_folder_of_examples() {
    // One file in Rust, or a folder whose `main` is in another language.
    let mut examples: Vec<String> = [".rs", "main.mjs"]
        .iter()
        .flat_map(|suffix| files("examples", suffix))
        .filter_map(|path| {
            let place = path.strip_prefix("examples").unwrap().with_extension("");
            let name =
                place.components().next().unwrap().as_os_str().to_string_lossy().into_owned();
            name.starts_with(|first: char| first.is_ascii_digit()).then_some(name)
        })
        .collect();
    examples.sort();
    let readme = read("README.md");
    let course: Vec<&str> = block(&readme, "## The course\n", "\n## ")
        .lines()
        .filter_map(|line| line.split_once("](examples/")?.1.split_once(['.', '/']))
        .map(|(name, _)| name)
        .filter(|name| name.starts_with(|first: char| first.is_ascii_digit()))
        .collect();
    assert_eq!(course, examples);
}

#[test]
fn a_program_drags_in_few_crates_of_others() {
    let tree = |arguments: &[&str]| -> BTreeSet<String> {
        let output = Command::new(env!("CARGO"))
            .current_dir(root())
            .args(["tree", "--offline", "--locked", "-e", "normal", "--no-default-features"])
            .args(["--prefix", "none", "--format", "{p}"])
            .args(arguments)
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8(output.stdout).unwrap();
        text.lines().filter_map(|line| Some(line.split_once(" v")?.0.to_owned())).collect()
    };
    let others = |names: BTreeSet<String>| -> BTreeSet<String> {
        names.into_iter().filter(|name| !name.starts_with("polychat")).collect()
    };
    let house = tree(&["-p", "polychat"]);
    let mut direct = BTreeSet::new();
    for ours in house.iter().filter(|name| name.starts_with("polychat")) {
        direct.extend(others(tree(&["-p", ours, "--depth", "1"])));
    }
    assert_eq!(direct.len(), DIRECT_DEPENDENCIES, "{direct:?}");
    let all = others(house);
    assert!(all.len() <= ALL_DEPENDENCIES_MAX, "{} crates: {all:?}", all.len());
    assert!(all.len() > direct.len());
}

#[test]
fn every_dependency_says_what_for() {
    for manifest in manifests() {
        let (mut in_dependencies, mut explained) = (false, false);
        for line in read(&manifest).lines() {
            if line.starts_with('[') {
                in_dependencies = line.ends_with("dependencies]");
                explained = false;
            } else if line.starts_with('#') {
                explained = true;
            } else if line.is_empty() {
                explained = false;
            } else if in_dependencies && !line.starts_with("polychat") {
                let manifest = manifest.display();
                assert!(explained, "{manifest}: no comment above, or at its group: {line}");
            }
        }
    }
}

#[test]
fn the_crates_go_out_together_and_can_be_packaged() {
    let workspace = read("Cargo.toml");
    let version = block(block(&workspace, "[workspace.package]\n", "\n["), "version = \"", "\"");
    for manifest in manifests() {
        let text = read(&manifest);
        let package = block(&text, "[package]\n", "\n[");
        let name = block(package, "name = \"", "\"");
        let inherited = ["version", "edition", "rust-version", "license"];
        for field in inherited {
            assert!(package.contains(&format!("{field}.workspace = true")), "{name}: {field}");
        }
        assert!(package.contains("description = \""), "{name} has no description");
        assert!(text.contains("[lints]\nworkspace = true"), "{name} has lints of its own");
        let line = workspace.lines().find(|line| line.starts_with(&format!("{name} = {{")));
        let line = line.unwrap_or_else(|| panic!("{name} is no workspace dependency"));
        // What is a dependency of a published crate has one exact version; the others have none.
        assert!(
            line.contains(&format!("version = \"={version}\"")) || !line.contains("version"),
            "{line}"
        );
    }
}

#[test]
fn files_hold_one_idea_and_are_named_for_it() {
    for path in sources() {
        assert!(!path.ends_with("mod.rs"), "{}", path.display());
        let in_library = path.components().any(|part| part.as_os_str() == "src");
        let text = read(&path);
        let lines = text.lines().take_while(|line| !line.starts_with("#[cfg(test)]")).count();
        assert!(!in_library || lines <= 500, "{}: {lines} lines", path.display());
    }
}

#[test]
fn scripts_hold_one_idea_too() {
    // `.js`, `.mjs`, `.cjs`.
    let folders = ["clients/javascript", "crates/server/desk", ".ci", "examples"];
    for path in folders.iter().flat_map(|folder| files(folder, "js")) {
        let is_of_others = path.components().any(|part| part.as_os_str() == "vendor");
        let lines = read(&path).lines().count();
        assert!(is_of_others || lines <= 500, "{}: {lines} lines", path.display());
    }
}

#[test]
fn links_of_the_documents_lead_somewhere() {
    let mut documents = files("docs", ".md");
    documents.extend(["README.md", "CHANGELOG.md", "CONTRIBUTING.md"].map(PathBuf::from));
    for document in documents {
        let text = read(&document);
        for target in text.split("](").skip(1).filter_map(|rest| rest.split_once(')')) {
            let target = target.0.split('#').next().unwrap_or_default();
            if target.is_empty() || target.contains("://") {
                continue;
            }
            let from = root().join(&document);
            let found = from.parent().unwrap().join(target).exists();
            assert!(found, "{} links to {target}", document.display());
        }
    }
}

/// The words between such marks that fit.
fn quoted(text: &str, mark: char, fits: impl Fn(&str) -> bool) -> BTreeSet<String> {
    text.lines()
        .flat_map(|line| line.split(mark).skip(1).step_by(2))
        .filter(|word| fits(word))
        .map(str::to_owned)
        .collect()
}

// NFR-4
#[test]
fn every_metric_and_every_diagnostic_is_described_and_no_other() {
    let document = read("docs/observability.md");
    let is_metric = |word: &str| {
        word.starts_with("polychat_") && (word.ends_with("_total") || word.ends_with("_seconds"))
    };
    let sources = files("crates", ".rs").iter().map(read).collect::<Vec<_>>().join("\n");
    assert_eq!(quoted(block(&document, "## Metrics\n", "\n## "), '`', is_metric), {
        quoted(&sources, '"', is_metric)
    });
    let words = read("crates/core/src/diagnostic.rs");
    let words = quoted(block(&words, "pub fn as_str", "\n}"), '"', |word| !word.is_empty());
    let table = block(&document, "### Diagnostics\n", "\n## ");
    let rows = table.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` |"));
    let described: BTreeSet<String> =
        rows.map(|(word, _)| word.to_owned()).filter(|word| word != "kind").collect();
    assert_eq!(described, words);
}

#[test]
fn the_architecture_is_read_in_one_sitting_and_the_verbs_are_few() {
    let words = read("docs/ARCHITECTURE.md").split_whitespace().count();
    assert!(words <= 1_500, "{words} words");
    let justfile = read("justfile");
    let verb = |line: &&str| line.starts_with(char::is_alphabetic) && line.contains(':');
    let verbs: Vec<&str> = justfile.lines().filter(verb).collect();
    assert!(verbs.len() <= 8, "{verbs:?}");
}

/// A row of a table in `docs/ARCHITECTURE.md` that maps something promised to its tests.
struct Row {
    id: String,
    tests: Vec<String>,
    in_a_browser: Vec<String>,
}

fn rows() -> Vec<Row> {
    let text = read("docs/ARCHITECTURE.md");
    let tables = block(&text, "## What shows it\n", "\n## ");
    let mut rows = Vec::new();
    for line in tables.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| |")) {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let quoted =
            |cell: &str| cell.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>();
        let (tests, in_a_browser) = (quoted(cells[2]), quoted(cells[3]));
        rows.push(Row { id: cells[1].to_owned(), tests, in_a_browser });
    }
    rows
}

#[test]
fn every_requirement_and_law_is_mapped_to_tests() {
    let numbered = |word: &str, last: u32| -> Vec<String> {
        (1..=last).map(|number| format!("{word}{number}")).collect()
    };
    let mut expected = numbered("law ", 8);
    expected.extend(numbered("REQ-", 15));
    expected.extend(numbered("NFR-", 5));
    expected.extend(numbered("constraint ", 4));
    expected.extend(numbered("acceptance ", 9));
    let rows = rows();
    let mapped: Vec<&str> = rows.iter().map(|row| row.id.as_str()).collect();
    assert_eq!(mapped, expected);
    let unproven: Vec<&str> =
        rows.iter().filter(|row| row.tests.is_empty()).map(|row| row.id.as_str()).collect();
    assert!(unproven.is_empty(), "without a test: {unproven:?}");
}

/// Where a test stands, and the lines right above it: what it cites, and its attributes.
struct Found {
    path: String,
    line: String,
    above: Vec<String>,
}

/// Finds a test that the architecture names; fails if there is none.
fn find(test: &str) -> Found {
    // `module::test` is of tests/it; a path of a file before `::` is of that file.
    let (place, name) = test.rsplit_once("::").unwrap_or_else(|| panic!("{test} has no place"));
    let path = if place.contains('/') {
        format!("{place}.rs")
    } else {
        format!("tests/it/{}.rs", place.replace("::", "/"))
    };
    if !place.contains('/') {
        let module = place.split("::").next().unwrap_or_default();
        let declared =
            read("tests/it/main.rs").lines().any(|line| line == format!("mod {module};"));
        assert!(declared, "{module} is no part of tests/it");
    }
    let text = read(&path);
    let lines: Vec<&str> = text.lines().map(str::trim_start).collect();
    let signature = format!("fn {name}(");
    let at = lines.iter().position(|line| line.contains(&signature));
    let at = at.unwrap_or_else(|| panic!("{path} has no {name}"));
    let above = lines[..at].iter().rev().take_while(|line| !line.is_empty() && **line != "}");
    Found {
        // A scenario in a world of its own may need a second line to say so.
        line: lines[at..].iter().take(2).copied().collect(),
        above: above.map(|line| (*line).to_owned()).collect(),
        path,
    }
}

#[test]
fn the_tests_that_the_architecture_names_exist_and_run() {
    for test in rows().iter().flat_map(|row| &row.tests) {
        let found = find(test);
        let attribute =
            |line: &String| line.starts_with("#[test]") || line.starts_with("#[tokio::test");
        // Scenarios that run in process and on the wire get their attribute from a macro.
        let at_both_doors = found.line.contains("(house");
        assert!(at_both_doors || found.above.iter().any(attribute), "{test} is no test");
        assert!(!found.above.iter().any(|line| line.starts_with("#[ignore")), "{test} is ignored");
    }
}

// issue 7: each line of the acceptance list in one page of a browser
#[test]
fn the_browser_tests_that_the_architecture_names_exist_and_each_acceptance_line_has_one() {
    for Row { id, in_a_browser, .. } in rows() {
        assert!(!id.starts_with("acceptance") || !in_a_browser.is_empty(), "{id} has none");
        for test in in_a_browser {
            let (file, name) = test.split_once(": ").unwrap_or_else(|| panic!("{test}: where?"));
            let text = read(format!("crates/server/desk/test/{file}.test.mjs"));
            assert!(text.contains(&format!("\ntest(\"{name}")), "{file} has no {name}");
        }
    }
}

// issue 6: threat, answer, test
#[test]
fn the_tests_that_the_security_document_names_exist_and_run() {
    let document = read("docs/security.md");
    let table = block(&document, "## Threats, answers, tests\n", "\n## ");
    let rows = table.lines().filter(|line| line.starts_with("| ")).skip(1);
    let mut threats = 0;
    for row in rows {
        threats += 1;
        let cell = row.trim_end_matches(" |").rsplit(" | ").next().unwrap_or_default();
        let tests: Vec<&str> = cell.split('`').skip(1).step_by(2).collect();
        assert!(!tests.is_empty(), "no test: {row}");
        for test in tests {
            let of_the_server = !test.contains('/');
            let folder = if of_the_server { "crates/server/src/serve/tests/" } else { "" };
            let found = find(&format!("{folder}{test}"));
            let attribute =
                |line: &String| line.starts_with("#[test]") || line.starts_with("#[tokio::test");
            assert!(found.above.iter().any(attribute), "{test} is no test");
        }
    }
    assert!(threats > 20, "{threats} rows were read");
}

#[test]
fn what_is_promised_is_cited_by_a_test_of_the_whole_house() {
    for row in rows() {
        // Lines of acceptance and constraints have no number of their own in the requirements, and
        // two constraints are about windows, which only their requirements can be cited for.
        let cited = match row.id.split_once(' ') {
            Some(("law", _)) | None => row.id.as_str(),
            Some(("acceptance", _)) => "acceptance",
            Some(_) => "",
        };
        let cites = |line: &String| {
            let rest = line.find(cited).map(|at| &line[at + cited.len()..]);
            rest.is_some_and(|rest| !rest.starts_with(|next: char| next.is_ascii_digit()))
        };
        let of_the_house = |found: &Found| found.path.starts_with("tests/it/");
        let mut found = row.tests.iter().map(|test| find(test)).filter(of_the_house);
        let is_cited = found.any(|found| found.above.iter().any(cites));
        assert!(is_cited, "{}: no test of tests/it cites it", row.id);
    }
}
