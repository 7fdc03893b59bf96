//! Outlook: one story under many seeds, and how much it differs.
//!
//! In: a spec, a scenario, a number of seeds. Out: how often it ended how, and percentiles of what it took.

use std::{collections::BTreeMap, num::NonZero, thread};

use rollout_core::{
    plan::{self, PlanError},
    spec::CheckedSpec,
};
use serde::Serialize;

use super::{Scenario, config};
use crate::{
    invariants::Violation,
    runner::{self, Finish, RunReport},
};

/// What many seeds came to.
#[derive(Clone, Debug)]
pub struct Outlook {
    /// Number of seeds.
    pub seeds: u64,
    /// How many ended how.
    pub ends: BTreeMap<Finish, u64>,
    /// Time from the order to the end, in milliseconds.
    pub duration: Spread,
    /// Requests that failed, whatever the cause.
    pub failed: Spread,
    /// Fewest instances that answered requests at any time.
    pub lowest_capacity: Spread,
    /// Promises that did not hold. None is expected, ever.
    pub violations: Vec<Violation>,
}

/// Where a number lies over many runs. A percentile is the smallest number that so many in a hundred do
/// not exceed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Spread {
    /// The least.
    pub least: u64,
    /// Half of them are not above.
    pub p50: u64,
    /// 90 in a hundred are not above.
    pub p90: u64,
    /// 99 in a hundred are not above.
    pub p99: u64,
    /// The most.
    pub most: u64,
}

impl Spread {
    /// Where `numbers` lie; all 0 if there are none.
    #[must_use]
    pub fn of(mut numbers: Vec<u64>) -> Self {
        numbers.sort_unstable();
        let at = |share: usize| {
            let place = (numbers.len() * share).div_ceil(100).saturating_sub(1);
            numbers.get(place).copied().unwrap_or_default()
        };
        Self { least: at(0), p50: at(50), p90: at(90), p99: at(99), most: at(100) }
    }
}

/// Plays `scenario` with `spec` under as many `seeds`, from its own on, side by side.
///
/// # Errors
///
/// [`PlanError`] if the ports of the scenario cannot do what the spec asks for.
pub fn outlook(spec: &CheckedSpec, scenario: &Scenario, seeds: u64) -> Result<Outlook, PlanError> {
    plan::build(spec, &scenario.capabilities, scenario.first)?;
    let all: Vec<u64> = (0..seeds).map(|place| scenario.seed.wrapping_add(place)).collect();
    let runs = side_by_side(&all, |seed| {
        let scenario = Scenario { seed: *seed, ..scenario.clone() };
        runner::run(&runner::RunConfig { film: false, ..config(spec, &scenario) })
    });
    let mut ends = BTreeMap::new();
    for run in &runs {
        *ends.entry(run.finish).or_default() += 1;
    }
    let spread = |number: fn(&RunReport) -> u64| Spread::of(runs.iter().map(number).collect());
    Ok(Outlook {
        seeds,
        ends,
        duration: spread(|run| run.duration),
        failed: spread(|run| run.traffic.failed_in_all()),
        lowest_capacity: spread(|run| run.lowest_capacity),
        violations: runs.iter().flat_map(|run| run.violations.clone()).collect(),
    })
}

/// Does `one` with each of `all`, on as many threads as there are processors; the answers are in their order.
pub(super) fn side_by_side<T: Sync, R: Send>(all: &[T], one: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let threads = thread::available_parallelism().map_or(1, NonZero::get);
    let each = all.len().div_ceil(threads).max(1);
    thread::scope(|scope| {
        let parts: Vec<_> = all
            .chunks(each)
            .map(|part| scope.spawn(|| part.iter().map(&one).collect::<Vec<R>>()))
            .collect();
        let joined = parts.into_iter().flat_map(|part| match part.join() {
            Ok(answers) => answers,
            Err(panic) => std::panic::resume_unwind(panic),
        });
        joined.collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_numbers_that_occurred() {
        let spread = Spread::of((1..=200).rev().collect());
        let expected = Spread { least: 1, p50: 100, p90: 180, p99: 198, most: 200 };
        assert_eq!(spread, expected);
        assert_eq!(Spread::of(Vec::new()), Spread::default());
    }

    #[test]
    fn the_answers_are_in_the_order_of_the_questions() {
        let all: Vec<u64> = (0..17).collect();
        assert_eq!(
            side_by_side(&all, |one| one * 2),
            all.iter().map(|one| one * 2).collect::<Vec<_>>()
        );
    }
}
