//! Every state of a small fleet: from each, one decision of the real engine keeps floor, ceiling and the
//! capacity behind every share, and the decisions after it reach the stage.
//!
//! A state is the size of both pools, how many of each are available, and the share in force, whatever led
//! there. The world does what it is told between two decisions; what may go wrong meanwhile is another state,
//! from which it starts as well. Bare counts: the backend takes away what is not available first, as
//! Kubernetes' replica sets do.

use std::collections::{BTreeMap, BTreeSet, btree_map::Entry};

use rollout_core::{engine::Change, weight::Weight};
use serde_json::{Value, json};

use crate::cases::{
    Stage, first_stage,
    standing::{Given, Pool, Standing},
};

const WEIGHTS: [u64; 11] = [0, 1, 10, 25, 33, 50, 75, 90, 95, 99, 100];

/// Sizes of both pools, how many of each are available, what is on its way out, and the candidate's share
/// in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct State {
    candidate: (u64, u64),
    stable: (u64, u64),
    /// Instances that were told to go and still exist; they count in strict counting alone.
    leaving: u64,
    share: Option<Weight>,
}

/// How many may be extra and missing, of how many.
#[derive(Clone, Copy, Debug)]
struct Limits {
    desired: u64,
    surge: u64,
    unavailable: u64,
}

/// What is walked to: a stage, or the way back.
struct Walk {
    limits: Limits,
    given: Given,
    is_back: bool,
    goal: Stage,
    shares: Vec<Option<Weight>>,
    /// Whether instances on their way out count against the ceiling.
    is_strict: bool,
}

impl State {
    /// Every state with at most `desired` instances in each pool.
    fn all(desired: u64, leaving: u64, share: Option<Weight>) -> impl Iterator<Item = Self> {
        let pool = move || {
            (0..=desired).flat_map(|size| (0..=size).map(move |available| (size, available)))
        };
        pool().flat_map(move |candidate| {
            pool().map(move |stable| Self { candidate, stable, leaving, share })
        })
    }

    /// How many are available behind the shares in force; all, where there is no router.
    fn serving(self, is_routed: bool) -> u64 {
        let share = self.share.unwrap_or_default();
        let candidate = if is_routed && share.is_zero() { 0 } else { self.candidate.1 };
        let stable = if is_routed && share == Weight::FULL { 0 } else { self.stable.1 };
        candidate + stable
    }

    /// The state right after the sizes were changed, before anything new is there.
    fn cut_to(self, after: Self) -> Self {
        let cut = |(size, available): (u64, u64), to: u64| (size.min(to), available.min(to));
        let candidate = cut(self.candidate, after.candidate.0);
        Self { candidate, stable: cut(self.stable, after.stable.0), ..self }
    }
}

impl Walk {
    /// The state once all is there that the next decision asks for; none if the goal is reached.
    fn next(&self, standing: &Standing, state: State) -> Option<State> {
        let pool =
            |(target, available)| Pool { target, available: Some(available), ..Pool::default() };
        let stable = Pool { terminating: state.leaving, ..pool(state.stable) };
        let after = standing.with(pool(state.candidate), stable, state.share);
        let is_reached = after.changes.iter().any(|change| {
            if self.is_back {
                return matches!(change, Change::Ended { .. });
            }
            matches!(change, Change::Reached { stage: 0 })
        });
        if is_reached {
            let sizes = (state.candidate.0, state.stable.0);
            assert_eq!(sizes, (self.goal.candidate, self.goal.stable), "{}", self.says(state));
            assert_eq!(state.candidate.1, self.goal.candidate, "{}", self.says(state));
            assert!(self.goal.share.is_none_or(|share| state.share == Some(share)));
            return None;
        }
        let (candidate, stable) = (after.candidate(), after.old()[0]);
        let share = if self.given.router.is_some() { Some(after.share()) } else { None };
        let gone =
            state.candidate.0.saturating_sub(candidate) + state.stable.0.saturating_sub(stable);
        let leaving = if self.is_strict { gone } else { 0 };
        let (candidate, stable) = ((candidate, candidate), (stable, stable));
        let after = State { candidate, stable, leaving, share };
        self.check(state, after);
        Some(after)
    }

