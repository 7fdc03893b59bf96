//! What an engine is made for, and the limits of the engine itself.

use crate::{id::WorkloadId, port::Capabilities, time::Span};

/// What an engine is made for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setup {
    /// The workload.
    pub workload: WorkloadId,
    /// What its ports can do together.
    pub capabilities: Capabilities,
    /// Limits of the engine itself.
    pub tuning: Tuning,
}

/// Limits of the engine itself, the same for every workload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tuning {
    /// Oldest observation that a step rests on.
    pub stale_after: Span,
    /// Wait before the second attempt at an action; doubled for each further one. Also the wait before
    /// a failed instance is replaced.
    pub retry_first: Span,
    /// Longest wait between two attempts.
    pub retry_most: Span,
}

impl Default for Tuning {
    fn default() -> Self {
        Self {
            stale_after: Span::from_secs(10),
            retry_first: Span::from_millis(200),
            retry_most: Span::from_secs(15),
        }
    }
}

impl Tuning {
    /// The wait after `failures` failures in a row: doubled each time, bounded, without jitter, for the
    /// core has no randomness.
    #[must_use]
    pub fn backoff(&self, failures: u64) -> Span {
        let doublings = u32::try_from(failures.saturating_sub(1).min(32)).unwrap_or(32);
        self.retry_first.times(1 << doublings).min(self.retry_most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backoff_doubles_and_is_bounded() {
        let tuning = Tuning::default();
        let waits = [1, 2, 3, 7, 8, u64::MAX].map(|failures| tuning.backoff(failures).as_millis());
        assert_eq!(waits, [200, 400, 800, 12_800, 15_000, 15_000]);
    }
}
