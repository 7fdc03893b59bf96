//! R6: a rollback is never rolled back by itself: an undo turns back only because somebody wants it.

use rollout_core::engine::{Cause, Change, Purpose};

use super::{Broken, Happened, Invariant, Kind, Moment, require};

pub(super) struct UndoKept;

impl Invariant for UndoKept {
    fn name(&self) -> &'static str {
        "R6 rollback is not rolled back"
    }

    fn hears(&self) -> &'static [Kind] {
        &[Kind::Recorded]
    }

    fn check(&mut self, moment: &Moment<'_>) -> Result<(), Broken> {
        let Happened::Recorded(record) = moment.happened else {
            return Ok(());
        };
        let Change::Aborted { cause } = &record.change else {
            return Ok(());
        };
        let is_wanted = matches!(cause, Cause::Ordered { .. } | Cause::Superseded { .. });
        let is_back = moment.ledger.aborted.is_some();
        require(!is_back, || format!("what goes back already turned back: {cause}"))?;
        require(moment.ledger.purpose != Purpose::Undo || is_wanted, || {
            format!("an undo turned back by itself: {cause}")
        })
    }
}
