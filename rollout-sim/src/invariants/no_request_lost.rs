//! S1 No request lost: a request fails only where a fault, the candidate's own errors or the plan explains it.

use super::{Broken, Happened, Invariant, Kind, Moment, require};
use crate::world::Loss;

#[derive(Default)]
pub(super) struct NoRequestLost {
    /// Whether there was ever a time in which nobody had to serve.
    excused: bool,
}

impl Invariant for NoRequestLost {
    fn name(&self) -> &'static str {
        "S1 no request lost"
    }

    fn hears(&self) -> &'static [Kind] {
        &[Kind::Changed, Kind::Landed]
    }

    fn check(&mut self, moment: &Moment<'_>) -> Result<(), Broken> {
        let (Happened::Landed(_) | Happened::Changed) = moment.happened else {
            return Ok(());
        };
        let traffic = moment.world.traffic();
        for loss in [Loss::NotYetServing, Loss::Stopped] {
            let failed = traffic.failed(loss);
            require(failed == 0, || format!("{failed} requests failed: {}", loss.name()))?;
        }
        let was_free = moment.ledger.limits.iter().any(|(floor, _)| *floor == 0);
        self.excused |= was_free || moment.ledger.floor() == 0 || !moment.world.harms().is_empty();
        self.excused |= moment.is_ahead;
        if self.excused {
            return Ok(());
        }
        for loss in [Loss::Nobody, Loss::CutByEngine] {
            let failed = traffic.failed(loss);
            require(failed == 0, || format!("{failed} requests failed: {}", loss.name()))?;
        }
        Ok(())
    }
}
