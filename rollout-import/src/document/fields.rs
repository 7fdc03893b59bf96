//! The fields of a map, taken one by one. What nobody has taken is named in the report by itself.

use std::{fmt, mem};

use rollout_core::{amount::Amount, time::Span};
use serde::Serialize;
use serde_json::{Map, Value};

use super::{
    Object,
    log::{Log, NOTHING},
};
use crate::{ImportError, draft::Draft, report::Fate};

/// Whose fields are read, and where the report goes.
#[derive(Clone, Copy)]
pub(crate) struct Scope<'a> {
    pub(crate) object: &'a Object,
    pub(crate) log: &'a Log,
    /// Whether the object is the workload itself; fields of others are told with their object's name.
    pub(crate) own: bool,
}

impl Scope<'_> {
    /// The path of a field as the report tells it.
    pub(crate) fn told(&self, path: &str) -> String {
        match (self.own, path) {
            (true, path) => path.to_owned(),
            (false, "") => self.object.to_string(),
            (false, path) => format!("{} {path}", self.object),
        }
    }

    /// An error about the field at `path`.
    pub(crate) fn wrong(
        &self,
        path: &str,
        why: impl fmt::Display,
        way_out: impl Into<String>,
    ) -> ImportError {
        ImportError::Field {
            object: self.object.to_string(),
            field: path.to_owned(),
            place: self.object.place(path),
            why: why.to_string(),
            way_out: way_out.into(),
        }
    }
}

/// Fields that are still to be read. Dropped, it reports those that nobody took.
pub(crate) struct Fields<'a> {
    pub(crate) scope: Scope<'a>,
    path: String,
    left: Map<String, Value>,
}

impl<'a> Fields<'a> {
    /// The fields `left` at `path` of the object in `scope`.
    pub(crate) fn new(scope: Scope<'a>, path: &str, left: Map<String, Value>) -> Self {
        Self { scope, path: path.to_owned(), left }
    }

    /// All fields of the object in `scope`.
    pub(crate) fn of(scope: Scope<'a>) -> Self {
        Self::new(scope, "", scope.object.fields.clone())
    }

