//! F5: one attempt is active; a later one begins when the one before has ended or has given way. What goes
//! out is of the attempt that intended it, or repeated for the one under way.

use std::collections::BTreeMap;

use rollout_core::{
    engine::Change,
    id::{ActionId, Attempt},
};

use super::{Broken, Happened, Invariant, Kind, Moment, require};

#[derive(Default)]
pub(super) struct OneAttempt {
    /// The attempt that intended each action that may go out yet.
    intended: BTreeMap<ActionId, Attempt>,
}

impl Invariant for OneAttempt {
    fn name(&self) -> &'static str {
        "F5 one attempt"
    }

    fn hears(&self) -> &'static [Kind] {
        &[Kind::Ordered, Kind::Recorded]
    }

    fn check(&mut self, moment: &Moment<'_>) -> Result<(), Broken> {
        let ledger = moment.ledger;
        if let Happened::Ordered(action) = moment.happened {
            let of = self.intended.get(&action.id).copied().unwrap_or(ledger.attempt);
            // What is attempted again goes on for the attempt under way.
            return require([of, ledger.attempt].contains(&action.attempt), || {
                format!("{action} of {} goes out; {of} intended it", action.attempt)
            });
        }
        let Happened::Recorded(record) = moment.happened else {
            return Ok(());
        };
        #[expect(clippy::wildcard_enum_match_arm, reason = "these records alone begin and end one")]
        match &record.change {
            Change::Intended { id, .. } => {
                self.intended.insert(*id, ledger.attempt);
                Ok(())
            }
            Change::Settled { id, .. } => {
                self.intended.remove(id);
                Ok(())
            }
            Change::Submitted { attempt, .. } => {
                // Whoever is proven has only its standby left, which gives way.
                let is_over = ledger.end.is_some() || ledger.aborted.is_some() || ledger.proven;
                let is_free = ledger.attempt == Attempt(0) || is_over;
                require(is_free && *attempt == ledger.attempt.next(), || {
                    format!("{attempt} begins while {} is {}", ledger.attempt, ledger.phase())
                })
            }
            _ => Ok(()),
        }
    }
}
