//! Closure: when forward steps stop, every week or once.

use std::fmt;

use jiff::civil::DateTime;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::week::{Day, TimeOfDay, TimeOfDayError, Weekly};

/// A time in which forward steps stop.
///
/// Times of day make it come back every week, dates make it happen once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "Written", into = "Written")]
pub struct Closure {
    /// When it is.
    pub when: When,
    /// Why, for people.
    pub why: Option<String>,
}

/// When a closure is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum When {
    /// It comes back every week.
    Weekly(Weekly),
    /// It happens once.
    Once {
        /// The first point that is closed.
        from: WallTime,
        /// The first point that is not.
        to: WallTime,
    },
}

/// A date and a time on the wall clock, in whole minutes, of the years 1970 to 2999.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct WallTime(DateTime);

impl WallTime {
    /// Years that are taken.
    const YEARS: std::ops::RangeInclusive<i16> = 1970..=2999;

    /// Milliseconds since 1970-01-01 00:00 on the same clock.
    pub(super) fn wall_ms(self) -> i64 {
        let on_utc = jiff::tz::Offset::UTC.to_timestamp(self.0);
        on_utc.expect("the year is below 3000").as_millisecond()
    }

    /// Reads `2026-12-20T08:00`, or `2026-12-20` for its midnight.
    fn parse(text: &str) -> Option<Self> {
        let form = if text.contains(['T', ' ']) { "%Y-%m-%dT%H:%M" } else { "%Y-%m-%d" };
        let parsed = jiff::fmt::strtime::parse(form, text.replace(' ', "T")).ok()?;
        let date = parsed.to_date().ok()?;
        let time = parsed.to_time().unwrap_or(jiff::civil::Time::midnight());
        Self::YEARS.contains(&date.year()).then(|| Self(date.to_datetime(time)))
    }
}

/// A closure that was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ClosureError {
    /// A time is neither a time of day nor a date.
    #[error(
        "`{text}` is neither a time of day nor a date of the years 1970 to 2999; write `22:00` for every week, or `2026-12-20T22:00` for once"
    )]
    Malformed {
        /// The text as given.
        text: String,
    },
    /// One end is a date, the other is not.
    #[error(
        "`{from}` to `{to}` mixes a date with a time of day; write both as dates such as `2026-12-20T22:00`, or both as times of day such as `22:00`"
    )]
    Mixed {
        /// The beginning as given.
        from: String,
        /// The end as given.
        to: String,
    },
    /// Only one end is a date.
    #[error(
        "it {given}s at the date `{date}` and has no other end; write both `from` and `to` as dates"
    )]
    OneEnd {
        /// `begin` or `end`.
        given: &'static str,
        /// The date as given.
        date: WallTime,
    },
    /// Dates happen once, days come back.
    #[error(
        "`days` beside the dates `{from}` to `{to}` is ambiguous; leave out `days`, or write times of day such as `22:00`"
    )]
    DaysBesideDates {
        /// The beginning.
        from: WallTime,
        /// The end.
        to: WallTime,
    },
}

/// A time in which forward steps stop. Times of day come back every week, dates happen once.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename = "Closure")]
struct Written {
    /// Days on which it begins; only with times of day. Default: every day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    days: Option<Vec<Day>>,
    /// When it begins: `22:00`, `2026-12-20` or `2026-12-20T22:00`. Default: `00:00`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    from: Option<String>,
    /// When it ends, written like `from`. Default: `24:00`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    to: Option<String>,
    /// Why, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    why: Option<String>,
}

/// One end of a closure.
enum Moment {
    OfDay(TimeOfDay),
    OfDate(WallTime),
}

fn moment(text: &str) -> Result<Moment, ClosureError> {
    let text = text.trim();
    let of_day = text.parse().map(Moment::OfDay);
    of_day.or_else(|TimeOfDayError::Malformed { text }| {
        let of_date = WallTime::parse(&text).map(Moment::OfDate);
        of_date.ok_or(ClosureError::Malformed { text })
    })
}

