//! D4: while the spec's calendar is closed no step forward is taken, unless a person says so; the way back is
//! never stopped by it.

use rollout_core::{
    calendar::Opening,
    engine::{Cause, Change, Purpose},
};

use super::{Broken, Happened, Invariant, Kind, Moment, require};
use crate::ledger::CALENDAR;

pub(super) struct Freeze;

impl Invariant for Freeze {
    fn name(&self) -> &'static str {
        "D4 freeze stops steps forward only"
    }

    fn hears(&self) -> &'static [Kind] {
        &[Kind::Recorded]
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "most records are no step forward")]
    fn check(&mut self, moment: &Moment<'_>) -> Result<(), Broken> {
        let Happened::Recorded(record) = moment.happened else {
            return Ok(());
        };
        let ledger = moment.ledger;
        let Some(calendar) = ledger.spec.as_ref().and_then(|spec| spec.calendar.as_ref()) else {
            return Ok(());
        };
        // Found by looking through the calendar: only where it is asked.
        let closed = || matches!(calendar.state(record.at), Opening::Closed { .. });
        let is_bound = matches!(ledger.purpose, Purpose::Move | Purpose::Restart)
            && ledger.candidate != ledger.stable
            && ledger.end.is_none()
            && ledger.resumes_by_hand == 0
            && ledger.skips_to.is_none();
        match &record.change {
            Change::Reached { stage } | Change::Entered { stage } if is_bound && closed() => {
                let begins = matches!(record.change, Change::Entered { stage: 0 });
                require(begins, || format!("stage {stage}: {} in a freeze", record.change))
            }
            Change::Paused { by, .. } if by == CALENDAR => {
                require(ledger.aborted.is_none(), || "a freeze stopped the way back".to_owned())
            }
            Change::Aborted { cause: Cause::NoProgress { .. } } if is_bound && closed() => {
                require(false, || "time stood still in a freeze, and it went back".to_owned())
            }
            _ => Ok(()),
        }
    }
}
