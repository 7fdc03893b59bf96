//! P1 Floor: no action of the engine takes the serving instances from at least N − U to fewer.
//!
//! The exact form under failures that nobody could have seen: they are subtracted. An instance that the
//! environment had harmed before may be taken out even if it has recovered meanwhile, and one that gets
//! traffic by itself even if it has begun to serve meanwhile.

use rollout_core::engine::Effect;

use super::{Broken, Happened, Invariant, Moment, require};

pub(super) struct Floor;

impl Invariant for Floor {
    fn name(&self) -> &'static str {
        "P1 floor"
    }

    fn check(&mut self, moment: &Moment<'_>) -> Result<(), Broken> {
        let Happened::Landed(landing) = moment.happened else {
            return Ok(());
        };
        let (after, before) = (moment.tally.capacity(), moment.before.capacity());
        if before <= after {
            return Ok(());
        }
        let instance = landing.action.effect.instance();
        let step = landing.terms.step;
        let is_unknown =
            |name| moment.world.was_harmed(name) || moment.world.serves_unseen(step, name);
        if instance.is_some_and(is_unknown) {
            return Ok(());
        }
        let unseen = moment.world.unseen(step, None);
        let floor = landing.terms.least(moment.ledger);
        // Which ones of a pool go is the orchestrator's choice, and a route leaves a whole revision out:
        // those that came, or came back, since it was ordered may be among them.
        let chooses = matches!(
            landing.action.effect,
            Effect::Scale { .. } | Effect::Divide(_) | Effect::Route(_)
        );
        if chooses && landing.terms.capacity <= after {
            return Ok(());
        }
        if before < floor && matches!(landing.action.effect, Effect::Route(_)) {
            return Ok(()); // Below the floor already: the route goes where capacity is.
        }
        require(floor <= after + unseen, || {
            format!(
                "{} takes the serving instances from {before} to {after}; the floor is {floor}, {unseen} failures could not be seen",
                landing.action
            )
        })
    }
}
