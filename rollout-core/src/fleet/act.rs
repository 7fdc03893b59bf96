//! The next action in the life of each instance.

use std::collections::BTreeMap;

use super::{
    instance::{Instance, Made, Standby, Traffic},
    tally::{Condition, Tally, condition},
};
use crate::{
    engine::{
        Admission, Change, Effect, End, EnrolState, Enrolled, Expiry, InstanceState, Note, Route,
        Sight, Space, Turn, View, WaitReason, Walk, bound,
    },
    id::{InstanceId, RevisionId},
    port::{Confirmation, Making},
    spec::Counting,
    time::Timestamp,
};

/// Brings every pool to its target and every instance one action further.
pub(crate) fn act(
    turn: &mut Turn<'_>,
    view: &View,
    space: Space,
    tallies: &BTreeMap<RevisionId, Tally>,
) {
    if turn.setup.capabilities.making == Making::ByCount {
        scale(turn, view, space, tallies);
        return;
    }
    retire(turn, view);
    create(turn, view, space, tallies);
    let instances: Vec<InstanceId> = turn.state.roster.keys().cloned().collect();
    let mut draining = Draining::default();
    for instance in &instances {
        let Some(entry) = turn.state.roster.get(instance).cloned() else { continue };
        if entry.is_terminating() {
            tear_down(turn, view, instance, &entry, &mut draining);
        } else {
            bring_up(turn, view, instance, &entry);
        }
    }
    draining.say(turn);
    forget_strays(turn, view);
}

/// Tells a backend that makes instances by count how many there are to be: fewer at once, more as far as there
/// is room beside what has not gone yet, and not before it shows how many went last.
fn scale(turn: &mut Turn<'_>, view: &View, space: Space, tallies: &BTreeMap<RevisionId, Tally>) {
    let wanted: Vec<(RevisionId, u64)> =
        turn.state.pools.iter().map(|(id, pool)| (id.clone(), pool.target)).collect();
    // In loose counting those that are told to go in this very call have not heard of it.
    let goes = |(id, target): &(RevisionId, u64)| match space.counting {
        Counting::Strict => 0,
        Counting::Loose => view.pool(id).map_or(0, |pool| pool.created.saturating_sub(*target)),
    };
    let going = wanted.iter().map(goes).fold(0, u64::saturating_add);
    let live = space.live(tallies).saturating_add(going);
    let mut excess = live.saturating_sub(space.ceiling());
    for (revision, replicas) in wanted {
        let (told, is_over) = match turn.state.pending_scale(&revision) {
            // Nobody will ever answer what is not under way any more.
            Some((id, pending)) => (Some(pending), !view.is_in_flight(id)),
            None => (view.pool(&revision).map(|pool| pool.replicas), false),
        };
        let Some(told) = told else { continue };
        let has_dropped = view.told.get(&revision).is_some_and(|told| 0 < told.dropped);
        if has_dropped && !is_over && told < replicas {
            continue;
        }
        // What is there still needs no room.
        let there = view.pool(&revision).map_or(0, |pool| pool.created);
        let held = if is_over { there } else { told.max(there) };
        let waits = excess.min(replicas.saturating_sub(held));
        excess -= waits;
        let replicas = replicas - waits;
        if replicas != told {
            turn.intend(Effect::Scale { revision, replicas });
        }
    }
}

/// Tells the instances to go that a pool has too many of: those that get nothing for sure first, then the
/// least useful, then the newest.
fn retire(turn: &mut Turn<'_>, view: &View) {
    let mut pools: BTreeMap<RevisionId, Vec<(bool, Condition, u64, InstanceId)>> = BTreeMap::new();
    for (instance, entry) in &turn.state.roster {
        if entry.is_terminating() {
            continue;
        }
        let condition = condition(turn.now, turn.setup, &turn.state, view, instance, entry);
        pools.entry(entry.revision.clone()).or_default().push((
            entry.may_get_more() && condition != Condition::Unready,
            condition,
            u64::MAX - entry.ordinal,
            instance.clone(),
        ));
    }
    for (revision, mut instances) in pools {
        let target = turn.state.pools.get(&revision).map_or(0, |pool| pool.target);
        let over =
            instances.len() - instances.len().min(usize::try_from(target).unwrap_or(usize::MAX));
        if over == 0 {
            continue;
        }
        instances.sort();
        for (_, _, _, instance) in instances.into_iter().take(over) {
            turn.record(Change::Retired { instance });
        }
    }
}

