//! F4: with no change outside the engine does nothing: no hot loop, nothing new after the end.

use super::{Broken, Happened, Invariant, Kind, Moment, require};
use crate::world::Truth;

/// Most times in a row that time alone may wake the engine within one millisecond.
const WAKES_MAX: u32 = 20;

#[derive(Default)]
pub(super) struct FixedPoint {
    at: u64,
    wakes: u32,
}

impl Invariant for FixedPoint {
    fn name(&self) -> &'static str {
        "F4 fixed point"
    }

    fn hears(&self) -> &'static [Kind] {
        &[Kind::Stepped]
    }

    fn check(&mut self, moment: &Moment<'_>) -> Result<(), Broken> {
        let Happened::Stepped { alone, output, quiet } = moment.happened else {
            return Ok(());
        };
        if !alone || moment.now != self.at {
            self.wakes = 0;
        }
        self.at = moment.now;
        self.wakes += u32::from(alone);
        let wakes = self.wakes;
        require(wakes <= WAKES_MAX, || {
            format!("the engine woke itself {wakes} times within one millisecond")
        })?;
        // Instances that fail for ever are replaced for ever.
        let truths = &moment.world.config().truths;
        let is_sound = truths.values().all(|truth| *truth == Truth::Good);
        require(!quiet || !is_sound || output == 0, || {
            format!("{output} records and actions after the end, with nothing new")
        })
    }
}
