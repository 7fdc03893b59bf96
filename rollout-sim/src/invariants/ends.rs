//! L1: once the faults are off the rollout ends within its bound.

use super::{Broken, Happened, Invariant, Moment, require};

pub(super) struct Ends;

impl Invariant for Ends {
    fn name(&self) -> &'static str {
        "L1 ends"
    }

    fn check(&mut self, moment: &Moment<'_>) -> Result<(), Broken> {
        let Happened::Overdue { limit } = moment.happened else {
            return Ok(());
        };
        let (phase, over) = (moment.ledger.phase(), moment.now.saturating_sub(limit));
        require(false, || {
            format!("still {phase}, {over} ms after the latest end; {:?}", moment.tally)
        })
    }
}
