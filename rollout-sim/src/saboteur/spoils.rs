//! Planted bugs that spoil decisions, each a function: the families of bugs that the museum has.
//!
//! In: a step of the engine. Out: the same with the bug. Absent: bugs that need more than the step, the
//! world and the ledger; those have files of their own.

use rollout_core::{
    engine::{Action, Cause, Change, Effect, End, Record, Route, Shares, Step},
    id::{ActionId, InstanceId, RevisionId},
    plan::StageGate,
    weight::Weight,
};

use super::{Saboteur, replace};
use crate::{ledger::Ledger, world::World};

/// What is done to a step.
type Spoil = fn(&mut Step, &World, &Ledger);

/// A planted bug that spoils decisions.
struct Spoils {
    name: &'static str,
    caught_by: &'static str,
    spoil: Spoil,
}

impl Saboteur for Spoils {
    fn name(&self) -> &'static str {
        self.name
    }

    fn caught_by(&self) -> &'static str {
        self.caught_by
    }

    fn step(&mut self, step: &mut Step, world: &World, ledger: &Ledger) {
        (self.spoil)(step, world, ledger);
    }
}

/// Every one of them.
pub(super) fn all() -> Vec<Box<dyn Saboteur>> {
    let table: [(&str, &str, Spoil); 12] = [
        ("makes one instance more", "P3 ceiling", makes_one_more),
        ("never turns back by itself", "L1 ends", never_turns_back),
        ("says that it is back before it is", "R4 abort ends at stable", back_too_soon),
        ("says that it is complete before it is", "R8 complete is complete", complete_too_soon),
        ("takes healthy ones on the way back", "R10 abort keeps stable", takes_stable),
        ("makes the failed revision the stable one", "R1 stable pointer", proves_the_failed),
        ("gives the candidate twice its share", "T3 exposure cap", doubles_the_share),
        ("shares out less than all of the traffic", "T1 conservation", loses_a_part),
        ("passes the gate of a hook without a run", "H1 hooks run once", passes_unasked),
        ("goes on past the gates of a stage", "G6 evidence is recorded", past_the_gates),
        ("attempts before it is written down", "C4 intent first", acts_first),
        (
            "keeps a failed candidate for ever",
            "R12 kept candidates get nothing and go",
            keeps_failed,
        ),
    ];
    let boxed = |(name, caught_by, spoil)| -> Box<dyn Saboteur> {
        Box::new(Spoils { name, caught_by, spoil })
    };
    table.into_iter().map(boxed).collect()
}

/// Numbers that the engine is not at yet.
const FAR: u64 = 1_000_000;

/// Adds an action, with its intent, beside one that is there.
fn beside(step: &mut Step, one: &Action, effect: Effect) {
    let id = ActionId(one.id.0 + FAR);
    let Some(last) = step.records.last() else {
        return;
    };
    let change = Change::Intended { id, effect: effect.clone() };
    step.records.push(Record { at: last.at, change });
    step.actions.push(Action { id, effect, ..one.clone() });
}

/// Adds a record after the first that is `wanted`.
fn after(step: &mut Step, wanted: fn(&Change) -> bool, change: impl FnOnce() -> Option<Change>) {
    let place = step.records.iter().position(|record| wanted(&record.change));
    if let Some(place) = place
        && let Some(change) = change()
    {
        let at = step.records[place].at;
        step.records.insert(place + 1, Record { at, change });
    }
}

const fn is_abort(change: &Change) -> bool {
    matches!(change, Change::Aborted { .. })
}

const fn is_proof(change: &Change) -> bool {
    matches!(change, Change::Proven { .. })
}

/// An operator that acts on an old list of pods.
fn makes_one_more(step: &mut Step, _: &World, ledger: &Ledger) {
    let is_create = |action: &&Action| matches!(action.effect, Effect::Create { .. });
    let Some(one) = step.actions.iter().find(is_create).cloned() else {
        return;
    };
    let Effect::Create { instance, revision } = &one.effect else {
        return;
    };
    let name = InstanceId::new(format!("{instance}-again"));
    if let (Ok(instance), false) = (name, ledger.first) {
        beside(step, &one, Effect::Create { instance, revision: revision.clone() });
    }
}

/// A deadline that has no effect.
fn never_turns_back(step: &mut Step, _: &World, _: &Ledger) {
    let by_itself = |record: &Record| matches!(&record.change, Change::Aborted { cause } if !matches!(cause, Cause::Ordered { .. }));
    if step.records.iter().any(by_itself) {
        step.records.clear();
        step.actions.clear();
        step.wake_at = None;
    }
}

