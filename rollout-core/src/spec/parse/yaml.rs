//! YAML: one document, and words of our own for what is wrong with it.

use serde_saphyr::Error;

use super::{ParseError, Wrong, readable};
use crate::{spec::Spec, yaml::options};

pub(super) fn parse(text: &str) -> Result<Spec, ParseError> {
    let mut path = String::new();
    serde_saphyr::with_deserializer_from_str_with_options(text, options(), |reader| {
        serde_path_to_error::deserialize(reader).map_err(|error| {
            path = readable(error.path());
            error.into_inner()
        })
    })
    .map_err(|error| wrong(text, path, &error))
}

fn wrong(text: &str, path: String, error: &Error) -> ParseError {
    let place = error.location();
    let (mut line, mut column) = place.map_or((1, 1), |place| (place.line(), place.column()));
    let error = cause(error);
    if needs_fields(error)
        && let Some(named) = place_of_name(text, &path, line, column)
    {
        (line, column) = named;
    }
    what(error, value_at(text, line, column)).at(line, column, path)
}

/// What is wrong with `value`.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the reader's error is not ours and grows; its own message serves for the rest"
)]
fn what(error: &Error, value: &str) -> Wrong {
    Wrong::Said(match error {
        Error::SerdeUnknownField { field, expected, .. } => {
            return unknown("field", field, expected);
        }
        Error::SerdeUnknownVariant { variant, expected, .. } => {
            return unknown("name", variant, expected);
        }
        Error::SerdeMissingField { field, .. } => format!("the field `{field}` is missing; add it"),
        Error::InvalidScalar { ty, .. } if value.trim_start_matches(':').is_empty() => {
            format!("the value is missing; write a {}", kind(ty))
        }
        Error::InvalidScalar { ty, .. } => format!("`{value}` is no {}", kind(ty)),
        Error::NullIntoString { .. } => "the value is missing; write a text".to_owned(),
        Error::InvalidBooleanStrict { .. } => {
            format!("`{value}` is neither `true` nor `false`; write one of them")
        }
        Error::DuplicateMappingKey { key, .. } => {
            let key = key.as_deref().unwrap_or("the key");
            format!("`{key}` is written twice; remove one of them")
        }
        other => fixed(other).map_or_else(|| own_message(other), str::to_owned),
    })
}

/// Messages without a value.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the reader's error is not ours and grows; its own message serves for the rest"
)]
fn fixed(error: &Error) -> Option<&'static str> {
    Some(match error {
        Error::MultipleDocuments { .. } => {
            "a second document begins here; a file holds one spec: split it at `---`"
        }
        Error::Eof { .. } => {
            "there is nothing to read; a spec begins with `version: 1` and `workload: <name>`"
        }
        Error::ExpectedMappingEndAfterEnumVariantValue { .. } => {
            "exactly one may be written here; remove this one or the other"
        }
        Error::ExpectedStringKeyForExternallyTaggedEnum { .. }
        | Error::ExternallyTaggedEnumExpectedScalarOrMapping { .. } => {
            "exactly one name is expected here, with its fields below it"
        }
        Error::Budget { .. }
        | Error::AliasReplayLimitExceeded { .. }
        | Error::AliasExpansionLimitExceeded { .. }
        | Error::AliasReplayStackDepthExceeded { .. } => {
            "the text is too large or too deep once its anchors are followed; write less"
        }
        unmapped if needs_fields(unmapped) => {
            "it needs its fields, one a line below it; write `{}` for the defaults of all"
        }
        _ => return None,
    })
}

/// Whether something that has fields was written without any.
fn needs_fields(error: &Error) -> bool {
    matches!(error, Error::Unexpected { expected: "mapping start", .. })
}

/// The error itself, without what the reader put around it: the place is taken from the outside, where
/// an alias is used rather than defined.
fn cause(error: &Error) -> &Error {
    let itself = error.without_snippet();
    if let Error::AliasError { error, .. } = itself {
        return cause(error);
    }
    itself
}

fn unknown(what: &'static str, name: &str, known: &[&'static str]) -> Wrong {
    Wrong::Unknown {
        what,
        name: name.to_owned(),
        known: known.iter().map(|&known| known.to_owned()).collect(),
    }
}

/// The reader's own message. Messages of this format's own types come through as they are.
fn own_message(error: &Error) -> String {
    let said = without_place(error);
    if said.starts_with("a whole number such as") { format!("expected {said}") } else { said }
}

/// The reader's message without its place, which is told apart.
fn without_place(error: &Error) -> String {
    let said = error.to_string();
    match error.location() {
        Some(place) => {
            let suffix = format!(" at line {}, column {}", place.line(), place.column());
            said.strip_suffix(&suffix).unwrap_or(&said).to_owned()
        }
        None => said,
    }
}

/// What a Rust number type is called by people.
fn kind(ty: &str) -> String {
    match ty {
        "u64" => "whole number, 0 or more".to_owned(),
        "u32" => "whole number from 0 to 4294967295".to_owned(),
        "u16" => "whole number from 0 to 65535".to_owned(),
        other => other.to_owned(),
    }
}

/// The plain value that begins at a place, for a message.
fn value_at(text: &str, line: u64, column: u64) -> &str {
    let rest = at(text, line, column).unwrap_or_default();
    let end = rest.find(['\n', '\r', ',', '}', ']', '#']).unwrap_or(rest.len());
    rest[..end].trim_end()
}

/// The text from a place on.
fn at(text: &str, line: u64, column: u64) -> Option<&str> {
    let skip = |value: u64| usize::try_from(value.saturating_sub(1)).ok();
    let (lines, characters) = (skip(line)?, skip(column)?);
    let start: usize = text.split_inclusive('\n').take(lines).map(str::len).sum();
    let (offset, _) = text[start..].char_indices().nth(characters)?;
    Some(&text[start + offset..])
}

/// Where the last name of `path` stands, if it stands just before the place the reader stopped at: a
/// name without fields is noticed only at what comes after it.
fn place_of_name(text: &str, path: &str, line: u64, column: u64) -> Option<(u64, u64)> {
    let name = path.rsplit('.').next().filter(|name| !name.is_empty())?;
    let before = match at(text, line, column) {
        Some(rest) => &text[..text.len() - rest.len()],
        None => text,
    };
    let start = before.rfind(name)?;
    if before[start..].contains(':') {
        return None;
    }
    let count = |value: usize| u64::try_from(value).ok();
    let line_start = before[..start].rfind('\n').map_or(0, |end| end + 1);
    let line = count(before[..start].matches('\n').count())? + 1;
    let column = count(before[line_start..start].chars().count())? + 1;
    Some((line, column))
}
