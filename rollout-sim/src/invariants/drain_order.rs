//! P5 Drain order: an instance is stopped only after nothing new was sent to it, and what was in flight
//! has ended or the drain deadline has passed.

use rollout_core::{
    engine::{Effect, EnrolState},
    id::InstanceId,
};

use super::{Broken, Happened, Invariant, Kind, Landing, Moment, Terms, require};
use crate::world::Condition;

pub(super) struct DrainOrder;

impl Invariant for DrainOrder {
    fn name(&self) -> &'static str {
        "P5 drain order"
    }

    fn hears(&self) -> &'static [Kind] {
        &[Kind::Landed]
    }

    fn check(&mut self, moment: &Moment<'_>) -> Result<(), Broken> {
        let Happened::Landed(landing) = moment.happened else {
            return Ok(());
        };
        let mut cut = moment.world.cut_short().iter();
        let by = landing.action.id;
        if let Some(cut) = cut.find(|cut| cut.by == by && landing.receipt.effective) {
            let is_short = moment.is_ahead && cut.drained_for.is_some();
            let is_excused = is_excused(moment, landing.terms, &cut.instance)
                || came_since(moment, landing, &cut.instance);
            require(is_short || is_excused, || {
                format!(
                    "{} ends {}, drained for {:?} ms",
                    landing.action, cut.instance, cut.drained_for
                )
            })?;
        }
        let (Effect::Stop { .. }, Some(target)) = (&landing.action.effect, landing.target) else {
            return Ok(());
        };
        if target.condition != Condition::Running || !landing.receipt.effective {
            return Ok(());
        }
        let Some(server) = target.server else {
            return Ok(());
        };
        require(server.state == EnrolState::Draining, || {
            format!("{} though the load balancer still sends to it", landing.action)
        })?;
        let waited = moment.now.saturating_sub(server.drained);
        let deadline = moment.world.config().drain_deadline;
        let bound = moment.world.drain_bound().as_millis();
        let in_flight = target.in_flight;
        let over = in_flight == 0 || !target.served || deadline <= waited;
        require(moment.is_ahead || (over && bound.min(deadline) <= waited), || {
            format!(
                "{} after {waited} ms of drain with {in_flight} requests in flight; the deadline is {deadline} ms, the drain is sure after {bound} ms",
                landing.action
            )
        })
    }
}

/// Whether an instance came to its place only after it was ordered how the places are divided: by an order before
/// that one, which it replaced and which landed late. Both were under way then, so nobody could drain it.
fn came_since(moment: &Moment<'_>, landing: &Landing<'_>, name: &InstanceId) -> bool {
    matches!(landing.action.effect, Effect::Divide(_))
        && moment.world.instance(name).is_some_and(|one| landing.terms.at < one.started)
}

/// Whether an engine could not help that an instance went undrained: it could not know that it serves, or
/// that another one of its revision had gone by itself, and that this one went in its place.
fn is_excused(moment: &Moment<'_>, terms: Terms, name: &InstanceId) -> bool {
    let Some(instance) = moment.world.instance(name) else {
        return false;
    };
    let was_there = instance.started <= terms.at;
    let mut replaced = moment.world.replaced_unseen(terms.step);
    (was_there && moment.world.serves_unseen(terms.step, name))
        || replaced.any(|(_, other)| other.revision == instance.revision)
}
