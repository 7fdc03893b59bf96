//! Model: what a rolling update and a canary are, said a second time, without the engine, its plans or its guard.
//!
//! In: a spec and what a fleet counts. Out: every state that such a rollout may be in, found one by one, and where it
//! ends. A run without faults is held against it, moment by moment. Absent: speed; time; what goes wrong.

use std::collections::{BTreeSet, VecDeque};

use rollout_core::{
    amount::Amount,
    spec::{Canary, Counting, Spec, Strategy},
};

use super::Answer;
use crate::{
    runner::{FaultChoice, Film, Finish, Frame, RunConfig, run},
    setting::{History, Setting, revision},
};

/// Instances of both revisions, as the model counts them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct State {
    /// Of the revision before: in traffic, and on their way out.
    old: (u64, u64),
    /// Of the new one: not in traffic yet, and in traffic.
    new: (u64, u64),
}

/// What bounds it.
#[derive(Clone, Copy, Debug)]
struct Bounds {
    desired: u64,
    floor: u64,
    ceiling: u64,
    strict: bool,
}

impl Bounds {
    /// Those of a rolling update: surge is a quarter, rounded up, unless it is said; nothing may be missing.
    fn of(spec: &Spec, surge: Option<Amount>, unavailable: Option<Amount>, strict: bool) -> Self {
        let desired = spec.replicas;
        let part = |amount: Option<Amount>, up: u64, otherwise: u64| match amount {
            Some(Amount::Count(count)) => count,
            Some(Amount::Percent(part)) => (part.basis_points() * desired + up) / 10_000,
            None => otherwise,
        };
        let surge = part(surge, 9_999, desired.div_ceil(4));
        let unavailable = part(unavailable, 0, 0).min(desired);
        Self { desired, floor: desired - unavailable, ceiling: desired + surge, strict }
    }

    fn allows(self, state: State) -> bool {
        let going = if self.strict { state.old.1 } else { 0 };
        let live = state.old.0 + going + state.new.0 + state.new.1;
        let serving = state.old.0 + state.new.1;
        live <= self.ceiling && self.floor <= serving && state.new.0 + state.new.1 <= self.desired
    }

    /// Every state it can come to, one instance at a time.
    fn reachable(self) -> BTreeSet<State> {
        let begin = State { old: (self.desired, 0), new: (0, 0) };
        let mut seen = BTreeSet::from([begin]);
        let mut left = VecDeque::from([begin]);
        while let Some(State { old, new }) = left.pop_front() {
            let made = State { old, new: (new.0 + 1, new.1) };
            let joined = (0 < new.0).then(|| State { old, new: (new.0 - 1, new.1 + 1) });
            let told = (0 < old.0).then(|| State { old: (old.0 - 1, old.1 + 1), new });
            let gone = (0 < old.1).then(|| State { old: (old.0, old.1 - 1), new });
            let next = [Some(made), joined, told, gone].into_iter().flatten();
            for state in next.filter(|state| self.allows(*state)) {
                if seen.insert(state) {
                    left.push_back(state);
                }
            }
        }
        seen
    }
}

/// The state of a frame.
fn seen(frame: &Frame) -> State {
    let count = |name: &str| {
        let wanted = revision(name);
        frame.counts.iter().find(|one| one.revision == wanted)
    };
    let (old, new) = (count("v1"), count("v2"));
    State {
        old: old.map_or((0, 0), |one| (one.in_traffic, one.live - one.in_traffic)),
        new: new.map_or((0, 0), |one| (one.live - one.in_traffic, one.in_traffic)),
    }
}

/// Shares, in basis points, that the candidate of a canary may have: those of its steps, none, and all.
fn shares(canary: &Canary) -> BTreeSet<u64> {
    let steps = canary.steps.iter().map(|step| step.weight.basis_points());
    steps.chain([0, 10_000]).collect()
}

pub(super) fn bounds_and_ends(seed: u64) -> Answer {
    let setting = Setting::draw(seed);
    let (spec, ports) = (setting.spec.spec().clone(), &setting.world.capabilities);
    let is_by_name = ports.making == rollout_core::port::Making::ByName;
    if setting.history != History::Adopted || !is_by_name {
        return Answer::NONE;
    }
    let strict = ports.counting == Counting::Strict;
    let rolling = match &spec.strategy {
        Strategy::Rolling(pace) if pace.order.is_none() && pace.counting.is_none() => {
            Some(Bounds::of(&spec, pace.surge, pace.unavailable, strict))
        }
        Strategy::Rolling(_)
        | Strategy::Recreate(_)
        | Strategy::BlueGreen(_)
        | Strategy::Canary(_)
        | Strategy::Stages(_) => None,
    };
    let ladder = match &spec.strategy {
        // A router of few units rounds; one of basis points does not.
        Strategy::Canary(canary) if canary.ramp.is_none() && ports.router == Some(10_000) => {
            Some(shares(canary))
        }
        Strategy::Rolling(_)
        | Strategy::Recreate(_)
        | Strategy::BlueGreen(_)
        | Strategy::Canary(_)
        | Strategy::Stages(_) => None,
    };
    if rolling.is_none() && ladder.is_none() {
        return Answer::NONE;
    }
    let faults = FaultChoice::Off;
    let report =
        run(&RunConfig { seed, faults, film: true, unchecked: true, ..RunConfig::default() });
    let (Some(film), Finish::Completed) = (&report.film, report.finish) else {
        return Answer::NONE;
    };
    let different = walked(film, rolling, ladder.as_ref());
    let end = film.frames.last().map(seen).unwrap_or_default();
    let expected = State { old: (0, 0), new: (0, spec.replicas) };
    let ended = || format!("it ended as {end:?}, not as {expected:?}");
    Answer::of(different.or_else(|| (end != expected).then(ended)))
}

/// The first moment of a film that the model does not allow.
fn walked(film: &Film, rolling: Option<Bounds>, ladder: Option<&BTreeSet<u64>>) -> Option<String> {
    let reachable = rolling.map(Bounds::reachable);
    let new = revision("v2");
    let mut highest = 0;
    for frame in &film.frames {
        let (at, state) = (frame.at, seen(frame));
        if reachable.as_ref().is_some_and(|reachable| !reachable.contains(&state)) {
            return Some(format!("at {at} ms {state:?}, which {rolling:?} does not allow"));
        }
        let share = frame.share_of(&new).basis_points();
        if ladder.is_some_and(|ladder| !ladder.contains(&share) || share < highest) {
            return Some(format!("at {at} ms a share of {share} basis points after {highest}"));
        }
        highest = share;
    }
    None
}
