//! Health of the server: whether it is well, and which ordinary requests it spoils when it is not.
//!
//! In: its settings, its age, the ordinary requests it counted. Out: yes or no. Absent: chance.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use crate::settings::Health;

/// Judges the server by what it has been told to be.
#[derive(Debug)]
pub(crate) struct Judge {
    health: Health,
    bad_share: u64,
    born: Instant,
    answered: AtomicU64,
    since_failed: AtomicU64,
}

impl Judge {
    /// A judge of a server that starts now and spoils `bad_share` percent once it has failed.
    pub(crate) fn new(health: Health, bad_share: u64) -> Self {
        Self {
            health,
            bad_share,
            born: Instant::now(),
            answered: AtomicU64::new(0),
            since_failed: AtomicU64::new(0),
        }
    }

    /// Whether `/health` says so now.
    pub(crate) fn is_well(&self) -> bool {
        well(self.health, self.answered.load(Ordering::Relaxed), self.born.elapsed())
    }

    /// Counts one ordinary request; true if it is to be answered badly.
    pub(crate) fn spoils_next(&self) -> bool {
        let well = self.is_well();
        self.answered.fetch_add(1, Ordering::Relaxed);
        match self.health {
            Health::Good | Health::Never => false,
            Health::FailAfterRequests(_) | Health::FailAfter(_) => {
                !well && spoiled(self.since_failed.fetch_add(1, Ordering::Relaxed), self.bad_share)
            }
        }
    }
}

fn well(health: Health, answered: u64, age: Duration) -> bool {
    match health {
        Health::Good => true,
        Health::Never => false,
        Health::FailAfterRequests(limit) => answered < limit,
        Health::FailAfter(limit) => age < limit,
    }
}

/// Spreads `share` percent evenly: request `n` is spoiled when the running total passes a whole number.
fn spoiled(n: u64, share: u64) -> bool {
    let total = |count: u64| count.saturating_mul(share) / 100;
    total(n) < total(n.saturating_add(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_share_is_exact_over_a_hundred() {
        for share in [0, 1, 20, 33, 99, 100] {
            let bad = (0..100).filter(|n| spoiled(*n, share)).count();
            assert_eq!(u64::try_from(bad), Ok(share));
        }
    }

    #[test]
    fn it_fails_after_its_requests_and_only_then_spoils() {
        let judge = Judge::new(Health::FailAfterRequests(2), 100);
        assert!(judge.is_well());
        let spoils: Vec<_> = (0..4).map(|_| judge.spoils_next()).collect();
        assert_eq!(spoils, [false, false, true, true]);
        assert!(!judge.is_well());
    }

    #[test]
    fn one_that_is_never_ready_spoils_nothing() {
        let judge = Judge::new(Health::Never, 100);
        assert!(!judge.is_well());
        assert!(!judge.spoils_next());
    }

    #[test]
    fn age_is_a_limit_too() {
        let limit = Health::FailAfter(Duration::from_millis(5));
        assert!(well(limit, 1_000, Duration::from_millis(4)));
        assert!(!well(limit, 0, Duration::from_millis(5)));
    }
}
