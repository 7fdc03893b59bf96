//! A driver that goes on though the journal did not take what was decided.

use super::Saboteur;

pub(super) struct ActsOnTheUnkept;

impl Saboteur for ActsOnTheUnkept {
    fn name(&self) -> &'static str {
        "goes on though the journal failed"
    }

    fn caught_by(&self) -> &'static str {
        "C7 what is not kept is not done"
    }

    fn minds_the_journal(&self) -> bool {
        false
    }
}
