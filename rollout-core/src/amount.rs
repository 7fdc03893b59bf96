//! How many instances, as a count or as a percentage of the desired ones, and the one rounding rule.

use std::{borrow::Cow, fmt};

use serde::{Deserialize, Serialize};

use crate::weight::{Weight, WeightError};

/// A number of instances: a count, or a percentage of the desired number.
///
/// Written as a whole number (`2`) or as text (`"25%"`, `"2"`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub enum Amount {
    /// That many instances.
    Count(u64),
    /// That part of the desired instances, 0 to 100 %.
    Percent(Weight),
}

/// An amount that was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AmountError {
    /// The text is neither a count nor a percentage.
    #[error(
        "`{text}` is no amount; write a whole number such as `2` or a percentage such as `25%`"
    )]
    Malformed {
        /// The text as given.
        text: String,
    },
    /// The percentage is out of range.
    #[error(transparent)]
    Percent(#[from] WeightError),
}

impl Amount {
    /// The amount of `desired`, a part of an instance counting as a whole one. `surge` uses it.
    #[must_use]
    pub const fn round_up(self, desired: u64) -> u64 {
        match self {
            Self::Count(count) => count,
            Self::Percent(weight) => weight.of_rounded_up(desired),
        }
    }

    /// The amount of `desired`, a part of an instance not counting. `unavailable` uses it.
    #[must_use]
    pub const fn round_down(self, desired: u64) -> u64 {
        match self {
            Self::Count(count) => count,
            Self::Percent(weight) => weight.of_rounded_down(desired),
        }
    }

    /// Whether written as none at all, `0` or `0%`.
    #[must_use]
    pub const fn is_zero(self) -> bool {
        match self {
            Self::Count(count) => count == 0,
            Self::Percent(weight) => weight.is_zero(),
        }
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count(count) => write!(f, "{count}"),
            Self::Percent(weight) => write!(f, "{weight}"),
        }
    }
}

impl std::str::FromStr for Amount {
    type Err = AmountError;
    fn from_str(text: &str) -> Result<Self, AmountError> {
        if text.ends_with('%') {
            return Ok(Self::Percent(text.parse()?));
        }
        text.parse().map(Self::Count).map_err(|_| AmountError::Malformed { text: text.to_owned() })
    }
}

/// An amount as a person writes it.
#[derive(Serialize, Deserialize)]
#[serde(untagged, expecting = "a whole number such as `2` or a percentage such as `25%`")]
enum Written {
    Count(u64),
    Text(Cow<'static, str>),
}

impl TryFrom<Written> for Amount {
    type Error = AmountError;
    fn try_from(written: Written) -> Result<Self, AmountError> {
        match written {
            Written::Count(count) => Ok(Self::Count(count)),
            Written::Text(text) => text.parse(),
        }
    }
}

impl From<Amount> for Written {
    fn from(amount: Amount) -> Self {
        match amount {
            Amount::Count(count) => Self::Count(count),
            Amount::Percent(weight) => Self::Text(weight.to_string().into()),
        }
    }
}

impl schemars::JsonSchema for Amount {
    fn schema_name() -> Cow<'static, str> {
        "Amount".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "A count of instances, or a percentage of the desired instances.",
            "anyOf": [
                { "type": "integer", "minimum": 0 },
                { "type": "string", "pattern": "^([0-9]+|[0-9]+(\\.[0-9]{1,2})?%)$" }
            ]
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn surge_rounds_up_and_unavailable_down() {
        let quarter: Amount = "25%".parse().unwrap();
        assert_eq!((quarter.round_up(10), quarter.round_down(10)), (3, 2));
        assert_eq!((quarter.round_up(1), quarter.round_down(1)), (1, 0));
        assert_eq!(quarter.round_up(1 << 31), 1 << 29);
        assert_eq!(Amount::Count(7).round_up(2), 7);
    }

    #[test]
    fn percentages_never_overflow() {
        let all: Amount = "100%".parse().unwrap();
        assert_eq!((all.round_up(u64::MAX), all.round_down(u64::MAX)), (u64::MAX, u64::MAX));
    }

    #[test]
    fn bad_amounts_are_named() {
        assert_eq!("x".parse::<Amount>(), Err(AmountError::Malformed { text: "x".to_owned() }));
        assert!("101%".parse::<Amount>().is_err());
        assert!("-1".parse::<Amount>().is_err());
    }
}