fn when(written: &Written) -> Result<When, ClosureError> {
    let from = written.from.as_deref().map(moment).transpose()?;
    let to = written.to.as_deref().map(moment).transpose()?;
    let weekly = |from: Option<TimeOfDay>, to: Option<TimeOfDay>| {
        let all = Weekly::default();
        let days = written.days.clone().unwrap_or(all.days);
        When::Weekly(Weekly { days, from: from.unwrap_or(all.from), to: to.unwrap_or(all.to) })
    };
    match (from, to) {
        (None, None) => Ok(weekly(None, None)),
        (Some(Moment::OfDay(from)), None) => Ok(weekly(Some(from), None)),
        (None, Some(Moment::OfDay(to))) => Ok(weekly(None, Some(to))),
        (Some(Moment::OfDay(from)), Some(Moment::OfDay(to))) => Ok(weekly(Some(from), Some(to))),
        (Some(Moment::OfDate(date)), None) => Err(ClosureError::OneEnd { given: "begin", date }),
        (None, Some(Moment::OfDate(date))) => Err(ClosureError::OneEnd { given: "end", date }),
        (Some(Moment::OfDate(from)), Some(Moment::OfDate(to))) if written.days.is_some() => {
            Err(ClosureError::DaysBesideDates { from, to })
        }
        (Some(Moment::OfDate(from)), Some(Moment::OfDate(to))) => Ok(When::Once { from, to }),
        (Some(Moment::OfDay(from)), Some(Moment::OfDate(to))) => {
            Err(ClosureError::Mixed { from: from.to_string(), to: to.to_string() })
        }
        (Some(Moment::OfDate(from)), Some(Moment::OfDay(to))) => {
            Err(ClosureError::Mixed { from: from.to_string(), to: to.to_string() })
        }
    }
}

impl TryFrom<Written> for Closure {
    type Error = ClosureError;
    fn try_from(written: Written) -> Result<Self, ClosureError> {
        let when = when(&written)?;
        Ok(Self { when, why: written.why })
    }
}

impl From<Closure> for Written {
    fn from(Closure { when, why }: Closure) -> Self {
        let (days, from, to) = match when {
            When::Weekly(Weekly { days, from, to }) => {
                (Some(days), from.to_string(), to.to_string())
            }
            When::Once { from, to } => (None, from.to_string(), to.to_string()),
        };
        Self { days, from: Some(from), to: Some(to), why }
    }
}

impl fmt::Display for WallTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.strftime("%Y-%m-%dT%H:%M"))
    }
}

impl fmt::Display for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Weekly(weekly) => write!(f, "{weekly}"),
            Self::Once { from, to } => write!(f, "{from} to {to}"),
        }
    }
}

impl fmt::Display for Closure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.why {
            Some(why) => write!(f, "{} ({why})", self.when),
            None => write!(f, "{}", self.when),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<Closure, String> {
        serde_json::from_str(json).map_err(|error| error.to_string())
    }

    #[test]
    fn both_kinds_read_back_as_written() {
        for (json, text) in [
            (r#"{"days": ["sat", "sun"]}"#, "sat, sun 00:00 to 24:00"),
            (r#"{"from": "22:00", "to": "06:00"}"#, "every day 22:00 to 06:00"),
            (
                r#"{"from": "2026-12-20", "to": "2027-01-02T08:30", "why": "holidays"}"#,
                "2026-12-20T00:00 to 2027-01-02T08:30 (holidays)",
            ),
            (
                r#"{"from": "2026-12-20 22:00", "to": "2026-12-21"}"#,
                "2026-12-20T22:00 to 2026-12-21T00:00",
            ),
        ] {
            let closure = read(json).unwrap();
            assert_eq!(closure.to_string(), text);
            let again = serde_json::to_string(&closure).unwrap();
            assert_eq!(read(&again), Ok(closure));
        }
    }

    #[test]
    fn what_makes_no_sense_is_refused_with_the_way_out() {
        for (json, error) in [
            (r#"{"from": "8pm", "to": "09:00"}"#, "`8pm` is neither"),
            (r#"{"from": "2026-02-30", "to": "2026-03-01"}"#, "`2026-02-30` is neither"),
            (r#"{"from": "1969-02-01", "to": "2026-03-01"}"#, "`1969-02-01` is neither"),
            (
                r#"{"from": "2026-12-20T10:00:30", "to": "2027-01-01"}"#,
                "`2026-12-20T10:00:30` is neither",
            ),
            (r#"{"from": "2026-12-20", "to": "09:00"}"#, "`2026-12-20T00:00` to `09:00` mixes"),
            (r#"{"from": "09:00", "to": "2026-12-20"}"#, "`09:00` to `2026-12-20T00:00` mixes"),
            (r#"{"from": "2026-12-20"}"#, "it begins at the date `2026-12-20T00:00`"),
            (r#"{"to": "2026-12-20"}"#, "it ends at the date `2026-12-20T00:00`"),
            (
                r#"{"days": ["mon"], "from": "2026-12-20", "to": "2026-12-21"}"#,
                "`days` beside the dates",
            ),
            (r#"{"day": ["mon"]}"#, "unknown field `day`"),
        ] {
            let found = read(json).unwrap_err();
            assert!(found.starts_with(error), "{json}: {found}");
        }
    }
}
