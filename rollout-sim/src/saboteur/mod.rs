//! Saboteurs: planted bugs, each to be caught by a named invariant.
//!
//! A saboteur sits between the engine and the world and spoils what passes. The tests show that the
//! promise which names it notices: a harness that finds nothing proves nothing.

mod aborts_without_traffic;
mod acts_on_the_unkept;
mod degrades_all;
mod detaches_at_once;
mod divides_before_the_drain;
mod divides_too_far;
mod fences_late;
mod forgets_history;
mod forgets_record;
mod ignores_epoch;
mod ignores_halt;
mod lands_an_old_route;
mod mirrors_early;
mod passes_on_too_little;
mod proves_early;
mod raises_route_early;
mod resizes_to_the_end;
mod reuses_id;
mod runs_twice;
mod sees_an_old_fleet;
mod shows_the_dead;
mod skips_drain;
mod skips_silently;
mod spoils;
mod steps_in_a_freeze;
mod stops_one_more;
mod swallows_answers;
mod takes_a_tag_anew;
mod takes_blind_for_empty;
mod times_out_while_paused;
mod touches_foreign;
mod trusts_the_clock;
mod trusts_unhealthy;
mod turns_undo_back;
mod wakes_always;

use rollout_core::{
    engine::{Action, Change, Effect, Event, Record, Status, Step},
    id::ActionId,
};

use crate::{ledger::Ledger, world::World};

/// A planted bug.
pub trait Saboteur {
    /// What it does, for people.
    fn name(&self) -> &'static str;

    /// The invariant that must catch it.
    fn caught_by(&self) -> &'static str;

    /// Spoils the world before it begins.
    fn open(&mut self, _world: &mut World) {}

    /// Spoils a fact before the engine hears it; `None` keeps it from the engine.
    fn event(&mut self, event: Event) -> Option<Event> {
        Some(event)
    }

    /// Spoils a decision before anything comes of it.
    fn step(&mut self, _step: &mut Step, _world: &World, _ledger: &Ledger) {}

    /// Spoils what was appended to the journal, from the record at `from` on.
    fn journal(&mut self, _journal: &mut Vec<Record>, _from: usize) {}

    /// Spoils what the engine tells of itself.
    fn tell(&mut self, _status: &mut Status) {}

    /// Whether the driver goes no further where the journal failed.
    fn minds_the_journal(&self) -> bool {
        true
    }

    /// Whether the driver begins no engine's time before the last record.
    fn minds_the_clock(&self) -> bool {
        true
    }

    /// Spoils an attempt before it reaches the world.
    fn land(&mut self, _action: &mut Action) {}
}

/// Every planted bug, fresh.
#[must_use]
pub fn all() -> Vec<Box<dyn Saboteur>> {
    let mut all: Vec<Box<dyn Saboteur>> = vec![
        Box::new(skips_drain::SkipsDrain),
        Box::new(stops_one_more::StopsOneMore::default()),
        Box::new(raises_route_early::RaisesRouteEarly::default()),
        Box::new(forgets_record::ForgetsRecord),
        Box::new(reuses_id::ReusesId::default()),
        Box::new(ignores_epoch::IgnoresEpoch),
        Box::new(proves_early::ProvesEarly::default()),
        Box::new(wakes_always::WakesAlways),
        Box::new(swallows_answers::SwallowsAnswers),
        Box::new(degrades_all::DegradesAll),
        Box::new(ignores_halt::IgnoresHalt::default()),
        Box::new(mirrors_early::MirrorsEarly::default()),
        Box::new(resizes_to_the_end::ResizesToTheEnd),
        Box::new(runs_twice::RunsTwice::default()),
        Box::new(skips_silently::SkipsSilently),
        Box::new(steps_in_a_freeze::StepsInAFreeze::default()),
        Box::new(turns_undo_back::TurnsUndoBack::default()),
        Box::new(detaches_at_once::DetachesAtOnce),
        Box::new(trusts_unhealthy::TrustsUnhealthy),
        Box::new(lands_an_old_route::LandsAnOldRoute::default()),
        Box::new(sees_an_old_fleet::SeesAnOldFleet::default()),
        Box::new(takes_blind_for_empty::TakesBlindForEmpty::default()),
        Box::new(forgets_history::ForgetsHistory),
        Box::new(divides_too_far::DividesTooFar),
        Box::new(divides_before_the_drain::DividesBeforeTheDrain::default()),
        Box::new(aborts_without_traffic::AbortsWithoutTraffic),
        Box::new(passes_on_too_little::PassesOnTooLittle),
        Box::new(takes_a_tag_anew::TakesATagAnew::default()),
        Box::new(times_out_while_paused::TimesOutWhilePaused::default()),
        Box::new(touches_foreign::TouchesForeign::default()),
        Box::new(fences_late::FencesLate),
        Box::new(trusts_the_clock::TrustsTheClock),
        Box::new(shows_the_dead::ShowsTheDead::default()),
        Box::new(acts_on_the_unkept::ActsOnTheUnkept),
    ];
    all.extend(spoils::all());
    all
}

/// Puts another effect in the place of an action's own, in the journal and on its way out alike.
fn replace(step: &mut Step, id: ActionId, effect: &Effect) {
    for record in &mut step.records {
        if let Change::Intended { id: one, effect: old } = &mut record.change
            && *one == id
        {
            old.clone_from(effect);
        }
    }
    for action in step.actions.iter_mut().filter(|action| action.id == id) {
        action.effect.clone_from(effect);
    }
}