/// Makes the instances that a pool has too few of, below the ceiling.
fn create(turn: &mut Turn<'_>, view: &View, space: Space, tallies: &BTreeMap<RevisionId, Tally>) {
    // What was retired in this very call still exists.
    let mut existing: u64 = match space.counting {
        Counting::Strict => count(turn, |_| true),
        Counting::Loose => count(turn, |entry| !entry.is_terminating() || entry.may_get_more()),
    };
    let pools: Vec<RevisionId> = tallies.keys().cloned().collect();
    for revision in pools {
        let Some(pool) = turn.state.pools.get(&revision) else { continue };
        let created = count(turn, |entry| !entry.is_terminating() && entry.revision == revision);
        let missing = pool.target.saturating_sub(created);
        if missing == 0 || is_given_up(turn, &revision) {
            continue;
        }
        let not_before = pool
            .last_failure
            .as_ref()
            .map_or(turn.now, |(at, _)| at.after(turn.setup.tuning.backoff(pool.failed)));
        if turn.now < not_before {
            turn.wake(not_before);
            continue;
        }
        let room = space.ceiling().saturating_sub(existing);
        if room < missing {
            let (live, ceiling) = (existing, space.ceiling());
            turn.wait(turn.now, None, || WaitReason::Ceiling { live, ceiling });
        }
        for _ in 0..missing.min(room) {
            let instance = new_name(turn, view, &revision);
            turn.intend(Effect::Create { instance, revision: revision.clone() });
            existing += 1;
        }
    }
}

/// A name that no instance has, not even one whose journal was lost.
fn new_name(turn: &Turn<'_>, view: &View, revision: &RevisionId) -> InstanceId {
    let name = |number: u64| {
        InstanceId::new(format!("{}-{revision}-{number}", turn.setup.workload))
            .expect("two names of at most 63 characters and a number make a name")
    };
    let is_taken = |instance: &InstanceId| {
        let seen = view.inventory.as_ref().map(|seen| &seen.what.instances);
        turn.state.roster.contains_key(instance)
            || seen.is_some_and(|instances| instances.contains_key(instance))
    };
    let mut number = turn.state.last_ordinal + 1;
    while is_taken(&name(number)) {
        number += 1;
    }
    name(number)
}

fn count(turn: &Turn<'_>, which: impl Fn(&Instance) -> bool) -> u64 {
    turn.state.roster.values().filter(|entry| which(entry)).count() as u64
}

/// The next action for an instance that is to serve.
fn bring_up(turn: &mut Turn<'_>, view: &View, instance: &InstanceId, entry: &Instance) {
    // Once it has recovered, an enrolment takes the place of a drain that nobody has confirmed.
    let pending = turn.state.pending_on(entry).map(|(_, effect)| effect);
    if pending.is_some_and(|effect| !matches!(effect, Effect::Drain { .. })) {
        return;
    }
    if entry.made == Made::Created {
        turn.intend(Effect::Start { instance: instance.clone() });
        return;
    }
    if turn.setup.capabilities.enrolment.is_none() || entry.made != Made::Started {
        return;
    }
    let condition = condition(turn.now, turn.setup, &turn.state, view, instance, entry);
    match condition {
        Condition::Ready => {
            let since = view.health.get(instance).and_then(|health| health.ready_since);
            let min_ready = turn.state.health_of(entry).min_ready;
            turn.wake(since.unwrap_or(turn.now).after(min_ready));
        }
        Condition::Available => enrol(turn, view, instance, entry),
        // No further route is to come that would let it in.
        Condition::Standby if is_missed(turn, entry) => enrol(turn, view, instance, entry),
        Condition::Unready if entry.traffic == Traffic::In => {
            turn.intend(Effect::Drain { instance: instance.clone() });
        }
        // It came back elsewhere: what it was enrolled with may be another one's by now.
        Condition::Serving if has_moved(view, instance, entry) => {
            turn.intend(Effect::Drain { instance: instance.clone() });
        }
        Condition::Unready | Condition::Unknown | Condition::Standby | Condition::Serving => {}
    }
}

