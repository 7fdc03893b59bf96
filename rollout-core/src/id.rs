//! Names and numbers that tell things apart: each a type of its own, checked once, cheap to clone.

mod gate;

use std::{
    cmp::Ordering,
    fmt,
    hash::{Hash, Hasher},
    sync::Arc,
};

use serde::{Deserialize, Serialize};

pub use gate::{GateId, GateIdError};

/// A name that was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NameError {
    /// The name has no character.
    #[error("the name is empty; give it 1 to {limit} characters")]
    Empty {
        /// Most characters allowed.
        limit: usize,
    },
    /// The name has too many characters.
    #[error("the name `{name}` has {length} characters, the limit is {limit}")]
    TooLong {
        /// The name as given.
        name: String,
        /// Its length in characters.
        length: usize,
        /// Most characters allowed.
        limit: usize,
    },
    /// A character is not allowed at its place.
    #[error(
        "the name `{name}` has `{character}` at character {position}; allowed are lowercase letters, digits, `-` and `.`, with a letter or digit first and last"
    )]
    BadCharacter {
        /// The name as given.
        name: String,
        /// The character that is refused.
        character: char,
        /// Its place, counted from 1.
        position: usize,
    },
}

/// Checks that `name` can be a container name, a label value, a load balancer's server name and a file name at once.
fn check(name: &str, limit: usize) -> Result<(), NameError> {
    let length = name.chars().count();
    if length == 0 {
        return Err(NameError::Empty { limit });
    }
    if limit < length {
        return Err(NameError::TooLong { name: name.to_owned(), length, limit });
    }
    for (index, character) in name.chars().enumerate() {
        let edge = index == 0 || index + 1 == length;
        let plain = character.is_ascii_lowercase() || character.is_ascii_digit();
        if plain || (!edge && matches!(character, '-' | '.')) {
            continue;
        }
        return Err(NameError::BadCharacter {
            name: name.to_owned(),
            character,
            position: index + 1,
        });
    }
    Ok(())
}

/// The text of a name, and its first bytes once more as numbers: two names are mostly told apart by these,
/// without a look at the text itself, which lies elsewhere.
#[derive(Clone)]
struct Text {
    head: (u64, u64),
    whole: Arc<str>,
}

impl Text {
    /// Bytes that the numbers hold.
    const HEAD: usize = 16;

    fn new(whole: Arc<str>) -> Self {
        // Padded with zeros, which no name has: numbers are in the order of texts.
        let eight = |from: usize| {
            let bytes = (from..from + 8).map(|place| whole.as_bytes().get(place).copied());
            bytes.fold(0, |number, byte| (number << 8) | u64::from(byte.unwrap_or(0)))
        };
        Self { head: (eight(0), eight(8)), whole }
    }

    fn is_in_head(&self) -> bool {
        self.whole.len() <= Self::HEAD
    }
}

impl PartialEq for Text {
    fn eq(&self, other: &Self) -> bool {
        self.head == other.head
            && (Arc::ptr_eq(&self.whole, &other.whole)
                || (self.is_in_head() && other.is_in_head())
                || self.whole == other.whole)
    }
}

impl Eq for Text {}

