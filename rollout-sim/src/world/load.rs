//! Load: what requests cost an instance, and how long their answers take.
//!
//! In: a number of requests in a span of time in which nothing changes. Out: those that fail by the
//! instance's own flaw or for want of room, and how long the others take. An instance shares itself evenly
//! among the requests it works on, so a request takes s / (1 - u) on average, where s is its time alone and
//! u the part of the instance that is used (Kleinrock 1967, processor sharing), and times are taken to be
//! exponential about that mean. Absent: single requests; a queue that lasts longer than the span.

use std::collections::BTreeMap;

use rollout_core::id::RevisionId;

use super::{Flaw, Instance, World, traffic::WHOLE};

/// A span of time in which nothing changes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    /// Its beginning, in milliseconds.
    pub(super) from: u64,
    /// Its end, in milliseconds.
    pub(super) at: u64,
    /// Requests a second that a good instance answers.
    pub(super) limit: Option<u64>,
}

/// What became of the requests that an instance was sent. Amounts are millionths of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Borne {
    /// Answered with an error.
    pub(super) errors: u128,
    /// More than it can answer.
    pub(super) overload: u128,
    /// Part of it that was used, in a million.
    used: u64,
}

/// Most of an instance that is ever used, in a million: at all of it an answer takes for ever.
const USED_MAX: u64 = 980_000;

impl Borne {
    /// The mean time of an answer, in microseconds, where one alone takes `service` milliseconds.
    pub(super) const fn mean(&self, service: u64) -> u64 {
        service * 1000 * 1_000_000 / (1_000_000 - self.used)
    }

    /// The errors among `amount` requests, in a million.
    pub(super) fn share_of_errors(&self, amount: u128) -> u64 {
        u64::try_from(self.errors * WHOLE / amount.max(1)).unwrap_or(u64::MAX)
    }
}

impl World {
    /// Takes how long answers took since it was last asked, up to now.
    pub fn take_delays(&mut self) -> Delays {
        self.settle(self.now);
        std::mem::take(&mut self.traffic.delays)
    }

    /// Requests that the instances of a revision answer with an error, in a million, on average over those
    /// that get any; counts the requests up to now.
    pub fn errors_now(&mut self, revision: &RevisionId) -> u64 {
        self.settle(self.now);
        let mut all = 0;
        let mut count = 0;
        for instance in self.instances.values() {
            if instance.revision == *revision && self.gets_traffic(instance) {
                all += instance.errors;
                count += 1;
            }
        }
        all / count.max(1)
    }
}

impl Instance {
    /// What becomes of `amount` requests in a span of time.
    pub(super) fn bear(&self, amount: u128, span: &Span, zones: u64) -> Borne {
        let length = u128::from(span.at - span.from);
        // A request a second is 1000 millionths of one in a millisecond.
        let room = span.limit.map(|limit| u128::from(limit / self.life.slowness) * length * 1000);
        let overload = room.map_or(0, |room| amount.saturating_sub(room));
        let used = room.map_or(0, |room| amount * WHOLE / room.max(1));
        let rate = u64::try_from(amount / (length * 1000).max(1)).unwrap_or(u64::MAX);
        let parts = self.errors_in(span, rate, zones);
        Borne {
            errors: (amount - overload) * u128::from(parts) / WHOLE,
            overload,
            used: u64::try_from(used).unwrap_or(u64::MAX).min(USED_MAX),
        }
    }

    /// Requests that it answers with an error in a span of time, in a million, at `rate` a second.
    fn errors_in(&self, span: &Span, rate: u64, zones: u64) -> u64 {
        let parts = self.life.errors;
        match self.life.flaw {
            Flaw::Growing(over) => {
                let middle = span.from.midpoint(span.at).saturating_sub(self.started);
                parts * middle.min(over) / over.max(1)
            }
            Flaw::Above(limit) if rate <= limit => 0,
            Flaw::Zone(zone) if self.zone(zones) != zone => 0,
            Flaw::Constant | Flaw::Above(_) | Flaw::Zone(_) => parts,
        }
    }

    /// The zone it runs in, from 0.
    #[must_use]
    pub fn zone(&self, zones: u64) -> u64 {
        let number = match self.address {
            std::net::IpAddr::V4(address) => u64::from(address.to_bits()),
            std::net::IpAddr::V6(_) => 0,
        };
        number % zones.max(1)
    }
}

/// How long answers took: amounts by time, in steps of about a fiftieth.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Delays(BTreeMap<u64, u128>);

/// Parts of an exponential distribution: how large each is, in thousandths, and its upper edge as a multiple
/// of the mean, in thousandths: -ln(1 - p). The last has none, and is taken to end at p = 0.999.
const STRATA: [(u128, u64); 25] = [
    (50, 51),
    (50, 105),
    (50, 163),
    (50, 223),
    (50, 288),
    (50, 357),
    (50, 431),
    (50, 511),
    (50, 598),
    (50, 693),
    (50, 799),
    (50, 916),
    (50, 1050),
    (50, 1204),
    (50, 1386),
    (50, 1609),
    (50, 1897),
    (50, 2303),
    (50, 2996),
    (20, 3507),
    (10, 3912),
    (5, 4200),
    (5, 4605),
    (5, 5298),
    (5, 6908),
];

impl Delays {
    pub(super) const fn new() -> Self {
        Self(BTreeMap::new())
    }

    /// Adds requests whose answers take `mean` microseconds on average.
    pub(super) fn add(&mut self, amount: u128, mean: u64) {
        for (part, edge) in STRATA {
            *self.0.entry(rounded(mean * edge / 1000)).or_default() += amount * part / 1000;
        }
    }

    /// Adds a part of what another has.
    pub(crate) fn merge(&mut self, other: &Self, part: u64, whole: u64) {
        for (delay, amount) in &other.0 {
            *self.0.entry(*delay).or_default() += amount * u128::from(part) / u128::from(whole);
        }
    }

    /// The time, in microseconds, that `share` in a hundred of the answers do not take longer than; `None`
    /// without an answer.
    #[must_use]
    pub fn percentile(&self, share: u64) -> Option<u64> {
        let all: u128 = self.0.values().sum();
        let mut so_far = 0;
        let reached = self.0.iter().find(|(_, amount)| {
            so_far += **amount;
            all * u128::from(share) <= so_far * 100
        });
        reached.filter(|_| 0 < all).map(|(delay, _)| *delay)
    }
}

/// Six binary digits of it, so that times close to each other count as one.
const fn rounded(delay: u64) -> u64 {
    let spare = (u64::BITS - delay.leading_zeros()).saturating_sub(6);
    (delay >> spare) << spare
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_percentiles_are_those_of_an_exponential_distribution() {
        let mut delays = Delays::new();
        delays.add(1_000_000, 10_000);
        let near = |share, expected: u64| {
            let found = delays.percentile(share).unwrap();
            assert!(found.abs_diff(expected) * 100 <= expected * 4, "{share}: {found}");
        };
        near(50, 6931);
        near(90, 23_026);
        near(99, 46_052);
        assert_eq!(Delays::new().percentile(50), None);
    }

    #[test]
    fn the_strata_are_a_whole_distribution() {
        assert_eq!(STRATA.iter().map(|(part, _)| part).sum::<u128>(), 1000);
        let mean: u128 = STRATA.iter().map(|(part, edge)| part * u128::from(*edge)).sum();
        // Upper edges: a little above the mean of 1.
        assert!((1_000_000..=1_100_000).contains(&mean), "{mean}");
    }
}