fn back_too_soon(step: &mut Step, _: &World, ledger: &Ledger) {
    let is_back = ledger.stable.is_some();
    after(step, is_abort, || is_back.then_some(Change::Ended { end: End::RolledBack }));
}

fn complete_too_soon(step: &mut Step, _: &World, _: &Ledger) {
    after(step, is_proof, || Some(Change::Ended { end: End::Completed }));
}

/// An automatic rollback that kills what is well.
fn takes_stable(step: &mut Step, world: &World, ledger: &Ledger) {
    let stable = ledger.stable.as_ref();
    let is_well = |(name, one): &(&InstanceId, &crate::world::Instance)| {
        Some(&one.revision) == stable
            && one.serves(world.now())
            && one.is_enrolled()
            && !ledger.retired.contains_key(*name)
    };
    let victim = world.instances().iter().find(is_well).map(|(name, _)| name.clone());
    after(step, is_abort, || victim.map(|instance| Change::Retired { instance }));
}

fn proves_the_failed(step: &mut Step, _: &World, ledger: &Ledger) {
    let failed = ledger.candidate.clone().filter(|_| !ledger.first);
    after(step, is_abort, || failed.map(|revision| Change::Proven { revision }));
}

/// The weights of every route that is ordered, changed.
fn reweigh(step: &mut Step, change: impl Fn(&mut Shares)) {
    let routes = step.actions.iter().filter_map(|action| {
        let Effect::Route(Route::Weighted(shares)) = &action.effect else {
            return None;
        };
        Some((action.id, shares.clone()))
    });
    for (id, mut shares) in routes.collect::<Vec<_>>() {
        change(&mut shares);
        replace(step, id, &Effect::Route(Route::Weighted(shares)));
    }
}

fn doubles_the_share(step: &mut Step, _: &World, ledger: &Ledger) {
    let (Some(candidate), Some(stable)) = (&ledger.candidate, &ledger.stable) else {
        return;
    };
    reweigh(step, |shares| {
        let share = shares.weights.get(candidate).copied().unwrap_or(Weight::ZERO);
        if candidate != stable && !share.is_zero() {
            let twice = Weight::share(share.basis_points().saturating_mul(2), 10_000);
            shares.weights.insert(candidate.clone(), twice);
            shares.weights.insert(stable.clone(), twice.rest());
        }
    });
}

fn loses_a_part(step: &mut Step, _: &World, _: &Ledger) {
    reweigh(step, |shares| {
        let largest = shares.weights.iter().max_by_key(|(_, weight)| **weight);
        let largest: Option<RevisionId> = largest.map(|(revision, _)| revision.clone());
        if let Some(weight) = largest.and_then(|largest| shares.weights.get_mut(&largest)) {
            *weight = Weight::share(weight.basis_points().saturating_sub(100), 10_000);
        }
    });
}

/// The stage that a step reaches.
fn reached(step: &Step) -> Option<usize> {
    step.records.iter().find_map(|record| {
        if let Change::Reached { stage } = record.change { Some(stage) } else { None }
    })
}

/// A job that never ran, taken for one that went well.
fn passes_unasked(step: &mut Step, _: &World, ledger: &Ledger) {
    let Some(stage) = reached(step) else {
        return;
    };
    let stages = ledger.plan.as_ref().map_or(&[][..], |plan| &plan.stages);
    let first = stages.get(stage).and_then(|stage| stage.gates.first());
    if matches!(first, Some(StageGate::Hook(_))) {
        let passed = Change::Passed { stage, gate: 0, by: None, why: None };
        after(step, |change| matches!(change, Change::Reached { .. }), || Some(passed));
    }
}

fn past_the_gates(step: &mut Step, _: &World, ledger: &Ledger) {
    let stages = ledger.plan.as_ref().map_or(&[][..], |plan| &plan.stages);
    let Some(stage) = reached(step).filter(|stage| stage + 1 < stages.len()) else {
        return;
    };
    if !stages[stage].gates.is_empty() {
        let entered = Change::Entered { stage: stage + 1 };
        after(step, |change| matches!(change, Change::Reached { .. }), || Some(entered));
    }
}

fn acts_first(step: &mut Step, _: &World, _: &Ledger) {
    let unwritten = |record: &Record| {
        matches!(&record.change, Change::Intended { effect: Effect::Create { .. }, .. })
    };
    step.records.retain(|record| !unwritten(record));
}

fn keeps_failed(step: &mut Step, _: &World, ledger: &Ledger) {
    if ledger.end == Some(End::RolledBack) {
        step.records.clear();
        step.actions.clear();
        step.wake_at = None;
    }
}
