//! Kinds: resource definitions out of Go modules, where their makers publish them.
//!
//! In: lines of `live/kubernetes/routers/modules`. Out: one file per module with the definitions that were asked
//! for. Absent: the modules' code; nothing of it is built or run, so nothing they need is fetched either.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::{ClusterError, parts};
use crate::bed::output;

/// One line of the list.
#[derive(Debug, PartialEq, Eq)]
struct Wanted<'a> {
    module: &'a str,
    version: &'a str,
    sum: &'a str,
    file: &'a str,
    names: Vec<&'a str>,
}

/// Fetches what `list` names and writes the definitions into the folder `into`.
pub(super) fn write(list: &Path, into: &Path) -> Result<(), ClusterError> {
    let text = fs::read_to_string(list).map_err(ClusterError::file(list))?;
    fs::create_dir_all(into).map_err(ClusterError::file(into))?;
    for wanted in wanted(&text) {
        let dir = fetched(&wanted)?;
        let path = dir.join(wanted.file);
        let all = fs::read_to_string(&path).map_err(ClusterError::file(&path))?;
        let name = format!("{}.yaml", wanted.module.replace('/', "-"));
        let copy = into.join(name);
        let chosen = chosen(&all, &wanted.names)
            .map_err(|name| ClusterError::NoDefinition { name, file: path.clone() })?;
        fs::write(&copy, chosen).map_err(ClusterError::file(&copy))?;
    }
    Ok(())
}

fn wanted(list: &str) -> impl Iterator<Item = Wanted<'_>> {
    list.lines().filter(|line| !line.starts_with('#')).filter_map(|line| {
        let mut words = line.split_whitespace();
        let mut next = || words.next();
        let (module, version, sum, file) = (next()?, next()?, next()?, next()?);
        Some(Wanted { module, version, sum, file, names: words.collect() })
    })
}

/// The module's folder, once its checksum is the one that is known.
fn fetched(wanted: &Wanted<'_>) -> Result<PathBuf, ClusterError> {
    let module = format!("{}@{}", wanted.module, wanted.version);
    let said = output(parts::go()?.args(["mod", "download", "-json", &module]).current_dir("/"))?;
    let told: serde_json::Value = serde_json::from_str(&said).unwrap_or_default();
    let sum = told["Sum"].as_str().unwrap_or_default();
    if sum == wanted.sum {
        return Ok(PathBuf::from(told["Dir"].as_str().unwrap_or_default()));
    }
    Err(ClusterError::OtherSum { module, sum: sum.to_owned(), known: wanted.sum.to_owned() })
}

/// The documents of `all` with these names; or the first name that has none.
fn chosen(all: &str, names: &[&str]) -> Result<String, String> {
    let mut text = String::new();
    for name in names {
        let line = format!("\n  name: {name}\n");
        let document = all.split("\n---\n").find(|document| document.contains(&line));
        text += document.ok_or_else(|| (*name).to_owned())?;
        text += "\n---\n";
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_can_be_read() {
        let list = include_str!("../../kubernetes/routers/modules");
        let names: Vec<_> = wanted(list).flat_map(|wanted| wanted.names).collect();
        assert!(names.contains(&"virtualservices.networking.istio.io"), "{names:?}");
        assert!(names.contains(&"traefikservices.traefik.io"), "{names:?}");
        assert!(wanted(list).all(|wanted| wanted.sum.starts_with("h1:")));
    }

    #[test]
    fn documents_are_chosen_by_name() {
        let all = "---\nmetadata:\n  name: a\nx: 1\n---\nmetadata:\n  name: b\nx: 2\n";
        assert_eq!(chosen(all, &["b"]), Ok("metadata:\n  name: b\nx: 2\n\n---\n".to_owned()));
        assert_eq!(chosen(all, &["a", "c"]), Err("c".to_owned()));
    }
}
