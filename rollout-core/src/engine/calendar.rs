//! The spec's calendar: closed, it pauses the way forward; the way back, and a change of size, it never stops.

use super::{
    record::{Change, Purpose},
    state::{CALENDAR, Walk},
    turn::Turn,
    view::View,
};
use crate::{calendar::Opening, time::Timestamp};

/// Pauses where the calendar closes and resumes where it opens, unless a person has overridden it.
pub(super) fn watch(turn: &mut Turn<'_>, view: &mut View) {
    let Some(opening) = opening(turn, view) else { return };
    let paused = turn.state.paused.as_ref().map(|paused| paused.by == CALENDAR);
    match (opening, paused) {
        (Opening::Closed { why, .. }, None) => {
            turn.record(Change::Paused { by: CALENDAR.to_owned(), why: Some(why) });
        }
        (Opening::Open { .. }, Some(true)) => {
            turn.record(Change::Resumed { by: CALENDAR.to_owned(), why: None });
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
pub(super) fn opens(turn: &Turn<'_>, view: &mut View) -> Option<Timestamp> {
    match opening(turn, view)? {
        Opening::Closed { until, .. } => until,
        Opening::Open { .. } => None,
    }
}

/// What the calendar says now of the rollout under way; `None` where it has nothing to say.
fn opening(turn: &Turn<'_>, view: &mut View) -> Option<Opening> {
    let rollout = turn.state.under_way()?;
    let calendar = rollout.spec.calendar.as_ref()?;
    let is_forward = matches!(rollout.walk, Walk::Moving { .. } | Walk::Gating { .. })
        && matches!(rollout.purpose, Purpose::Move | Purpose::Restart)
        && !rollout.is_resize();
    if !is_forward || rollout.is_calendar_overridden {
        return None;
    }
    // An answer is good until the time it names; it may have taken long to find.
    if let Some((attempt, since, opening)) = &view.opening {
        let (Opening::Open { until } | Opening::Closed { until, .. }) = opening;
        let is_good = *since <= turn.now && until.is_none_or(|until| turn.now < until);
        if *attempt == rollout.attempt && is_good {
            return Some(opening.clone());
        }
    }
    let opening = calendar.state(turn.now);
    view.opening = Some((rollout.attempt, turn.now, opening.clone()));
    Some(opening)
}
