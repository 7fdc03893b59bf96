//! P3 Ceiling: never more than N + S live instances; draining ones count in strict mode only.

use rollout_core::{engine::Effect, id::InstanceId};

use super::{Broken, Happened, Invariant, Kind, Moment, Terms, require};
use crate::world::{Condition, Instance, Pool};

pub(super) struct Ceiling;

impl Invariant for Ceiling {
    fn name(&self) -> &'static str {
        "P3 ceiling"
    }

    fn hears(&self) -> &'static [Kind] {
        &[Kind::Landed]
    }

    fn check(&mut self, moment: &Moment<'_>) -> Result<(), Broken> {
        let Happened::Landed(landing) = moment.happened else {
            return Ok(());
        };
        let makes = matches!(landing.action.effect, Effect::Create { .. } | Effect::Scale { .. });
        if !makes || !landing.receipt.effective || moment.tally.live() <= moment.before.live() {
            return Ok(());
        }
        let leaving = if landing.terms.strict { 0 } else { told_to_go(moment, landing.terms) };
        let (live, ceiling) = (moment.tally.live() - leaving, landing.terms.most(moment.ledger));
        require(live <= ceiling, || {
            format!("{} makes {live} live instances; the ceiling is {ceiling}", landing.action)
        })
    }
}

/// Instances that were told to go, as far as the engine could know. One that is kept by count and has gone by
/// itself meanwhile has another one in its place.
fn told_to_go(moment: &Moment<'_>, terms: Terms) -> u64 {
    let world = moment.world;
    let is_retired = |name: &InstanceId| moment.ledger.retired.contains_key(name);
    // Of a pool kept by count, one that ends is not on the journal any more.
    let ends = |one: &Instance| world.keeps_pods() && one.condition == Condition::Stopping;
    let leaves =
        |(name, one): &(&InstanceId, &Instance)| one.is_live() && (ends(one) || is_retired(name));
    let was_retired = |name: &InstanceId| is_retired(name) || moment.ledger.left.contains(name);
    let replaced = world.replaced_unseen(terms.step).filter(|(name, _)| was_retired(name)).count();
    let by_name = world.instances().iter().filter(leaves).count() + replaced;
    by_name as u64 + world.pools().values().map(Pool::leaving).sum::<u64>()
}
