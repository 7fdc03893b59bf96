//! Source: rules for each Rust file by itself.
//!
//! A header that says what it is for; a size one can keep in mind; nothing left open, nothing silenced.

use super::{Report, file::File};

/// Lines of a file before its tests: the limit.
const FILE_LINES_MAX: usize = 500;
/// Lines of a file before its tests: what is aimed at.
const FILE_LINES_AIM: usize = 300;
/// Lines of a function, signature and braces included: the limit.
const FN_LINES_MAX: usize = 60;
/// Lines of a function: what is aimed at.
const FN_LINES_AIM: usize = 45;

/// What no file may contain, and why. In pieces, so that this file passes.
const MARKS: [(&str, &str); 7] = [
    (concat!("#[", "allow"), "silences for good; use `#[expect(…, reason = \"…\")]`"),
    (concat!("#![", "allow"), "silences for good; use `#![expect(…, reason = \"…\")]`"),
    (concat!("todo", "!("), "is not done"),
    (concat!("unimplemented", "!("), "is not done"),
    (concat!("FIX", "ME"), "is left open; mend it or write down why it stays"),
    (concat!("XX", "X"), "is left open; mend it or write down why it stays"),
    (concat!("dbg", "!("), "is for the moment only"),
];

/// Checks one Rust file.
pub(super) fn check(file: &File, report: &mut Report) {
    if !file.text.starts_with("//! ") {
        report.breach(file, 1, "has no header; start with `//!` and what the file is for");
    }
    for (n, line) in (1..).zip(file.text.lines()) {
        for (mark, why) in MARKS {
            if line.contains(mark) {
                report.breach(file, n, &format!("`{mark}` {why}"));
            }
        }
        if line.trim_start() == concat!("#[", "ignore]") {
            report.breach(file, n, "a test is ignored without a reason; give one");
        }
    }
    size(file, report);
    functions(file, report);
}

fn size(file: &File, report: &mut Report) {
    let lines = file.lines_before_tests().count();
    if FILE_LINES_MAX < lines {
        report.breach(
            file,
            lines,
            &format!(
                "{lines} lines before its tests, the limit is {FILE_LINES_MAX}; split it by idea"
            ),
        );
    } else if FILE_LINES_AIM < lines {
        report.hint(
            file,
            lines,
            &format!("{lines} lines before its tests; {FILE_LINES_AIM} are aimed at"),
        );
    }
}

fn functions(file: &File, report: &mut Report) {
    for (name, line, lines) in function_sizes(file) {
        if FN_LINES_MAX < lines {
            report.breach(
                file,
                line,
                &format!("`{name}` has {lines} lines, the limit is {FN_LINES_MAX}"),
            );
        } else if FN_LINES_AIM < lines {
            report.hint(
                file,
                line,
                &format!("`{name}` has {lines} lines; {FN_LINES_AIM} are aimed at"),
            );
        }
    }
}

/// Name, line and length of every function with a body, before the tests.
fn function_sizes(file: &File) -> Vec<(String, usize, usize)> {
    let lines: Vec<&str> = file.lines_before_tests().collect();
    let mut sizes = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let Some(name) = function_name(line) else {
            continue;
        };
        // rustfmt closes a body with a brace as far in as the line that opens the function.
        let end = format!("{}}}", indent(line));
        let ends_here = |line: &&str| line.ends_with(';') || **line == end || line.ends_with('}');
        let rest = &lines[at..];
        let length = rest
            .iter()
            .position(|line| indent(line).len() <= indent(lines[at]).len() && ends_here(line));
        sizes.push((name.to_owned(), at + 1, length.map_or(rest.len(), |end| end + 1)));
    }
    sizes
}

fn indent(line: &str) -> &str {
    &line[..line.len() - line.trim_start().len()]
}

fn function_name(line: &str) -> Option<&str> {
    let mut rest = line.trim_start();
    for word in ["pub(crate) ", "pub(super) ", "pub ", "const ", "async "] {
        rest = rest.strip_prefix(word).unwrap_or(rest);
    }
    let rest = rest.strip_prefix("fn ")?;
    rest.split(['(', '<']).next()
}

#[cfg(test)]
mod tests {
    use super::{super::file::example, *};

    fn breaches(text: &str) -> Vec<String> {
        let mut report = Report::default();
        check(&example("a.rs", text), &mut report);
        report.breaches
    }

    #[test]
    fn a_plain_file_passes() {
        assert_eq!(breaches("//! A.\n\nfn a() {}\n"), Vec::<String>::new());
    }

    #[test]
    fn a_missing_header_and_open_work_are_found() {
        let found = breaches(concat!("fn a() {\n    todo", "!()\n}\n"));
        assert!(found[0].starts_with("a.rs:1: has no header"), "{found:?}");
        assert!(found[1].starts_with("a.rs:2: `todo"), "{found:?}");
    }

    #[test]
    fn tests_do_not_count_and_everything_else_does() {
        let code = "//! A.\n".to_owned() + &"//\n".repeat(FILE_LINES_MAX - 1);
        let tests = "#[cfg(test)]\n".to_owned() + &"//\n".repeat(100);
        assert_eq!(breaches(&(code.clone() + &tests)), Vec::<String>::new());
        assert_eq!(breaches(&(code + "//\n" + &tests)).len(), 1);
    }

    #[test]
    fn functions_are_measured_from_signature_to_brace() {
        let text = "//! A.\nimpl A {\n    pub async fn long(\n        a: u8,\n    ) -> u8 {\n        if a {\n        }\n        1\n    }\n    fn short() {}\n}\ntrait T {\n    fn none();\n}\n";
        let sizes = function_sizes(&example("a.rs", text));
        let expected = [("long", 3, 7), ("short", 10, 1), ("none", 13, 1)];
        assert_eq!(sizes, expected.map(|(name, line, lines)| (name.to_owned(), line, lines)));
    }
}
