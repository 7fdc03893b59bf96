//! The rest of an exchange that is under way: the same two kinds of tokens, some of them on their way already.

use super::{
    Budget, Moved, StagePrediction, Timing,
    exchange::{Exchange, Tokens},
};
use crate::{plan::Plan, spec::Counting, time::Span};

/// What is on its way, as pairs of the milliseconds that are left and how many; the first come first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct OnTheWay {
    /// New instances that are not available yet.
    pub(crate) starts: Vec<(u64, u64)>,
    /// Old instances that are not gone yet.
    pub(crate) drains: Vec<(u64, u64)>,
    /// The part of the pause after a batch that is left.
    pub(crate) pause: u64,
}

/// What is left to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Left {
    /// New instances that were not told to start yet.
    pub(crate) starts: u64,
    /// Old instances that were not told to go yet.
    pub(crate) goes: u64,
    /// New instances that may start now.
    pub(crate) places: u64,
    /// Old instances that may go now.
    pub(crate) spares: u64,
}

/// Starts that are walked through one by one; the closed form says what comes after.
const WALKED_MOST: u64 = 1 << 14;

/// How long it takes until nothing of `left` is left and nothing is on its way.
pub(crate) fn rest(
    counting: Counting,
    timing: Timing,
    budget: Budget,
    left: Left,
    way: &OnTheWay,
) -> Span {
    let exchange = Exchange::new(counting, timing, budget);
    let moved = if budget.batch_delay.is_zero() || left.starts == 0 {
        walk(&exchange, left, way)
    } else {
        in_batches(&exchange, budget, left, way)
    };
    Span::from_millis(moved)
}

/// The stages after the one at `index`, with or without their gates.
pub(crate) fn after(plan: &Plan, index: usize, timing: Timing, with_gates: bool) -> Span {
    let stages = plan.stages.iter().skip(index);
    stages.clone().zip(stages.skip(1)).fold(Span::ZERO, |sum, (before, stage)| {
        let from = (before.candidate, before.stable);
        let StagePrediction { moving, gates, .. } = super::predict_stage(plan, stage, from, timing);
        sum.plus(moving).plus(if with_gates { gates } else { Span::ZERO })
    })
}

/// The batch under way ends, then the pause and the other batches by the closed form.
fn in_batches(exchange: &Exchange, budget: Budget, left: Left, way: &OnTheWay) -> u64 {
    let Moved { end, .. } = exchange.of(left.starts);
    let end = end.as_millis();
    match way.starts.last() {
        Some((ms, _)) => ms.saturating_add(budget.batch_delay.as_millis()).saturating_add(end),
        // Stop first: what drains already is the first part of the batch.
        None if way.pause == 0 => {
            let drained = way.drains.last().map_or(0, |(ms, _)| exchange.drain.saturating_sub(*ms));
            end.saturating_sub(if budget.surge == 0 { drained } else { 0 })
        }
        None => way.pause.saturating_add(end),
    }
}

fn walk(exchange: &Exchange, left: Left, way: &OnTheWay) -> u64 {
    let (mut places, mut spares, mut lanes) =
        (Tokens::default(), Tokens::default(), Tokens::default());
    let in_flight = way.starts.iter().map(|(_, count)| *count).sum();
    places.put(0, left.places);
    spares.put(0, left.spares);
    lanes.put(0, exchange.lanes.saturating_sub(in_flight));
    let mut end = 0;
    for (ms, count) in &way.drains {
        end = end.max(*ms);
        // Loose, what goes does not count: its place was free when it was told to go.
        if exchange.counting == Counting::Strict {
            places.put(*ms, *count);
        }
    }
    for (ms, count) in &way.starts {
        end = end.max(*ms);
        spares.put(*ms, *count);
        lanes.put(*ms, *count);
    }
    let (mut to_start, mut to_go, mut at) = (left.starts.min(WALKED_MOST), left.goes, 0);
    let later = left.starts - to_start;
    let gone = match exchange.counting {
        Counting::Strict => exchange.drain,
        Counting::Loose => 0,
    };
    loop {
        let mut moved = false;
        while let Some((place, some)) = places.take(to_start) {
            let Some((lane, some_lanes)) = lanes.take(some) else {
                places.put_back(place, some);
                break;
            };
            places.put_back(place, some - some_lanes);
            at = place.max(lane);
            to_start -= some_lanes;
            let ready = at.saturating_add(exchange.start);
            spares.put(ready, some_lanes);
            lanes.put(ready, some_lanes);
            end = end.max(ready);
            moved = true;
        }
        while let Some((spare, some)) = spares.take(to_go) {
            to_go -= some;
            places.put(spare.saturating_add(gone), some);
            end = end.max(spare.saturating_add(exchange.drain));
            moved = true;
        }
        if !moved {
            break;
        }
    }
    if later == 0 { end } else { at.saturating_add(exchange.of(later).end.as_millis()) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Where nothing is on its way yet, the rest is the whole, as the closed form has it.
        #[test]
        fn the_rest_of_nothing_done_is_the_whole(
            count in 1..40_u64, surge in 0..9_u64, missing in 0..9_u64, lanes in 0..9_u64,
            start in 1..9_u64, drain in 0..9_u64, is_strict in any::<bool>(),
        ) {
            prop_assume!(0 < surge + missing);
            let timing = Timing {
                start_to_available: Span::from_millis(start),
                drain: Span::from_millis(drain),
            };
            let budget =
                Budget { surge, unavailable: missing, parallelism: lanes, batch_delay: Span::ZERO };
            let counting = if is_strict { Counting::Strict } else { Counting::Loose };
            let left = Left { starts: count, goes: count, places: surge, spares: missing };
            let all = rest(counting, timing, budget, left, &OnTheWay::default());
            prop_assert_eq!(all, Exchange::new(counting, timing, budget).of(count).end);
        }
    }
}
