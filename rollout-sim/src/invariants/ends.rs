//! L1: once the faults are off the rollout ends within its bound.

use super::{Broken, Happened, Invariant, Kind, Moment, require};

pub(super) struct Ends;

impl Invariant for Ends {
    fn name(&self) -> &'static str {
        "L1 ends"
    }

    fn hears(&self) -> &'static [Kind] {
        &[Kind::Overdue]
    }

    fn check(&mut self, moment: &Moment<'_>) -> Result<(), Broken> {
        let Happened::Overdue { limit, waits } = moment.happened else {
            return Ok(());
        };
        let (phase, over) = (moment.ledger.phase(), moment.now.saturating_sub(limit));
        require(false, || {
            let waits: Vec<String> = waits.iter().map(|wait| wait.reason.to_string()).collect();
            format!(
                "still {phase} {over} ms after the latest end, waiting for {}",
                waits.join("; ")
            )
        })
    }
}
