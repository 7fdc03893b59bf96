//! Zone: whose wall clock counts.
//!
//! In: a name of the IANA time zone database. Out: the offset at any point, and when it changes next. The
//! database is built into the program, so that the same build answers alike on every machine. Absent: the
//! machine's own zone and its files.

use std::{fmt, sync::LazyLock};

use jiff::tz::{TimeZone, TimeZoneDatabase};
use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// The zones that are built in.
static DATABASE: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);

/// A time zone by its name in the IANA database, such as `Europe/Berlin`, or `UTC`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Zone(TimeZone);

/// A time zone that was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ZoneError {
    /// No zone has that name.
    #[error(
        "`{name}` is no time zone; write a name of the IANA database such as {}, or `UTC`",
        near.as_deref().map_or_else(|| "`Europe/Berlin`".to_owned(), |near| format!("`{near}`"))
    )]
    Unknown {
        /// The name as given.
        name: String,
        /// The known name that was probably meant, if one is near.
        near: Option<String>,
    },
}

impl Zone {
    /// Coordinated universal time.
    pub const UTC: Self = Self(TimeZone::UTC);

    /// Its name in the IANA database.
    #[must_use]
    pub fn name(&self) -> &str {
        self.0.iana_name().unwrap_or("UTC")
    }

    /// What the wall clock shows at `at`: milliseconds since 1970-01-01 00:00 of that clock.
    pub(super) fn wall_ms(&self, at: Timestamp) -> i64 {
        let point = point(at);
        point.as_millisecond() + i64::from(self.0.to_offset(point).seconds()) * 1000
    }

    /// When the wall clock is next put forward or back, or counted anew; `None` if never again.
    pub(super) fn next_change(&self, at: Timestamp) -> Option<Timestamp> {
        let next = self.0.following(point(at)).next()?;
        u64::try_from(next.timestamp().as_millisecond()).ok().map(Timestamp)
    }
}

/// `at` for the database, which ends with the year 9999.
fn point(at: Timestamp) -> jiff::Timestamp {
    let ms = i64::try_from(at.0).unwrap_or(i64::MAX);
    jiff::Timestamp::from_millisecond(ms).unwrap_or(jiff::Timestamp::MAX)
}

/// The known name nearest to `name`, if one is near.
fn nearest(name: &str) -> Option<String> {
    let plain = name.to_lowercase();
    let distance = |known: &str| {
        let known = known.to_lowercase();
        let place = known.rsplit('/').next().unwrap_or_default();
        let whole = strsim::damerau_levenshtein(&plain, &known);
        whole.min(strsim::damerau_levenshtein(&plain, place))
    };
    DATABASE
        .available()
        .map(|known| (distance(known.as_str()), known.as_str().to_owned()))
        .filter(|(distance, _)| *distance <= name.chars().count() / 4)
        .min()
        .map(|(_, known)| known)
}

impl Default for Zone {
    fn default() -> Self {
        Self::UTC
    }
}

impl std::str::FromStr for Zone {
    type Err = ZoneError;
    fn from_str(name: &str) -> Result<Self, ZoneError> {
        match DATABASE.get(name) {
            Ok(zone) if !zone.is_unknown() => Ok(Self(zone)),
            Ok(_) | Err(_) => {
                Err(ZoneError::Unknown { name: name.to_owned(), near: nearest(name) })
            }
        }
    }
}

impl TryFrom<String> for Zone {
    type Error = ZoneError;
    fn try_from(name: String) -> Result<Self, ZoneError> {
        name.parse()
    }
}

impl From<Zone> for String {
    fn from(zone: Zone) -> Self {
        zone.name().to_owned()
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl schemars::JsonSchema for Zone {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Zone".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "description": "A time zone by its name in the IANA database, or `UTC`.",
            "examples": ["UTC", "Europe/Berlin", "America/New_York"]
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_read_back_by_their_name() {
        for name in ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"] {
            let zone: Zone = name.parse().unwrap();
            assert_eq!(zone.name(), name);
            let text = serde_json::to_string(&zone).unwrap();
            assert_eq!(serde_json::from_str::<Zone>(&text).unwrap(), zone);
        }
        assert_eq!("europe/berlin".parse::<Zone>().unwrap().name(), "Europe/Berlin");
    }

    #[test]
    fn an_unknown_zone_is_named_with_the_one_that_was_probably_meant() {
        for (name, near) in [
            ("Europe/Belrin", "`Europe/Berlin`"),
            ("berlin", "`Europe/Berlin`"),
            ("New_York", "`America/New_York`"),
            ("the moon", "`Europe/Berlin`"),
            ("Etc/Unknown", "`Europe/Berlin`"),
            ("", "`Europe/Berlin`"),
        ] {
            let error = name.parse::<Zone>().unwrap_err().to_string();
            assert_eq!(
                error,
                format!(
                    "`{name}` is no time zone; write a name of the IANA database such as {near}, or `UTC`"
                )
            );
        }
    }

    #[test]
    fn the_wall_clock_is_put_forward_and_back() {
        let berlin: Zone = "Europe/Berlin".parse().unwrap();
        // 2026-03-29 01:00 UTC and 2026-10-25 01:00 UTC: Directive 2000/84/EC.
        let (forward, back) = (1_774_746_000_000, 1_792_890_000_000);
        let hours_ahead = |at: u64| (berlin.wall_ms(Timestamp(at)) - at.cast_signed()) / 3_600_000;
        assert_eq!((hours_ahead(forward - 1), hours_ahead(forward)), (1, 2));
        assert_eq!((hours_ahead(back - 1), hours_ahead(back)), (2, 1));
        assert_eq!(berlin.next_change(Timestamp(forward - 1)), Some(Timestamp(forward)));
        assert_eq!(berlin.next_change(Timestamp(forward)), Some(Timestamp(back)));
        assert_eq!(Zone::UTC.next_change(Timestamp(0)), None);
    }

    #[test]
    fn a_point_past_every_calendar_is_taken_for_the_last_one() {
        let berlin: Zone = "Europe/Berlin".parse().unwrap();
        assert_eq!(berlin.wall_ms(Timestamp(u64::MAX)), berlin.wall_ms(Timestamp(u64::MAX - 1)));
        assert_eq!(berlin.next_change(Timestamp(u64::MAX)), None);
    }
}
