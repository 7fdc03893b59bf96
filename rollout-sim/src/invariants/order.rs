//! T5 Order: traffic down, then capacity down: no action takes away an instance that the share of its
//! revision, as it is in force, still needs. The other half, capacity up before traffic up, is T2.
//!
//! Failures that nobody could have seen are subtracted, and a share by replicas needs nothing.

use rollout_core::engine::Route;

use super::{Broken, Happened, Invariant, Kind, Moment, require};

pub(super) struct Order;

impl Invariant for Order {
    fn name(&self) -> &'static str {
        "T5 capacity after traffic"
    }

    fn hears(&self) -> &'static [Kind] {
        &[Kind::Landed]
    }

    fn check(&mut self, moment: &Moment<'_>) -> Result<(), Broken> {
        let Happened::Landed(landing) = moment.happened else {
            return Ok(());
        };
        let Some(revision) = landing.action.effect.instance().and_then(|name| {
            let instance = moment.world.instance(name)?;
            let is_unknown = moment.world.was_harmed(name)
                || moment.world.serves_unseen(landing.terms.step, name);
            (!is_unknown).then_some(&instance.revision)
        }) else {
            return Ok(());
        };
        let Some(route @ Route::Weighted(_)) = moment.world.route() else {
            return Ok(());
        };
        let weight = route.weight_of(revision).unwrap_or_default();
        let serving =
            |tally: &crate::world::Tally| tally.of(revision).map_or(0, |one| one.in_traffic);
        let (before, after) = (serving(moment.before), serving(moment.tally));
        if weight.is_zero() || before <= after || moment.ledger.first {
            return Ok(());
        }
        let ledger = moment.ledger;
        let desired = ledger.desired().min(landing.terms.desired);
        // Where there are to be none, nothing is needed.
        let fewest = u64::from(0 < desired);
        let needed = weight.of_rounded_up(desired).min(landing.terms.least(ledger)).max(fewest);
        let unseen = moment.world.unseen(landing.terms.step, Some(revision));
        require(needed <= after + unseen, || {
            format!(
                "{} leaves {after} of {before} instances of {revision} behind {weight}; {needed} are needed, {unseen} failures could not be seen",
                landing.action
            )
        })
    }
}
