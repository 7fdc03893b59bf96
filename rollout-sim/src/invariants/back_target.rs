//! R2: on the way back only the stable revision's share rises, and only while it serves or nobody else does.

use rollout_core::{
    engine::{Effect, Route, Shares},
    id::RevisionId,
    weight::Weight,
};

use super::{Broken, Happened, Invariant, Kind, Moment, require};

pub(super) struct BackTarget;

impl Invariant for BackTarget {
    fn name(&self) -> &'static str {
        "R2 target of the way back"
    }

    fn hears(&self) -> &'static [Kind] {
        &[Kind::Ordered]
    }

    fn check(&mut self, moment: &Moment<'_>) -> Result<(), Broken> {
        let Happened::Ordered(action) = moment.happened else {
            return Ok(());
        };
        let ledger = moment.ledger;
        is_kept_apart(moment, &action.effect)?;
        let (Effect::Route(Route::Weighted(Shares { weights, .. })), Some(_), None, Some(stable)) =
            (&action.effect, ledger.aborted, &ledger.end, &ledger.stable)
        else {
            return Ok(());
        };
        for (revision, weight) in weights {
            let in_force = moment.world.route().into_iter();
            let in_doubt = ledger.routes_in_doubt.iter().filter(|(id, _)| *id != action.id);
            // What was ordered before may come into force yet: less than that is no rise.
            let most = in_force
                .chain(in_doubt.map(|(_, route)| route))
                .map(|route| share_of(moment, route, revision))
                .max();
            if weight.is_zero() || most.is_some_and(|most| !moment.world.is_rise(most, *weight)) {
                continue;
            }
            let serving = moment.tally.of(revision).map_or(0, |one| one.enrolled);
            let unseen = moment.world.unseen(moment.step, Some(revision));
            let is_alone = moment.world.others_serving(moment.step, revision) == 0;
            require((revision == stable && 0 < serving + unseen) || is_alone, || {
                format!("{action} on the way back to {stable}; {serving} of {revision} serve")
            })?;
        }
        Ok(())
    }
}

/// What a route gives a revision; where it follows the replicas, what its instances make of all.
fn share_of(moment: &Moment<'_>, route: &Route, revision: &RevisionId) -> Weight {
    route.weight_of(revision).unwrap_or_else(|| {
        let enrolled = |id| moment.tally.of(id).map_or(0, |one| one.enrolled);
        let all = [&moment.ledger.stable, &moment.ledger.candidate];
        Weight::share(enrolled(revision), all.into_iter().flatten().map(enrolled).sum())
    })
}

/// Where the candidate has no share, none comes by replicas either.
fn is_kept_apart(moment: &Moment<'_>, effect: &Effect) -> Result<(), Broken> {
    let ledger = moment.ledger;
    let (Effect::Route(Route::ByReplicas), Some(_), None, Some(candidate)) =
        (effect, ledger.aborted, &ledger.end, &ledger.candidate)
    else {
        return Ok(());
    };
    let share = moment.world.route().and_then(|route| route.weight_of(candidate));
    let has_none = matches!(moment.world.route(), Some(Route::Weighted(_)))
        && share.is_none_or(|share| share.is_zero());
    let serving = moment.tally.of(candidate).map_or(0, |one| one.enrolled);
    let is_alone = moment.world.others_serving(moment.step, candidate) == 0;
    require(!has_none || serving == 0 || is_alone || ledger.first, || {
        format!("the route goes by replicas on the way back, and {serving} of {candidate} serve")
    })
}
