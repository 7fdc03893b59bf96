//! P3 Ceiling: never more than N + S live instances; draining ones count in strict mode only.

use rollout_core::{engine::Effect, id::InstanceId};

use super::{Broken, Happened, Invariant, Moment, require};
use crate::world::{Condition, Instance, Pool};

pub(super) struct Ceiling;

impl Invariant for Ceiling {
    fn name(&self) -> &'static str {
        "P3 ceiling"
    }

    fn check(&mut self, moment: &Moment<'_>) -> Result<(), Broken> {
        let Happened::Landed(landing) = moment.happened else {
            return Ok(());
        };
        let makes = matches!(landing.action.effect, Effect::Create { .. } | Effect::Scale { .. });
        if !makes || !landing.receipt.effective || moment.tally.live() <= moment.before.live() {
            return Ok(());
        }
        let told_to_go = || {
            // Of a pool kept by count, one that ends is not on the journal any more.
            let ends =
                |one: &Instance| moment.world.keeps_pods() && one.condition == Condition::Stopping;
            let all = moment.world.instances().iter();
            let leaves = |(name, one): &(&InstanceId, &Instance)| {
                one.is_live() && (ends(one) || moment.ledger.retired.contains_key(*name))
            };
            all.filter(leaves).count() as u64
                + moment.world.pools().values().map(Pool::leaving).sum::<u64>()
        };
        let leaving = if landing.terms.strict { 0 } else { told_to_go() };
        let (live, ceiling) = (moment.tally.live() - leaving, landing.terms.most(moment.ledger));
        require(live <= ceiling, || {
            format!("{} makes {live} live instances; the ceiling is {ceiling}", landing.action)
        })
    }
}
