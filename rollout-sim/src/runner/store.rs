//! Store: where the journal is kept, and whether it takes anything now.
//!
//! In: the time, and how long it is out. Out: what becomes of an append that it fails. Absent: records; an append
//! is kept whole or not at all, as every journal promises.

use crate::{incident::CrashPoint, random::Stream};

/// Failed appends, in a million, that were kept: their answer was lost.
const KEPT: u64 = 250_000;

/// Where the journal is kept.
#[derive(Debug)]
pub(super) struct Store {
    stream: Stream,
    out_until: u64,
}

impl Store {
    pub(super) fn new(seed: u64) -> Self {
        Self { stream: Stream::new(seed, "store"), out_until: 0 }
    }

    /// Takes nothing until `at`.
    pub(super) fn stop(&mut self, at: u64) {
        self.out_until = at.max(self.out_until);
    }

    /// Takes everything again.
    pub(super) const fn mend(&mut self) {
        self.out_until = 0;
    }

    /// How far an append at `now` comes, if the store fails it: whoever asked for it hears of no answer.
    pub(super) fn fails(&mut self, now: u64) -> Option<CrashPoint> {
        if self.out_until <= now {
            return None;
        }
        let is_kept = self.stream.hits(KEPT);
        Some(if is_kept { CrashPoint::BeforeCommit } else { CrashPoint::BeforeAppend })
    }
}
