//! R3: at most two revisions receive traffic, at most three are live.

use super::{Broken, Happened, Invariant, Kind, Moment, require};

pub(super) struct TwoRevisions;

impl Invariant for TwoRevisions {
    fn name(&self) -> &'static str {
        "R3 two revisions in traffic"
    }

    fn hears(&self) -> &'static [Kind] {
        &[Kind::Landed]
    }

    fn check(&mut self, moment: &Moment<'_>) -> Result<(), Broken> {
        let Happened::Landed(landing) = moment.happened else {
            return Ok(());
        };
        let revisions = &moment.tally.revisions;
        let exposed = revisions.iter().filter(|one| 0 < one.exposed).count();
        let live = revisions.iter().filter(|one| 0 < one.live).count();
        require(exposed <= 2 && live <= 3, || {
            format!(
                "after {} there are {exposed} revisions in traffic (limit 2), {live} live (limit 3)",
                landing.action
            )
        })
    }
}
