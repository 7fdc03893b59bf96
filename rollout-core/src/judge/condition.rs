//! Condition: what one value is held against.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::number::Number;

/// An operator and a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Condition {
    /// The value is less than this.
    Below(Number),
    /// The value is this or less.
    AtMost(Number),
    /// The value is more than this.
    Above(Number),
    /// The value is this or more.
    AtLeast(Number),
    /// The value is exactly this.
    Equal(Number),
    /// The value is anything but this.
    NotEqual(Number),
    /// The value is one of the ends or between them.
    Between(Band),
    /// The value is less than the one end or more than the other.
    Outside(Band),
}

/// Two ends, both part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Band {
    /// The least value.
    pub from: Number,
    /// The greatest value.
    pub to: Number,
}

/// A value beside the condition that decided about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Compared {
    /// The value.
    pub value: Number,
    /// The condition.
    pub condition: Condition,
    /// Whether the value meets it.
    pub holds: bool,
}

impl Condition {
    /// Whether `value` meets it.
    #[must_use]
    pub fn holds(&self, value: Number) -> bool {
        match self {
            Self::Below(limit) => value < *limit,
            Self::AtMost(limit) => value <= *limit,
            Self::Above(limit) => *limit < value,
            Self::AtLeast(limit) => *limit <= value,
            Self::Equal(limit) => value == *limit,
            Self::NotEqual(limit) => value != *limit,
            Self::Between(band) => band.contains(value),
            Self::Outside(band) => !band.contains(value),
        }
    }

    /// Its two ends, if it has two.
    pub(super) const fn band(&self) -> Option<Band> {
        match self {
            Self::Between(band) | Self::Outside(band) => Some(*band),
            Self::Below(_)
            | Self::AtMost(_)
            | Self::Above(_)
            | Self::AtLeast(_)
            | Self::Equal(_)
            | Self::NotEqual(_) => None,
        }
    }
}

impl Band {
    fn contains(self, value: Number) -> bool {
        self.from <= value && value <= self.to
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Below(limit) => write!(f, "below {limit}"),
            Self::AtMost(limit) => write!(f, "at most {limit}"),
            Self::Above(limit) => write!(f, "above {limit}"),
            Self::AtLeast(limit) => write!(f, "at least {limit}"),
            Self::Equal(limit) => write!(f, "equal to {limit}"),
            Self::NotEqual(limit) => write!(f, "other than {limit}"),
            Self::Between(Band { from, to }) => write!(f, "between {from} and {to}"),
            Self::Outside(Band { from, to }) => write!(f, "outside {from} to {to}"),
        }
    }
}

impl fmt::Display for Compared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is = if self.holds { "is" } else { "is not" };
        write!(f, "{} {is} {}", self.value, self.condition)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_condition_holds_where_its_words_say() {
        for (condition, meets) in [
            (r#"{"below": 2}"#, [true, false, false]),
            (r#"{"at_most": 2}"#, [true, true, false]),
            (r#"{"above": 2}"#, [false, false, true]),
            (r#"{"at_least": 2}"#, [false, true, true]),
            (r#"{"equal": 2}"#, [false, true, false]),
            (r#"{"not_equal": 2}"#, [true, false, true]),
            (r#"{"between": {"from": 1, "to": 2}}"#, [true, true, false]),
            (r#"{"outside": {"from": 2, "to": 3}}"#, [true, false, false]),
        ] {
            let condition: Condition = serde_json::from_str(condition).unwrap();
            let found = [1_u32, 2, 3].map(|value| condition.holds(value.into()));
            assert_eq!(found, meets, "{condition}");
        }
    }

    #[test]
    fn the_numbers_compared_are_told() {
        let condition = Condition::Below("0.05".parse().unwrap());
        let compared = Compared { value: "0.07".parse().unwrap(), condition, holds: false };
        assert_eq!(compared.to_string(), "0.07 is not below 0.05");
    }
}
