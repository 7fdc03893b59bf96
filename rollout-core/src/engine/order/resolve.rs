//! The order `resolve`: the way out of the end that needs an operator.

use super::{phase_of, queue, revision::resized};
use crate::{
    engine::{
        event::OrderRefused,
        phase::idle,
        record::{Change, End, Purpose, Resolution},
        state::{Queued, Walk},
        turn::Turn,
        view::View,
    },
    fleet,
    id::RevisionId,
};

pub(super) fn resolve(
    turn: &mut Turn<'_>,
    view: &View,
    how: Resolution,
    by: String,
    why: Option<String>,
) -> Result<(), OrderRefused> {
    let nothing = OrderRefused::NothingToResolve { phase: phase_of(turn) };
    let Some(rollout) = turn.state.rollout.clone() else { return Err(nothing) };
    if !matches!(rollout.walk, Walk::Ended(End::NeedsOperator { .. })) {
        return Err(nothing);
    }
    match how {
        Resolution::GoOn => {
            turn.record(Change::Resolved { how, by, why });
            Ok(())
        }
        Resolution::Adopt { revision } => {
            let id = match revision {
                Some(id) => id,
                None => serves_most(turn, view).ok_or(OrderRefused::NothingServes)?,
            };
            let Some(pool) = turn.state.pools.get(&id) else {
                let known = turn.state.pools.keys().map(ToString::to_string).collect();
                return Err(OrderRefused::UnknownRevision { revision: id.to_string(), known });
            };
            let revision = pool.revision.clone();
            let spec = pool.spec.clone().unwrap_or_else(|| rollout.spec.clone());
            let spec = resized(&spec, rollout.plan.desired)?;
            idle::plan_for(turn, Purpose::Adopt, &id, &spec)?;
            let how = Resolution::Adopt { revision: Some(id) };
            turn.record(Change::Resolved { how, by: by.clone(), why: why.clone() });
            queue(turn, Queued { revision, spec, by, why, purpose: Purpose::Adopt });
            Ok(())
        }
    }
}

/// The revision with the most serving instances, if any serves; of two with as many, the stable one, or the
/// first by name.
fn serves_most(turn: &Turn<'_>, view: &View) -> Option<RevisionId> {
    let tallies = fleet::tally(turn.now, turn.setup, &turn.state, view);
    let stable = turn.state.stable.as_ref().map(|stable| &stable.id);
    tallies
        .iter()
        .filter(|(_, tally)| 0 < tally.able())
        .max_by_key(|(id, tally)| {
            (tally.able(), Some(*id) == stable, std::cmp::Reverse((*id).clone()))
        })
        .map(|(id, _)| id.clone())
}
