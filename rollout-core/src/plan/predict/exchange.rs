//! How long instances take to take the places of others.
//!
//! The rules as two kinds of tokens: a *place* lets one new instance start and becomes a *spare* once that
//! instance is available; a spare lets one old instance go and becomes a place again once that one is gone
//! (strict counting) or told to go (loose). There are `surge` places and `missing` spares at first. Beside
//! that, a new instance waits for a free lane and for its batch. Every instance starts as soon as it may.

use std::collections::VecDeque;

use super::{Budget, Moved, Timing};
use crate::spec::Counting;

/// Batches that are walked through one by one; what comes after takes as long as the later half of these
/// did on average. Only a pause shorter than a drain and a parallelism below surge and unavailable need it.
const BATCHES_WALKED: u64 = 1 << 16;

/// Instances taking the places of others, as many at once as there is room and as parallelism lets start.
/// Times are milliseconds.
pub(super) struct Exchange {
    pub(super) counting: Counting,
    /// Places beside the desired instances: the new one is available before the old one goes.
    surge: u64,
    /// Places of missing instances: the old one is gone before the new one starts.
    missing: u64,
    /// Both together.
    places: u64,
    /// Most instances that start at once; with a pause, the size of a batch.
    pub(super) lanes: u64,
    pub(super) start: u64,
    pub(super) drain: u64,
    /// The pause after each batch. It begins when the batch is available, beside its drain.
    pause: u64,
}

impl Exchange {
    pub(super) fn new(counting: Counting, timing: Timing, budget: Budget) -> Self {
        let missing = budget.unavailable;
        // A budget without any room is refused before it comes here; one place would be the least.
        let surge = if missing == 0 { budget.surge.max(1) } else { budget.surge };
        let places = surge.saturating_add(missing);
        let lanes = if budget.parallelism == 0 { places } else { budget.parallelism.min(places) };
        Self {
            counting,
            surge,
            missing,
            places,
            lanes,
            start: timing.start_to_available.as_millis(),
            drain: timing.drain.as_millis(),
            pause: budget.batch_delay.as_millis(),
        }
    }

    /// The time of `count` exchanges, at least one.
    pub(super) fn of(&self, count: u64) -> Moved {
        let (last_starts, last_goes) = match self.pause {
            0 => self.without_pauses(count),
            _ => self.in_batches(count),
        };
        let available = last_starts.saturating_add(self.start);
        Moved::millis(available, available.max(last_goes.saturating_add(self.drain)))
    }

    /// When the last new instance starts and the last old one goes, if lanes are free again at once.
    fn without_pauses(&self, count: u64) -> (u64, u64) {
        let starts = |index: u64| match self.counting {
            // What goes does not count: a new one starts as soon as one before is available.
            Counting::Loose => (index / self.lanes).saturating_mul(self.start),
            Counting::Strict => self.starts_at(index),
        };
        // The last old one goes as soon as no more than the missing ones are not replaced yet.
        let last_goes = match count.checked_sub(self.missing + 1) {
            Some(index) => starts(index).saturating_add(self.start),
            None => 0,
        };
        (starts(count - 1), last_goes)
    }

    /// When the new instance with this index starts, strict, without pauses.
    ///
    /// It waits for the one `places` before it to start, serve, and its old one to drain; and for the one
    /// `lanes` before it to be available. The longest chain of such waits counts: `cycles` of the first
    /// kind, then as many of the second as are left. The chain may end with the drain that makes the places
    /// of the missing ones.
    fn starts_at(&self, index: u64) -> u64 {
        let cycle = self.start.saturating_add(self.drain);
        let most = index / self.places;
        let is_missing = |index: u64| self.surge <= index && index < self.places;
        if self.lanes == self.places {
            let first = if is_missing(index % self.places) { self.drain } else { 0 };
            return cycle.saturating_mul(most).saturating_add(first);
        }
        let chain = |cycles: u64| {
            let left = index - cycles * self.places;
            let of = |lanes: u64| {
                let first = if is_missing(left - lanes * self.lanes) { self.drain } else { 0 };
                let waits = cycle.saturating_mul(cycles);
                waits.saturating_add(self.start.saturating_mul(lanes)).saturating_add(first)
            };
            let to_missing = left.checked_sub(self.surge).map_or(0, |left| of(left / self.lanes));
            of(left / self.lanes).max(to_missing)
        };
        // `lanes` cycles span as many instances as `places` waits for a lane: whichever takes longer is
        // used as often as there is room, the other at most that often.
        let by_places = u128::from(cycle) * u128::from(self.lanes);
        let by_lanes = u128::from(self.start) * u128::from(self.places);
        let cycles = if by_lanes <= by_places {
            most.saturating_sub(self.lanes)..=most
        } else {
            0..=most.min(self.lanes)
        };
        cycles.map(chain).max().unwrap_or(0)
    }

    /// When the last new instance starts and the last old one goes, with pauses between batches.
    fn in_batches(&self, count: u64) -> (u64, u64) {
        let batches = (count - 1) / self.lanes;
        let in_last = count - batches * self.lanes;
        let (cycle, is_instead) = match self.counting {
            Counting::Loose => (self.start.saturating_add(self.pause), false),
            Counting::Strict if self.surge < self.lanes && self.is_settled() => {
                let cycle = self.start.saturating_add(self.drain).saturating_add(self.pause);
                (cycle, self.surge < in_last)
            }
            Counting::Strict if self.is_settled() => {
                let beside = if self.lanes == self.places { self.drain } else { 0 };
                (self.start.saturating_add(self.pause.max(beside)), false)
            }
            Counting::Strict => return self.walked(count),
        };
        let opens = cycle.saturating_mul(batches);
        // Those before the missing ones are replaced by new ones of the last batch.
        let last_starts =
            |count: u64| if is_instead && self.surge < count { self.drain } else { 0 };
        let last_goes = match in_last.checked_sub(self.missing) {
            None | Some(0) => 0,
            Some(others) => last_starts(others).saturating_add(self.start),
        };
        (opens.saturating_add(last_starts(in_last)), opens.saturating_add(last_goes))
    }

