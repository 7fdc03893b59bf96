//! R11: the history of proven revisions holds stable, names nothing twice, and keeps to its limit.

use std::collections::BTreeSet;

use super::{Broken, Happened, Invariant, Kind, Moment, Question, require};

pub(super) struct History;

impl Invariant for History {
    fn name(&self) -> &'static str {
        "R11 history keeps stable"
    }

    fn hears(&self) -> &'static [Kind] {
        &[Kind::Replayed]
    }

    fn asks(&self) -> Option<Question> {
        Some(Question::Replay)
    }

    fn check(&mut self, moment: &Moment<'_>) -> Result<(), Broken> {
        let Happened::Replayed(status, _) = moment.happened else {
            return Ok(());
        };
        let names: Vec<String> =
            status.history.iter().map(|proven| proven.revision.to_string()).collect();
        let Some(stable) = &status.stable else {
            return require(names.is_empty(), || format!("{names:?} are proven, none is stable"));
        };
        require(names.contains(&stable.to_string()), || {
            format!("stable {stable} is not among {names:?}")
        })?;
        let unique: BTreeSet<&String> = names.iter().collect();
        require(unique.len() == names.len(), || format!("{names:?} names one twice"))?;
        // The limit counts when a revision is proven: one that was adopted knows none.
        let limit = moment.ledger.history_limit;
        require(limit.is_none_or(|limit| names.len() as u64 <= limit), || {
            format!("{names:?} are more than {limit:?}")
        })
    }
}
