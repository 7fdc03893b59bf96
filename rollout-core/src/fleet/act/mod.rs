//! The next action in the life of each instance.
//!
//! In: targets and the last snapshots. Out: actions, one for each subject at a time. Absent: how many there
//! should be.

mod count;
mod down;
mod leave;
mod make;
mod place;
mod up;

use std::collections::BTreeMap;

use self::{down::Draining, up::Exposed};
pub(crate) use self::{
    leave::has_drained,
    place::{may_divide, may_size},
    up::may_enrol,
};
use super::{instance::Instance, tally::Tally};
use crate::{
    ascending::Ascending,
    engine::{Effect, End, Glance, Space, Turn, View, Walk},
    id::{InstanceId, RevisionId},
    port::Making,
    time::Timestamp,
};

/// Brings every pool to its target and every instance one action further.
pub(crate) fn act(
    turn: &mut Turn<'_>,
    view: &View,
    space: Space,
    tallies: &BTreeMap<RevisionId, Tally>,
) {
    match turn.setup.capabilities.making {
        Making::ByName => by_name(turn, view, space, tallies),
        Making::ByCount => count::scale(turn, view, space),
        Making::InPlace { .. } => place::replace(turn, view, space),
    }
}

/// What is to be done next with one instance.
enum Next {
    /// It is to go: one action further on its way down.
    Down,
    Start,
    Enrol,
    Drain,
    /// Nothing before this time.
    Wait(Timestamp),
}

/// One instance that something is to be done with.
struct Due<'a> {
    instance: InstanceId,
    entry: Instance,
    glance: Glance<'a>,
    next: Next,
}

/// The same where each instance is made and removed by name.
fn by_name(turn: &mut Turn<'_>, view: &View, space: Space, tallies: &BTreeMap<RevisionId, Tally>) {
    make::retire(turn, view);
    make::create(turn, view, space, tallies);
    let (mut draining, mut exposed) = (Draining::default(), Exposed::default());
    for Due { instance, entry, glance, next } in due(turn, view) {
        match next {
            Next::Down => {
                down::tear_down(turn, &glance, &instance, &entry, &mut draining);
                if let Some(now) = turn.state.roster.get(&instance) {
                    exposed.changed(&entry, now);
                }
            }
            Next::Start => turn.intend(Effect::Start { instance }),
            Next::Enrol => up::enrol(turn, &glance, &instance, &entry, &mut exposed),
            Next::Drain => turn.intend(Effect::Drain { instance }),
            Next::Wait(until) => turn.wake(until),
        }
    }
    draining.say(turn);
    forget_strays(turn, view);
}

/// The instances that something is to be done with. What is done with one makes none of the others due.
fn due<'a>(turn: &Turn<'_>, view: &'a View) -> Vec<Due<'a>> {
    let mut glances = view.glances();
    let one = |(instance, entry): (&InstanceId, &Instance)| {
        let glance = glances.of(instance);
        let next =
            if entry.is_terminating() { Next::Down } else { up::next(turn, &glance, entry)? };
        Some(Due { instance: instance.clone(), entry: entry.clone(), glance, next })
    };
    turn.state.roster.iter().filter_map(one).collect()
}

/// Whether a revision is a candidate that was given up: what is kept of it is not made anew.
fn is_given_up(turn: &Turn<'_>, revision: &RevisionId) -> bool {
    turn.state.rollout.as_ref().is_some_and(|rollout| {
        let is_back = matches!(rollout.walk, Walk::Reverting | Walk::Ended(End::RolledBack));
        is_back && rollout.from.is_some() && rollout.candidate.id == *revision
    })
}

/// Takes instances out of the load balancer that exist nowhere else.
fn forget_strays(turn: &mut Turn<'_>, view: &View) {
    let (Some(enrolments), Some(inventory)) = (&view.enrolments, &view.inventory) else { return };
    let mut roster = Ascending::new(&turn.state.roster);
    let strays: Vec<InstanceId> = enrolments
        .what
        .instances
        .keys()
        .filter(|instance| roster.get(instance).is_none())
        .filter(|instance| !inventory.what.instances.contains_key(*instance))
        .filter(|instance| {
            !turn.state.pending.values().any(|effect| effect.instance() == Some(*instance))
        })
        .filter(|instance| view.is_enrolled(instance).is_some())
        .cloned()
        .collect();
    debug_assert!(strays.is_empty() || turn.setup.capabilities.enrolment.is_some());
    for instance in strays {
        turn.intend(Effect::Detach { instance });
    }
}
