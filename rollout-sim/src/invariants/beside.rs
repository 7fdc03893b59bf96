//! T6: what goes to a revision beside its share, matched or copied, needs an instance that serves it: it is
//! set only onto one, and the last one is not taken away while the route sends there.

use rollout_core::engine::{Action, Effect, Route};

use super::{Broken, Happened, Invariant, Kind, Landing, Moment, require};
use crate::world::Tally;

pub(super) struct Beside;

impl Invariant for Beside {
    fn name(&self) -> &'static str {
        "T6 mirrors and matches are backed"
    }

    fn hears(&self) -> &'static [Kind] {
        &[Kind::Ordered, Kind::Landed]
    }

    fn check(&mut self, moment: &Moment<'_>) -> Result<(), Broken> {
        match moment.happened {
            Happened::Ordered(action) => is_backed(moment, action),
            Happened::Landed(landing) => keeps_one(moment, landing),
            Happened::Changed
            | Happened::Stepped { .. }
            | Happened::Answered { .. }
            | Happened::Repeated { .. }
            | Happened::Waiting(_)
            | Happened::Recorded(_)
            | Happened::NotKept
            | Happened::Beside { .. }
            | Happened::LandedBeside(_)
            | Happened::Replayed(..)
            | Happened::Overdue { .. } => Ok(()),
        }
    }
}

/// Instances that serve what a route sends beside its shares; `None`: it sends nothing.
fn serving(tally: &Tally, route: &Route) -> Option<u64> {
    match route {
        Route::Weighted(shares) => shares
            .trial
            .as_ref()
            .filter(|trial| trial.rules.sends())
            .map(|trial| tally.of(&trial.revision).map_or(0, |one| one.enrolled)),
        Route::ByReplicas | Route::Empty => None,
    }
}

/// What is to be sent beside the shares is served, or goes there already.
fn is_backed(moment: &Moment<'_>, action: &Action) -> Result<(), Broken> {
    let Effect::Route(route) = &action.effect else {
        return Ok(());
    };
    let before = moment.world.route();
    let goes_there = before.is_some_and(|before| {
        matches!(route, Route::Weighted(shares) if shares
            .trial
            .as_ref()
            .is_some_and(|trial| before.sends_beside(&trial.revision)))
    });
    // Set again as it was, for instances that came since.
    let is_again = moment.ledger.route.as_ref() == Some(route);
    let unseen = moment.world.unseen(moment.step, None);
    let backed = serving(moment.tally, route).is_none_or(|count| 0 < count + unseen);
    require(backed || goes_there || is_again, || format!("{action}, and no instance serves it"))
}

/// The last instance behind what is sent beside the shares stays.
fn keeps_one(moment: &Moment<'_>, landing: &Landing<'_>) -> Result<(), Broken> {
    let takes = matches!(
        landing.action.effect,
        Effect::Drain { .. }
            | Effect::Detach { .. }
            | Effect::Stop { .. }
            | Effect::Remove { .. }
            | Effect::Scale { .. }
            | Effect::Divide(_)
    );
    let Some(route) = moment.world.route().filter(|_| takes) else {
        return Ok(());
    };
    let instance = landing.action.effect.instance();
    if instance.is_some_and(|name| moment.world.was_harmed(name)) {
        return Ok(());
    }
    let (before, after) = (serving(moment.before, route), serving(moment.tally, route));
    let unseen = moment.world.unseen(landing.terms.step, None);
    require(before <= after || after.is_none_or(|left| 0 < left + unseen), || {
        format!("{} takes the last instance behind {route}", landing.action)
    })
}