    /// A copy of what is left, which reports to `log`.
    pub(crate) fn aside<'b>(&self, log: &'b Log) -> Fields<'b>
    where
        'a: 'b,
    {
        Fields::new(Scope { log, ..self.scope }, &self.path, self.left.clone())
    }

    /// Everything that is left, for those that answer for it as a whole.
    pub(crate) fn rest(&mut self) -> &mut Map<String, Value> {
        &mut self.left
    }

    /// Looks at a field without taking it.
    pub(crate) fn peek(&self, name: &str) -> Option<&Value> {
        self.left.get(name).filter(|value| !value.is_null())
    }

    /// Whether the field is there and says something.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.left.get(name).is_some_and(|value| !value.is_null())
    }

    /// Names of the fields that are left.
    pub(crate) fn names(&self) -> Vec<String> {
        self.left.keys().cloned().collect()
    }

    /// Takes a field as it stands; one that says nothing is reported as such.
    pub(crate) fn raw(&mut self, name: &str) -> Option<Value> {
        let value = self.left.remove(name)?;
        if value.is_null() {
            self.note(name, Fate::LeftOut { why: NOTHING.to_owned() });
            return None;
        }
        Some(value)
    }

    /// Takes a text.
    pub(crate) fn text(&mut self, name: &str) -> Result<Option<String>, ImportError> {
        match self.raw(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(other) => Err(self.no(name, &other, "text", "write a text")),
        }
    }

    /// Takes a whole number, 0 or more.
    pub(crate) fn number(&mut self, name: &str) -> Result<Option<u64>, ImportError> {
        match self.raw(name) {
            None => Ok(None),
            Some(value) => value
                .as_u64()
                .map(Some)
                .ok_or_else(|| self.no(name, &value, "whole number", "write one, 0 or more")),
        }
    }

    /// Takes a field that is yes or no.
    pub(crate) fn flag(&mut self, name: &str) -> Result<Option<bool>, ImportError> {
        match self.raw(name) {
            None => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(flag)),
            Some(other) => Err(self.no(name, &other, "yes or no", "write `true` or `false`")),
        }
    }

    /// Takes a count or a percentage.
    pub(crate) fn amount(&mut self, name: &str) -> Result<Option<Amount>, ImportError> {
        const WAY_OUT: &str = "write a whole number, or a percentage up to `100%`";
        match self.raw(name) {
            None => Ok(None),
            Some(value) => match amount(&value) {
                Some(amount) => Ok(Some(amount)),
                None => Err(self.no(name, &value, "amount", WAY_OUT)),
            },
        }
    }

    /// Takes whole seconds.
    pub(crate) fn seconds(&mut self, name: &str) -> Result<Option<Span>, ImportError> {
        Ok(self.number(name)?.map(Span::from_secs))
    }

    /// Takes a length of time such as `90s` or `1h30m`; a bare number is seconds.
    pub(crate) fn duration(&mut self, name: &str) -> Result<Option<Span>, ImportError> {
        match self.raw(name) {
            None => Ok(None),
            Some(value) => match duration(&value) {
                Some(span) => Ok(Some(span)),
                None => Err(self.no(name, &value, "length of time", "write one such as `90s`")),
            },
        }
    }

    /// Takes a map, as fields of its own.
    pub(crate) fn open(&mut self, name: &str) -> Result<Option<Self>, ImportError> {
        match self.raw(name) {
            None => Ok(None),
            Some(Value::Object(left)) => {
                if left.is_empty() {
                    self.note(name, Fate::LeftOut { why: NOTHING.to_owned() });
                }
                Ok(Some(Self { scope: self.scope, path: self.at(name), left }))
            }
            Some(other) => Err(self.no(name, &other, "map of fields", "write it as one")),
        }
    }

    /// Takes a map, as fields of its own; none is one that says nothing.
    pub(crate) fn open_or_empty(&mut self, name: &str) -> Result<Self, ImportError> {
        let opened = self.open(name)?;
        Ok(opened.unwrap_or_else(|| Self {
            scope: self.scope,
            path: self.at(name),
            left: Map::new(),
        }))
    }

    /// Takes a list of maps, each as fields of its own.
    pub(crate) fn items(&mut self, name: &str) -> Result<Vec<Self>, ImportError> {
        let items = match self.raw(name) {
            None => return Ok(Vec::new()),
            Some(Value::Array(items)) => items,
            Some(other) => return Err(self.no(name, &other, "list", "write it as one")),
        };
        if items.is_empty() {
            self.note(name, Fate::LeftOut { why: NOTHING.to_owned() });
        }
        let mut list = Vec::new();
        for (index, item) in items.into_iter().enumerate() {
            let name = format!("{name}[{index}]");
            let Value::Object(left) = item else {
                return Err(self.no(&name, &item, "map of fields", "write it as one"));
            };
            if left.is_empty() {
                self.note(&name, Fate::LeftOut { why: NOTHING.to_owned() });
            }
            list.push(Self { scope: self.scope, path: self.at(&name), left });
        }
        Ok(list)
    }

    /// Carries a field over as it is; says whether it was there.
    pub(crate) fn carry<T: Serialize>(
        &mut self,
        name: &str,
        draft: &mut Draft,
        to: &str,
        read: impl FnOnce(&mut Self, &str) -> Result<Option<T>, ImportError>,
    ) -> Result<bool, ImportError> {
        let Some(value) = read(self, name)? else { return Ok(false) };
        draft.set(to, &value);
        self.mapped(name, to);
        Ok(true)
    }

    /// Carries a field over; where it is not written, the default that `whose` has.
    pub(crate) fn carry_or<T: Serialize + fmt::Display>(
        &mut self,
        name: &str,
        draft: &mut Draft,
        to: &str,
        (default, whose): (T, &str),
        read: impl FnOnce(&mut Self, &str) -> Result<Option<T>, ImportError>,
    ) -> Result<(), ImportError> {
        if !self.carry(name, draft, to, read)? {
            draft.set(to, &default);
            self.changed(name, to, format!("not set: {default}, {whose} default"));
        }
        Ok(())
    }

    /// Reports that a field stands in the spec.
    pub(crate) fn mapped(&self, name: &str, to: &str) {
        self.note(name, Fate::Mapped { to: to.to_owned() });
    }

    /// Reports that a field stands in the spec and means something else there.
    pub(crate) fn changed(&self, name: &str, to: &str, how: impl Into<String>) {
        self.note(name, Fate::Changed { to: to.to_owned(), how: how.into() });
    }

    /// Reports that a field that was taken is left out.
    pub(crate) fn dropped(&self, name: &str, why: impl Into<String>) {
        self.note(name, Fate::LeftOut { why: why.into() });
    }

    /// Takes a field, if it is there, and leaves it out.
    pub(crate) fn leave_out(&mut self, name: &str, why: &str) {
        if self.left.remove(name).is_some() {
            self.dropped(name, why);
        }
    }

    /// Refuses a field, if it is there and says something.
    pub(crate) fn refuse(
        &mut self,
        name: &str,
        why: &str,
        way_out: &str,
    ) -> Result<(), ImportError> {
        match self.raw(name) {
            None => Ok(()),
            Some(Value::Bool(false)) => {
                self.dropped(name, NOTHING);
                Ok(())
            }
            Some(_) => Err(self.wrong(name, why, way_out)),
        }
    }

    /// An error about a field; about these fields as a whole, if `name` is empty.
    pub(crate) fn wrong(
        &self,
        name: &str,
        why: impl fmt::Display,
        way_out: impl Into<String>,
    ) -> ImportError {
        self.scope.wrong(&self.at(name), why, way_out)
    }

    /// The error about a field that must be there.
    pub(crate) fn missing(&self, name: &str, way_out: &str) -> ImportError {
        self.wrong(name, "it is missing", way_out)
    }

    fn no(&self, name: &str, value: &Value, what: &str, way_out: &str) -> ImportError {
        let value = value.to_string();
        let shown: String = value.chars().take(40).collect();
        let dots = if shown.len() < value.len() { "…" } else { "" };
        self.wrong(name, format!("`{shown}{dots}` is no {what}"), way_out)
    }

    fn note(&self, name: &str, fate: Fate) {
        self.scope.log.add(self.scope.told(&self.at(name)), fate);
    }

    fn at(&self, name: &str) -> String {
        match (self.path.as_str(), name) {
            (path, "") => path.to_owned(),
            ("", name) => name.to_owned(),
            (path, name) => format!("{path}.{name}"),
        }
    }
}

impl Drop for Fields<'_> {
    fn drop(&mut self) {
        for (name, value) in mem::take(&mut self.left) {
            let why = if value.is_null() {
                NOTHING
            } else {
                "it is not known here, so what it asks for is not in the spec"
            };
            self.note(&name, Fate::LeftOut { why: why.to_owned() });
        }
    }
}

/// A count, or a percentage of at most 100.
fn amount(value: &Value) -> Option<Amount> {
    match value.as_str() {
        Some(text) => text.parse().ok(),
        None => value.as_u64().map(Amount::Count),
    }
}

/// A length of time such as `90s` or `1h30m`; a bare number is seconds.
pub(crate) fn duration(value: &Value) -> Option<Span> {
    let Some(text) = value.as_str() else {
        return value.as_u64().map(Span::from_secs);
    };
    match text.parse() {
        Ok(seconds) => Some(Span::from_secs(seconds)),
        Err(_) => text.parse().ok(),
    }
}
