//! P3 Ceiling: never more than N + S live instances; draining ones count in strict mode only.

use std::collections::BTreeMap;

use rollout_core::{
    engine::Effect,
    id::{InstanceId, RevisionId},
};

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
        // An attempt of long ago lands once more, at one that was there and is gone.
        let is_told = |name: &InstanceId| moment.ledger.told_to_go.contains_key(name);
        let is_gone =
            |name: &InstanceId| is_told(name) && !moment.ledger.retired.contains_key(name);
        if landing.action.effect.instance().is_some_and(is_gone) {
            return Ok(());
        }
        let leaving = if landing.terms.strict { 0 } else { told_to_go(moment, landing.terms) };
        let (live, ceiling) = (moment.tally.live() - leaving, landing.terms.most(moment.ledger));
        require(live <= ceiling, || {
            format!("{} makes {live} live instances; the ceiling is {ceiling}", landing.action)
        })
    }
}

/// Instances that were told to go, as far as the engine could know. One that is kept by count, had been told
/// before this was ordered and has gone by itself meanwhile has another one in its place, which may have been
/// told to go as well.
fn told_to_go(moment: &Moment<'_>, terms: Terms) -> u64 {
    let world = moment.world;
    let is_retired = |name: &InstanceId| moment.ledger.retired.contains_key(name);
    // Of a pool kept by count, one that ends is not on the journal any more.
    let ends = |one: &Instance| world.keeps_pods() && one.condition == Condition::Stopping;
    let leaves =
        |(name, one): &(&InstanceId, &Instance)| one.is_live() && (ends(one) || is_retired(name));
    let told = &moment.ledger.told_to_go;
    let was_told =
        |name: &InstanceId| told.get(name).is_some_and(|record| *record <= terms.records);
    // By revision: those that go, and places of others who went.
    let mut places: BTreeMap<&RevisionId, (u64, u64, u64)> = BTreeMap::new();
    for one in world.instances().iter().filter(|(_, one)| one.is_live()) {
        let (live, going, _) = places.entry(&one.1.revision).or_default();
        *live += 1;
        *going += u64::from(leaves(&one));
    }
    for (_, one) in world.replaced_unseen(terms.step).filter(|(name, _)| was_told(name)) {
        places.entry(&one.revision).or_default().2 += 1;
    }
    let by_name = places.values().map(|(live, going, replaced)| (*live).min(going + replaced));
    by_name.sum::<u64>() + world.pools().values().map(Pool::leaving).sum::<u64>()
}
