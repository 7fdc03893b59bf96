//! T2 No weight without backing: a share rises only onto instances that serve it.
//!
//! Needed are ⌈share × N⌉ serving, enrolled instances, at most N − U, at least 1. When the other revision
//! serves nothing, or its recovery could not be seen, anything is better. Failures that nobody could have
//! seen are subtracted.

use rollout_core::engine::{Effect, Route, Shares};

use super::{Broken, Happened, Invariant, Kind, Moment, require};

pub(super) struct Backing;

impl Invariant for Backing {
    fn name(&self) -> &'static str {
        "T2 no weight without backing"
    }

    fn hears(&self) -> &'static [Kind] {
        &[Kind::Ordered]
    }

    fn check(&mut self, moment: &Moment<'_>) -> Result<(), Broken> {
        let Happened::Ordered(action) = moment.happened else {
            return Ok(());
        };
        let Effect::Route(Route::Weighted(Shares { weights, .. })) = &action.effect else {
            return Ok(());
        };
        let ledger = moment.ledger;
        for (revision, weight) in weights {
            let old = moment.world.route().and_then(|route| route.weight_of(revision));
            let rises = old.is_none_or(|old| moment.world.is_rise(old, *weight));
            if weight.is_zero() || !rises {
                continue;
            }
            let others = moment.world.others_serving(moment.step, revision);
            let needed = match (ledger.first, others) {
                (true, _) => 1,
                (false, 0) => 0,
                (false, _) => weight.of_rounded_up(ledger.desired()).min(ledger.floor()).max(1),
            };
            let serving = moment.tally.of(revision).map_or(0, |one| one.enrolled);
            let unseen = moment.world.unseen(moment.step, Some(revision));
            require(needed <= serving + unseen, || {
                format!(
                    "{action} though only {serving} instances of {revision} serve; {needed} are needed, {unseen} failures could not be seen"
                )
            })?;
        }
        Ok(())
    }
}
