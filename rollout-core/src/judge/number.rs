//! Number: a measured value or a limit, exact to the last digit that was written.
//!
//! In: decimal or scientific text. Out: a decimal number that compares exactly. Absent: binary fractions,
//! rounding, infinity, and what is not a number.

use std::{borrow::Cow, cmp::Ordering, fmt};

use serde::{Deserialize, Serialize};

/// Most significant digits. A 64-bit float has 17; two numbers of so many can be aligned within 128 bits.
const DIGITS_LIMIT: u32 = 36;
/// Places of the first digit before or after the point. A 64-bit float has at most 324.
const PLACES_LIMIT: i64 = 400;

/// A decimal number of at most 36 significant digits.
///
/// Written as a number (`0.01`) or as text (`"1.5e-3"`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct Number {
    /// Its digits without zeros at the end; 0 only for zero.
    coefficient: i128,
    /// The power of ten that its last digit counts; 0 for zero.
    exponent: i16,
}

/// A number that was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NumberError {
    /// The text is no number.
    #[error("`{text}` is no number; write it as `0.01` or `1.5e-3`")]
    Malformed {
        /// The text as given.
        text: String,
    },
    /// It is infinite, or not a number by name.
    #[error("`{text}` is not finite; a query that divides by zero gives such a value")]
    NotFinite {
        /// The text as given.
        text: String,
    },
    /// It is too large, too near to zero or too long.
    #[error(
        "`{text}` is out of range, the limits are 36 significant digits and 400 places before or after the point; write it shorter"
    )]
    OutOfRange {
        /// The text as given.
        text: String,
    },
}

impl Number {
    /// Nothing.
    pub const ZERO: Self = Self { coefficient: 0, exponent: 0 };

    /// Its significant digits, without the sign.
    fn digits(self) -> u32 {
        self.coefficient.unsigned_abs().checked_ilog10().map_or(0, |log| log + 1)
    }

    /// The place of its first digit: 1 for the ones, 0 for the tenths.
    fn place(self) -> i64 {
        i64::from(self.digits()) + i64::from(self.exponent)
    }

    /// Its digits as if it had as many as possible, so that numbers of one place can be compared.
    fn aligned(self) -> i128 {
        self.coefficient * 10_i128.pow(DIGITS_LIMIT - self.digits())
    }

    /// The number with `digits`, the last of which counts ten to the power `exponent`; `None` if out of range.
    fn new(is_negative: bool, digits: &str, mut exponent: i64) -> Option<Self> {
        let plain = digits.trim_start_matches('0');
        let short = plain.trim_end_matches('0');
        exponent = exponent.checked_add(i64::try_from(plain.len() - short.len()).ok()?)?;
        if short.is_empty() {
            return Some(Self::ZERO);
        }
        let count = u32::try_from(short.len()).ok().filter(|count| *count <= DIGITS_LIMIT)?;
        let place = exponent.checked_add(i64::from(count))?;
        if PLACES_LIMIT < place.abs() {
            return None;
        }
        let size: i128 = short.parse().ok()?;
        let coefficient = if is_negative { -size } else { size };
        Some(Self { coefficient, exponent: i16::try_from(exponent).ok()? })
    }
}

impl Ord for Number {
    fn cmp(&self, other: &Self) -> Ordering {
        let sign = self.coefficient.signum();
        let by_sign = sign.cmp(&other.coefficient.signum());
        if by_sign != Ordering::Equal || sign == 0 {
            return by_sign;
        }
        let by_place = self.place().cmp(&other.place());
        let by_place = if sign < 0 { by_place.reverse() } else { by_place };
        by_place.then_with(|| self.aligned().cmp(&other.aligned()))
    }
}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl std::str::FromStr for Number {
    type Err = NumberError;
    fn from_str(text: &str) -> Result<Self, NumberError> {
        let text = text.trim();
        let (is_negative, size) = match text.strip_prefix(['-', '+']) {
            Some(size) => (text.starts_with('-'), size),
            None => (false, text),
        };
        if ["nan", "inf", "infinity"].iter().any(|word| size.eq_ignore_ascii_case(word)) {
            return Err(NumberError::NotFinite { text: text.to_owned() });
        }
        let malformed = || NumberError::Malformed { text: text.to_owned() };
        let out_of_range = || NumberError::OutOfRange { text: text.to_owned() };
        let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        let (decimal, power) = size.split_once(['e', 'E']).unwrap_or((size, "0"));
        let (whole, part) = decimal.split_once('.').unwrap_or((decimal, ""));
        let unsigned = power.strip_prefix(['-', '+']).unwrap_or(power);
        let is_empty = whole.is_empty() && part.is_empty() || unsigned.is_empty();
        if is_empty || !digits(whole) || !digits(part) || !digits(unsigned) {
            return Err(malformed());
        }
        let power: i64 = power.parse().map_err(|_| out_of_range())?;
        let exponent = i64::try_from(part.len()).ok().and_then(|places| power.checked_sub(places));
        exponent
            .and_then(|exponent| Self::new(is_negative, &format!("{whole}{part}"), exponent))
            .ok_or_else(out_of_range)
    }
}

