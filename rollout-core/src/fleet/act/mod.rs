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
};
use super::tally::Tally;
use crate::{
    engine::{Effect, End, Space, Turn, View, Walk},
    id::{InstanceId, RevisionId},
    port::Making,
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
        Making::ByCount => count::scale(turn, view, space, tallies),
        Making::InPlace { .. } => place::replace(turn, view, space),
    }
}

/// The same where each instance is made and removed by name.
fn by_name(turn: &mut Turn<'_>, view: &View, space: Space, tallies: &BTreeMap<RevisionId, Tally>) {
    make::retire(turn, view);
    make::create(turn, view, space, tallies);
    let instances: Vec<InstanceId> = turn.state.roster.keys().cloned().collect();
    let (mut draining, mut exposed) = (Draining::default(), Exposed::default());
    for instance in &instances {
        let Some(entry) = turn.state.roster.get(instance).cloned() else { continue };
        if entry.is_terminating() {
            down::tear_down(turn, view, instance, &entry, &mut draining);
            let now = turn.state.roster.get(instance);
            if now.is_some_and(|now| now.may_get_more() != entry.may_get_more()) {
                exposed = Exposed::default();
            }
        } else {
            up::bring_up(turn, view, instance, &entry, &mut exposed);
        }
    }
    draining.say(turn);
    forget_strays(turn, view);
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
    let strays: Vec<InstanceId> = enrolments
        .what
        .instances
        .keys()
        .filter(|instance| !turn.state.roster.contains_key(*instance))
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