    /// Whether no batch waits for the drains of the batch before the last.
    const fn is_settled(&self) -> bool {
        self.drain <= self.pause || self.lanes == self.places
    }

    /// The same, batch by batch. Instances of one batch share their times in groups.
    fn walked(&self, count: u64) -> (u64, u64) {
        let mut walk = Walk::new(self);
        let mut half = None;
        let walked = count.min(self.lanes.saturating_mul(BATCHES_WALKED));
        while walk.replaced < walked {
            if half.is_none() && walked / 2 <= walk.replaced {
                half = Some((walk.replaced, walk.last_starts));
            }
            walk.batch(self, self.lanes.min(walked - walk.replaced));
        }
        let rest = u128::from(count - walked);
        let more = half.filter(|_| rest != 0).map_or(0, |(replaced, at)| {
            let spans = u128::from(walk.last_starts - at) * rest;
            u64::try_from(spans / u128::from(walk.replaced - replaced)).unwrap_or(u64::MAX)
        });
        (walk.last_starts.saturating_add(more), walk.last_goes.saturating_add(more))
    }
}

/// Places and spares on their way, each with the time it is there; earliest first, because all starts take
/// the same and all drains do.
struct Walk {
    places: Tokens,
    spares: Tokens,
    opens: u64,
    replaced: u64,
    last_starts: u64,
    last_goes: u64,
}

impl Walk {
    fn new(exchange: &Exchange) -> Self {
        let (mut places, mut spares) = (Tokens::default(), Tokens::default());
        places.put(0, exchange.surge);
        spares.put(0, exchange.missing);
        Self { places, spares, opens: 0, replaced: 0, last_starts: 0, last_goes: 0 }
    }

    /// Replaces `count` instances, then pauses.
    fn batch(&mut self, exchange: &Exchange, count: u64) {
        let (mut to_start, mut to_go) = (count, count);
        while 0 < to_start + to_go {
            while let Some((at, some)) = self.places.take(to_start) {
                self.last_starts = at.max(self.opens);
                to_start -= some;
                self.spares.put(self.last_starts.saturating_add(exchange.start), some);
            }
            while let Some((at, some)) = self.spares.take(to_go) {
                self.last_goes = at.max(self.opens);
                to_go -= some;
                self.places.put(self.last_goes.saturating_add(exchange.drain), some);
            }
        }
        self.replaced += count;
        let available = self.last_starts.saturating_add(exchange.start);
        self.opens = available.saturating_add(exchange.pause);
    }
}

/// Tokens in the order of their times, in groups of the same time.
#[derive(Default)]
pub(super) struct Tokens(VecDeque<(u64, u64)>);

impl Tokens {
    pub(super) fn put(&mut self, at: u64, count: u64) {
        match self.0.back_mut() {
            Some((last, there)) if *last == at => *there = there.saturating_add(count),
            Some(_) | None if count != 0 => self.0.push_back((at, count)),
            Some(_) | None => {}
        }
    }

    /// Undoes a `take` of which nothing came.
    pub(super) fn put_back(&mut self, at: u64, count: u64) {
        match self.0.front_mut() {
            Some((first, there)) if *first == at => *there = there.saturating_add(count),
            Some(_) | None if count != 0 => self.0.push_front((at, count)),
            Some(_) | None => {}
        }
    }

    /// At most `count` of the earliest time.
    pub(super) fn take(&mut self, count: u64) -> Option<(u64, u64)> {
        let (at, there) = self.0.front_mut().filter(|_| count != 0)?;
        let (at, taken) = (*at, count.min(*there));
        *there -= taken;
        if *there == 0 {
            self.0.pop_front();
        }
        Some((at, taken))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::time::Span;

    fn exchange(surge: u64, missing: u64, lanes: u64, [start, drain, pause]: [u64; 3]) -> Exchange {
        let timing = Timing {
            start_to_available: Span::from_millis(start),
            drain: Span::from_millis(drain),
        };
        let budget = Budget {
            surge,
            unavailable: missing,
            parallelism: lanes,
            batch_delay: Span::from_millis(pause),
        };
        Exchange::new(Counting::Strict, timing, budget)
    }

    proptest! {
        /// Where no batch waits for the drains of another, walking adds nothing to the closed form.
        #[test]
        fn batches_take_what_walking_them_takes(
            count in 1..60_u64, surge in 0..9_u64, missing in 0..9_u64, lanes in 0..9_u64,
            start in 1..9_u64, drain in 0..9_u64, pause in 1..9_u64,
        ) {
            prop_assume!(0 < surge + missing);
            let exchange = exchange(surge, missing, lanes, [start, drain, pause]);
            prop_assume!(exchange.is_settled());
            let end = |(_, goes): (u64, u64)| goes + drain;
            let (said, walked) = (exchange.in_batches(count), exchange.walked(count));
            prop_assert_eq!(said.0, walked.0);
            prop_assert_eq!(end(said).max(said.0 + start), end(walked).max(walked.0 + start));
        }
    }

    #[test]
    fn what_is_not_walked_goes_on_as_before() {
        // Two batches fit into the surge; every second one waits for a drain of 9 beside a pause of 1.
        let exchange = exchange(2, 0, 1, [2, 9, 1]);
        let count = 3 * BATCHES_WALKED;
        assert_eq!(exchange.walked(count).0, (count / 2 - 1) * 11 + 3);
    }
}
