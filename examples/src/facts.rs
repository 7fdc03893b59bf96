//! Facts: what really happened during a rollout, counted on the ground truth once per millisecond.

use std::fmt;

use rollout_core::{id::RevisionId, time::Span, weight::Weight};
use rollout_sim::world::World;

/// What really happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// How long it took.
    pub took: Span,
    /// Requests sent.
    pub sent: u64,
    /// Requests that failed, for whatever reason.
    pub failed: u64,
    /// Fewest instances that answered at any time.
    pub lowest: u64,
    /// Largest share of traffic that the candidate had.
    pub largest_share: Weight,
    /// Requests sent to the candidate.
    pub exposed: u64,
}

/// Counts.
pub(crate) struct Meter {
    rate: u64,
    began: u64,
    sent: u64,
    failed: u64,
    lowest: u64,
    largest_share: Weight,
    /// Basis points of the candidate, summed over the looks.
    shares: u64,
}

impl Meter {
    /// Time between two looks.
    pub(crate) const PERIOD: Span = Span::from_millis(1);

    /// Counts from `before` on, where `rate` requests are sent per second.
    pub(crate) fn new(rate: u64, before: &World) -> Self {
        Self {
            rate,
            began: before.now(),
            sent: before.traffic().sent(),
            failed: before.traffic().failed_in_all(),
            lowest: u64::MAX,
            largest_share: Weight::ZERO,
            shares: 0,
        }
    }

    /// Notes how things are now.
    pub(crate) fn look(&mut self, world: &World, candidate: &RevisionId) {
        let tally = world.tally();
        self.lowest = self.lowest.min(tally.capacity());
        let all: u64 = tally.revisions.iter().map(|one| one.exposed).sum();
        let exposed = tally.of(candidate).map_or(0, |one| one.exposed);
        let share = match world.route().and_then(|route| route.weight_of(candidate)) {
            Some(weight) => weight,
            None if all == 0 => Weight::ZERO,
            None => Weight::share(exposed, all),
        };
        self.largest_share = self.largest_share.max(share);
        self.shares += share.basis_points();
    }

    /// What was counted up to now.
    pub(crate) fn facts(&self, world: &World) -> Facts {
        let looks_per_second = 1000 / Self::PERIOD.as_millis();
        let whole = Weight::FULL.basis_points();
        Facts {
            took: Span::from_millis(world.now() - self.began),
            sent: world.traffic().sent() - self.sent,
            failed: world.traffic().failed_in_all() - self.failed,
            lowest: self.lowest,
            largest_share: self.largest_share,
            exposed: self.shares * self.rate / looks_per_second / whole,
        }
    }
}

impl fmt::Display for Facts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { sent, failed, lowest, .. } = self;
        writeln!(f, "requests  {sent} sent, {failed} failed")?;
        write!(f, "lowest    {lowest} instances answered at any time")
    }
}
