//! How many instances there may be and must be: the ceiling, the floor, and what is left of both.
//!
//! The rules of a rolling update, counts only. Growing is bounded by the ceiling, shrinking by the floor,
//! instances that do not serve go first because they cost no capacity. Kubernetes' Deployment controller
//! has the same two rules in its loose counting; strict counting adds the instances on their way out.

use std::collections::BTreeMap;

use crate::{fleet::Tally, id::RevisionId, plan::Budget, spec::Counting};

/// The limits in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Space {
    pub(crate) desired: u64,
    pub(crate) budget: Budget,
    pub(crate) counting: Counting,
}

impl Space {
    /// Most instances there may be.
    pub(crate) const fn ceiling(&self) -> u64 {
        self.desired.saturating_add(self.budget.surge)
    }

    /// Fewest instances that must serve.
    pub(crate) const fn floor(&self) -> u64 {
        self.desired.saturating_sub(self.budget.unavailable)
    }

    /// Instances that count against the ceiling. A pool that is to grow counts as grown.
    pub(crate) fn live(&self, tallies: &BTreeMap<RevisionId, Tally>) -> u64 {
        tallies
            .values()
            .map(|tally| {
                let leaving = match self.counting {
                    Counting::Strict => tally.terminating,
                    Counting::Loose => tally.parting,
                };
                tally.created.max(tally.target).saturating_add(leaving)
            })
            .fold(0, u64::saturating_add)
    }

    /// How many more instances there may be.
    pub(crate) fn room(&self, tallies: &BTreeMap<RevisionId, Tally>) -> u64 {
        self.ceiling().saturating_sub(self.live(tallies))
    }

    /// How many serving instances may go.
    pub(crate) fn spare(&self, tallies: &BTreeMap<RevisionId, Tally>) -> u64 {
        let serving = tallies.values().map(|tally| tally.serving).fold(0, u64::saturating_add);
        serving.saturating_sub(self.floor())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Span;

    #[test]
    fn strict_counting_counts_instances_on_their_way_out() {
        let budget = Budget { surge: 1, unavailable: 0, parallelism: 0, batch_delay: Span::ZERO };
        let strict = Space { desired: 4, budget, counting: Counting::Strict };
        let loose = Space { counting: Counting::Loose, ..strict };
        let old = Tally { target: 3, created: 3, serving: 3, terminating: 1, ..Tally::default() };
        let new = Tally { target: 1, created: 1, serving: 1, ..Tally::default() };
        let tallies = BTreeMap::from([
            (RevisionId::new("v1").unwrap(), old),
            (RevisionId::new("v2").unwrap(), new),
        ]);
        assert_eq!((strict.room(&tallies), loose.room(&tallies)), (0, 1));
        assert_eq!((strict.spare(&tallies), strict.ceiling(), strict.floor()), (0, 5, 4));
    }
}