impl PartialOrd for Text {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Text {
    fn cmp(&self, other: &Self) -> Ordering {
        self.head.cmp(&other.head).then_with(|| {
            let is_same =
                Arc::ptr_eq(&self.whole, &other.whole) || (self.is_in_head() && other.is_in_head());
            if is_same { Ordering::Equal } else { self.whole.cmp(&other.whole) }
        })
    }
}

macro_rules! name {
    ($(#[$meta:meta])* $name:ident, $limit:literal) => {
        $(#[$meta])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Text);

        impl $name {
            /// Most characters of such a name.
            pub const LIMIT: usize = $limit;

            /// Returns `name` as a checked name.
            ///
            /// # Errors
            ///
            /// [`NameError`] if `name` is empty, too long or has a character that is not allowed.
            pub fn new(name: impl Into<Arc<str>>) -> Result<Self, NameError> {
                let name = name.into();
                check(&name, Self::LIMIT)?;
                Ok(Self(Text::new(name)))
            }

            /// The name as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0.whole
            }
        }

        impl Hash for $name {
            fn hash<H: Hasher>(&self, state: &mut H) {
                self.as_str().hash(state);
            }
        }

        impl TryFrom<String> for $name {
            type Error = NameError;
            fn try_from(name: String) -> Result<Self, NameError> {
                Self::new(name)
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.as_str().to_owned()
            }
        }

        impl std::str::FromStr for $name {
            type Err = NameError;
            fn from_str(name: &str) -> Result<Self, NameError> {
                Self::new(name)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }
            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({
                    "type": "string",
                    "minLength": 1,
                    "maxLength": $limit,
                    "pattern": "^[a-z0-9]([-.a-z0-9]*[a-z0-9])?$"
                })
            }
        }
    };
}

name!(
    /// Name of what is rolled out: a service, an application. 1 to 63 characters.
    WorkloadId, 63
);
name!(
    /// Name of one immutable version of a workload. 1 to 63 characters.
    RevisionId, 63
);
name!(
    /// Name of one running copy of a revision, as its orchestrator knows it. 1 to 253 characters.
    InstanceId, 253
);
name!(
    /// Name of one run of a hook, the key by which it is begun once only. 1 to 253 characters.
    HookRun, 253
);

macro_rules! number {
    ($(#[$meta:meta])* $name:ident, $prefix:literal) => {
        $(#[$meta])*
        #[derive(
            Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
        )]
        #[serde(transparent)]
        pub struct $name(pub u64);

        impl $name {
            /// The one after this.
            #[must_use]
            pub const fn next(self) -> Self {
                Self(self.0 + 1)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "{}"), self.0)
            }
        }
    };
}

number!(
    /// Number of an action within its workload; never reused. Backends apply each at most once.
    ActionId, "#"
);
number!(
    /// Number of an engine's reign over a workload. What an older epoch wants is refused by the backend.
    Epoch, "epoch "
);
number!(
    /// Number of records in a journal; the first record has 1.
    Seq, "@"
);
number!(
    /// A backend's logical place of a write. An observation with mark `m` shows every acknowledged
    /// write with a mark of at most `m`. Means something only within one backend object.
    Mark, "mark "
);
number!(
    /// Number of a rollout attempt within its workload; the first has 1.
    Attempt, "attempt "
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_in_the_order_of_their_texts() {
        let a_16 = "a".repeat(16);
        let texts = ["0", "a", "a-b", "a.b", "a0", "ab", "b", "web-v1-1", "web-v1-12", "web-v1-2"]
            .into_iter()
            .flat_map(|text| {
                ["", "a", &a_16[..7], &a_16[..8], &a_16[..15], &a_16]
                    .map(|head| format!("{head}{text}"))
            });
        let texts: Vec<String> = texts.collect();
        let name = |text: &String| InstanceId::new(text.as_str()).unwrap();
        for one in &texts {
            for other in &texts {
                assert_eq!(name(one).cmp(&name(other)), one.cmp(other), "{one} {other}");
                assert_eq!(name(one) == name(other), one == other, "{one} {other}");
            }
        }
    }

    #[test]
    fn names_are_checked() {
        assert_eq!(WorkloadId::new("web-1.a").map(String::from), Ok("web-1.a".to_owned()));
        assert_eq!(WorkloadId::new(""), Err(NameError::Empty { limit: 63 }));
        assert!(matches!(
            WorkloadId::new("Web"),
            Err(NameError::BadCharacter { character: 'W', position: 1, .. })
        ));
        assert!(matches!(
            WorkloadId::new("web-"),
            Err(NameError::BadCharacter { character: '-', position: 4, .. })
        ));
        assert!(matches!(
            RevisionId::new("v".repeat(64)),
            Err(NameError::TooLong { length: 64, limit: 63, .. })
        ));
    }
}
