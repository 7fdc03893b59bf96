//! Week: spans that come back every week, on the wall clock.
//!
//! In: days and times of day. Out: whether a span holds at a minute of the week, and where it begins and ends.

use std::{fmt, ops::Range};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Minutes of a day on the wall clock.
const DAY: u16 = 24 * 60;
/// Minutes of a week on the wall clock.
pub(super) const WEEK: u16 = 7 * DAY;
/// Milliseconds of a minute.
const MINUTE_MS: i64 = 60_000;

/// A day of the week.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Day {
    /// Monday.
    Mon,
    /// Tuesday.
    Tue,
    /// Wednesday.
    Wed,
    /// Thursday.
    Thu,
    /// Friday.
    Fri,
    /// Saturday.
    Sat,
    /// Sunday.
    Sun,
}

impl Day {
    /// Every day, from Monday on.
    pub const ALL: [Self; 7] =
        [Self::Mon, Self::Tue, Self::Wed, Self::Thu, Self::Fri, Self::Sat, Self::Sun];

    /// The minute of the week at which it begins.
    const fn begin(self) -> u16 {
        self as u16 * DAY
    }
}

/// A time of day on the wall clock, in whole minutes, `00:00` to `24:00`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TimeOfDay(u16);

/// A time of day that was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TimeOfDayError {
    /// The text is no time of day.
    #[error("`{text}` is no time of day; write hours and minutes, `00:00` to `24:00`")]
    Malformed {
        /// The text as given.
        text: String,
    },
}

impl TimeOfDay {
    /// The beginning of a day.
    pub const MIDNIGHT: Self = Self(0);
    /// The end of a day.
    pub const END: Self = Self(DAY);
}

/// A span of the wall clock that comes back every week.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Weekly {
    /// Days on which it begins. Default: every day.
    #[serde(default = "every_day")]
    pub days: Vec<Day>,
    /// When it begins. Default: `00:00`.
    #[serde(default = "midnight")]
    pub from: TimeOfDay,
    /// When it ends, on the next day if that is before `from`. Default: `24:00`.
    #[serde(default = "end")]
    pub to: TimeOfDay,
}

fn every_day() -> Vec<Day> {
    Day::ALL.to_vec()
}

fn midnight() -> TimeOfDay {
    TimeOfDay::MIDNIGHT
}

fn end() -> TimeOfDay {
    TimeOfDay::END
}

impl Default for Weekly {
    fn default() -> Self {
        Self { days: every_day(), from: midnight(), to: end() }
    }
}

impl Weekly {
    /// Its spans as minutes of the week; the end of one that goes over Sunday's midnight lies past
    /// [`WEEK`].
    fn spans(&self) -> impl Iterator<Item = Range<u16>> {
        let over = if self.to < self.from { DAY } else { 0 };
        let span = move |day: &Day| day.begin() + self.from.0..day.begin() + self.to.0 + over;
        self.days.iter().map(span)
    }

    /// Whether it holds at a minute of the week.
    pub(super) fn holds(&self, minute: u16) -> bool {
        self.spans().any(|span| span.contains(&minute) || span.contains(&(minute + WEEK)))
    }

    /// The minutes of the week at which it begins or ends.
    pub(super) fn borders(&self) -> impl Iterator<Item = u16> {
        self.spans().flat_map(|span| [span.start % WEEK, span.end % WEEK])
    }
}

/// The minute of the week that a wall clock shows, which has counted milliseconds since 1970.
pub(super) fn minute_of_week(wall_ms: i64) -> u16 {
    // 1970-01-01 was a Thursday.
    let since_monday = wall_ms.div_euclid(MINUTE_MS) + i64::from(Day::Thu.begin());
    u16::try_from(since_monday.rem_euclid(i64::from(WEEK))).expect("a remainder of a week fits")
}

/// Milliseconds on the wall clock until it next begins to show `minute` of the week; above 0, at most a week.
pub(super) fn until_ms(minute: u16, wall_ms: i64) -> i64 {
    let week = i64::from(WEEK) * MINUTE_MS;
    let shown = i64::from(minute_of_week(wall_ms)) * MINUTE_MS + wall_ms.rem_euclid(MINUTE_MS);
    let ahead = (i64::from(minute) * MINUTE_MS - shown).rem_euclid(week);
    if ahead == 0 { week } else { ahead }
}

