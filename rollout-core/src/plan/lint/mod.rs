//! Checks a plan by itself: whatever made it, would walking it keep the guarantees?
//!
//! In: a [`Plan`]. Out: [`Finding`]s with the numbers compared; none for a sound plan. Absent: any code
//! of the builders, so that a mistake in them is not made twice.

mod finding;

use std::collections::BTreeSet;

pub use self::finding::Finding;
use super::{Plan, Remark, Stage, StageRoute};
use crate::weight::Weight;

/// Most desired instances that the arithmetic was proved for.
const DESIRED_LIMIT: u64 = 1 << 31;

/// Returns everything in `plan` that would break a guarantee or never end.
#[must_use]
pub fn lint(plan: &Plan) -> Vec<Finding> {
    let mut findings = Vec::new();
    if DESIRED_LIMIT < plan.desired {
        // The sums below are safe only within the limit.
        findings.push(Finding::TooLarge { desired: plan.desired });
        return findings;
    }
    names(plan, &mut findings);
    proof(plan, &mut findings);
    end(plan, &mut findings);
    let first = plan.remarks.contains(&Remark::FirstDeploy);
    let mut before =
        Before { candidate: 0, stable: if first { 0 } else { plan.desired }, weight: Weight::ZERO };
    for stage in &plan.stages {
        counts(plan, stage, &before, &mut findings);
        traffic(plan, stage, &before, &mut findings);
        rules(stage, &mut findings);
        before = Before {
            candidate: stage.candidate,
            stable: stage.stable,
            weight: share_of_candidate(stage),
        };
    }
    if plan.desired != 0 && plan.rollback.surge == 0 && plan.rollback.unavailable == 0 {
        findings.push(Finding::RollbackStuck);
    }
    findings
}

/// Where the stage before left things.
struct Before {
    candidate: u64,
    stable: u64,
    weight: Weight,
}

impl Before {
    /// Whether a stage leaves the counts as they are.
    const fn is_same(&self, stage: &Stage) -> bool {
        self.candidate == stage.candidate && self.stable == stage.stable
    }
}

/// The candidate's share of traffic at the end of a stage.
fn share_of_candidate(stage: &Stage) -> Weight {
    match stage.route {
        StageRoute::ByReplicas => {
            Weight::share(stage.candidate, stage.candidate.saturating_add(stage.stable))
        }
        StageRoute::Weighted(weight) => weight,
        StageRoute::Empty => Weight::ZERO,
    }
}

fn names(plan: &Plan, findings: &mut Vec<Finding>) {
    let mut seen = BTreeSet::new();
    for (index, stage) in plan.stages.iter().enumerate() {
        if stage.name.is_empty() || !seen.insert(&stage.name) {
            findings.push(Finding::Name { stage: stage.name.clone(), index });
        }
    }
}

fn proof(plan: &Plan, findings: &mut Vec<Finding>) {
    let proving: Vec<_> = plan.stages.iter().filter(|stage| stage.proves).collect();
    if proving.len() != 1 {
        findings.push(Finding::Proofs { count: proving.len() });
    }
    for stage in proving {
        let weight = share_of_candidate(stage);
        let all_traffic = weight == Weight::FULL || plan.desired == 0;
        if stage.candidate != plan.desired || !all_traffic {
            findings.push(Finding::ProvesEarly {
                stage: stage.name.clone(),
                candidate: stage.candidate,
                desired: plan.desired,
                weight,
            });
        }
    }
}

fn end(plan: &Plan, findings: &mut Vec<Finding>) {
    let Some(last) = plan.stages.last() else {
        findings.push(Finding::NoStages);
        return;
    };
    let weight = share_of_candidate(last);
    let all_traffic = weight == Weight::FULL || plan.desired == 0;
    if last.candidate != plan.desired || last.stable != 0 || !all_traffic {
        findings.push(Finding::WrongEnd {
            stage: last.name.clone(),
            candidate: last.candidate,
            stable: last.stable,
            weight,
            desired: plan.desired,
        });
    }
}

