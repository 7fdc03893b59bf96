//! R10: on the way back no healthy instance of stable is told to go, unless there are more than N.

use rollout_core::{engine::Change, id::InstanceId};

use super::{Broken, Happened, Invariant, Kind, Moment, require};
use crate::world::Instance;

pub(super) struct StableKept;

impl Invariant for StableKept {
    fn name(&self) -> &'static str {
        "R10 abort keeps stable"
    }

    fn hears(&self) -> &'static [Kind] {
        &[Kind::Recorded]
    }

    fn check(&mut self, moment: &Moment<'_>) -> Result<(), Broken> {
        let Happened::Recorded(record) = moment.happened else {
            return Ok(());
        };
        let Change::Retired { instance, .. } = &record.change else {
            return Ok(());
        };
        let ledger = moment.ledger;
        let (Some(stable), Some(_)) = (&ledger.stable, ledger.aborted) else {
            return Ok(());
        };
        let Some(seen) = moment.world.instance(instance) else {
            return Ok(());
        };
        // One that the load balancer does not know yet the engine need not know to be healthy.
        let healthy =
            seen.serves(moment.now) && seen.is_enrolled() && !moment.world.was_harmed(instance);
        let stays = |name: &InstanceId, one: &Instance| {
            one.revision == *stable && one.is_live() && !ledger.retired.contains_key(name)
        };
        let all = moment.world.instances().iter();
        let there = all.filter(|(name, one)| stays(name, one)).count() as u64;
        let desired = ledger.desired();
        let unseen = moment.world.unseen(moment.step, Some(stable));
        let wrong = seen.revision == *stable && healthy && there + unseen <= desired;
        require(!wrong, || {
            format!("{instance} of stable was told to go; there are {there} of {desired}")
        })
    }
}
