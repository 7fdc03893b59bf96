//! R4: a rollout that ended rolled back left N ready stable instances with all the traffic, and nothing
//! of the candidate but what is kept for inspection.

use rollout_core::{
    engine::{Change, End, Route},
    weight::Weight,
};

use super::{Broken, Happened, Invariant, Kind, Moment, require};

pub(super) struct RolledBack;

impl Invariant for RolledBack {
    fn name(&self) -> &'static str {
        "R4 abort ends at stable"
    }

    fn hears(&self) -> &'static [Kind] {
        &[Kind::Recorded]
    }

    fn check(&mut self, moment: &Moment<'_>) -> Result<(), Broken> {
        let Happened::Recorded(record) = moment.happened else {
            return Ok(());
        };
        if !matches!(record.change, Change::Ended { end: End::RolledBack }) {
            return Ok(());
        }
        let ledger = moment.ledger;
        let (Some(stable), Some(candidate)) = (&ledger.stable, &ledger.candidate) else {
            return require(false, || "there is no stable revision to go back to".to_owned());
        };
        let serving = moment.tally.of(stable).map_or(0, |one| one.in_traffic);
        let unseen = moment.world.unseen(moment.step, None);
        let desired = ledger.desired();
        require(desired <= serving + unseen, || {
            format!(
                "{serving} of {desired} stable instances serve, {unseen} failures could not be seen"
            )
        })?;
        let weight = match moment.world.route() {
            None | Some(Route::ByReplicas) => Weight::FULL,
            Some(route @ (Route::Weighted(_) | Route::Empty)) => {
                route.weight_of(stable).unwrap_or_default()
            }
        };
        require(weight == Weight::FULL || 0 < unseen, || {
            format!("stable has {weight} of the traffic")
        })?;
        let left = moment.tally.of(candidate).map_or(0, |one| one.existing);
        let keeps = ledger.spec.as_ref().is_some_and(|spec| !spec.rollback.keep_failed.is_zero());
        require(left == 0 || keeps || candidate == stable, || {
            format!("{left} candidate instances are left")
        })
    }
}
