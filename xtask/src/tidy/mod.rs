//! Tidy: the rules of the house that no compiler checks.
//!
//! In: the folder of the workspace. Out: breaches, which fail, and hints, which do not. One file per
//! kind of rule. Absent: parsing of Rust; rustfmt's layout is regular enough to count lines.

mod crates;
mod docs;
mod file;
mod source;
mod tree;

use std::{io, path::Path};

use self::file::File;

/// What was found.
#[derive(Debug, Default)]
pub(crate) struct Report {
    /// One line each: where, what, which limit.
    pub(crate) breaches: Vec<String>,
    /// What aims higher than the limit.
    pub(crate) hints: Vec<String>,
}

impl Report {
    fn breach(&mut self, file: &File, line: usize, what: &str) {
        self.breaches.push(format!("{}:{line}: {what}", file.path));
    }

    fn hint(&mut self, file: &File, line: usize, what: &str) {
        self.hints.push(format!("{}:{line}: {what}", file.path));
    }
}

/// Checks the workspace in `root`.
///
/// # Errors
///
/// A file cannot be read.
pub(crate) fn check(root: &Path) -> io::Result<Report> {
    let files = file::all(root)?;
    let mut report = Report::default();
    for file in files.iter().filter(|file| file.has_extension("rs")) {
        source::check(file, &mut report);
    }
    tree::check(&files, &mut report);
    crates::check(&files, &mut report);
    docs::check(root, &files, &mut report);
    Ok(report)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_workspace_is_tidy() {
        let report = check(&crate::root()).unwrap();
        assert!(report.breaches.is_empty(), "\n{}", report.breaches.join("\n"));
    }
}
