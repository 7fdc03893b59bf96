//! Shares of traffic in basis points, the one unit for shares in the whole project.

use std::{borrow::Cow, fmt};

use serde::{Deserialize, Serialize};

/// A share in basis points, 0 to 10,000 (100 %).
///
/// Written as a whole percentage (`25`) or as text with up to two decimals (`"0.5%"`).
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(try_from = "Written", into = "Written")]
pub struct Weight(u16);

/// A share that was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WeightError {
    /// The share is more than everything.
    #[error("the share is {percent}%, the limit is 100%")]
    TooLarge {
        /// The share as given, in percent.
        percent: String,
    },
    /// The text is no percentage.
    #[error(
        "`{text}` is no percentage; write it with at most two decimals, such as `25%` or `0.5%`"
    )]
    Malformed {
        /// The text as given.
        text: String,
    },
}

impl Weight {
    /// No share.
    pub const ZERO: Self = Self(0);
    /// Everything.
    pub const FULL: Self = Self(10_000);

    /// Returns `basis_points` as a share.
    ///
    /// # Errors
    ///
    /// [`WeightError::TooLarge`] if `basis_points` is above 10,000.
    pub fn from_basis_points(basis_points: u64) -> Result<Self, WeightError> {
        match u16::try_from(basis_points) {
            Ok(fits) if fits <= Self::FULL.0 => Ok(Self(fits)),
            _ => Err(WeightError::TooLarge { percent: hundredths(basis_points) }),
        }
    }

    /// The share that `part` of `whole` is, rounded down; nothing of nothing is nothing.
    #[must_use]
    pub fn share(part: u64, whole: u64) -> Self {
        if whole == 0 {
            return Self::ZERO;
        }
        let points = u128::from(part.min(whole)) * u128::from(Self::FULL.0) / u128::from(whole);
        Self(u16::try_from(points).unwrap_or(Self::FULL.0))
    }

    /// The share in basis points.
    #[must_use]
    pub const fn basis_points(self) -> u64 {
        self.0 as u64
    }

    /// What is left for others.
    #[must_use]
    pub const fn rest(self) -> Self {
        Self(Self::FULL.0 - self.0)
    }

    /// The share rounded down to whole `units` of a router, as the least basis points that the router
    /// rounds down to the same units.
    #[must_use]
    pub fn in_units(self, units: u64) -> Self {
        let (units, full) = (u128::from(units.max(1)), u128::from(Self::FULL.0));
        let set = u128::from(self.0) * units / full;
        let points = (set * full).div_ceil(units);
        Self(u16::try_from(points).unwrap_or(Self::FULL.0).min(Self::FULL.0))
    }

    /// Whether no share at all.
    #[must_use]
    pub const fn is_zero(&self) -> bool {
        self.0 == 0
    }

    /// This share of `whole`, a part counting as one.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, reason = "a share of a u64 is at most that u64")]
    pub const fn of_rounded_up(self, whole: u64) -> u64 {
        (whole as u128 * self.0 as u128).div_ceil(Self::FULL.0 as u128) as u64
    }

    /// This share of `whole`, a part not counting.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, reason = "a share of a u64 is at most that u64")]
    pub const fn of_rounded_down(self, whole: u64) -> u64 {
        (whole as u128 * self.0 as u128 / Self::FULL.0 as u128) as u64
    }
}

/// `value` hundredths as a decimal number without trailing zeros.
fn hundredths(value: u64) -> String {
    let (whole, part) = (value / 100, value % 100);
    match part {
        0 => format!("{whole}"),
        tenths if tenths % 10 == 0 => format!("{whole}.{}", tenths / 10),
        _ => format!("{whole}.{part:02}"),
    }
}

impl fmt::Display for Weight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}%", hundredths(self.basis_points()))
    }
}

impl std::str::FromStr for Weight {
    type Err = WeightError;
    fn from_str(text: &str) -> Result<Self, WeightError> {
        let malformed = || WeightError::Malformed { text: text.to_owned() };
        let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        let number = text.trim().strip_suffix('%').unwrap_or(text.trim()).trim_end();
        let (whole, part) = number.split_once('.').unwrap_or((number, "00"));
        if whole.is_empty() || part.is_empty() || 2 < part.len() || !digits(whole) || !digits(part)
        {
            return Err(malformed());
        }
        let whole: u64 = whole.parse().map_err(|_| malformed())?;
        let part: u64 = format!("{part:0<2}").parse().map_err(|_| malformed())?;
        Self::from_basis_points(whole.saturating_mul(100).saturating_add(part))
    }
}

/// A share as a person writes it.
#[derive(Serialize, Deserialize)]
#[serde(untagged, expecting = "a percentage such as `25`, `25%` or `0.5%`")]
enum Written {
    Percent(u64),
    Text(Cow<'static, str>),
}

impl TryFrom<Written> for Weight {
    type Error = WeightError;
    fn try_from(written: Written) -> Result<Self, WeightError> {
        match written {
            Written::Percent(percent) => Self::from_basis_points(percent.saturating_mul(100)),
            Written::Text(text) => text.parse(),
        }
    }
}

impl From<Weight> for Written {
    fn from(weight: Weight) -> Self {
        Self::Text(weight.to_string().into())
    }
}

impl schemars::JsonSchema for Weight {
    fn schema_name() -> Cow<'static, str> {
        "Weight".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "A share in percent, 0 to 100, with at most two decimals.",
            "anyOf": [
                { "type": "integer", "minimum": 0, "maximum": 100 },
                { "type": "string", "pattern": "^[0-9]+(\\.[0-9]{1,2})?%$" }
            ]
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_read_back_as_written() {
        for (text, points) in
            [("0%", 0), ("0.01%", 1), ("0.5%", 50), ("25%", 2500), ("100%", 10_000)]
        {
            let weight: Weight = text.parse().unwrap();
            assert_eq!(weight.basis_points(), points);
            assert_eq!(weight.to_string(), text);
        }
        for text in ["%", "1.234%", "-1%", "a%", "1.%"] {
            assert!(matches!(text.parse::<Weight>(), Err(WeightError::Malformed { .. })), "{text}");
        }
        assert_eq!(
            "100.01%".parse::<Weight>(),
            Err(WeightError::TooLarge { percent: "100.01".to_owned() })
        );
    }

    #[test]
    fn shares_round_as_asked() {
        let third = Weight::share(1, 3);
        assert_eq!(third.basis_points(), 3333);
        assert_eq!((third.of_rounded_down(3), third.of_rounded_up(3)), (0, 1));
        assert_eq!(Weight::FULL.of_rounded_up(u64::MAX), u64::MAX);
        assert_eq!(Weight::share(5, 0), Weight::ZERO);
    }
}
