//! The spec's calendar: closed, it pauses the way forward; the way back, and a change of size, it never stops.

use super::{
    record::{Change, Purpose},
    state::{CALENDAR, Walk},
    turn::Turn,
};
use crate::{calendar::Opening, time::Timestamp};

/// Pauses where the calendar closes and resumes where it opens, unless a person has overridden it.
pub(super) fn watch(turn: &mut Turn<'_>) {
    let Some(opening) = opening(turn) else { return };
    let paused = turn.state.paused.as_ref().map(|paused| paused.by == CALENDAR);
    match (opening, paused) {
        (Opening::Closed { why, .. }, None) => {
            turn.record(Change::Paused { by: CALENDAR.to_owned(), why: Some(why) });
        }
        (Opening::Open { .. }, Some(true)) => {
            turn.record(Change::Resumed { by: CALENDAR.to_owned() });
        }
        (Opening::Closed { .. }, Some(_)) | (Opening::Open { .. }, Some(false)) => {}
        // The next step forward is not to be late by a whole poll.
        (Opening::Open { until }, None) => {
            if let Some(until) = until {
                turn.wake(until);
            }
        }
    }
}

/// When the calendar opens, if it is closed and ever does.
pub(super) fn opens(turn: &Turn<'_>) -> Option<Timestamp> {
    match opening(turn)? {
        Opening::Closed { until, .. } => until,
        Opening::Open { .. } => None,
    }
}

/// What the calendar says now of the rollout under way; `None` where it has nothing to say.
fn opening(turn: &Turn<'_>) -> Option<Opening> {
    let rollout = turn.state.under_way()?;
    let calendar = rollout.spec.calendar.as_ref()?;
    let is_forward = matches!(rollout.walk, Walk::Moving { .. } | Walk::Gating { .. })
        && matches!(rollout.purpose, Purpose::Move | Purpose::Restart)
        && !rollout.is_resize();
    (is_forward && !rollout.is_calendar_overridden).then(|| calendar.state(turn.now))
}
