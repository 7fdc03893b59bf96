//! Docs: what they point at exists, and the words are the house's own.

use std::path::Path;

use super::{Report, file::File};
use crate::verify;

/// Words that say nothing or age at once, and what to do about them.
const WORDS: [(&str, &str); 4] = [
    ("this function", "say what it does, in the third person"),
    ("this method", "say what it does, in the third person"),
    ("simply ", "leave it out"),
    ("blazing", "give the number"),
];

/// Checks texts and what they point at.
pub(super) fn check(root: &Path, files: &[File], report: &mut Report) {
    let own_path = root.canonicalize().unwrap_or_else(|_| root.to_owned());
    let own_path = own_path.to_string_lossy();
    for file in files {
        for (n, line) in (1..).zip(file.text.lines()) {
            words(file, n, line, report);
            if line.contains(own_path.as_ref()) {
                report.breach(
                    file,
                    n,
                    "names the folder of this checkout; paths start at the root",
                );
            }
        }
        if file.has_extension("md") {
            links(files, file, root, report);
        }
    }
    readme(files, report);
    guarantees(files, report);
}

fn words(file: &File, n: usize, line: &str, report: &mut Report) {
    let is_prose = file.has_extension("md") || line.trim_start().starts_with("//");
    if !is_prose || file.path.starts_with("xtask/src/tidy/") {
        return;
    }
    let small = line.to_lowercase();
    for (word, way_out) in WORDS {
        if small.contains(word) {
            report.breach(file, n, &format!("says `{}`; {way_out}", word.trim_end()));
        }
    }
}

/// Every relative link resolves. A link whose text is a function's name in backticks must find that
/// function in the Rust file it points at.
fn links(files: &[File], file: &File, root: &Path, report: &mut Report) {
    for (n, line) in (1..).zip(file.text.lines()) {
        for (text, target) in links_of(line) {
            let target = target.split('#').next().unwrap_or_default();
            if target.is_empty() || target.contains("://") {
                continue;
            }
            let path = joined(file.folder(), target);
            if !root.join(&path).exists() {
                report.breach(file, n, &format!("link to `{target}`: there is no such file"));
                continue;
            }
            let Some(source) = files.iter().find(|source| source.path == path) else {
                continue;
            };
            if let Some(name) = function_of(text)
                && source.has_extension("rs")
                && !source.text.contains(&format!("fn {name}("))
            {
                report.breach(file, n, &format!("`{path}` has no function `{name}`"));
            }
        }
    }
}

/// Text and target of each `[text](target)` of a line.
fn links_of(line: &str) -> impl Iterator<Item = (&str, &str)> {
    line.match_indices("](").filter_map(move |(at, _)| {
        let text = line[..at].rsplit('[').next()?;
        let target = line[at + 2..].split(')').next()?;
        Some((text, target))
    })
}

/// The name in backticks, if it could be that of a function.
fn function_of(text: &str) -> Option<&str> {
    let name = text.strip_prefix('`')?.strip_suffix('`')?;
    let is_name = name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    (is_name && name.contains('_')).then_some(name)
}

/// `target` seen from `folder`, with `..` resolved.
fn joined(folder: &str, target: &str) -> String {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in target.split('/') {
        match part {
            "" | "." => (),
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// The README's command that passes the tests is the one `verify` runs.
fn readme(files: &[File], report: &mut Report) {
    let command = format!("cargo {}", verify::TEST.join(" "));
    let Some(readme) = files.iter().find(|file| file.path == "README.md") else {
        report.breaches.push("README.md: there is none".to_owned());
        return;
    };
    if !readme.text.contains(&command) {
        report.breach(readme, 1, &format!("does not name `{command}`, which `verify` runs"));
    }
}

/// Every invariant of the simulator is a promise that GUARANTEES.md tells.
fn guarantees(files: &[File], report: &mut Report) {
    let told = files.iter().find(|file| file.path == "GUARANTEES.md").map(|file| &file.text);
    for file in files {
        let is_invariant = file.folder() == "rollout-sim/src/invariants" && file.name() != "mod.rs";
        if is_invariant && !told.is_some_and(|text| text.contains(&file.path)) {
            report.breach(file, 1, "GUARANTEES.md does not tell of this invariant");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::file::example, *};

    fn breaches(text: &str) -> Vec<String> {
        let files =
            [example("docs/a.md", text), example("xtask/src/tidy/docs.rs", "fn it_is_here() {}")];
        let mut report = Report::default();
        links(&files, &files[0], &crate::root(), &mut report);
        report.breaches
    }

    #[test]
    fn links_to_files_and_functions_resolve() {
        let source = "../xtask/src/tidy/docs.rs";
        assert!(breaches(&format!("[x]({source}), [`it_is_here`]({source}#L1)")).is_empty());
        assert!(breaches("[x](https://example.org/none) [y](#below)").is_empty());
    }

    #[test]
    fn broken_links_are_found() {
        assert_eq!(
            breaches("[x](none.md)"),
            ["docs/a.md:1: link to `none.md`: there is no such file"]
        );
        let found = breaches("[`it_is_gone`](../xtask/src/tidy/docs.rs)");
        assert_eq!(found, ["docs/a.md:1: `xtask/src/tidy/docs.rs` has no function `it_is_gone`"]);
    }

    #[test]
    fn an_invariant_nobody_tells_of_is_found() {
        let files = [
            example("GUARANTEES.md", "[a](rollout-sim/src/invariants/a.rs)"),
            example("rollout-sim/src/invariants/a.rs", ""),
            example("rollout-sim/src/invariants/b.rs", ""),
        ];
        let mut report = Report::default();
        guarantees(&files, &mut report);
        let expected =
            "rollout-sim/src/invariants/b.rs:1: GUARANTEES.md does not tell of this invariant";
        assert_eq!(report.breaches, [expected]);
    }

    #[test]
    fn empty_words_are_found_in_prose_only() {
        let mut report = Report::default();
        words(&example("a.rs", ""), 1, "/// Simply returns.", &mut report);
        words(&example("a.rs", ""), 2, "let simply = 1;", &mut report);
        assert_eq!(report.breaches, ["a.rs:1: says `simply`; leave it out"]);
    }
}
