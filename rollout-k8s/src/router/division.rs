//! How traffic is divided between the stable and the candidate side of a router, and the route that this is.
//!
//! A router knows two sides, each of them a Service or a subset. Which revision stands behind a side is its
//! [`Binding`]; how much each side gets is the [`Division`]. Both together are a [`Route`].

use std::collections::BTreeMap;

use rollout_core::{
    engine::{Route, Shares, Trial},
    id::RevisionId,
    spec::Rules,
    weight::Weight,
};
use serde::{Deserialize, Serialize};

use super::binding::Binding;

/// One of the two sides of a router.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Side {
    Stable,
    Candidate,
}

/// How much the candidate side gets; the stable side gets the rest. At rest it gets nothing at all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Division {
    /// Its share.
    #[serde(skip_serializing_if = "Weight::is_zero")]
    pub(super) candidate: Weight,
    /// What it gets beside its share.
    #[serde(skip_serializing_if = "Rules::is_empty")]
    pub(super) rules: Rules,
    /// It stands in the route though it gets nothing, so that the data plane knows where it is.
    #[serde(skip_serializing_if = "is_not")]
    pub(super) named: bool,
}

/// What is not so is not written down.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks by reference")]
const fn is_not(flag: &bool) -> bool {
    !*flag
}

impl Division {
    /// A share and nothing beside it.
    pub(super) fn of(candidate: Weight) -> Self {
        Self { candidate, ..Self::default() }
    }

    /// The candidate side stands in the route and gets nothing.
    pub(super) fn of_name() -> Self {
        Self { named: true, ..Self::default() }
    }

    /// Whether the candidate side gets nothing and nothing of ours is left.
    pub(super) const fn is_rest(&self) -> bool {
        self.is_bare() && !self.named
    }

    /// Whether the candidate side gets nothing.
    pub(super) const fn is_bare(&self) -> bool {
        self.candidate.is_zero() && self.rules.is_empty()
    }

    /// The one of two that gives the candidate side more.
    pub(super) fn wider(self, other: Self) -> Self {
        let reach = |it: &Self| (it.rules.sends(), it.candidate, it.named);
        if reach(&self) < reach(&other) { other } else { self }
    }
}

/// What stands behind each side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sides {
    pub(super) stable: Binding,
    pub(super) candidate: Binding,
}

impl Sides {
    /// What stands behind `side`.
    pub(super) const fn of(&self, side: Side) -> &Binding {
        match side {
            Side::Stable => &self.stable,
            Side::Candidate => &self.candidate,
        }
    }

    /// Both sides alike.
    pub(super) fn both(binding: Binding) -> Self {
        Self { stable: binding.clone(), candidate: binding }
    }
}

/// The route that `division` between `sides` is; `left` is what stood behind the stable side before. `None`
/// if it is none that was ever set.
///
/// A route that gives one revision everything counts as set only once the router is at rest again: until
/// then the one that is being left is there as well, with nothing.
pub(super) fn route(
    sides: &Sides,
    division: &Division,
    left: Option<&RevisionId>,
) -> Option<Route> {
    if division.is_rest() {
        return match &sides.stable {
            Binding::Unset => None,
            Binding::Revision(revision) => Some(Route::all_on(revision.clone())),
            Binding::Everyone => Some(Route::ByReplicas),
            Binding::Nobody => Some(Route::Empty),
        };
    }
    let (stable, candidate) = (sides.stable.revision()?, sides.candidate.revision()?);
    let mut weights: BTreeMap<RevisionId, Weight> = BTreeMap::new();
    if stable == candidate {
        weights.insert(stable.clone(), Weight::FULL);
        if division.rules.is_empty() {
            let left = left.filter(|left| *left != stable);
            weights.insert(left?.clone(), Weight::ZERO);
        }
    } else if division.is_bare() {
        weights.insert(stable.clone(), Weight::FULL);
        weights.insert(candidate.clone(), Weight::ZERO);
    } else {
        weights.insert(stable.clone(), division.candidate.rest());
        if !division.candidate.is_zero() {
            weights.insert(candidate.clone(), division.candidate);
        }
    }
    let trial = (!division.rules.is_empty())
        .then(|| Trial { revision: candidate.clone(), rules: division.rules.clone() });
    Some(Route::Weighted(Shares { weights, trial }))
}

/// What is to be so: what stands behind each side, and how traffic is divided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) sides: Sides,
    pub(super) division: Division,
}

impl Target {
    /// What `route` means where `now` stands behind the sides; `None` for more than two revisions, which a
    /// router of two sides cannot serve.
    pub(super) fn of(route: &Route, now: &Sides) -> Option<Self> {
        let at_rest =
            |binding| Some(Self { sides: Sides::both(binding), division: Division::default() });
        let shares = match route {
            Route::ByReplicas => return at_rest(Binding::Everyone),
            Route::Empty => return at_rest(Binding::Nobody),
            Route::Weighted(shares) => shares,
        };
        let trial = shares.trial.as_ref().filter(|trial| !trial.rules.is_empty());
        let mut named: Vec<&RevisionId> = shares
            .weights
            .iter()
            .filter(|(_, weight)| !weight.is_zero())
            .map(|(id, _)| id)
            .collect();
        named.extend(trial.map(|trial| &trial.revision));
        named.sort();
        named.dedup();
        let (stable, candidate) = match (named.as_slice(), trial) {
            ([], _) => return at_rest(Binding::Nobody),
            ([one], None) => return at_rest(Binding::Revision((*one).clone())),
            // It has everything already: the rules stand between two sides that are the same.
            ([one], Some(_)) => (*one, *one),
            ([a, b], Some(trial)) => {
                if trial.revision == **a {
                    (*b, *a)
                } else {
                    (*a, *b)
                }
            }
            ([a, b], None) => order(a, b, shares, now),
            ([_, _, _, ..], _) => return None,
        };
        let share = shares.weights.get(candidate).copied().unwrap_or_default();
        let division = Division {
            candidate: if stable == candidate { Weight::ZERO } else { share },
            rules: trial.map(|trial| trial.rules.clone()).unwrap_or_default(),
            named: false,
        };
        let sides = Sides {
            stable: Binding::Revision(stable.clone()),
            candidate: Binding::Revision(candidate.clone()),
        };
        Some(Self { sides, division })
    }
}

/// Which of two revisions is the stable side: as it is already; else the one that stands behind a side; else
/// the one with the greater share.
fn order<'a>(
    a: &'a RevisionId,
    b: &'a RevisionId,
    shares: &Shares,
    now: &Sides,
) -> (&'a RevisionId, &'a RevisionId) {
    let is = |side: Side, revision: &RevisionId| now.of(side).revision() == Some(revision);
    let is_bound = |revision| is(Side::Stable, revision) || is(Side::Candidate, revision);
    let share = |revision: &RevisionId| shares.weights.get(revision).copied().unwrap_or_default();
    let b_first = match (is_bound(a), is_bound(b)) {
        (true, true) => is(Side::Stable, b),
        (true, false) => false,
        (false, true) => true,
        (false, false) => share(a) < share(b),
    };
    if b_first { (b, a) } else { (a, b) }
}
