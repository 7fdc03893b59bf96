//! C7: what could not be made durable is not done: nothing of the decision goes out.

use super::{Broken, Happened, Invariant, Kind, Moment, require};

/// The step whose records could not be kept last.
#[derive(Default)]
pub(super) struct Unkept {
    step: Option<u64>,
}

impl Invariant for Unkept {
    fn name(&self) -> &'static str {
        "C7 what is not kept is not done"
    }

    fn hears(&self) -> &'static [Kind] {
        &[Kind::NotKept, Kind::Ordered]
    }

    fn check(&mut self, moment: &Moment<'_>) -> Result<(), Broken> {
        match moment.happened {
            Happened::NotKept => {
                self.step = Some(moment.step);
                Ok(())
            }
            Happened::Ordered(action) => require(self.step != Some(moment.step), || {
                format!("{action} went out, and the journal did not take what decided it")
            }),
            Happened::Changed
            | Happened::Stepped { .. }
            | Happened::Answered { .. }
            | Happened::Repeated { .. }
            | Happened::Waiting(_)
            | Happened::Recorded(_)
            | Happened::Landed(_)
            | Happened::Beside { .. }
            | Happened::LandedBeside(_)
            | Happened::Replayed(..)
            | Happened::Overdue { .. } => Ok(()),
        }
    }
}
