//! P1 Floor: no action of the engine takes the serving instances from at least N − U to fewer.
//! P2 No worsening: below N − U no action takes a serving instance away.
//!
//! The exact form under failures that nobody could have seen: they are subtracted. An instance that the
//! environment had harmed before may be taken out even if it has recovered meanwhile, and one that gets
//! traffic by itself even if it has begun to serve meanwhile.

use rollout_core::{engine::Effect, id::RevisionId};

use super::{Broken, Happened, Invariant, Kind, Landing, Moment};

pub(super) struct Floor;

pub(super) struct NoWorsening;

impl Invariant for Floor {
    fn name(&self) -> &'static str {
        "P1 floor"
    }

    fn hears(&self) -> &'static [Kind] {
        &[Kind::Landed]
    }

    fn check(&mut self, moment: &Moment<'_>) -> Result<(), Broken> {
        match taken(moment) {
            Some(taken) if taken.floor <= taken.before => Err(taken.broken()),
            Some(_) | None => Ok(()),
        }
    }
}

impl Invariant for NoWorsening {
    fn name(&self) -> &'static str {
        "P2 no worsening"
    }

    fn hears(&self) -> &'static [Kind] {
        &[Kind::Landed]
    }

    fn check(&mut self, moment: &Moment<'_>) -> Result<(), Broken> {
        match taken(moment) {
            Some(taken) if taken.before < taken.floor => Err(taken.broken()),
            Some(_) | None => Ok(()),
        }
    }
}

/// Serving instances that an action took away, though fewer than the floor are left.
struct Taken<'a> {
    landing: &'a Landing<'a>,
    before: u64,
    after: u64,
    floor: u64,
    unseen: u64,
}

impl Taken<'_> {
    fn broken(&self) -> Broken {
        let Self { landing, before, after, floor, unseen } = self;
        Broken(format!(
            "{} takes the serving instances from {before} to {after}; the floor is {floor}, {unseen} failures could not be seen",
            landing.action
        ))
    }
}

/// What the action that has just landed took away against the floor, if it did.
fn taken<'a>(moment: &Moment<'a>) -> Option<Taken<'a>> {
    let Happened::Landed(landing) = moment.happened else { return None };
    let (after, before) = (moment.tally.capacity(), moment.before.capacity());
    let floor = within_places(moment, landing.terms.least(moment.ledger));
    if before <= after || floor <= after {
        return None;
    }
    let instance = landing.action.effect.instance();
    let step = landing.terms.step;
    let is_unknown = |name| moment.world.was_harmed(name) || moment.world.serves_unseen(step, name);
    if instance.is_some_and(is_unknown) {
        return None;
    }
    // Which ones of a pool go is the orchestrator's choice, and a route leaves a whole revision out:
    // those that came, or came back, since it was ordered may be among them.
    let chooses = matches!(
        landing.action.effect,
        Effect::Scale { .. } | Effect::Divide(_) | Effect::Route(_)
    );
    if chooses && landing.terms.capacity <= after {
        return None;
    }
    if before < floor && matches!(landing.action.effect, Effect::Route(_)) {
        return None; // Below the floor already: the route goes where capacity is.
    }
    if is_of_a_route_lost(moment, landing) {
        return None;
    }
    // Whom nobody knew to serve nobody counted on.
    let cut = moment.world.cut_short().iter().filter(|cut| cut.by == landing.action.id);
    let by_name = cut.filter(|cut| moment.world.serves_unseen(step, &cut.instance)).count();
    let shown = landing.terms.shown;
    let by_count = if let Effect::Scale { revision, .. } = &landing.action.effect {
        moment.world.pools().get(revision).map_or(0, |pool| pool.cut_after(shown))
    } else {
        0
    };
    let unknown = by_name as u64 + by_count + left_out(moment, landing);
    if before <= after + unknown {
        return None;
    }
    let unseen = moment.world.unseen(step, None) + unknown;
    let is_below = after + unseen < floor;
    is_below.then_some(Taken { landing, before, after, floor, unseen })
}

/// Serving instances of revisions that a route leaves out, which its engine had to take for harmed still.
fn left_out(moment: &Moment<'_>, landing: &Landing<'_>) -> u64 {
    let Effect::Route(route) = &landing.action.effect else { return 0 };
    let is_out = |id: &RevisionId| route.weight_of(id).is_some_and(|weight| weight.is_zero());
    let world = moment.world;
    let left_out = world.instances().iter().filter(|(name, one)| {
        one.serves(moment.now)
            && is_out(&one.revision)
            && world.is_thought_harmed(landing.terms.step, name)
    });
    left_out.count() as u64
}

/// Whether a pool gets something only because its load balancer started anew and forgot the route, by which it is
/// to get nothing. Pools whose instances are enrolled one by one have that noted as harm.
fn is_of_a_route_lost(moment: &Moment<'_>, landing: &Landing<'_>) -> bool {
    let Effect::Scale { revision, .. } = &landing.action.effect else { return false };
    let known = moment.ledger.route.as_ref();
    let gets = known.and_then(|route| route.weight_of(revision)).is_none_or(|it| !it.is_zero());
    moment.world.route().is_none()
        && moment.world.traffic().load_balancer_lost()
        && !gets
        && moment.ledger.routes_in_doubt.is_empty()
}

/// The floor, as far as there are places: on the way back from another number of them each has its turn first.
fn within_places(moment: &Moment<'_>, floor: u64) -> u64 {
    let missing = moment.ledger.desired().saturating_sub(floor);
    let places = moment.world.place_count();
    places.map_or(floor, |places| floor.min(places.saturating_sub(missing)))
}
