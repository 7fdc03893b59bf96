//! Calendar: when forward steps may be taken.
//!
//! In: a [`Calendar`] as a person writes it, and a point in time. Out: whether it is open then, and until
//! when. Absent: a clock, and the machine's own time zone and its files.
//!
//! What counts is what a wall clock in the calendar's zone shows. Where it is put forward, the minutes it
//! leaves out are nobody's; where it is put back, the minutes it shows twice count twice. Ends are exclusive.
//! The rules of the zones are those of the database built in: a zone whose rules change later is answered by
//! the old ones until the program is built anew.

mod check;
mod closure;
mod week;
mod zone;

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use self::{
    check::CalendarError,
    closure::{Closure, ClosureError, WallTime, When},
    week::{Day, TimeOfDay, TimeOfDayError, Weekly},
    zone::{Zone, ZoneError},
};
use crate::time::{Span, Timestamp};

/// When forward steps may be taken. What goes back is never stopped.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Calendar {
    /// Whose wall clock counts. Default: `UTC`.
    #[serde(default)]
    pub zone: Zone,
    /// Open in these spans only. Default: always.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub open: Vec<Weekly>,
    /// Closed in these, whatever `open` says.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub closed: Vec<Closure>,
}

/// What a calendar says of a point in time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Opening {
    /// Forward steps may be taken.
    Open {
        /// The first point at which they may not; `None` if there is none.
        until: Option<Timestamp>,
    },
    /// Forward steps may not be taken.
    Closed {
        /// The first point at which they may; `None` if there is none.
        until: Option<Timestamp>,
        /// Why, for people.
        why: String,
    },
}

/// How far ahead what comes back every week is looked for. A change of the zone can swallow a span of one
/// week, so two are needed.
const AHEAD: Span = Span::from_secs(3 * 7 * 24 * 3600);

impl Calendar {
    /// What it says of `at`, and the first point after `at` at which it says otherwise.
    #[must_use]
    pub fn state(&self, at: Timestamp) -> Opening {
        match self.reason_at(at) {
            None => Opening::Open { until: self.next(at, |reason| reason.is_some()) },
            Some(reason) => Opening::Closed {
                until: self.next(at, |reason| reason.is_none()),
                why: reason.to_string(),
            },
        }
    }

    /// Why it is closed at `at`; `None` if it is open.
    fn reason_at(&self, at: Timestamp) -> Option<Reason<'_>> {
        let wall = self.zone.wall_ms(at);
        let minute = week::minute_of_week(wall);
        let closure = self.closed.iter().find(|closure| match &closure.when {
            When::Weekly(weekly) => weekly.holds(minute),
            When::Once { from, to } => (from.wall_ms()..to.wall_ms()).contains(&wall),
        });
        match closure {
            Some(closure) => Some(Reason::Closure(closure)),
            None if self.is_in_hours(minute) => None,
            None => Some(Reason::OutsideHours),
        }
    }

    fn is_in_hours(&self, minute: u16) -> bool {
        self.open.is_empty() || self.open.iter().any(|span| span.holds(minute))
    }

    /// The first point after `at` at which `wanted` is so; `None` if there is none.
    ///
    /// Between two changes of the zone the wall clock runs evenly, so only the borders of spans and those
    /// changes are looked at. What was not found while a few weeks went by between two borders of closures
    /// that happen once is not found before the next of them.
    fn next(
        &self,
        at: Timestamp,
        wanted: impl Fn(Option<Reason<'_>>) -> bool,
    ) -> Option<Timestamp> {
        let mut cursor = at;
        let mut even_since = at;
        loop {
            let wall = self.zone.wall_ms(cursor);
            let on_wall = |ms: u64| cursor.after(Span::from_millis(ms));
            let repeats = even_since.after(AHEAD) < cursor;
            let weekly = if repeats { None } else { self.weekly_ms(wall).map(on_wall) };
            let once = self.once_ms(wall).map(on_wall);
            let change = self.zone.next_change(cursor);
            let next = weekly.into_iter().chain(once).chain(change).min()?;
            if wanted(self.reason_at(next)) {
                return Some(next);
            }
            if next <= cursor || once.is_none() && even_since.after(AHEAD) < next {
                return None;
            }
            if once == Some(next) || once.is_some() && change == Some(next) {
                even_since = next;
            }
            cursor = next;
        }
    }

    /// Milliseconds on the wall clock to the next border of a closure that happens once.
    fn once_ms(&self, wall: i64) -> Option<u64> {
        let borders = self.closed.iter().filter_map(|closure| match &closure.when {
            When::Weekly(_) => None,
            When::Once { from, to } => Some([from.wall_ms(), to.wall_ms()]),
        });
        let ahead = |border: i64| u64::try_from(border - wall).ok().filter(|ms| 0 < *ms);
        borders.flatten().filter_map(ahead).min()
    }

    /// Milliseconds on the wall clock to the next border of a span that comes back every week.
    fn weekly_ms(&self, wall: i64) -> Option<u64> {
        let borders = self.weekly().flat_map(Weekly::borders);
        borders.map(|minute| week::until_ms(minute, wall).unsigned_abs()).min()
    }

    /// Every span that comes back every week.
    fn weekly(&self) -> impl Iterator<Item = &Weekly> {
        let closed = self.closed.iter().filter_map(|closure| match &closure.when {
            When::Weekly(weekly) => Some(weekly),
            When::Once { .. } => None,
        });
        self.open.iter().chain(closed)
    }
}

/// Why it is closed.
#[derive(Clone, Copy)]
enum Reason<'a> {
    Closure(&'a Closure),
    OutsideHours,
}

impl fmt::Display for Reason<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closure(Closure { why: Some(why), .. }) => f.write_str(why),
            Self::Closure(Closure { when, why: None }) => write!(f, "closed {when}"),
            Self::OutsideHours => f.write_str("outside the open hours"),
        }
    }
}

impl fmt::Display for Calendar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts: Vec<String> = self.open.iter().map(|span| format!("open {span}")).collect();
        parts.extend(self.closed.iter().map(|closure| format!("closed {closure}")));
        if parts.is_empty() {
            return write!(f, "always open ({})", self.zone);
        }
        write!(f, "{} ({})", parts.join("; "), self.zone)
    }
}

#[cfg(test)]
mod tests;
