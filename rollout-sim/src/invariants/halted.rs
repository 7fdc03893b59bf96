//! L7: between halt and resume nothing is decided that goes out, and nothing is attempted, not even again.

use rollout_core::engine::Change;

use super::{Broken, Happened, Invariant, Kind, Moment, require};

pub(super) struct Halted;

impl Invariant for Halted {
    fn name(&self) -> &'static str {
        "L7 nothing goes out while halted"
    }

    fn hears(&self) -> &'static [Kind] {
        &[Kind::Ordered, Kind::Recorded]
    }

    fn check(&mut self, moment: &Moment<'_>) -> Result<(), Broken> {
        if !moment.ledger.halted {
            return Ok(());
        }
        match moment.happened {
            Happened::Ordered(action) => require(false, || format!("{action}")),
            Happened::Recorded(record) => {
                let decides = matches!(record.change, Change::Intended { .. });
                require(!decides, || format!("{} was decided", record.change))
            }
            Happened::Changed
            | Happened::Stepped { .. }
            | Happened::Answered { .. }
            | Happened::Repeated { .. }
            | Happened::Waiting(_)
            | Happened::Landed(_)
            | Happened::NotKept
            | Happened::Beside { .. }
            | Happened::LandedBeside(_)
            | Happened::Replayed(..)
            | Happened::Overdue { .. } => Ok(()),
        }
    }
}
