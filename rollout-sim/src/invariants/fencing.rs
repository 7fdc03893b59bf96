//! F1: after an effect of one epoch none of an older epoch takes effect.

use rollout_core::id::Epoch;

use super::{Broken, Happened, Invariant, Kind, Moment, require};

#[derive(Default)]
pub(super) struct Fencing {
    newest: Epoch,
}

impl Invariant for Fencing {
    fn name(&self) -> &'static str {
        "F1 fencing"
    }

    fn hears(&self) -> &'static [Kind] {
        &[Kind::Landed, Kind::LandedBeside]
    }

    fn check(&mut self, moment: &Moment<'_>) -> Result<(), Broken> {
        let (Happened::Landed(landing) | Happened::LandedBeside(landing)) = moment.happened else {
            return Ok(());
        };
        if !landing.receipt.effective {
            return Ok(());
        }
        let (epoch, newest) = (landing.action.epoch, self.newest);
        self.newest = newest.max(epoch);
        require(newest <= epoch, || {
            format!("{} of {epoch} took effect after one of {newest}", landing.action)
        })
    }
}
