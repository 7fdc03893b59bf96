//! R1: the stable pointer moves only at *Proven*: at the end of a stage that proves, its gates passed,
//! never on the way back.

use rollout_core::engine::Change;

use super::{Broken, Happened, Invariant, Kind, Moment, require};

pub(super) struct StablePointer;

impl Invariant for StablePointer {
    fn name(&self) -> &'static str {
        "R1 stable pointer"
    }

    fn hears(&self) -> &'static [Kind] {
        &[Kind::Recorded]
    }

    fn check(&mut self, moment: &Moment<'_>) -> Result<(), Broken> {
        let Happened::Recorded(record) = moment.happened else {
            return Ok(());
        };
        let Change::Proven { revision } = &record.change else {
            return Ok(());
        };
        let ledger = moment.ledger;
        let proves = ledger.stage_now().is_some_and(|stage| stage.proves);
        let due = ledger.candidate.as_ref() == Some(revision)
            && ledger.aborted.is_none()
            && proves
            && ledger.gates_passed();
        require(due, || {
            format!(
                "{revision} was proven in stage {:?} (proves: {proves}, reached: {}, gates passed: {}, turned back: {})",
                ledger.stage,
                ledger.reached,
                ledger.passed,
                ledger.aborted.is_some()
            )
        })
    }
}
