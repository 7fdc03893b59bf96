//! Clock: what an engine takes for the time. The clock of the machine is read when an engine starts; from there on
//! its time passes as it does in the world, and it never begins before the last record of the journal.
//!
//! In: how far the clock of the machine was set, and the last record. Out: the engine's time and back. Absent: what
//! is done with it.

/// The time of one engine, as far from the world's as it was when the engine started.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Clock {
    /// How far the clock of the machine is ahead of the world, in milliseconds.
    wall: i64,
    /// How far the engine's time is.
    ahead: i64,
    /// The least that it ever was, if less than not at all.
    least: i64,
    /// Whether it ever was more than the least before.
    was_ahead: bool,
}

impl Clock {
    /// Sets the clock of the machine; an engine that runs takes no notice.
    pub(super) const fn set(&mut self, by: i64) {
        self.wall = self.wall.saturating_add(by);
    }

    /// Starts an engine at `now`, whose journal ends with a record of `last`.
    pub(super) fn start(&mut self, now: u64, last: u64) {
        let behind = last.cast_signed().saturating_sub(now.cast_signed());
        self.ahead = self.wall.max(behind);
        // Back to the world's time after one that lagged behind is a time that passed faster, too.
        self.was_ahead |= self.least < self.ahead;
        self.least = self.least.min(self.ahead);
    }

    /// Whether an engine's time ever passed faster than the world's.
    pub(super) const fn was_ahead(&self) -> bool {
        self.was_ahead
    }

    /// Starts one that trusts the clock of the machine, whatever the journal says.
    pub(super) const fn start_blindly(&mut self) {
        self.ahead = self.wall;
    }

    /// The engine's time.
    pub(super) fn told(&self, now: u64) -> u64 {
        now.cast_signed().saturating_add(self.ahead).max(0).cast_unsigned()
    }

    /// When the engine's time is `at`.
    pub(super) fn when(&self, at: u64) -> u64 {
        at.cast_signed().saturating_sub(self.ahead).max(0).cast_unsigned()
    }
}
