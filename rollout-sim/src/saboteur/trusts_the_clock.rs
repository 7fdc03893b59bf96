//! A driver that takes the clock of the machine as it is, though the journal is ahead of it.

use super::Saboteur;

pub(super) struct TrustsTheClock;

impl Saboteur for TrustsTheClock {
    fn name(&self) -> &'static str {
        "takes a clock that was set back as it is"
    }

    fn caught_by(&self) -> &'static str {
        "D3 clocks that jump"
    }

    fn minds_the_clock(&self) -> bool {
        false
    }
}
