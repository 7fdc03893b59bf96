//! Crates: what may depend on what. Arrows run downward only; the core is nearly alone.

use super::{Report, file::File};

/// All that the core may use. Nothing here does IO or keeps time.
const CORE: [&str; 10] = [
    "async-trait",
    "futures-util",
    "jiff",
    "schemars",
    "serde",
    "serde-saphyr",
    "serde_json",
    "serde_path_to_error",
    "strsim",
    "thiserror",
];

/// Each crate of the house and those of the house it may use outside its tests.
const ARROWS: [(&str, &[&str]); 6] = [
    ("rollout-core", &[]),
    ("rollout-runtime", &["rollout-core"]),
    ("rollout-import", &["rollout-core"]),
    ("rollout-docker", &["rollout-core", "rollout-import", "rollout-runtime"]),
    ("rollout-sim", &["rollout-core", "rollout-runtime"]),
    ("xtask", &[]),
];

/// Checks the manifests.
pub(super) fn check(files: &[File], report: &mut Report) {
    for file in files {
        let Some(package) = file.path.strip_suffix("/Cargo.toml") else {
            continue;
        };
        let used = dependencies(&file.text);
        if package == "rollout-core" && used != CORE {
            report.breach(
                file,
                1,
                &format!("dependencies are {used:?}, exactly {CORE:?} are allowed"),
            );
        }
        let Some((_, below)) = ARROWS.iter().find(|(name, _)| *name == package) else {
            continue;
        };
        for name in used.iter().filter(|name| name.starts_with("rollout-")) {
            if !below.contains(name) {
                report.breach(
                    file,
                    1,
                    &format!("`{package}` may not use `{name}`; arrows run downward only"),
                );
            }
        }
    }
}

/// Names in `[dependencies]`, sorted.
fn dependencies(manifest: &str) -> Vec<&str> {
    let mut names: Vec<&str> = manifest
        .lines()
        .skip_while(|line| *line != "[dependencies]")
        .skip(1)
        .take_while(|line| !line.starts_with('['))
        .filter_map(|line| line.split(['.', ' ', '=']).next())
        .filter(|name| !name.is_empty() && !name.starts_with('#'))
        .collect();
    names.sort_unstable();
    names
}

#[cfg(test)]
mod tests {
    use super::{super::file::example, *};

    #[test]
    fn names_are_read_whatever_follows_them() {
        let manifest = "[package]\nname = \"a\"\n[dependencies]\nb.workspace = true\na = \"1\"\n# c\n\n[dev-dependencies]\nd = \"1\"\n";
        assert_eq!(dependencies(manifest), ["a", "b"]);
    }

    #[test]
    fn an_arrow_upward_is_found() {
        let manifest = "[dependencies]\nrollout-docker.workspace = true\n";
        let mut report = Report::default();
        check(&[example("rollout-runtime/Cargo.toml", manifest)], &mut report);
        assert_eq!(report.breaches.len(), 1);
    }
}
