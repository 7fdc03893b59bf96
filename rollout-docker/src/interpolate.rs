//! Text with references to variables: `$NAME`, `${NAME}`, `${NAME:-default}`, `$$` for a dollar.
//!
//! In: text and a way to look a variable up. Out: the text with values in place. Absent: knowledge of
//! where variables come from, and any copy of their values.

/// A variable that a text refers to and that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the variable `{name}` {why}")]
pub struct Unset {
    /// Its name.
    pub name: String,
    /// Why it cannot be used; without its value.
    pub why: String,
}

/// One piece of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Piece<'a> {
    /// Characters that stand for themselves.
    Plain(&'a str),
    /// A variable and what to do without it.
    Variable { name: &'a str, rule: Rule<'a> },
}

/// What stands for a variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Rule<'a> {
    /// Its value; it must be set.
    Value,
    /// Its value, or this text if it is not set; with `empty`, also if it is set to nothing.
    Default { text: &'a str, empty: bool },
    /// Its value, or this message; with `empty`, also if it is set to nothing.
    Required { message: &'a str, empty: bool },
    /// This text if it is set, else nothing; with `empty`, nothing also if it is set to nothing.
    Alternative { text: &'a str, empty: bool },
}

/// Whether `text` refers to any variable.
pub(crate) fn has_references(text: &str) -> bool {
    pieces(text).iter().any(|piece| match piece {
        Piece::Plain(_) => false,
        Piece::Variable { .. } => true,
    })
}

/// Puts the values of `environment` in place of every reference in `text`.
///
/// # Errors
///
/// [`Unset`] names the first variable that is not set and has no default.
pub(crate) fn resolve(
    text: &str,
    environment: &dyn Fn(&str) -> Option<String>,
) -> Result<String, Unset> {
    let mut out = String::new();
    for piece in pieces(text) {
        match piece {
            Piece::Plain(plain) => out.push_str(plain),
            Piece::Variable { name, rule } => out.push_str(&value(name, &rule, environment)?),
        }
    }
    Ok(out)
}

/// What stands for one variable.
fn value(
    name: &str,
    rule: &Rule<'_>,
    environment: &dyn Fn(&str) -> Option<String>,
) -> Result<String, Unset> {
    let found = environment(name);
    let usable = |empty: bool| found.clone().filter(|value| !(empty && value.is_empty()));
    let unset = |why: &str| Unset { name: name.to_owned(), why: why.to_owned() };
    match rule {
        Rule::Value => found.ok_or_else(|| {
            unset("is not set; set it in the engine's environment, or write `${NAME:-default}`")
        }),
        Rule::Default { text, empty } => match usable(*empty) {
            Some(value) => Ok(value),
            None => resolve(text, environment),
        },
        Rule::Required { message, empty } => {
            usable(*empty).ok_or_else(|| unset(&format!("is required: {message}")))
        }
        Rule::Alternative { text, empty } => match usable(*empty) {
            Some(_) => resolve(text, environment),
            None => Ok(String::new()),
        },
    }
}

/// Cuts `text` into pieces. A `$` that begins no reference stands for itself.
pub(crate) fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(dollar) = rest.find('$') {
        if 0 < dollar {
            found.push(Piece::Plain(&rest[..dollar]));
        }
        let after = &rest[dollar + 1..];
        let (piece, used) = reference(after);
        found.push(piece.unwrap_or(Piece::Plain("$")));
        rest = &after[used..];
    }
    if !rest.is_empty() {
        found.push(Piece::Plain(rest));
    }
    found
}

/// The reference that begins right after a `$`, and how many bytes it takes; none: the `$` is plain.
fn reference(after: &str) -> (Option<Piece<'_>>, usize) {
    if after.starts_with('$') {
        return (None, 1);
    }
    let Some(inner) = after.strip_prefix('{') else {
        let end = name_end(after);
        let name = &after[..end];
        if name.is_empty() {
            return (None, 0);
        }
        let rule = Rule::Value;
        return (Some(Piece::Variable { name, rule }), end);
    };
    let Some(close) = closing(inner) else {
        return (None, 0);
    };
    let body = &inner[..close];
    let (name, tail) = body.split_at(name_end(body));
    let Some(rule) = rule(tail).filter(|_| !name.is_empty()) else {
        return (None, 0);
    };
    (Some(Piece::Variable { name, rule }), close + 2)
}

/// The rule that follows a name inside braces.
fn rule(tail: &str) -> Option<Rule<'_>> {
    if tail.is_empty() {
        return Some(Rule::Value);
    }
    let (empty, operator) = match tail.strip_prefix(':') {
        Some(operator) => (true, operator),
        None => (false, tail),
    };
    let mut characters = operator.chars();
    let kind = characters.next()?;
    let text = characters.as_str();
    match kind {
        '-' => Some(Rule::Default { text, empty }),
        '?' => Some(Rule::Required { message: text, empty }),
        '+' => Some(Rule::Alternative { text, empty }),
        _ => None,
    }
}

/// Where the name at the beginning of `text` ends.
fn name_end(text: &str) -> usize {
    let first_ok = text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
    if !first_ok {
        return 0;
    }
    text.find(|character: char| !(character.is_ascii_alphanumeric() || character == '_'))
        .unwrap_or(text.len())
}

/// Where the brace that was opened before `text` is closed; inner references may hold braces.
fn closing(text: &str) -> Option<usize> {
    let mut depth = 0_u32;
    for (at, character) in text.char_indices() {
        match character {
            '{' => depth += 1,
            '}' if depth == 0 => return Some(at),
            '}' => depth -= 1,
            _ => (),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(name: &str) -> Option<String> {
        match name {
            "A" => Some("1".to_owned()),
            "EMPTY" => Some(String::new()),
            _ => None,
        }
    }

    #[test]
    fn references_are_replaced() {
        for (text, expected) in [
            ("plain", "plain"),
            ("$A-${A}", "1-1"),
            ("${NO:-x}", "x"),
            ("${EMPTY:-x}", "x"),
            ("${EMPTY-x}", ""),
            ("${NO:-${A}}", "1"),
            ("${A:+yes}${NO:+no}", "yes"),
            ("$$A", "$A"),
            ("100$", "100$"),
            ("${A:?must}", "1"),
            ("${1x}", "${1x}"),
        ] {
            assert_eq!(resolve(text, &environment).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_missing_is_named() {
        assert_eq!(resolve("x${NO}", &environment).unwrap_err().name, "NO");
        let error = resolve("${EMPTY:?give one}", &environment).unwrap_err();
        assert_eq!(error.to_string(), "the variable `EMPTY` is required: give one");
        assert!(has_references("a${B}"));
        assert!(!has_references("a$$B"));
    }
}
