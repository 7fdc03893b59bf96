//! S1 No request lost: a request fails only where a fault, the candidate's own errors or the plan explains it.

use super::{Broken, Happened, Invariant, Moment, require};
use crate::world::Loss;

pub(super) struct NoRequestLost;

impl Invariant for NoRequestLost {
    fn name(&self) -> &'static str {
        "S1 no request lost"
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
        let ledger = moment.ledger;
        if !moment.world.harms().is_empty() || ledger.stable.is_none() || ledger.declares_downtime()
        {
            return Ok(());
        }
        for loss in [Loss::Nobody, Loss::CutByEngine] {
            let failed = traffic.failed(loss);
            require(failed == 0, || format!("{failed} requests failed: {}", loss.name()))?;
        }
        Ok(())
    }
}