    /// Neither the ceiling nor the floor is broken by what was decided, and no share goes where there is no
    /// capacity for it.
    fn check(&self, state: State, after: State) {
        let says = || format!("to {after:?}: {}", self.says(state));
        let Limits { desired, surge, unavailable } = self.limits;
        let grows = state.candidate.0 < after.candidate.0 || state.stable.0 < after.stable.0;
        let most = state.candidate.0.max(after.candidate.0) + state.stable.0.max(after.stable.0);
        let most = most + state.leaving;
        assert!(!grows || most <= desired + surge, "the ceiling, {}", says());
        let (floor, cut) = (desired - unavailable, state.cut_to(after));
        let is_routed = self.given.router.is_some();
        let (had, keeps) = (state.serving(is_routed), cut.serving(is_routed));
        assert!(floor.min(had) <= keeps, "the floor, {}", says());
        let (were, are) = (state.candidate.0 + state.stable.0, cut.candidate.0 + cut.stable.0);
        // With a router, instances that get no share are nobody's capacity.
        assert!(is_routed || floor.min(were) <= are, "the floor in number, {}", says());
        let Some(share) = after.share else { return };
        let backing = |share: Weight| match share.of_rounded_up(desired) {
            0 => 0,
            part => part.min(floor).max(1),
        };
        let had = state.share.unwrap_or_default();
        if had < share {
            assert!(backing(share) <= cut.candidate.1, "behind the candidate's share, {}", says());
        }
        if share < had {
            assert!(backing(share.rest()) <= cut.stable.1, "behind stable's share, {}", says());
        }
    }

    fn says(&self, state: State) -> String {
        format!("{} {:?}: {state:?}", self.given.strategy, self.limits)
    }

    /// Walks from every state until the goal is reached. Returns how many states there were.
    fn explore(&self) -> usize {
        let standing = Standing::unseen(&self.given);
        let desired = self.limits.desired;
        let leaving = if self.is_strict { desired } else { 0 };
        let others = self.shares.iter().flat_map(|share| (0..=leaving).map(move |it| (it, *share)));
        let mut waiting: Vec<State> =
            others.flat_map(|(leaving, share)| State::all(desired, leaving, share)).collect();
        let mut next = BTreeMap::new();
        while let Some(state) = waiting.pop() {
            if let Entry::Vacant(unseen) = next.entry(state) {
                let after = self.next(&standing, state);
                unseen.insert(after);
                // A share that is only there on the way is a state as well.
                waiting.extend(after);
            }
        }
        for start in next.keys() {
            let mut state = *start;
            // A path that is longer than this goes round in circles.
            let mut left = 4 * desired + 8;
            while let Some(after) = next[&state] {
                assert!(0 < left, "never reached from {start:?}, it is at {}", self.says(state));
                left -= 1;
                state = after;
            }
        }
        next.len()
    }
}

/// Every pace of up to six instances that leaves room to move.
fn paces() -> impl Iterator<Item = Limits> {
    let all = (1..=6).flat_map(|desired| {
        (0..=desired).flat_map(move |surge| {
            (0..=desired).map(move |unavailable| Limits { desired, surge, unavailable })
        })
    });
    all.filter(|limits| 0 < limits.surge + limits.unavailable)
}

fn given(limits: Limits, strategy: Value) -> Given {
    let full = Pool { target: limits.desired, ..Pool::default() };
    Given { replicas: limits.desired, strategy, old: vec![full], ..Given::default() }
}

fn canary(limits: Limits, weight: u64, scale_stable: bool) -> Value {
    json!({"canary": {
        "steps": [{"weight": format!("{weight}%")}],
        "pace": {"surge": limits.surge, "unavailable": limits.unavailable},
        "scale_stable": scale_stable,
    }})
}

#[test]
fn every_state_of_a_rolling_update_keeps_its_bounds_and_ends_both_ways() {
    let mut states = 0;
    for (limits, is_back) in paces().flat_map(|limits| [(limits, false), (limits, true)]) {
        let Limits { desired, surge, unavailable } = limits;
        let strategy = json!({"rolling": {"surge": surge, "unavailable": unavailable}});
        let given = Given { back: is_back, ..given(limits, strategy) };
        let (candidate, stable) = if is_back { (0, desired) } else { (desired, 0) };
        let goal = Stage { candidate, stable, share: None };
        states +=
            Walk { limits, given, is_back, goal, shares: vec![None], is_strict: false }.explore();
    }
    println!("{states} states");
}

/// Where instances on their way out count, nothing takes their place before they are gone.
#[test]
fn every_state_of_strict_counting_keeps_its_bounds_and_ends_both_ways() {
    let mut states = 0;
    let small = paces().filter(|limits| limits.desired < 5);
    for (limits, is_back) in small.flat_map(|limits| [(limits, false), (limits, true)]) {
        let Limits { desired, surge, unavailable } = limits;
        let pace = json!({"surge": surge, "unavailable": unavailable, "counting": "strict"});
        let given = Given { back: is_back, ..given(limits, json!({"rolling": pace})) };
        let (candidate, stable) = if is_back { (0, desired) } else { (desired, 0) };
        let goal = Stage { candidate, stable, share: None };
        let shares = vec![None];
        states += Walk { limits, given, is_back, goal, shares, is_strict: true }.explore();
    }
    println!("{states} states");
}

