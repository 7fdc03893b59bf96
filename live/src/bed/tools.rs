//! Tools: whether the programs a bed needs are there, asked before anything is started.

use std::{env, path::PathBuf};

use super::BedError;

/// Checks that the programs are in `PATH`.
///
/// # Errors
///
/// [`BedError::Missing`] names all that are not.
pub(super) fn check(own_engine: bool) -> Result<(), BedError> {
    let engine: &[&str] = if own_engine { &["dockerd", "ip"] } else { &[] };
    let needed = ["docker", "haproxy"].iter().chain(engine).copied();
    let missing: Vec<_> = needed.filter(|name| !is_there(name)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(BedError::Missing { programs: missing.join(", ") })
}

fn is_there(program: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).any(|folder: PathBuf| folder.join(program).is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_is_there_and_nonsense_is_not() {
        assert!(is_there("sh"));
        assert!(!is_there("no-program-has-this-name"));
    }
}