impl std::str::FromStr for TimeOfDay {
    type Err = TimeOfDayError;
    fn from_str(text: &str) -> Result<Self, TimeOfDayError> {
        let number = |part: &str| {
            let plain = part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
            plain.then(|| part.parse::<u16>().ok()).flatten()
        };
        text.split_once(':')
            .and_then(|(hours, minutes)| Some((number(hours)?, number(minutes)?)))
            .filter(|(_, minutes)| *minutes < 60)
            .map(|(hours, minutes)| Self(hours * 60 + minutes))
            .filter(|time| *time <= Self::END)
            .ok_or_else(|| TimeOfDayError::Malformed { text: text.to_owned() })
    }
}

impl TryFrom<String> for TimeOfDay {
    type Error = TimeOfDayError;
    fn try_from(text: String) -> Result<Self, TimeOfDayError> {
        text.parse()
    }
}

impl From<TimeOfDay> for String {
    fn from(time: TimeOfDay) -> Self {
        time.to_string()
    }
}

impl fmt::Display for TimeOfDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.0 / 60, self.0 % 60)
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Mon => "mon",
            Self::Tue => "tue",
            Self::Wed => "wed",
            Self::Thu => "thu",
            Self::Fri => "fri",
            Self::Sat => "sat",
            Self::Sun => "sun",
        })
    }
}

impl fmt::Display for Weekly {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named: Vec<String> = self.days.iter().map(ToString::to_string).collect();
        let is_daily = Day::ALL.iter().all(|day| self.days.contains(day));
        let days = if is_daily { "every day".to_owned() } else { named.join(", ") };
        write!(f, "{days} {} to {}", self.from, self.to)
    }
}

impl JsonSchema for TimeOfDay {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "TimeOfDay".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "pattern": "^[0-2][0-9]:[0-5][0-9]$",
            "description": "A time of day on the wall clock, `00:00` to `24:00`.",
            "examples": ["09:00", "17:30", "24:00"]
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn weekly(days: &[Day], from: &str, to: &str) -> Weekly {
        Weekly { days: days.to_vec(), from: from.parse().unwrap(), to: to.parse().unwrap() }
    }

    #[test]
    fn times_of_day_read_back_as_written() {
        for text in ["00:00", "09:05", "23:59", "24:00"] {
            assert_eq!(text.parse::<TimeOfDay>().unwrap().to_string(), text);
        }
        for text in ["24:01", "9:00", "09:60", "0900", "09:00:00", "", "-1:00", "ab:cd"] {
            let malformed = TimeOfDayError::Malformed { text: text.to_owned() };
            assert_eq!(text.parse::<TimeOfDay>(), Err(malformed), "{text}");
        }
    }

    #[test]
    fn a_span_over_midnight_belongs_to_the_day_on_which_it_begins() {
        let night = weekly(&[Day::Sun], "22:00", "06:00");
        for (day, hour, holds) in [
            (Day::Sun, 21, false),
            (Day::Sun, 22, true),
            (Day::Sun, 23, true),
            (Day::Mon, 0, true),
            (Day::Mon, 5, true),
            (Day::Mon, 6, false),
            (Day::Sun, 5, false),
        ] {
            assert_eq!(night.holds(day.begin() + hour * 60), holds, "{day} {hour}");
        }
        let borders: Vec<u16> = night.borders().collect();
        assert_eq!(borders, [Day::Sun.begin() + 22 * 60, 6 * 60]);
    }

    #[test]
    fn the_epoch_was_a_thursday() {
        assert_eq!(minute_of_week(0), Day::Thu.begin());
        assert_eq!(minute_of_week(-1), Day::Thu.begin() - 1);
        assert_eq!(until_ms(Day::Thu.begin(), 0), i64::from(WEEK) * MINUTE_MS);
        assert_eq!(until_ms(Day::Thu.begin(), -1), 1);
        assert_eq!(until_ms(Day::Thu.begin() + 1, 59_999), 1);
    }

    #[test]
    fn what_is_left_out_is_every_day_from_end_to_end() {
        let all: Weekly = serde_json::from_str("{}").unwrap();
        assert_eq!(all.to_string(), "every day 00:00 to 24:00");
        assert!((0..WEEK).all(|minute| all.holds(minute)));
        let two = weekly(&[Day::Sat, Day::Sun], "09:00", "17:30");
        assert_eq!(two.to_string(), "sat, sun 09:00 to 17:30");
    }
}
