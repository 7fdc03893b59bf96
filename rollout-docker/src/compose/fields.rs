//! The fields of a map, taken one by one; what nobody has taken at the end is refused.

use serde_json::{Map, Value};

use super::{ComposeError, Fate, Mapping};
use crate::interpolate;

/// Looks up a variable that the file refers to.
pub(super) type Lookup<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Fields that are still to be read, and what became of the others.
pub(super) struct Fields<'a> {
    /// Path of the map in the file.
    place: String,
    /// Path of the map in the service, with a dot at its end unless empty.
    prefix: String,
    left: Map<String, Value>,
    report: Vec<Mapping>,
    pub(super) environment: Lookup<'a>,
}

impl<'a> Fields<'a> {
    pub(super) fn new(place: &str, left: Map<String, Value>, environment: Lookup<'a>) -> Self {
        Self {
            place: place.to_owned(),
            prefix: String::new(),
            left,
            report: Vec::new(),
            environment,
        }
    }

    /// Takes a field as it stands, for those that look into it themselves.
    pub(super) fn raw(&mut self, name: &str) -> Option<Value> {
        self.left.remove(name).filter(|value| !value.is_null())
    }

    /// Takes a field with every variable replaced.
    pub(super) fn value(&mut self, name: &str) -> Result<Option<Value>, ComposeError> {
        let place = self.place(name);
        self.raw(name).map(|value| replaced(&place, value, self.environment)).transpose()
    }

    /// Takes a field that is text or a number.
    pub(super) fn text(&mut self, name: &str) -> Result<Option<String>, ComposeError> {
        match self.value(name)? {
            None => Ok(None),
            Some(value) => scalar(&value).map(Some).ok_or_else(|| {
                self.wrong(name, format!("`{value}` is no text"), "write one value")
            }),
        }
    }

    /// Takes a field that is a list of texts, or one text.
    pub(super) fn texts(&mut self, name: &str) -> Result<Vec<String>, ComposeError> {
        match self.value(name)? {
            None => Ok(Vec::new()),
            Some(Value::Array(items)) => items
                .iter()
                .map(|item| {
                    scalar(item).ok_or_else(|| {
                        self.wrong(name, format!("`{item}` is no text"), "write a list of texts")
                    })
                })
                .collect(),
            Some(value) => scalar(&value).map(|text| vec![text]).ok_or_else(|| {
                self.wrong(name, format!("`{value}` is no list"), "write a list of texts")
            }),
        }
    }

    /// Takes a field that maps names to values, as a map or as a list of `name=value`.
    pub(super) fn pairs(
        &mut self,
        name: &str,
        separators: &[char],
    ) -> Result<Map<String, Value>, ComposeError> {
        match self.value(name)? {
            None => Ok(Map::new()),
            Some(Value::Object(map)) => map
                .into_iter()
                .map(|(key, value)| match scalar(&value) {
                    Some(text) => Ok((key, Value::String(text))),
                    None if value.is_null() => Ok((key, Value::String(String::new()))),
                    None => {
                        Err(self.wrong(name, format!("`{value}` is no text"), "write one value"))
                    }
                })
                .collect(),
            Some(Value::Array(items)) => items
                .iter()
                .map(|item| {
                    let text = item.as_str().unwrap_or_default();
                    let (key, value) = text.split_once(separators).unwrap_or((text, ""));
                    Ok((key.to_owned(), Value::String(value.to_owned())))
                })
                .collect(),
            Some(other) => Err(self.wrong(
                name,
                format!("`{other}` is neither a map nor a list"),
                "write `name: value`",
            )),
        }
    }

