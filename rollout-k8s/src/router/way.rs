//! The writes that lead from what is to what is to be, one safe piece at a time.
//!
//! Between two writes the data plane may still follow the one before, and an order of the same route comes
//! again until it is in force. So a write that would be wrong while an earlier one is on its way is left for
//! the next time. No moment gives the candidate more than both ends do, and none sends requests to a
//! revision that is gone: a side is bound anew only while it gets nothing, or to what gets everything in the
//! end; and a side gets more only when its binding is in effect.

use super::{
    binding::Binding,
    division::{Division, Side, Sides, Target},
};

/// One write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// What stands behind a side.
    Bind(Side, Binding),
    /// How traffic is divided.
    Divide(Division),
}

/// What is, as far as it can be seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Now {
    /// What was written last about the sides.
    pub(super) written: Sides,
    /// What the data plane was told of them.
    pub(super) in_effect: Sides,
    /// How traffic was divided last.
    pub(super) division: Division,
    /// How it is divided as far as the data plane says.
    pub(super) in_force: Division,
}

/// The next writes towards `target`; none if it is reached, or must be waited for.
pub(super) fn next(now: &Now, target: &Target) -> Vec<Step> {
    let (stable, candidate) = (&target.sides.stable, &target.sides.candidate);
    let divide = |to: &Division| {
        (now.division != *to).then(|| Step::Divide(to.clone())).into_iter().collect::<Vec<_>>()
    };
    if now.written.stable != *stable {
        let mut steps = vec![Step::Bind(Side::Stable, stable.clone())];
        let is_idle = now.division.is_rest() && now.in_force.is_rest();
        if is_idle && target.division.is_rest() && now.written.candidate != *candidate {
            steps.push(Step::Bind(Side::Candidate, candidate.clone()));
        }
        return steps;
    }
    // Taking everything off the candidate side never waits: the stable side is bound as it shall be.
    if target.division.is_rest() {
        if now.in_effect.stable != *stable && !now.division.is_rest() {
            return Vec::new();
        }
        let mut steps = divide(&target.division);
        if now.written.candidate != *candidate {
            steps.push(Step::Bind(Side::Candidate, candidate.clone()));
        }
        return steps;
    }
    if now.in_effect.stable != *stable {
        return Vec::new();
    }
    if now.written.candidate != *candidate {
        if !now.division.is_rest() || !now.in_force.is_rest() {
            return divide(&Division::default());
        }
        return vec![Step::Bind(Side::Candidate, candidate.clone())];
    }
    if now.in_effect.candidate != *candidate {
        return Vec::new();
    }
    divide(&target.division)
}
