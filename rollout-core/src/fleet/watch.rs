//! What the world did to single instances: failures, losses, departures, finds.

use std::sync::Arc;

use super::instance::{Instance, Made, Traffic};
use crate::{
    ascending::Ascending,
    engine::{
        Change, Effect, EnrolState, Failure, Glance, InstanceSeen, InstanceState, Note, PoolSeen,
        Revision, Sight, Subject, Turn, View, Walk,
    },
    id::{InstanceId, RevisionId},
    port::Making,
};

/// Records what the last snapshots show of every instance that the engine does not know yet.
pub(crate) fn watch(turn: &mut Turn<'_>, view: &View) {
    if turn.setup.capabilities.making != Making::ByName {
        find_pools(turn, view);
        count_failures(turn, view);
        if turn.setup.capabilities.drains_by_name() {
            forget_gone(turn, view);
            find_drained(turn, view);
        }
        return;
    }
    find(turn, view);
    let mut changes = Vec::new();
    let mut glances = view.glances();
    for (instance, entry) in &turn.state.roster {
        if let Some(change) = change_of(turn, &glances.of(instance), instance, entry) {
            changes.push((instance.clone(), change));
        }
    }
    for (instance, change) in changes {
        if let Change::Failed { failure, .. } = &change {
            let failure = failure.clone();
            turn.note(Note::InstanceFailed { instance: instance.clone(), failure });
        }
        if let Change::Lost { .. } = &change {
            turn.note(Note::InstanceLost { instance: instance.clone() });
        }
        let goes = matches!(change, Change::Failed { .. } | Change::Lost { .. });
        turn.record(change);
        if goes && turn.state.roster.get(&instance).is_some_and(|entry| !entry.is_terminating()) {
            turn.record(Change::Retired { instance });
        }
    }
}

/// What happened to one instance, if anything did.
fn change_of(
    turn: &Turn<'_>,
    glance: &Glance<'_>,
    instance: &InstanceId,
    entry: &Instance,
) -> Option<Change> {
    let seen = match glance.seen {
        Sight::Unshown => return None,
        Sight::There(seen) => seen,
        // Its removal has happened, the answer is still to come.
        Sight::Absent if is_being_removed(turn, entry) => return None,
        Sight::Absent => return departure_of(instance, entry),
    };
    if entry.is_terminating() || entry.dead {
        return None;
    }
    failure_of(turn, glance, entry, seen)
        .map(|failure| Change::Failed { instance: instance.clone(), failure })
}

/// Whether a removal of the instance was ordered and not answered yet.
fn is_being_removed(turn: &Turn<'_>, entry: &Instance) -> bool {
    matches!(turn.state.pending_on(entry), Some((_, Effect::Remove { .. })))
}

/// What it means that one instance is not there.
fn departure_of(instance: &InstanceId, entry: &Instance) -> Option<Change> {
    match entry.made {
        Made::Removed if entry.traffic == Traffic::Out && entry.pending.is_none() => {
            Some(Change::Gone { instance: instance.clone() })
        }
        Made::Intended | Made::Removed => None,
        Made::Created | Made::Started | Made::Stopped => {
            Some(Change::Lost { instance: instance.clone() })
        }
    }
}

/// How one instance failed, if it did.
fn failure_of(
    turn: &Turn<'_>,
    glance: &Glance<'_>,
    entry: &Instance,
    seen: &InstanceSeen,
) -> Option<Failure> {
    match &seen.state {
        InstanceState::Exited { code, detail } => {
            return Some(Failure::Exited { code: *code, detail: detail.clone() });
        }
        InstanceState::Stuck { detail } => return Some(Failure::Stuck { detail: detail.clone() }),
        InstanceState::Created | InstanceState::Running => {}
    }
    let health = turn.state.health_of(entry);
    let seen_health = glance.health?;
    if seen_health.startup.healthy == Some(false) && !entry.proved_ready {
        return Some(Failure::NeverReady { detail: seen_health.startup.detail.clone() });
    }
    if seen_health.liveness.healthy == Some(false) {
        return Some(Failure::NotLive { detail: seen_health.liveness.detail.clone() });
    }
    if !is_on_trial(turn, entry) {
        return None;
    }
    if seen_health.restarts.is_some_and(|restarts| restarts < seen.restarts) {
        let detail = "its orchestrator restarted it".to_owned();
        return Some(Failure::Exited { code: 0, detail });
    }
    let ready = seen_health.ready(health, seen.healthy, entry.proved_ready);
    if ready == Some(false) && (entry.proved_ready || seen_health.was_available) {
        let detail = match seen_health.readiness.healthy {
            Some(false) => seen_health.readiness.detail.clone(),
            Some(true) | None => "its orchestrator says that it is unhealthy".to_owned(),
        };
        return Some(Failure::Unready { detail });
    }
    None
}

/// Whether the instance is of a candidate that is neither proven nor on its way back.
fn is_on_trial(turn: &Turn<'_>, entry: &Instance) -> bool {
    turn.state.under_way().is_some_and(|rollout| {
        rollout.walk != Walk::Reverting
            && !rollout.proven
            && !rollout.is_resize()
            && rollout.candidate.id == entry.revision
    })
}

