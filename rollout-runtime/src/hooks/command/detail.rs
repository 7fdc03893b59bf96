//! What is told of a command that failed: its exit code and its last words, without secrets.

/// Most bytes of output that are looked at.
pub(super) const BYTES_READ: u64 = 64 * 1024;
/// Most characters that are told.
const CHARS_TOLD: usize = 400;
/// Shorter values are no secrets, and would be found everywhere.
const SECRET_CHARS_LEAST: usize = 4;
/// What stands in the place of a secret.
const HIDDEN: &str = "***";

/// The exit code, and the end of `output` with every one of `secrets` hidden.
pub(super) fn of(code: i32, output: &[u8], secrets: &[String]) -> String {
    let mut text = String::from_utf8_lossy(output).into_owned();
    let mut secrets: Vec<&String> =
        secrets.iter().filter(|secret| SECRET_CHARS_LEAST <= secret.chars().count()).collect();
    // The longest first: one may hold another.
    secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
    for secret in secrets {
        text = text.replace(secret.as_str(), HIDDEN);
    }
    let line = crate::http::one_line(&text, usize::MAX);
    let skipped = line.chars().count().saturating_sub(CHARS_TOLD);
    let tail: String = line.chars().skip(skipped).collect();
    match (tail.is_empty(), skipped) {
        (true, _) => format!("exit code {code}"),
        (false, 0) => format!("exit code {code}: {tail}"),
        (false, _) => format!("exit code {code}: … {tail}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_words_are_told_on_one_line() {
        assert_eq!(of(3, b"", &[]), "exit code 3");
        assert_eq!(of(1, b"one\ntwo\x1b[0m\n", &[]), "exit code 1: one two [0m");
        let long = of(1, "x".repeat(1_000).as_bytes(), &[]);
        assert_eq!(long.chars().count(), "exit code 1: … ".chars().count() + CHARS_TOLD);
    }

    #[test]
    fn secrets_are_hidden_the_longest_first() {
        let secrets = ["token".to_owned(), "token-of-ann".to_owned(), "1".to_owned()];
        let told = of(1, b"bad token-of-ann (1), bad token", &secrets);
        assert_eq!(told, "exit code 1: bad *** (1), bad ***");
    }
}
