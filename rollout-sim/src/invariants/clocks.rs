//! D3: clocks may be set forth and back: the time on the record never goes back, so that no deadline comes twice or
//! begins anew, and the rollout ends within its bound all the same.

use rollout_core::time::Timestamp;

use super::{Broken, Happened, Invariant, Kind, Moment, require};

/// The time of the last record.
#[derive(Default)]
pub(super) struct Clocks {
    last: Timestamp,
}

impl Invariant for Clocks {
    fn name(&self) -> &'static str {
        "D3 clocks that jump"
    }

    fn hears(&self) -> &'static [Kind] {
        &[Kind::Recorded]
    }

    fn check(&mut self, moment: &Moment<'_>) -> Result<(), Broken> {
        let Happened::Recorded(record) = moment.happened else {
            return Ok(());
        };
        let last = std::mem::replace(&mut self.last, record.at);
        require(last <= record.at, || {
            let back = last.since(record.at);
            format!("{} is recorded {back} before what came before it", record.change)
        })
    }
}