/// Takes in instances of ours that nobody knows: all of them for want of a journal, or single ones made
/// by an attempt that was given up before its answer came.
fn find(turn: &mut Turn<'_>, view: &View) {
    let Some(inventory) = &view.inventory else { return };
    let wants_enrolments = turn.setup.capabilities.enrolment.is_some();
    if wants_enrolments && view.enrolments.is_none() {
        return;
    }
    let mut roster = Ascending::new(&turn.state.roster);
    let unknown: Vec<(InstanceId, InstanceSeen)> = inventory
        .what
        .instances
        .iter()
        .filter(|(instance, _)| roster.get(instance).is_none())
        .map(|(instance, seen)| (instance.clone(), seen.clone()))
        .collect();
    let known = |id: &RevisionId| {
        inventory.what.revisions.iter().find(|revision| revision.id == *id).cloned()
    };
    if turn.state.stable.is_none() && turn.state.rollout.is_none() {
        let running = |id: &RevisionId| {
            unknown
                .iter()
                .filter(|(_, seen)| seen.revision == *id && seen.state == InstanceState::Running)
                .count()
        };
        let most = unknown.iter().map(|(_, seen)| &seen.revision).max_by_key(|id| running(id));
        // One whose template cannot be read back cannot be made again, but it serves.
        if let Some(id) = most.filter(|id| 0 < running(id)) {
            let revision = known(id).unwrap_or_else(|| nameless(id));
            turn.record(Change::Adopted { revision });
        }
    }
    for (instance, seen) in unknown {
        let in_pool = turn.state.pools.get(&seen.revision).map(|pool| pool.revision.clone());
        let revision =
            in_pool.or_else(|| known(&seen.revision)).unwrap_or_else(|| nameless(&seen.revision));
        let enrolled = view
            .enrolments
            .as_ref()
            .is_some_and(|enrolments| enrolments.what.instances.contains_key(&instance));
        let started = seen.state != InstanceState::Created;
        turn.record(Change::Found { instance, revision, enrolled, started });
    }
}

/// Takes in pools of ours that nobody knows. Without a journal, the one with the most available instances is
/// the stable one. One without instances is taken in where it is to get some, so that what failed in it
/// before is known to be old.
fn find_pools(turn: &mut Turn<'_>, view: &View) {
    let Some(inventory) = view.inventory.as_ref().map(|seen| &seen.what) else { return };
    let next = turn.state.queued.as_ref().map(|queued| queued.revision.id.clone());
    let is_unknown = |(id, seen): &(&RevisionId, &PoolSeen)| {
        let is_next = || 0 < seen.failed && next.as_ref() == Some(*id);
        (0 < seen.replicas.max(seen.created) || is_next()) && !turn.state.pools.contains_key(*id)
    };
    let unknown: Vec<(RevisionId, PoolSeen)> = inventory
        .pools
        .iter()
        .filter(is_unknown)
        .map(|(id, seen)| (id.clone(), seen.clone()))
        .collect();
    let revision = |id: &RevisionId| {
        let known = inventory.revisions.iter().find(|revision| revision.id == *id);
        known.cloned().unwrap_or_else(|| nameless(id))
    };
    if turn.state.stable.is_none() && turn.state.rollout.is_none() {
        let most = unknown.iter().filter(|(_, seen)| 0 < seen.available);
        if let Some((id, _)) = most.max_by_key(|(_, seen)| seen.available) {
            turn.record(Change::Adopted { revision: revision(id) });
        }
    }
    for (id, seen) in unknown {
        let PoolSeen { replicas, failed, .. } = seen;
        turn.record(Change::PoolFound { revision: revision(&id), replicas, failed });
    }
}

/// Forgets instances of pools kept by count that exist no more.
fn forget_gone(turn: &mut Turn<'_>, view: &View) {
    let is_gone = |instance: &InstanceId| view.seen(instance) == Sight::Absent;
    let gone: Vec<InstanceId> =
        turn.state.roster.keys().filter(|instance| is_gone(instance)).cloned().collect();
    for instance in gone {
        turn.take_back(&Subject::Instance(instance.clone()));
        turn.record(Change::Gone { instance });
    }
}

/// Takes in instances of pools kept by count that somebody has drained: an engine whose journal is not this
/// one, or one that was pushed aside.
fn find_drained(turn: &mut Turn<'_>, view: &View) {
    let (Some(inventory), Some(enrolments)) = (&view.inventory, &view.enrolments) else { return };
    let drained: Vec<(InstanceId, RevisionId)> = enrolments
        .what
        .instances
        .iter()
        .filter(|(_, enrolled)| enrolled.state == EnrolState::Draining)
        .filter(|(instance, _)| !turn.state.roster.contains_key(*instance))
        .filter_map(|(instance, _)| {
            let seen = inventory.what.instances.get(instance)?;
            Some((instance.clone(), seen.revision.clone()))
        })
        .filter(|(_, revision)| turn.state.pools.contains_key(revision))
        .collect();
    for (instance, revision) in drained {
        turn.record(Change::Named { instance, revision, enrolled: false });
    }
}

/// Takes in how many instances have failed since, by their backend's count.
fn count_failures(turn: &mut Turn<'_>, view: &View) {
    let Some(inventory) = view.inventory.as_ref().map(|seen| &seen.what) else { return };
    let has_more = |(id, seen): &(&RevisionId, &PoolSeen)| {
        turn.state.pools.get(*id).is_some_and(|pool| pool.counted < seen.failed)
    };
    let failed: Vec<(RevisionId, PoolSeen)> = inventory
        .pools
        .iter()
        .filter(has_more)
        .map(|(id, seen)| (id.clone(), seen.clone()))
        .collect();
    for (revision, PoolSeen { failed, why, .. }) in failed {
        turn.note(Note::PoolFailed { revision: revision.clone(), failed, why: why.clone() });
        turn.record(Change::PoolFailed { revision, failed, why });
    }
}

/// A revision whose template nobody knows.
fn nameless(id: &RevisionId) -> Arc<Revision> {
    Arc::new(Revision { id: id.clone(), template: serde_json::Value::Null })
}
