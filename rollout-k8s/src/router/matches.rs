//! Requests that match, in the words that the routers share: a header and what it must be.

use rollout_core::spec::Match;

/// What the value of a header must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Want {
    /// It need only be there.
    Present,
    Exact(String),
    Prefix(String),
    /// The whole value, in the dialect RE2.
    Regex(String),
}

/// The header that `one` is about, and what it must be. A cookie is a part of the header `cookie`.
pub(super) fn header(one: &Match) -> Option<(String, Want)> {
    if let Some(header) = &one.header {
        return Some((header.clone(), value(one)));
    }
    let cookie = one.cookie.as_ref()?;
    let value = match value(one) {
        Want::Present => "[^;]*".to_owned(),
        Want::Exact(text) => escape(&text),
        Want::Prefix(text) => format!("{}[^;]*", escape(&text)),
        Want::Regex(pattern) => format!("(?:{pattern})"),
    };
    let pattern = format!(r"^(?:.*;\s*)?{}={value}(?:\s*;.*)?$", escape(cookie));
    Some(("cookie".to_owned(), Want::Regex(pattern)))
}

/// What the value must be.
pub(super) fn value(one: &Match) -> Want {
    match (&one.exact, &one.prefix, &one.regex) {
        (Some(text), _, _) => Want::Exact(text.clone()),
        (None, Some(text), _) => Want::Prefix(text.clone()),
        (None, None, Some(pattern)) => Want::Regex(pattern.clone()),
        (None, None, None) => Want::Present,
    }
}

/// A pattern that matches `text` and nothing else.
pub(super) fn escape(text: &str) -> String {
    text.chars()
        .flat_map(|c| {
            let is_special = r"\.+*?()|[]{}^$".contains(c);
            is_special.then_some('\\').into_iter().chain([c])
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_is_a_part_of_a_header() {
        let one = Match { cookie: Some("a.b".to_owned()), ..Match::default() };
        let pattern = |one: &Match| match header(one) {
            Some((name, Want::Regex(pattern))) if name == "cookie" => pattern,
            other => panic!("{other:?}"),
        };
        assert_eq!(pattern(&one), r"^(?:.*;\s*)?a\.b=[^;]*(?:\s*;.*)?$");
        let one = Match { exact: Some("x+".to_owned()), ..one };
        assert_eq!(pattern(&one), r"^(?:.*;\s*)?a\.b=x\+(?:\s*;.*)?$");
    }
}
