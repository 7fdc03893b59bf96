//! Twin: the same run without faults.
//!
//! In: a seed. Out: what is different at the end, where both are complete: faults may cost time and instances on the
//! way, and nothing of the end.

use std::collections::BTreeMap;

use rollout_core::{engine::Route, id::RevisionId, weight::Weight};

use super::Answer;
use crate::{
    runner::{FaultChoice, Finish, RunConfig, RunReport, run},
    setting::Setting,
    simulate::FaultSet,
};

/// Where the traffic goes, and how many instances each revision has.
#[derive(Debug, PartialEq, Eq)]
struct Left {
    shares: Option<BTreeMap<RevisionId, Weight>>,
    instances: BTreeMap<RevisionId, u64>,
}

impl Left {
    fn of(report: &RunReport) -> Self {
        let shares = match &report.route {
            Some(Route::Weighted(shares)) => {
                let given = shares.weights.iter().filter(|(_, weight)| !weight.is_zero());
                Some(given.map(|(revision, weight)| (revision.clone(), *weight)).collect())
            }
            Some(Route::ByReplicas | Route::Empty) | None => None,
        };
        let revisions = report.tally.revisions.iter();
        let left = revisions.filter(|one| 0 < one.existing);
        Self { shares, instances: left.map(|one| (one.revision.clone(), one.existing)).collect() }
    }
}

pub(super) fn without_faults(seed: u64) -> Answer {
    // A setting that is given has no orders after the end.
    let setting = Some(Setting::draw(seed));
    let told = RunConfig { seed, setting, unchecked: true, ..RunConfig::default() };
    let play = |faults| run(&RunConfig { faults, ..told.clone() });
    let faulty = play(FaultChoice::Only(FaultSet::around()));
    let calm = play(FaultChoice::Off);
    if (faulty.finish, calm.finish) != (Finish::Completed, Finish::Completed) {
        return Answer::NONE;
    }
    // A load balancer that forgot the route in the last moment is told again after it.
    let has_forgotten = faulty.traffic.load_balancer_lost();
    let (faulty, calm, harms) = (Left::of(&faulty), Left::of(&calm), faulty.harms);
    let missing = |(revision, count): (&RevisionId, &u64)| {
        let there = faulty.instances.get(revision).copied().unwrap_or_default();
        // One that died in the last moment is missed later.
        count.saturating_sub(there) <= harms && there <= *count
    };
    let same = faulty.instances.keys().eq(calm.instances.keys())
        && calm.instances.iter().all(missing)
        && (faulty.shares == calm.shares || 0 < harms || has_forgotten);
    Answer::of((!same).then(|| format!("{faulty:?}, without faults {calm:?}")))
}
