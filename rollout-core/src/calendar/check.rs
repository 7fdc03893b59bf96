//! Checks of a calendar: what could never be meant.

use super::{Calendar, When, week::Weekly};
use crate::spec::CheckError;

/// A calendar that was refused: the field, its value and the way out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CalendarError {
    /// A calendar that says nothing.
    #[error("{field}: it has neither `open` nor `closed`; write one of them, or leave it out")]
    SaysNothing {
        /// Path of the calendar.
        field: String,
    },
    /// More spans than anyone could read.
    #[error("{field}: it has {spans} spans, the limit is {limit}; join some of them")]
    TooManySpans {
        /// Path of the field.
        field: String,
        /// How many are given.
        spans: usize,
        /// Most spans allowed.
        limit: usize,
    },
    /// A span on no day of the week.
    #[error(
        "{field}: there is none; write days such as `[mon, tue]`, or leave it out for every day"
    )]
    NoDays {
        /// Path of the field.
        field: String,
    },
    /// A weekly span of no time, or of a whole day: nobody could tell.
    #[error(
        "{field}: it begins at {from} and ends at {to}, which is no time or a whole day; write `00:00` to `24:00` for a whole day, or another end"
    )]
    SpanEmpty {
        /// Path of the span.
        field: String,
        /// Its beginning.
        from: String,
        /// Its end.
        to: String,
    },
    /// A closure ends before it begins.
    #[error("{field}: it ends at {to}, which is not after {from}, where it begins; swap them")]
    SpanEndsEarly {
        /// Path of the closure.
        field: String,
        /// Its beginning.
        from: String,
        /// Its end.
        to: String,
    },
    /// No minute of any week is open.
    #[error(
        "{field}: no minute of the week is open, so nothing could ever go forward; widen `open`, or shorten what is `closed` every week"
    )]
    NeverOpens {
        /// Path of the calendar.
        field: String,
    },
}

impl CalendarError {
    /// Path of the field that is wrong, such as `freeze.open[0].days`.
    #[must_use]
    pub fn field(&self) -> &str {
        match self {
            Self::SaysNothing { field }
            | Self::TooManySpans { field, .. }
            | Self::NoDays { field }
            | Self::SpanEmpty { field, .. }
            | Self::SpanEndsEarly { field, .. }
            | Self::NeverOpens { field } => field,
        }
    }
}

/// Most spans of `open`, and most of `closed`.
const SPANS_LIMIT: usize = 100;

impl Calendar {
    /// Adds every reason why the calendar, which stands at `field`, cannot be used.
    pub fn check(&self, field: &str, errors: &mut Vec<CheckError>) {
        let before = errors.len();
        if self.open.is_empty() && self.closed.is_empty() {
            errors.push(CalendarError::SaysNothing { field: field.to_owned() }.into());
        }
        for (name, spans) in [("open", self.open.len()), ("closed", self.closed.len())] {
            if SPANS_LIMIT < spans {
                let field = format!("{field}.{name}");
                errors
                    .push(CalendarError::TooManySpans { field, spans, limit: SPANS_LIMIT }.into());
            }
        }
        for (index, weekly) in self.open.iter().enumerate() {
            check_weekly(&format!("{field}.open[{index}]"), weekly, errors);
        }
        for (index, closure) in self.closed.iter().enumerate() {
            let field = format!("{field}.closed[{index}]");
            match &closure.when {
                When::Weekly(weekly) => check_weekly(&field, weekly, errors),
                When::Once { from, to } if to <= from => {
                    let (from, to) = (from.to_string(), to.to_string());
                    errors.push(CalendarError::SpanEndsEarly { field, from, to }.into());
                }
                When::Once { .. } => {}
            }
        }
        if errors.len() == before && !self.ever_opens() {
            errors.push(CalendarError::NeverOpens { field: field.to_owned() }.into());
        }
    }

    /// Whether some minute of the week is open when no closure that happens once is in the way. Open times
    /// begin at a border, so one of them is open, or there is none and it is always open.
    fn ever_opens(&self) -> bool {
        let closed = |minute: u16| {
            self.closed.iter().any(|closure| match &closure.when {
                When::Weekly(weekly) => weekly.holds(minute),
                When::Once { .. } => false,
            })
        };
        let mut borders = self.weekly().flat_map(Weekly::borders).peekable();
        borders.peek().is_none()
            || borders.any(|minute| self.is_in_hours(minute) && !closed(minute))
    }
}

fn check_weekly(field: &str, weekly: &Weekly, errors: &mut Vec<CheckError>) {
    if weekly.days.is_empty() {
        errors.push(CalendarError::NoDays { field: format!("{field}.days") }.into());
    }
    if weekly.from == weekly.to {
        let (from, to) = (weekly.from.to_string(), weekly.to.to_string());
        errors.push(CalendarError::SpanEmpty { field: field.to_owned(), from, to }.into());
    }
}