    /// Takes a field that is yes or no.
    pub(super) fn flag(&mut self, name: &str) -> Result<Option<bool>, ComposeError> {
        match self.value(name)? {
            None => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(flag)),
            Some(Value::String(text)) if text == "true" || text == "false" => {
                Ok(Some(text == "true"))
            }
            Some(other) => Err(self.wrong(
                name,
                format!("`{other}` is neither true nor false"),
                "write `true` or `false`",
            )),
        }
    }

    /// Takes a field that is a map, as fields of its own; give them back with [`Fields::close`].
    pub(super) fn open(&mut self, name: &str) -> Result<Option<Self>, ComposeError> {
        match self.raw(name) {
            None => Ok(None),
            Some(Value::Object(left)) => Ok(Some(Self {
                place: self.place(name),
                prefix: format!("{}{name}.", self.prefix),
                left,
                report: Vec::new(),
                environment: self.environment,
            })),
            Some(other) => {
                Err(self.wrong(name, format!("`{other}` is no map of fields"), "write it as one"))
            }
        }
    }

    /// Takes back the fields of a map, all of which must have been taken.
    pub(super) fn close(&mut self, inner: Self) -> Result<(), ComposeError> {
        self.report.extend(inner.finish()?);
        Ok(())
    }

    pub(super) fn mapped(&mut self, name: &str, to: &str) {
        self.note(name, Fate::Mapped { to: to.to_owned() });
    }

    pub(super) fn changed(&mut self, name: &str, to: &str, how: impl Into<String>) {
        let (to, how) = (to.to_owned(), how.into());
        self.note(name, Fate::Changed { to, how });
    }

    /// Takes a field and leaves it out.
    pub(super) fn leave_out(&mut self, name: &str, why: &str) {
        if self.left.remove(name).is_some() {
            let why = why.to_owned();
            self.note(name, Fate::LeftOut { why });
        }
    }

    /// Refuses a field, if it is there.
    pub(super) fn refuse(&self, name: &str, why: &str, way_out: &str) -> Result<(), ComposeError> {
        match self.left.get(name) {
            None | Some(Value::Null | Value::Bool(false)) => Ok(()),
            Some(_) => Err(self.wrong(name, why, way_out)),
        }
    }

    fn note(&mut self, name: &str, fate: Fate) {
        let field = format!("{}{name}", self.prefix);
        self.report.push(Mapping { field, fate });
    }

    pub(super) fn wrong(
        &self,
        name: &str,
        why: impl std::fmt::Display,
        way_out: &str,
    ) -> ComposeError {
        ComposeError::field(self.place(name), why, way_out)
    }

    pub(super) fn place(&self, name: &str) -> String {
        format!("{}.{name}", self.place)
    }

    /// What became of every field.
    pub(super) fn finish(mut self) -> Result<Vec<Mapping>, ComposeError> {
        let names: Vec<String> = self.left.keys().cloned().collect();
        for name in names {
            if name.starts_with("x-") {
                self.leave_out(&name, "an extension of somebody else");
            } else if self.left[&name].is_null() {
                self.leave_out(&name, "it says nothing");
            } else {
                return Err(self.wrong(
                    &name,
                    "this field cannot be carried over",
                    "take it out, or rename it to `x-…` if nothing depends on it",
                ));
            }
        }
        Ok(self.report)
    }
}

/// `text` with every variable replaced.
pub(super) fn interpolate(
    place: &str,
    text: &str,
    environment: Lookup<'_>,
) -> Result<String, ComposeError> {
    interpolate::resolve(text, environment)
        .map_err(|error| ComposeError::field(place, error, "nothing was touched"))
}

/// `value` with every variable in it replaced.
pub(super) fn replaced(
    place: &str,
    value: Value,
    environment: Lookup<'_>,
) -> Result<Value, ComposeError> {
    match value {
        Value::String(text) => interpolate(place, &text, environment).map(Value::String),
        Value::Array(items) => {
            items.into_iter().map(|item| replaced(place, item, environment)).collect()
        }
        Value::Object(map) => map
            .into_iter()
            .map(|(key, value)| Ok((key, replaced(place, value, environment)?)))
            .collect(),
        other @ (Value::Null | Value::Bool(_) | Value::Number(_)) => Ok(other),
    }
}

/// One value as text.
pub(super) fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}
