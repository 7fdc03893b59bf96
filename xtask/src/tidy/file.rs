//! File: one text file of the workspace, and how they are all found.

use std::{fs, io, path::Path};

/// Kinds of file that the rules look at.
const EXTENSIONS: [&str; 6] = ["rs", "md", "toml", "yaml", "sh", "cfg"];

/// One text file.
#[derive(Debug)]
pub(super) struct File {
    /// Path from the root of the workspace, with `/`.
    pub(super) path: String,
    /// All of it.
    pub(super) text: String,
}

impl File {
    /// Whether its name ends so.
    pub(super) fn has_extension(&self, extension: &str) -> bool {
        Path::new(&self.path).extension().is_some_and(|own| own == extension)
    }

    /// Path of its folder, empty for the root.
    pub(super) fn folder(&self) -> &str {
        self.path.rsplit_once('/').map_or("", |(folder, _)| folder)
    }

    /// Name without folder.
    pub(super) fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or_default()
    }

    /// Lines before the tests of its own, and all lines if it has none.
    pub(super) fn lines_before_tests(&self) -> impl Iterator<Item = &str> {
        self.text.lines().take_while(|line| *line != "#[cfg(test)]")
    }
}

/// All files of the workspace in `root`, by path.
///
/// # Errors
///
/// A folder or file cannot be read.
pub(super) fn all(root: &Path) -> io::Result<Vec<File>> {
    let mut files = Vec::new();
    walk(root, "", &mut files)?;
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}

fn walk(folder: &Path, path: &str, files: &mut Vec<File>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let is_result = name.starts_with("target");
        if is_result || (name.starts_with('.') && name != ".ci" && name != ".cargo") {
            continue;
        }
        let path = if path.is_empty() { name } else { format!("{path}/{name}") };
        let kind = entry.file_type()?;
        if kind.is_dir() {
            walk(&entry.path(), &path, files)?;
        } else if kind.is_file() && is_text(&path) {
            files.push(File { text: fs::read_to_string(entry.path())?, path });
        }
    }
    Ok(())
}

fn is_text(path: &str) -> bool {
    let extension = Path::new(path).extension().and_then(|own| own.to_str());
    extension.is_some_and(|own| EXTENSIONS.contains(&own)) || path == ".ci/run"
}

#[cfg(test)]
pub(super) fn example(path: &str, text: &str) -> File {
    File { path: path.to_owned(), text: text.to_owned() }
}