/// Whether an instance was enrolled on standby too late for the route that lets everybody in.
fn is_missed(turn: &Turn<'_>, entry: &Instance) -> bool {
    turn.state.route == Some(Route::ByReplicas) && entry.standby == Standby::Waits
}

/// Whether an instance answers elsewhere than where it was enrolled.
fn has_moved(view: &View, instance: &InstanceId, entry: &Instance) -> bool {
    let seen = view.seen(instance).there().and_then(|seen| seen.address);
    seen.is_some() && entry.enrolled_at.is_some() && seen != entry.enrolled_at
}

/// Enrols an available instance, unless a third revision would get traffic by it.
fn enrol(turn: &mut Turn<'_>, view: &View, instance: &InstanceId, entry: &Instance) {
    let Some(address) = view.seen(instance).there().and_then(|seen| seen.address) else { return };
    let exposed: std::collections::BTreeSet<&RevisionId> = turn
        .state
        .roster
        .values()
        .filter(|other| other.traffic != Traffic::Out)
        .map(|other| &other.revision)
        .collect();
    if 2 <= exposed.len() && !exposed.contains(&entry.revision) {
        return;
    }
    if is_cap_reached(turn, entry) || is_on_its_way_back(turn, entry) {
        return;
    }
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

/// Whether a candidate on trial has as many instances in traffic as it may have, counting those whose
/// drain nobody has confirmed yet.
fn is_cap_reached(turn: &Turn<'_>, entry: &Instance) -> bool {
    let rollout = turn.state.under_way().filter(|rollout| {
        !rollout.proven && rollout.from.is_some() && rollout.candidate.id == entry.revision
    });
    let Some(rollout) = rollout else { return false };
    // A resize may have made the stage smaller than the pool is yet.
    let target = turn.state.pools.get(&entry.revision).map_or(0, |pool| pool.target);
    let cap = target.min(rollout.stage().1.candidate);
    let is_same = |other: &Instance| {
        other.revision == entry.revision && other.may_get_more() && other.ordinal != entry.ordinal
    };
    entry.traffic != Traffic::In && cap <= count(turn, is_same)
}

/// Whether an instance is of a candidate that was given up: nothing new is sent to it any more.
fn is_on_its_way_back(turn: &Turn<'_>, entry: &Instance) -> bool {
    is_given_up(turn, &entry.revision) && entry.traffic == Traffic::Out
}

/// Whether a revision is a candidate that was given up: what is kept of it is not made anew.
fn is_given_up(turn: &Turn<'_>, revision: &RevisionId) -> bool {
    turn.state.rollout.as_ref().is_some_and(|rollout| {
        let is_back = matches!(rollout.walk, Walk::Reverting | Walk::Ended(End::RolledBack));
        is_back && rollout.from.is_some() && rollout.candidate.id == *revision
    })
}

/// Instances on their way out, for the note.
#[derive(Default)]
struct Draining {
    instances: u64,
    in_flight: u64,
    /// When the first of them was told to go.
    since: Option<Timestamp>,
    until: Option<Timestamp>,
}

impl Draining {
    fn wait_until(&mut self, until: Timestamp) {
        self.until = Some(self.until.map_or(until, |earlier| earlier.min(until)));
    }

    fn say(self, turn: &mut Turn<'_>) {
        let Self { instances, in_flight, since, until } = self;
        if instances == 0 {
            return;
        }
        let until = match until {
            Some(until) => Some((until, Expiry::GoesOn)),
            // Drained already: what it waits for is the backend.
            None => bound(turn, true).1,
        };
        turn.wait(since.unwrap_or(turn.now), until, || WaitReason::Draining {
            instances,
            in_flight,
        });
    }
}

/// The next action for an instance that is to go: drain → detach → stop → remove.
fn tear_down(
    turn: &mut Turn<'_>,
    view: &View,
    instance: &InstanceId,
    entry: &Instance,
    draining: &mut Draining,
) {
    draining.instances += 1;
    draining.since = draining.since.into_iter().chain(entry.retired).min();
    let pending = turn.state.pending_on(entry).map(|(_, effect)| effect.clone());
    match pending {
        // Not needed any more: what comes next is right whether it happens or not.
        None | Some(Effect::Create { .. } | Effect::Start { .. } | Effect::Enrol { .. }) => {}
        Some(_) => return,
    }
    let is_unsure = matches!(pending, Some(Effect::Start { .. }));
    match entry.traffic {
        Traffic::Enrolling | Traffic::In => {
            turn.intend(Effect::Drain { instance: instance.clone() });
        }
        // A late enrolment undid the drain.
        Traffic::Drained(_) if view.is_enrolled(instance) == Some(true) && !entry.dead => {
            turn.intend(Effect::Drain { instance: instance.clone() });
        }
        Traffic::Drained(at) => {
            if is_quiet(turn, view, instance, entry, at, draining) {
                turn.intend(Effect::Detach { instance: instance.clone() });
            }
        }
        Traffic::Out => take_down(turn, view, instance, entry, is_unsure),
        // Pending, or given up by a record of an older format: said again.
        Traffic::Draining => turn.intend(Effect::Drain { instance: instance.clone() }),
        Traffic::Detaching => turn.intend(Effect::Detach { instance: instance.clone() }),
    }
}

/// Whether nothing is in flight on a drained instance, or its time is over.
fn is_quiet(
    turn: &mut Turn<'_>,
    view: &View,
    instance: &InstanceId,
    entry: &Instance,
    drained_at: Timestamp,
    draining: &mut Draining,
) -> bool {
    let deadline = drained_at.after(turn.state.drain_of(&entry.revision).deadline);
    if entry.dead || entry.made == Made::Removed {
        return true;
    }
    match turn.setup.capabilities.enrolment {
        None => true,
        Some(Confirmation::Elapsed(bound)) => {
            // Nobody can say what is in flight: its whole time is waited.
            let quiet_at = drained_at.after(bound).max(deadline);
            if turn.now < quiet_at {
                draining.wait_until(quiet_at);
            }
            quiet_at <= turn.now
        }
        Some(Confirmation::Observed) => {
            let in_flight = match view.enrolled(instance) {
                Sight::Absent => return true,
                Sight::There(Enrolled { state: EnrolState::Draining, in_flight }) => in_flight,
                Sight::There(Enrolled { state: EnrolState::In, .. }) | Sight::Unshown => None,
            };
            if in_flight == Some(0) {
                return true;
            }
            if deadline <= turn.now {
                turn.note(Note::DrainCut { instance: instance.clone(), in_flight });
                return true;
            }
            draining.in_flight += in_flight.unwrap_or(0);
            draining.wait_until(deadline);
            false
        }
    }
}

/// Stops and removes an instance that gets no traffic.
fn take_down(
    turn: &mut Turn<'_>,
    view: &View,
    instance: &InstanceId,
    entry: &Instance,
    is_unsure: bool,
) {
    let runs = match view.seen(instance) {
        Sight::There(seen) => seen.state == InstanceState::Running,
        Sight::Absent => false,
        Sight::Unshown => true,
    };
    let grace = turn.state.drain_of(&entry.revision).stop_grace;
    let effect = match entry.made {
        Made::Removed => return,
        Made::Started if runs => Effect::Stop { instance: instance.clone(), grace },
        Made::Created if is_unsure => Effect::Stop { instance: instance.clone(), grace },
        Made::Intended | Made::Created | Made::Started | Made::Stopped => {
            Effect::Remove { instance: instance.clone() }
        }
    };
    turn.intend(effect);
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
