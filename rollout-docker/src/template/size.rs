//! Amounts of memory and of processors, as people write them, in whole bytes and billionths.

use std::{borrow::Cow, fmt};

use serde::{Deserialize, Serialize};

/// An amount that was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SizeError {
    /// The text is no amount of memory.
    #[error(
        "`{text}` is no amount of memory; write whole bytes or a number with k, m or g, such as `256m`"
    )]
    Bytes {
        /// The text as given.
        text: String,
    },
    /// The text is no number of processors.
    #[error(
        "`{text}` is no number of processors; write a positive number with at most nine decimals, such as `0.5`"
    )]
    Cpus {
        /// The text as given.
        text: String,
    },
}

/// An amount of memory in bytes, written as a number or like `64k`, `256m`, `1.5g` (powers of 1,024).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "u64")]
pub struct Bytes(u64);

impl Bytes {
    /// The amount in bytes.
    #[must_use]
    pub const fn count(self) -> u64 {
        self.0
    }

    /// The amount as Docker takes it; amounts no machine has become the largest there is.
    #[must_use]
    pub(crate) fn wire(self) -> i64 {
        i64::try_from(self.0).unwrap_or(i64::MAX)
    }
}

impl From<Bytes> for u64 {
    fn from(bytes: Bytes) -> Self {
        bytes.0
    }
}

impl std::str::FromStr for Bytes {
    type Err = SizeError;
    fn from_str(text: &str) -> Result<Self, SizeError> {
        let wrong = || SizeError::Bytes { text: text.to_owned() };
        let lower = text.trim().to_ascii_lowercase();
        let digits = lower
            .find(|character: char| !(character.is_ascii_digit() || character == '.'))
            .unwrap_or(lower.len());
        let (number, unit) = lower.split_at(digits);
        let factor: u64 = match unit.trim() {
            "" | "b" => 1,
            "k" | "kb" | "kib" => 1 << 10,
            "m" | "mb" | "mib" => 1 << 20,
            "g" | "gb" | "gib" => 1 << 30,
            "t" | "tb" | "tib" => 1 << 40,
            _ => return Err(wrong()),
        };
        let billionths = billionths(number).ok_or_else(wrong)?;
        u64::try_from(billionths * u128::from(factor) / BILLION).map(Self).map_err(|_| wrong())
    }
}

/// A number of processors in billionths, written like `0.5` or `2`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "String")]
pub struct Cpus(u64);

impl Cpus {
    /// The number as Docker takes it, in billionths.
    #[must_use]
    pub(crate) fn wire(self) -> i64 {
        i64::try_from(self.0).unwrap_or(i64::MAX)
    }
}

impl std::str::FromStr for Cpus {
    type Err = SizeError;
    fn from_str(text: &str) -> Result<Self, SizeError> {
        billionths(text.trim())
            .filter(|value| 0 < *value)
            .and_then(|value| u64::try_from(value).ok())
            .map(Self)
            .ok_or_else(|| SizeError::Cpus { text: text.to_owned() })
    }
}

impl fmt::Display for Cpus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, part) = (self.0 / 1_000_000_000, self.0 % 1_000_000_000);
        let decimals = format!("{part:09}");
        match decimals.trim_end_matches('0') {
            "" => write!(f, "{whole}"),
            decimals => write!(f, "{whole}.{decimals}"),
        }
    }
}

impl From<Cpus> for String {
    fn from(cpus: Cpus) -> Self {
        cpus.to_string()
    }
}

const BILLION: u128 = 1_000_000_000;

/// The decimal number `text` in billionths; `None` if it is none or has more than nine decimals.
fn billionths(text: &str) -> Option<u128> {
    let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(part) || 9 < part.len() {
        return None;
    }
    let whole: u64 = whole.parse().ok()?;
    let part: u64 = format!("{part:0<9}").parse().ok()?;
    Some(u128::from(whole) * BILLION + u128::from(part))
}

/// A number as a person writes it, in quotes or not.
#[derive(Deserialize)]
#[serde(untagged, expecting = "a number, or text such as `256m` or `0.5`")]
enum Written {
    Whole(u64),
    Decimal(f64),
    Text(Cow<'static, str>),
}

impl Written {
    fn text(self) -> Cow<'static, str> {
        match self {
            Self::Whole(number) => number.to_string().into(),
            Self::Decimal(number) => number.to_string().into(),
            Self::Text(text) => text,
        }
    }
}

impl TryFrom<Written> for Bytes {
    type Error = SizeError;
    fn try_from(written: Written) -> Result<Self, SizeError> {
        written.text().parse()
    }
}

impl TryFrom<Written> for Cpus {
    type Error = SizeError;
    fn try_from(written: Written) -> Result<Self, SizeError> {
        written.text().parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read() {
        for (text, bytes) in [("0", 0), ("1k", 1024), ("256M", 256 << 20), ("1.5g", 3 << 29)] {
            assert_eq!(text.parse(), Ok(Bytes(bytes)), "{text}");
        }
        assert_eq!("0.5".parse(), Ok(Cpus(500_000_000)));
        assert_eq!(serde_json::from_str::<Cpus>("0.25").unwrap().to_string(), "0.25");
        assert_eq!(serde_json::from_str::<Cpus>("2").unwrap().to_string(), "2");
        for text in ["", "m", "-1m", "1x", "1..2"] {
            assert!(text.parse::<Bytes>().is_err(), "{text}");
        }
        assert!("0".parse::<Cpus>().is_err());
    }
}