impl From<u32> for Number {
    fn from(value: u32) -> Self {
        Self::new(false, &value.to_string(), 0).expect("ten digits are within the limits")
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::ZERO {
            return f.write_str("0");
        }
        let sign = if self.coefficient < 0 { "-" } else { "" };
        let digits = self.coefficient.unsigned_abs().to_string();
        let place = self.place();
        let (zeros, length) = (usize::try_from(-place).unwrap_or(0), digits.len());
        match usize::try_from(place) {
            Ok(0) | Err(_) if -6 < place => write!(f, "{sign}0.{}{digits}", "0".repeat(zeros)),
            Ok(place) if length <= place && place <= 21 => {
                write!(f, "{sign}{digits}{}", "0".repeat(place - length))
            }
            Ok(place) if place < length => {
                write!(f, "{sign}{}.{}", &digits[..place], &digits[place..])
            }
            Ok(_) | Err(_) => {
                let (first, rest) = digits.split_at(1);
                let point = if rest.is_empty() { "" } else { "." };
                write!(f, "{sign}{first}{point}{rest}e{}", place - 1)
            }
        }
    }
}

/// A number as a person, or a journal, writes it.
#[derive(Serialize, Deserialize)]
#[serde(untagged, expecting = "a number such as `5`, `0.01` or `1.5e-3`")]
enum Written {
    Whole(u64),
    Signed(i64),
    /// Only on the way in: its shortest decimal form is what was written.
    Float(f64),
    Text(Cow<'static, str>),
}

impl TryFrom<Written> for Number {
    type Error = NumberError;
    fn try_from(written: Written) -> Result<Self, NumberError> {
        match written {
            Written::Whole(value) => value.to_string().parse(),
            Written::Signed(value) => value.to_string().parse(),
            Written::Float(value) => format!("{value:e}").parse(),
            Written::Text(text) => text.parse(),
        }
    }
}

impl From<Number> for Written {
    fn from(number: Number) -> Self {
        Self::Text(number.to_string().into())
    }
}

impl schemars::JsonSchema for Number {
    fn schema_name() -> Cow<'static, str> {
        "Number".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": ["number", "string"],
            "description": "A decimal number of at most 36 significant digits.",
            "examples": [5, 0.01, "1.5e-3"]
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn number(text: &str) -> Number {
        text.parse().unwrap()
    }

    #[test]
    fn numbers_are_printed_as_short_as_they_can_be() {
        for (text, printed) in [
            ("0", "0"),
            ("-0.000", "0"),
            ("0e999", "0"),
            ("007", "7"),
            ("1500", "1500"),
            ("1.50", "1.5"),
            ("-.5", "-0.5"),
            ("5.", "5"),
            ("1.5e-3", "0.0015"),
            ("0.000001", "0.000001"),
            ("1e-7", "1e-7"),
            ("-1.25E+30", "-1.25e30"),
            ("123456789012345678901", "123456789012345678901"),
            ("5e-324", "5e-324"),
            ("1.7976931348623157e308", "1.7976931348623157e308"),
            ("0.0012345678901234567", "0.0012345678901234567"),
        ] {
            assert_eq!(number(text).to_string(), printed);
            assert_eq!(number(printed), number(text));
        }
    }

    #[test]
    fn what_is_no_finite_number_is_refused() {
        for text in ["NaN", "nan", "+Inf", "-inf", "Infinity"] {
            assert_eq!(
                text.parse::<Number>(),
                Err(NumberError::NotFinite { text: text.to_owned() })
            );
        }
        for text in ["", "-", ".", "1e", "e5", "1,5", "0x10", "1.2.3", "1 2", "٣", "--1", "1e+-2"]
        {
            assert_eq!(
                text.parse::<Number>(),
                Err(NumberError::Malformed { text: text.to_owned() })
            );
        }
        let long = "1".repeat(37);
        for text in ["1e401", "1e-402", "1e99999999999999999999", &long] {
            let out = NumberError::OutOfRange { text: text.to_owned() };
            assert_eq!(text.parse::<Number>(), Err(out));
        }
    }

    #[test]
    fn comparison_is_exact() {
        let rising = [
            "-1e300",
            "-2",
            "-1.5",
            "-0.1",
            "-1e-300",
            "0",
            "1e-324",
            "0.01",
            "0.0100000000000000000000000001",
            "0.05",
            "0.5",
            "1",
            "9.99",
            "10",
            "1e20",
            "100000000000000000001",
            "1e300",
        ];
        for (index, low) in rising.iter().enumerate() {
            for high in &rising[index + 1..] {
                assert!(number(low) < number(high), "{low} < {high}");
            }
            assert_eq!(number(low).cmp(&number(low)), Ordering::Equal);
        }
    }

    #[test]
    fn every_way_of_writing_is_read() {
        for (json, text) in
            [("5", "5"), ("-5", "-5"), ("0.01", "0.01"), ("1e-7", "1e-7"), (r#""0.10""#, "0.1")]
        {
            let read: Number = serde_json::from_str(json).unwrap();
            assert_eq!(read.to_string(), text);
            assert_eq!(serde_json::to_string(&read).unwrap(), format!("\"{text}\""));
        }
        let error = serde_json::from_str::<Number>(r#""NaN""#).unwrap_err().to_string();
        assert!(error.contains("is not finite"), "{error}");
        assert!(serde_json::from_str::<Number>("true").is_err());
    }

    proptest! {
        #[test]
        fn order_is_that_of_whole_numbers(a in any::<i64>(), b in any::<i64>(), places in 0..30_u32) {
            let scaled = |value: i64| number(&format!("{value}e-{places}"));
            prop_assert_eq!(scaled(a).cmp(&scaled(b)), a.cmp(&b));
            prop_assert_eq!(number(&scaled(a).to_string()), scaled(a));
        }

        #[test]
        fn every_float_is_read_and_keeps_its_order(a in any::<f64>(), b in any::<f64>()) {
            let read = |value: f64| serde_json::to_string(&value).unwrap();
            if a.is_finite() && b.is_finite() {
                let (one, two) = (number(&read(a)), number(&read(b)));
                prop_assert_eq!(Some(one.cmp(&two)), a.partial_cmp(&b));
            }
        }
    }
}
