//! JSON: the standard reader, its messages put into the words of this format.

use serde_json::error::Category;

use super::{ParseError, Wrong, readable};
use crate::spec::Spec;

pub(super) fn parse(text: &str) -> Result<Spec, ParseError> {
    let mut reader = serde_json::Deserializer::from_str(text);
    let spec = serde_path_to_error::deserialize(&mut reader)
        .map_err(|error| wrong(&readable(error.path()), error.inner()))?;
    reader.end().map_err(|error| {
        let message = "there is more text after the spec; a file holds one spec: split it";
        Wrong::Said(message.to_owned()).at(
            place(error.line()),
            place(error.column()),
            String::new(),
        )
    })?;
    Ok(spec)
}

fn wrong(path: &str, error: &serde_json::Error) -> ParseError {
    let text = error.to_string();
    let place_said = format!(" at line {} column {}", error.line(), error.column());
    let said = text.strip_suffix(&place_said).unwrap_or(&text);
    let wrong = match error.classify() {
        Category::Data => data(said),
        Category::Eof => Wrong::Said(format!("the text ends too early: {said}")),
        Category::Syntax | Category::Io => Wrong::Said(format!("this is no JSON: {said}")),
    };
    wrong.at(place(error.line()), place(error.column()), path.to_owned())
}

/// Puts a message of the derived readers into the words of this format.
fn data(said: &str) -> Wrong {
    for (start, what) in [("unknown field ", "field"), ("unknown variant ", "name")] {
        if let Some((name, known)) =
            said.strip_prefix(start).and_then(|rest| rest.split_once(", expected "))
        {
            return Wrong::Unknown {
                what,
                name: name.trim_matches('`').to_owned(),
                known: quoted(known),
            };
        }
    }
    if let Some(name) = said.strip_prefix("duplicate field ") {
        return Wrong::Said(format!("{name} is written twice; remove one of them"));
    }
    if let Some(name) = said.strip_prefix("missing field ") {
        return Wrong::Said(format!("the field {name} is missing; add it"));
    }
    if said.starts_with("invalid type: unit variant") {
        return Wrong::Said("it needs its fields; write `{}` for the defaults of all".to_owned());
    }
    match said.strip_prefix("a whole number such as") {
        Some(_) => Wrong::Said(format!("expected {said}")),
        None => Wrong::Said(said.replace("expected u64", "expected a whole number, 0 or more")),
    }
}

/// The names between backticks in `text`.
fn quoted(text: &str) -> Vec<String> {
    text.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

fn place(value: usize) -> u64 {
    u64::try_from(value).unwrap_or(u64::MAX).max(1)
}
