//! R8: a rollout that ended complete has only candidate instances in the inventory, N of them serving,
//! none on its way out, and all the traffic on them.

use rollout_core::{
    engine::{Change, End, Route},
    weight::Weight,
};

use super::{Broken, Happened, Invariant, Kind, Moment, require};

pub(super) struct Complete;

impl Invariant for Complete {
    fn name(&self) -> &'static str {
        "R8 complete is complete"
    }

    fn hears(&self) -> &'static [Kind] {
        &[Kind::Recorded]
    }

    fn check(&mut self, moment: &Moment<'_>) -> Result<(), Broken> {
        let Happened::Recorded(record) = moment.happened else {
            return Ok(());
        };
        if !matches!(record.change, Change::Ended { end: End::Completed }) {
            return Ok(());
        }
        let ledger = moment.ledger;
        let Some(candidate) = &ledger.candidate else {
            return require(false, || "there is no candidate".to_owned());
        };
        let others = moment.tally.revisions.iter();
        let others: u64 =
            others.filter(|one| one.revision != *candidate).map(|one| one.existing).sum();
        require(others == 0, || format!("{others} instances of other revisions are left"))?;
        let counts = moment.tally.of(candidate);
        let serving = counts.map_or(0, |one| one.in_traffic);
        let leaving = counts.map_or(0, |one| one.leaving);
        let unseen = moment.world.unseen(moment.step, None);
        let desired = ledger.desired();
        require(desired <= serving + unseen, || {
            format!("{serving} of {desired} instances serve, {unseen} failures could not be seen")
        })?;
        require(leaving == 0, || format!("{leaving} instances are on their way out"))?;
        let weight = match moment.world.route() {
            None | Some(Route::ByReplicas) => Weight::FULL,
            Some(route @ (Route::Weighted(_) | Route::Empty)) => {
                route.weight_of(candidate).unwrap_or_default()
            }
        };
        require(weight == Weight::FULL || desired == 0, || {
            format!("the candidate has {weight} of the traffic")
        })
    }
}
