//! What became of every field: the one vocabulary of all imports.

use std::fmt;

/// What became of one field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mapping {
    /// Path of the field, such as `deploy.update_config.order`; a name without the fields below it means
    /// all of them.
    pub field: String,
    /// What became of it.
    pub fate: Fate,
}

/// What became of a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It stands in the spec at that place.
    Mapped {
        /// Path in the spec.
        to: String,
    },
    /// It stands in the spec, but means something a little different there.
    Changed {
        /// Path in the spec.
        to: String,
        /// What is different.
        how: String,
    },
    /// It is left out.
    LeftOut {
        /// Why that is safe.
        why: String,
    },
}

impl Mapping {
    /// Whether this line speaks of the field at `path`, by itself or as a part of what it names.
    #[must_use]
    pub fn covers(&self, path: &str) -> bool {
        path.strip_prefix(self.field.as_str())
            .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
    }
}

impl fmt::Display for Mapping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let field = &self.field;
        match &self.fate {
            Fate::Mapped { to } => write!(f, "{field} → {to}"),
            Fate::Changed { to, how } => write!(f, "{field} → {to}: {how}"),
            Fate::LeftOut { why } => write!(f, "{field} left out: {why}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_speaks_of_its_field_and_of_what_is_in_it() {
        let line = Mapping {
            field: "spec.template".to_owned(),
            fate: Fate::Mapped { to: "template".to_owned() },
        };
        assert_eq!(line.to_string(), "spec.template → template");
        for (path, expected) in [
            ("spec.template", true),
            ("spec.template.spec", true),
            ("spec.template[0]", true),
            ("spec.templates", false),
            ("spec", false),
        ] {
            assert_eq!(line.covers(path), expected, "{path}");
        }
    }
}
