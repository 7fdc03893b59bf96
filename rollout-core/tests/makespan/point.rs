//! One rollout of the grid: its numbers, the spec that says them, and the times of its instances.

use std::sync::Arc;

use rollout_core::{
    amount::Amount,
    plan::{Plan, Timing, predict},
    spec::{CheckedSpec, Counting, Pace, Spec, Strategy},
    time::Span,
    weight::Weight,
};
use serde_json::json;

use crate::bound::Makespan;

/// A rolling update in whole numbers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Point {
    pub(crate) desired: u64,
    /// Surge and unavailable as written.
    pub(crate) written: (Amount, Amount),
    /// The same in whole instances.
    pub(crate) surge: u64,
    pub(crate) unavailable: u64,
    pub(crate) counting: Counting,
    /// Most instances in flight; 0: no limit of its own.
    pub(crate) parallelism: u64,
    /// Pause between batches, in milliseconds.
    pub(crate) batch_delay: u64,
}

impl Point {
    /// A point without a pace of its own. Surge rounds up, unavailable down; both rounded to 0 is one
    /// unavailable, and there are never more unavailable than desired.
    pub(crate) fn new(
        desired: u64,
        surge: Amount,
        unavailable: Amount,
        counting: Counting,
    ) -> Self {
        let of = |amount: Amount, up: u64| match amount {
            Amount::Count(count) => count,
            Amount::Percent(weight) => (desired * weight.basis_points() + up) / 10_000,
        };
        let (more, fewer) = (of(surge, 9_999), of(unavailable, 0));
        let fewer = if more + fewer == 0 { 1 } else { fewer };
        Self {
            desired,
            written: (surge, unavailable),
            surge: more,
            unavailable: fewer.min(desired),
            counting,
            parallelism: 0,
            batch_delay: 0,
        }
    }

    /// The strategy that a person would write.
    pub(crate) fn strategy(&self) -> Strategy {
        Strategy::Rolling(Pace {
            surge: Some(self.written.0),
            unavailable: Some(self.written.1),
            parallelism: (self.parallelism != 0).then_some(self.parallelism),
            batch_delay: Span::from_millis(self.batch_delay),
            counting: Some(self.counting),
            ..Pace::default()
        })
    }
}

/// A checked spec of `desired` instances that no deadline of its own stops.
pub(crate) fn spec(desired: u64, strategy: Strategy) -> Arc<CheckedSpec> {
    let spec = Spec { replicas: desired, strategy, ..patient() };
    Arc::new(CheckedSpec::new(spec).expect("the grid holds only what may be written"))
}

/// A spec whose deadlines no rollout of the grid comes near.
fn patient() -> Spec {
    let patient = json!({
        "version": 1, "workload": "web",
        "drain": { "deadline": "20h" },
        "deadlines": { "progress": "2000h" },
    });
    serde_json::from_value(patient).expect("the spec is well-formed")
}

/// How long each instance takes, in the order in which instances start and go; begun again when used up.
#[derive(Clone, Debug)]
pub(crate) struct Times {
    starts: Vec<u64>,
    drains: Vec<u64>,
}

impl Times {
    /// The same for all.
    pub(crate) fn equal(start: u64, drain: u64) -> Self {
        Self { starts: vec![start], drains: vec![drain] }
    }

    /// `count` of both, each drawn between 1 (0 for drains) and `most`.
    pub(crate) fn drawn(draw: &mut Draw, count: u64, most: u64) -> Self {
        let starts = (0..count).map(|_| draw.between(1, most)).collect();
        Self { starts, drains: (0..count).map(|_| draw.between(0, most)).collect() }
    }

    /// How long the start with this number takes, in milliseconds.
    pub(crate) fn start(&self, number: u64) -> u64 {
        pick(&self.starts, number)
    }

    /// How long the drain with this number takes, in milliseconds.
    pub(crate) fn drain(&self, number: u64) -> u64 {
        pick(&self.drains, number)
    }

    /// Start and drain, if they are the same for all.
    pub(crate) fn equal_ones(&self) -> Option<(u64, u64)> {
        match (self.starts.as_slice(), self.drains.as_slice()) {
            ([start], [drain]) => Some((*start, *drain)),
            _ => None,
        }
    }

    /// What the planner is told.
    pub(crate) fn timing(&self) -> Timing {
        Timing {
            start_to_available: Span::from_millis(self.start(0)),
            drain: Span::from_millis(self.drain(0)),
        }
    }
}

fn pick(times: &[u64], number: u64) -> u64 {
    times[usize::try_from(number).expect("the grid is small") % times.len()]
}

/// Seeded numbers: `SplitMix64` (Steele, Lea and Flood, 2014).
#[derive(Clone, Debug)]
pub(crate) struct Draw(u64);

impl Draw {
    pub(crate) const fn seeded(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number from `least` to `most`.
    pub(crate) fn between(&mut self, least: u64, most: u64) -> u64 {
        least + self.next() % (most - least + 1)
    }

    /// One of `these`.
    pub(crate) fn one_of<T: Copy>(&mut self, these: &[T]) -> T {
        let place = self.between(0, these.len() as u64 - 1);
        these[usize::try_from(place).expect("a place in a slice")]
    }

    /// A percentage of at least `least`, often a round one.
    pub(crate) fn percent(&mut self, least: u64) -> Amount {
        let points = match self.between(0, 1) {
            0 => self.between(least, 100) * 100,
            _ => self.between(least * 100, 10_000),
        };
        Amount::Percent(Weight::from_basis_points(points).expect("at most 100 %"))
    }
}

/// What a plan says it takes, in milliseconds: to the last available candidate, and to the end.
pub(crate) fn predicted(plan: &Plan, times: &Times) -> Makespan {
    let prediction = predict(plan, &times.timing());
    let whole = plan.stages.iter().position(|stage| stage.candidate == plan.desired);
    let whole = whole.expect("a plan ends with every instance the candidate's");
    let before = prediction.stages.iter().take(whole);
    let before = before.fold(Span::ZERO, |sum, stage| sum.plus(stage.moving).plus(stage.gates));
    let available = before.plus(prediction.stages[whole].available);
    Makespan { available: available.as_millis(), end: prediction.total.as_millis() }
}