fn counts(plan: &Plan, stage: &Stage, before: &Before, findings: &mut Vec<Finding>) {
    let name = || stage.name.clone();
    let budget = stage.budget;
    if plan.desired < budget.unavailable {
        findings.push(Finding::UnavailableAboveDesired {
            stage: name(),
            unavailable: budget.unavailable,
            desired: plan.desired,
        });
    }
    if stage.candidate < before.candidate {
        findings.push(Finding::CandidateFalls {
            stage: name(),
            before: before.candidate,
            candidate: stage.candidate,
        });
    }
    if before.stable < stage.stable {
        findings.push(Finding::StableRises {
            stage: name(),
            before: before.stable,
            stable: stage.stable,
        });
    }
    let grows = before.candidate < stage.candidate;
    let exchanges = grows && stage.stable < before.stable;
    // By replicas, growing and shrinking take turns; by weight, nothing goes before the route has moved.
    let beside = match stage.route {
        StageRoute::ByReplicas => stage.stable,
        StageRoute::Weighted(_) | StageRoute::Empty => before.stable.max(stage.stable),
    };
    let live = stage.candidate.saturating_add(beside);
    let ceiling = plan.desired.saturating_add(budget.surge);
    if grows && ceiling < live {
        findings.push(Finding::AboveCeiling { stage: name(), live, ceiling });
    }
    if exchanges && budget.surge == 0 && budget.unavailable == 0 {
        findings.push(Finding::Stuck { stage: name() });
    }
    let left = stage.candidate.saturating_add(stage.stable);
    let floor = plan.desired.saturating_sub(budget.unavailable);
    if left < floor && !before.is_same(stage) {
        findings.push(Finding::BelowFloor { stage: name(), left, floor });
    }
}

fn traffic(plan: &Plan, stage: &Stage, before: &Before, findings: &mut Vec<Finding>) {
    let weight = share_of_candidate(stage);
    if weight < before.weight {
        findings.push(Finding::WeightFalls {
            stage: stage.name.clone(),
            before: before.weight,
            weight,
        });
    }
    // Where there was nobody before, nothing is taken away: a first deploy, or a downtime said earlier.
    let none = stage.candidate == 0 && stage.stable == 0;
    let nobody = none && plan.desired != 0 && !before.is_same(stage);
    let said = plan.remarks.contains(&Remark::Downtime { stage: stage.name.clone() });
    if (nobody || stage.route == StageRoute::Empty) && !said {
        findings.push(Finding::HiddenDowntime { stage: stage.name.clone() });
    }
    if let StageRoute::Weighted(weight) = stage.route {
        backing(plan, stage, "candidate", (weight, stage.candidate), findings);
        backing(plan, stage, "stable", (weight.rest(), stage.stable), findings);
    }
}

/// What goes to the candidate beside its share needs shares, and an instance that answers.
fn rules(stage: &Stage, findings: &mut Vec<Finding>) {
    let rules = &stage.rules;
    let name = || stage.name.clone();
    match stage.route {
        StageRoute::Weighted(weight) => {
            if rules.sends() && stage.candidate == 0 {
                findings.push(Finding::RulesWithoutBacking { stage: name() });
            }
            if rules.affinity.is_some() && weight == Weight::FULL {
                findings.push(Finding::ClientsKeptOnNothing { stage: name() });
            }
        }
        StageRoute::ByReplicas | StageRoute::Empty => {
            if !rules.is_empty() {
                findings.push(Finding::RulesWithoutWeights { stage: name() });
            }
        }
    }
}

fn backing(
    plan: &Plan,
    stage: &Stage,
    role: &'static str,
    (weight, instances): (Weight, u64),
    findings: &mut Vec<Finding>,
) {
    let points = u128::from(weight.basis_points());
    let carried = (points * u128::from(plan.desired)).div_ceil(10_000);
    let floor = u128::from(plan.desired.saturating_sub(stage.budget.unavailable));
    let needed = carried.min(floor).max(1);
    if points != 0 && u128::from(instances) < needed {
        findings.push(Finding::NoBacking {
            stage: stage.name.clone(),
            role,
            weight,
            instances,
            needed: u64::try_from(needed).unwrap_or(u64::MAX),
        });
    }
}

#[cfg(test)]
mod tests;
