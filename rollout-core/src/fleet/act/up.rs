//! The way up of one instance: started, enrolled, drained when it is of no use.

use std::collections::BTreeMap;

use super::{Next, is_given_up};
use crate::{
    engine::{Admission, Effect, Glance, Route, Turn},
    fleet::{
        instance::{Instance, Made, Standby, Traffic},
        tally::{Condition, condition},
    },
    id::{InstanceId, RevisionId},
};

/// Instances that the load balancer may send something new, by revision; revisions that it knows, and sends
/// nothing new, have none. Counted once for a whole call, and only if somebody is to be enrolled.
#[derive(Default)]
pub(super) struct Exposed(Option<BTreeMap<RevisionId, u64>>);

impl Exposed {
    fn counted(&mut self, turn: &Turn<'_>) -> &mut BTreeMap<RevisionId, u64> {
        self.0.get_or_insert_with(|| {
            let mut exposed = BTreeMap::new();
            for entry in turn.state.roster.values().filter(|it| it.traffic != Traffic::Out) {
                // Looked up before it is cloned: there are few revisions and many instances.
                if let Some(count) = exposed.get_mut(&entry.revision) {
                    *count += u64::from(entry.may_get_more());
                } else {
                    exposed.insert(entry.revision.clone(), u64::from(entry.may_get_more()));
                }
            }
            exposed
        })
    }

    /// Takes note that an instance on its way down may get something again, or may not any more.
    pub(super) fn changed(&mut self, before: &Instance, after: &Instance) {
        let count = self.0.as_mut().and_then(|counts| counts.get_mut(&before.revision));
        if let Some(count) = count {
            *count = (*count + u64::from(after.may_get_more()))
                .saturating_sub(u64::from(before.may_get_more()));
        }
    }
}

/// What is to be done next with an instance that is to serve, if anything is.
pub(super) fn next(turn: &Turn<'_>, glance: &Glance<'_>, entry: &Instance) -> Option<Next> {
    // Once it has recovered, an enrolment takes the place of a drain that nobody has confirmed.
    let pending = turn.state.pending_on(entry).map(|(_, effect)| effect);
    if pending.is_some_and(|effect| !matches!(effect, Effect::Drain { .. })) {
        return None;
    }
    if entry.made == Made::Created {
        return Some(Next::Start);
    }
    if turn.setup.capabilities.enrolment.is_none() || entry.made != Made::Started {
        return None;
    }
    match condition(turn.now, turn.setup, &turn.state, glance, entry) {
        Condition::Ready => {
            let since = glance.health.and_then(|health| health.ready_since);
            let min_ready = turn.state.health_of(entry).min_ready;
            Some(Next::Wait(since.unwrap_or(turn.now).after(min_ready)))
        }
        Condition::Available => Some(Next::Enrol),
        // No further route is to come that would let it in.
        Condition::Standby if is_missed(turn, entry) => Some(Next::Enrol),
        Condition::Unready if entry.traffic == Traffic::In => Some(Next::Drain),
        // It came back elsewhere: what it was enrolled with may be another one's by now.
        Condition::Serving if has_moved(glance, entry) => Some(Next::Drain),
        Condition::Unready | Condition::Unknown | Condition::Standby | Condition::Serving => None,
    }
}

/// Whether an instance was enrolled on standby too late for the route that lets everybody in.
fn is_missed(turn: &Turn<'_>, entry: &Instance) -> bool {
    turn.state.route == Some(Route::ByReplicas) && entry.standby == Standby::Waits
}

/// Whether an instance answers elsewhere than where it was enrolled.
fn has_moved(glance: &Glance<'_>, entry: &Instance) -> bool {
    let seen = glance.seen.there().and_then(|seen| seen.address);
    seen.is_some() && entry.enrolled_at.is_some() && seen != entry.enrolled_at
}

/// Enrols an available instance, unless a third revision would get traffic by it.
pub(super) fn enrol(
    turn: &mut Turn<'_>,
    glance: &Glance<'_>,
    instance: &InstanceId,
    entry: &Instance,
    exposed: &mut Exposed,
) {
    let Some(address) = glance.seen.there().and_then(|seen| seen.address) else { return };
    let exposed = exposed.counted(turn);
    if 2 <= exposed.len() && !exposed.contains_key(&entry.revision) {
        return;
    }
    let own = u64::from(entry.may_get_more());
    let others = exposed.get(&entry.revision).map_or(0, |count| count.saturating_sub(own));
    if is_cap_reached(turn, entry, others) || is_on_its_way_back(turn, entry) {
        return;
    }
    exposed.insert(entry.revision.clone(), others + 1);
    let admission = match &turn.state.route {
        Some(Route::ByReplicas) => Admission::Serving,
        None if turn.setup.capabilities.router.is_none() => Admission::Serving,
        None | Some(Route::Weighted(_) | Route::Empty) => Admission::Standby,
    };
    turn.intend(Effect::Enrol {
        instance: instance.clone(),
        revision: entry.revision.clone(),
        address,
        admission,
    });
}

/// Whether an instance may be told to the load balancer again: a resize may have made the stage smaller since.
/// Instances of pools kept by count get traffic from birth; of them the sizes are judged.
pub(crate) fn may_enrol(turn: &Turn<'_>, instance: &InstanceId) -> bool {
    let Some(entry) = turn.state.roster.get(instance) else { return true };
    if turn.setup.capabilities.drains_by_name() {
        return true;
    }
    let may_get_more = |it: &(&InstanceId, &Instance)| {
        it.0 != instance && it.1.revision == entry.revision && it.1.may_get_more()
    };
    let others = turn.state.roster.iter().filter(may_get_more).count() as u64;
    !is_cap_reached(turn, entry, others)
}

/// Whether a candidate on trial has as many instances in traffic as it may have, counting those whose
/// drain nobody has confirmed yet: `others` beside this one.
fn is_cap_reached(turn: &Turn<'_>, entry: &Instance, others: u64) -> bool {
    let rollout = turn.state.under_way().filter(|rollout| {
        !rollout.proven && rollout.from.is_some() && rollout.candidate.id == entry.revision
    });
    let Some(rollout) = rollout else { return false };
    // A resize may have made the stage smaller than the pool is yet.
    let target = turn.state.pools.get(&entry.revision).map_or(0, |pool| pool.target);
    let cap = target.min(rollout.stage().1.candidate);
    entry.traffic != Traffic::In && cap <= others
}

/// Whether an instance is of a candidate that was given up: nothing new is sent to it any more.
fn is_on_its_way_back(turn: &Turn<'_>, entry: &Instance) -> bool {
    is_given_up(turn, &entry.revision) && entry.traffic == Traffic::Out
}
