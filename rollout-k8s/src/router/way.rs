//! The writes that lead from what is to what is to be, one safe piece at a time.
//!
//! Between two writes the data plane may still follow the one before, and an order of the same route comes
//! again until it is in force. So a write that would be wrong while an earlier one is on its way is left for
//! the next time. No moment gives the candidate more than both ends do, and none sends requests to a
//! revision that is gone: a side is bound anew only while it gets nothing, or to what gets everything in the
//! end; and a side gets more only when its binding is in effect. Where a data plane hears of a route and of what the
//! route names on two ways, the candidate side stands in the route with nothing first, and last.

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
    /// How far the data plane knows the sides that stand in that division.
    pub(super) learned: Learned,
}

/// How far a data plane knows the sides that stand in the division in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Learned {
    /// It learns of a side with the route that names it.
    AtOnce,
    /// It may not know them all, or not where they are.
    NotYet,
    /// It has had its time to learn of all that stands there, and somebody answers on the candidate side.
    All,
    /// The same, but nobody answers on the candidate side.
    AllButNobody,
}

impl Now {
    /// Whether the data plane has taken in the division that was written last, with all that stands in it.
    fn is_settled(&self) -> bool {
        self.in_force == self.division
            && match self.learned {
                Learned::AtOnce | Learned::All | Learned::AllButNobody => true,
                Learned::NotYet => false,
            }
    }

    /// Nothing for the candidate side, in such a way that no request can ask for it any more and fail.
    fn away(&self) -> Division {
        match self.learned {
            Learned::AtOnce => Division::default(),
            Learned::NotYet | Learned::All | Learned::AllButNobody => Division::of_name(),
        }
    }
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
        if !now.division.is_bare() && now.learned != Learned::AtOnce {
            return divide(&now.away());
        }
        if now.division.named && !now.is_settled() {
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
        if !now.division.is_bare() {
            return divide(&now.away());
        }
        if !now.in_force.is_bare() {
            return Vec::new();
        }
        return vec![Step::Bind(Side::Candidate, candidate.clone())];
    }
    if now.in_effect.candidate != *candidate {
        return Vec::new();
    }
    if now.division.is_bare() && now.learned != Learned::AtOnce {
        if now.division.is_rest() {
            return divide(&Division::of_name());
        }
        if !now.is_settled() || now.learned == Learned::AllButNobody {
            return Vec::new();
        }
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
        /// What its proxies follow.
        served: Division,
        /// Whether they know the candidate side.
        knows: bool,
    }

    impl World {
        fn new(learned: Learned) -> Self {
            let sides = Sides::both(Binding::Unset);
            let rest = Division::default();
            let now = Now {
                written: sides.clone(),
                in_effect: sides,
                division: rest.clone(),
                in_force: rest.clone(),
                learned,
            };
            Self { now, left: None, served: rest, knows: false }
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
                    Step::Divide(division) => {
                        self.now.division = division;
                        self.forget();
                    }
                }
            }
        }

        fn forget(&mut self) {
            if self.now.learned != Learned::AtOnce {
                self.now.learned = Learned::NotYet;
            }
        }

        /// One part of the data plane, or of what is said of it, follows what was written.
        fn follow(&mut self, part: u8) {
            let now = &mut self.now;
            match part {
                0 => now.in_effect.stable = now.written.stable.clone(),
                1 => now.in_effect.candidate = now.written.candidate.clone(),
                2 if now.in_force != now.division => {
                    now.in_force = now.division.clone();
                    self.forget();
                }
                2 => (),
                3 => self.served = now.division.clone(),
                4 => self.knows = !now.division.is_rest(),
                _ if now.learned == Learned::AtOnce => (),
                _ => {
                    // Its time is over: by then it has followed.
                    self.served = now.in_force.clone();
                    self.knows = !now.in_force.is_rest();
                    now.learned = Learned::All;
                }
            }
        }

        fn settle(&mut self, route: &Route) {
            for _ in 0..8 {
                self.order(route);
                (0..6).for_each(|part| self.follow(part));
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
    fn a_side_is_named_before_its_first_share_and_after_its_last() {
        let mut world = World::new(Learned::NotYet);
        world.settle(&Route::all_on(id("a")));
        let go = Target::of(&split("a", "b", 500), &world.now.written).unwrap();
        world.order(&split("a", "b", 500));
        world.follow(1);
        assert_eq!(next(&world.now, &go), [Step::Divide(Division::of_name())]);
        world.order(&split("a", "b", 500));
        world.follow(2);
        assert_eq!(next(&world.now, &go), []);
        world.now.learned = Learned::AllButNobody;
        assert_eq!(next(&world.now, &go), []);
        world.follow(5);
        assert_eq!(next(&world.now, &go), [Step::Divide(go.division.clone())]);
        world.settle(&split("a", "b", 500));
        let back = Target::of(&Route::all_on(id("a")), &world.now.written).unwrap();
        world.now.learned = Learned::NotYet;
        assert_eq!(next(&world.now, &back), [Step::Divide(Division::of_name())]);
        world.order(&Route::all_on(id("a")));
        assert_eq!(next(&world.now, &back), []);
        world.follow(2);
        world.now.learned = Learned::AllButNobody;
        let rest = [Step::Divide(Division::default()), Step::Bind(Side::Candidate, bound("a"))];
        assert_eq!(next(&world.now, &back), rest);
    }

    #[test]
    fn an_abort_takes_everything_off_at_once() {
        let mut world = World::new(Learned::AtOnce);
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
        let mut world = World::new(Learned::AtOnce);
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
        let mut world = World::new(Learned::AtOnce);
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
            orders in prop::collection::vec((routes(), prop::collection::vec(0..7_u8, 0..20)), 1..4),
            at_once in any::<bool>(),
        ) {
            let mut world = World::new(if at_once { Learned::AtOnce } else { Learned::NotYet });
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
                    if *event == 6 { world.order(route) } else { world.follow(*event) }
                    for (revision, points) in world.gets() {
                        let allowed = most.get(&revision).copied().unwrap_or_default();
                        prop_assert!(points <= allowed, "{} gets {} of {}: {:?}", revision, points, allowed, world.now);
                    }
                    let asks = !at_once && !world.served.is_bare();
                    prop_assert!(!asks || world.knows, "nobody knows the candidate side: {:?}", world.now);
                }
            }
            world.settle(&orders.last().unwrap().0);
        }
    }
}
