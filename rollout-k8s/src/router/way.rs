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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use rollout_core::{engine::Route, id::RevisionId, spec::Rules, weight::Weight};

    use super::{super::division, *};

    fn id(name: &str) -> RevisionId {
        RevisionId::new(name).unwrap()
    }

    fn bound(name: &str) -> Binding {
        Binding::Revision(id(name))
    }

    /// `points` of 10,000 for the second, the rest for the first.
    fn split(first: &str, second: &str, points: u64) -> Route {
        let weight = Weight::from_basis_points(points).unwrap();
        let shares = BTreeMap::from([(id(first), weight.rest()), (id(second), weight)]);
        Route::weighted(shares.into_iter().filter(|(_, weight)| !weight.is_zero()).collect())
    }

    /// A router whose data plane follows what was written, each part when it pleases.
    struct World {
        now: Now,
        left: Option<RevisionId>,
    }

    impl World {
        fn new() -> Self {
            let sides = Sides::both(Binding::Unset);
            let rest = Division::default();
            let now = Now {
                written: sides.clone(),
                in_effect: sides,
                division: rest.clone(),
                in_force: rest,
            };
            Self { now, left: None }
        }

        fn order(&mut self, route: &Route) {
            let target = Target::of(route, &self.now.written).expect("two revisions at most");
            for step in next(&self.now, &target) {
                match step {
                    Step::Bind(Side::Stable, binding) => {
                        self.left = self.now.written.stable.revision().cloned();
                        self.now.written.stable = binding;
                    }
                    Step::Bind(Side::Candidate, binding) => self.now.written.candidate = binding,
                    Step::Divide(division) => self.now.division = division,
                }
            }
        }

        fn follow(&mut self, part: u8) {
            let now = &mut self.now;
            match part {
                0 => now.in_effect.stable = now.written.stable.clone(),
                1 => now.in_effect.candidate = now.written.candidate.clone(),
                _ => now.in_force = now.division.clone(),
            }
        }

        fn settle(&mut self, route: &Route) {
            for _ in 0..8 {
                self.order(route);
                (0..3).for_each(|part| self.follow(part));
            }
            assert_eq!(self.route().as_ref(), Some(route), "{:?}", self.now);
        }

        fn route(&self) -> Option<Route> {
            division::route(&self.now.in_effect, &self.now.in_force, self.left.as_ref())
        }

        /// What every revision gets, in basis points.
        fn gets(&self) -> BTreeMap<RevisionId, u64> {
            let share = self.now.in_force.candidate;
            let mut gets = BTreeMap::new();
            for (side, share) in
                [(&self.now.in_effect.stable, share.rest()), (&self.now.in_effect.candidate, share)]
            {
                if let Binding::Revision(revision) = side {
                    *gets.entry(revision.clone()).or_default() += share.basis_points();
                }
            }
            gets
        }
    }

    #[test]
    fn an_abort_takes_everything_off_at_once() {
        let mut world = World::new();
        world.settle(&Route::all_on(id("a")));
        world.settle(&split("a", "b", 5_000));
        let back = Target::of(&Route::all_on(id("a")), &world.now.written).unwrap();
        assert_eq!(
            next(&world.now, &back),
            [Step::Divide(Division::default()), Step::Bind(Side::Candidate, bound("a"))]
        );
    }

    #[test]
    fn a_side_is_bound_before_it_gets_anything() {
        let mut world = World::new();
        world.settle(&Route::all_on(id("a")));
        let target = Target::of(&split("a", "b", 500), &world.now.written).unwrap();
        assert_eq!(next(&world.now, &target), [Step::Bind(Side::Candidate, bound("b"))]);
        world.now.written.candidate = bound("b");
        assert_eq!(next(&world.now, &target), []);
        world.follow(1);
        assert_eq!(next(&world.now, &target), [Step::Divide(target.division.clone())]);
    }

    #[test]
    fn rules_for_what_has_everything_stay_told() {
        let mut world = World::new();
        world.settle(&split("a", "b", 5_000));
        let rules = Rules { mirror: Weight::FULL, ..Rules::default() };
        let trial = rollout_core::engine::Trial { revision: id("b"), rules };
        let weights = BTreeMap::from([(id("b"), Weight::FULL)]);
        let shares = rollout_core::engine::Shares { weights, trial: Some(trial) };
        world.settle(&Route::Weighted(shares));
        world.settle(&Route::all_on(id("b")));
    }

    fn routes() -> impl Strategy<Value = Route> {
        let names = || prop::sample::select(vec!["a", "b", "c"]);
        prop_oneof![
            1 => Just(Route::Empty),
            1 => Just(Route::ByReplicas),
            4 => names().prop_map(|name| Route::all_on(id(name))),
            8 => (names(), names(), 1..10_000_u64).prop_map(|(one, other, points)| {
                if one == other { Route::all_on(id(one)) } else { split(one, other, points) }
            }),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]
        #[test]
        fn no_moment_is_worse_than_all_ends(
            before in prop::collection::vec(routes(), 0..4),
            orders in prop::collection::vec((routes(), prop::collection::vec(0..4_u8, 0..12)), 1..4),
        ) {
            let mut world = World::new();
            for route in &before {
                world.settle(route);
            }
            let mut most = world.gets();
            for (route, events) in &orders {
                let target = Target::of(route, &world.now.written).unwrap();
                let mut allow = |revision: &RevisionId, points: u64| {
                    let known = most.entry(revision.clone()).or_default();
                    *known = points.max(*known);
                };
                for revision in ["a", "b", "c"].map(id) {
                    allow(&revision, route.weight_of(&revision).map_or(0, Weight::basis_points));
                }
                // What goes on as it was takes over what the others leave.
                target.sides.stable.revision().into_iter().for_each(|it| allow(it, 10_000));
                world.order(route);
                for event in events {
                    if *event == 3 { world.order(route) } else { world.follow(*event) }
                    for (revision, points) in world.gets() {
                        let allowed = most.get(&revision).copied().unwrap_or_default();
                        prop_assert!(points <= allowed, "{} gets {} of {}: {:?}", revision, points, allowed, world.now);
                    }
                }
            }
            world.settle(&orders.last().unwrap().0);
        }
    }
}