#[test]
fn every_state_of_a_canary_by_replicas_keeps_its_bounds_and_reaches_its_share() {
    let mut states = 0;
    for limits in paces() {
        let Limits { desired, surge, .. } = limits;
        let mut walked = BTreeSet::new();
        for weight in WEIGHTS {
            let strategy = canary(limits, weight, false);
            let candidate = match (weight, desired) {
                (0, _) => None,
                (100, _) => Some((desired, 0)),
                (_, 1) => (0 < surge).then_some((1, 1)),
                (_, _) => {
                    let candidate = (weight * desired).div_ceil(100).clamp(1, desired - 1);
                    Some((candidate, desired - candidate))
                }
            };
            let goal =
                candidate.map(|(candidate, stable)| Stage { candidate, stable, share: None });
            assert_eq!(first_stage(desired, &strategy, None), goal, "{weight}% {limits:?}");
            // Two weights that make the same split are the same stage, and walked once.
            let Some(goal) = goal.filter(|goal| walked.insert(goal.candidate)) else { continue };
            let given = given(limits, strategy);
            states +=
                Walk { limits, given, is_back: false, goal, shares: vec![None], is_strict: false }
                    .explore();
        }
    }
    println!("{states} states");
}

#[test]
fn every_state_of_a_canary_by_weight_keeps_its_bounds_and_reaches_its_share() {
    let mut states = 0;
    // With room for both sets side by side; less room is refused where it does not hold them.
    for limits in paces().filter(|limits| limits.surge == limits.desired && limits.desired < 6) {
        for (weight, scale_stable) in WEIGHTS.into_iter().flat_map(|it| [(it, false), (it, true)]) {
            let desired = limits.desired;
            let strategy = canary(limits, weight, scale_stable);
            let share = Weight::from_basis_points(100 * weight).unwrap();
            let candidate = share.of_rounded_up(desired).max(1);
            let is_kept = !scale_stable || weight == 100;
            let stable = if is_kept { desired } else { share.rest().of_rounded_up(desired) };
            let goal = Stage { candidate, stable, share: Some(share) };
            assert_eq!(first_stage(desired, &strategy, Some(10_000)), Some(goal));
            let given = Given { router: Some(10_000), ..given(limits, strategy) };
            let shares = BTreeSet::from([None, Some(Weight::ZERO), Some(share)]);
            let shares = shares.into_iter().collect();
            states +=
                Walk { limits, given, is_back: false, goal, shares, is_strict: false }.explore();
        }
    }
    println!("{states} states");
}

/// The largest fleet there may be, on routers of every resolution: all within its bounds, and no overflow.
#[test]
fn the_largest_fleet_keeps_its_bounds_and_reaches_its_share() {
    let desired = 1_u64 << 31;
    let limits = Limits { desired, surge: desired, unavailable: desired / 4 };
    let mut decisions = 0;
    for units in [None, Some(1), Some(7), Some(100), Some(10_000), Some(100_000_000)] {
        for weight in WEIGHTS {
            let strategy = canary(limits, weight, false);
            let points = 100 * weight;
            let part = (points * desired).div_ceil(10_000);
            let goal = match units {
                None if weight == 0 => None,
                None if weight == 100 => Some(Stage { candidate: part, stable: 0, share: None }),
                None => Some(Stage { candidate: part, stable: desired - part, share: None }),
                Some(units) => {
                    // What a router of so many units can set at most of it, in basis points.
                    let set = (points * units / 10_000 * 10_000).div_ceil(units);
                    let share = Some(Weight::from_basis_points(set).unwrap());
                    Some(Stage { candidate: part.max(1), stable: desired, share })
                }
            };
            assert_eq!(first_stage(desired, &strategy, units), goal, "{weight}% {units:?}");
            let Some(goal) = goal else { continue };
            let given = Given { router: units, ..given(limits, strategy) };
            let standing = Standing::unseen(&given);
            let walk =
                Walk { limits, given, is_back: false, goal, shares: vec![None], is_strict: false };
            let start =
                State { candidate: (0, 0), stable: (desired, desired), leaving: 0, share: None };
            let mut state = Some(start);
            while let Some(before) = state {
                decisions += 1;
                assert!(decisions < 1000, "never reached: {}", walk.says(before));
                state = walk.next(&standing, before);
            }
        }
    }
    println!("{decisions} decisions");
}
