//! Orders about revisions that are known already: `undo`, `retry`, `restart`.

use std::sync::Arc;

use super::{phase_of, queue, submit};
use crate::{
    amount::Amount,
    engine::{
        action::Revision,
        event::OrderRefused,
        phase::idle,
        record::{End, Purpose},
        state::{Proof, Queued, Walk},
        turn::Turn,
    },
    id::RevisionId,
    spec::{CheckedSpec, OnSubmit, Spec, Strategy},
};

/// What parts the name of a restarted revision from the number of its restart.
const RESTART: &str = ".r";

/// Goes back to the last proven revision other than the current one, or to the one named.
pub(super) fn undo(
    turn: &mut Turn<'_>,
    to: Option<&RevisionId>,
    by: String,
    why: Option<String>,
) -> Result<(), OrderRefused> {
    let current = turn.state.stable.as_ref().map(|stable| stable.id.clone());
    let on_trial = turn.state.under_way().filter(|rollout| !rollout.proven);
    let is_coming_back = on_trial.is_some_and(|rollout| {
        rollout.purpose == Purpose::Undo && to.is_none_or(|to| *to == rollout.candidate.id)
    });
    if let Some(rollout) = on_trial.filter(|_| !is_coming_back) {
        return Err(OrderRefused::OnTrial { candidate: rollout.candidate.id.to_string() });
    }
    if to.is_some() && to == current.as_ref() {
        return Ok(());
    }
    // One whose template nobody knows cannot be made again.
    let is_other = |proof: &&Proof| {
        Some(&proof.revision.id) != current.as_ref() && !proof.revision.template.is_null()
    };
    // Instances made anew of a revision are that revision.
    let is_another = |proof: &&Proof| {
        is_other(proof)
            && current.as_ref().is_none_or(|current| base(current) != base(&proof.revision.id))
    };
    let known = || -> Vec<String> {
        let others = turn.state.history.iter().rev().filter(is_other);
        others.map(|proof| proof.revision.id.to_string()).collect()
    };
    let found = match to {
        Some(id) => {
            turn.state.history.iter().filter(is_other).find(|proof| proof.revision.id == *id)
        }
        None => turn.state.history.iter().rev().find(is_another),
    };
    let Some(Proof { revision, spec, .. }) = found.cloned() else {
        return Err(match to {
            Some(id) => OrderRefused::UnknownRevision { revision: id.to_string(), known: known() },
            None => OrderRefused::NotProven { known: known() },
        });
    };
    if is_coming(turn, &revision.id) {
        return Ok(());
    }
    let newest = turn.state.rollout.as_ref().map(|rollout| rollout.spec.clone());
    let Some(spec) = spec.or_else(|| newest.clone()) else {
        return Err(OrderRefused::NotProven { known: known() });
    };
    // As many instances as there are to be now, not as there were then.
    let replicas = newest.map_or(spec.replicas, |newest| newest.replicas);
    let spec = resized(&spec, replicas)?;
    idle::plan_for(turn, Purpose::Undo, &revision.id, &spec)?;
    queue(turn, Queued { revision, spec, by, why, purpose: Purpose::Undo });
    Ok(())
}

/// Whether the revision is queued, or on its way by an undo.
fn is_coming(turn: &Turn<'_>, id: &RevisionId) -> bool {
    let is_queued = turn.state.queued.as_ref().is_some_and(|queued| queued.revision.id == *id);
    is_queued
        || turn
            .state
            .under_way()
            .is_some_and(|rollout| rollout.purpose == Purpose::Undo && rollout.candidate.id == *id)
}

/// Tries the candidate again that was taken back last.
pub(super) fn retry(
    turn: &mut Turn<'_>,
    by: String,
    why: Option<String>,
) -> Result<(), OrderRefused> {
    let nothing = OrderRefused::NothingToRetry { phase: phase_of(turn) };
    let Some(rollout) = &turn.state.rollout else { return Err(nothing) };
    match &rollout.walk {
        Walk::Ended(End::RolledBack | End::Failed) | Walk::Reverting => {}
        Walk::Ended(End::NeedsOperator { .. }) => return Err(super::nothing(turn)),
        Walk::Moving { .. } | Walk::Gating { .. } | Walk::Ended(_) => return Err(nothing),
    }
    let (revision, spec) = (rollout.candidate.clone(), rollout.spec.clone());
    let purpose = rollout.purpose;
    match &turn.state.queued {
        Some(queued) if queued.revision.id == revision.id => return Ok(()),
        Some(queued) => {
            return Err(OrderRefused::Waiting { queued: queued.revision.id.to_string() });
        }
        None => {}
    }
    idle::plan_for(turn, purpose, &revision.id, &spec)?;
    queue(turn, Queued { revision, spec, by, why, purpose });
    Ok(())
}

/// Replaces every instance of the stable revision by a new one.
pub(super) fn restart(
    turn: &mut Turn<'_>,
    by: String,
    why: Option<String>,
) -> Result<(), OrderRefused> {
    let is_under_way = turn
        .state
        .under_way()
        .is_some_and(|rollout| rollout.purpose == Purpose::Restart && !rollout.proven);
    let is_queued =
        turn.state.queued.as_ref().is_some_and(|queued| queued.purpose == Purpose::Restart);
    if is_queued || is_under_way {
        return Ok(());
    }
    let none = OrderRefused::NothingUnderWay { phase: phase_of(turn) };
    let Some(stable) = turn.state.stable.clone() else { return Err(none) };
    let own = turn.state.pools.get(&stable.id).and_then(|pool| pool.spec.clone());
    let newest = turn.state.rollout.as_ref().map(|rollout| rollout.spec.clone());
    let Some(spec) = own.or(newest) else { return Err(none) };
    let spec = resized(&spec, size_now(turn, &stable.id).unwrap_or(spec.replicas))?;
    let revision =
        Arc::new(Revision { id: restarted(&stable.id), template: stable.template.clone() });
    idle::plan_for(turn, Purpose::Restart, &revision.id, &spec)?;
    // Whatever is on trial is not pushed aside by new instances of what is proven.
    submit::make_room(turn, &revision, OnSubmit::Refuse)?;
    queue(turn, Queued { revision, spec, by, why, purpose: Purpose::Restart });
    Ok(())
}

/// How many instances of a revision there are to be, whatever its spec said once.
pub(super) fn size_now(turn: &Turn<'_>, id: &RevisionId) -> Option<u64> {
    turn.state.pools.get(id).and_then(|pool| pool.desired)
}

/// The name of a revision without the number of its restart.
pub(super) fn base(id: &RevisionId) -> &str {
    match id.as_str().rsplit_once(RESTART) {
        Some((base, number)) if !base.is_empty() && is_number(number) => base,
        Some(_) | None => id.as_str(),
    }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The name of the next restart: a revision of its own, made from the same template, as Kubernetes' restart
/// makes a template of its own by an annotation.
fn restarted(id: &RevisionId) -> RevisionId {
    let base = base(id);
    let last: u64 = id
        .as_str()
        .strip_prefix(base)
        .and_then(|rest| rest.strip_prefix(RESTART))
        .and_then(|number| number.parse().ok())
        .unwrap_or(0);
    let suffix = format!("{RESTART}{}", last.saturating_add(1));
    let room = RevisionId::LIMIT - suffix.len().min(RevisionId::LIMIT - 1);
    let base = base.get(..room.min(base.len())).unwrap_or(base).trim_end_matches(['-', '.']);
    RevisionId::new(format!("{base}{suffix}"))
        .expect("a name cut to fit, with a dot, a letter and a number, is a name")
}

/// Takes counts that are more than all instances down to all of them, as the planner does: they must not
/// keep an autoscaler from its work.
fn clamp(spec: &mut Spec) {
    let most = spec.replicas.max(1);
    let lower = |amount: &mut Amount| {
        if let Amount::Count(count) = amount {
            *count = (*count).min(most);
        }
    };
    match &mut spec.strategy {
        Strategy::Rolling(_) | Strategy::Recreate(_) => {}
        Strategy::BlueGreen(blue_green) => blue_green.preview_replicas.iter_mut().for_each(lower),
        Strategy::Canary(canary) => {
            canary.steps.iter_mut().flat_map(|step| &mut step.replicas).for_each(lower);
            canary.min_replicas = canary.min_replicas.map(|least| least.min(most));
        }
        Strategy::Stages(stages) => {
            for stage in stages {
                lower(&mut stage.candidate);
                lower(&mut stage.stable);
            }
        }
    }
}

/// The spec with another number of instances.
///
/// # Errors
///
/// [`OrderRefused::NoPlan`] if other numbers of the spec do not fit it.
pub(super) fn resized(spec: &CheckedSpec, replicas: u64) -> Result<Arc<CheckedSpec>, OrderRefused> {
    let mut spec = Spec { replicas, ..spec.spec().clone() };
    clamp(&mut spec);
    CheckedSpec::new(spec)
        .map(Arc::new)
        .map_err(|errors| OrderRefused::NoPlan { why: errors.to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(name: &str) -> RevisionId {
        RevisionId::new(name).unwrap()
    }

    #[test]
    fn restarts_are_numbered() {
        for (name, next) in
            [("v2", "v2.r1"), ("v2.r1", "v2.r2"), ("v2.r9", "v2.r10"), ("a.rx", "a.rx.r1")]
        {
            assert_eq!(restarted(&id(name)).as_str(), next);
        }
        assert_eq!((base(&id("v2.r7")), base(&id("v2.rc"))), ("v2", "v2.rc"));
        let long = restarted(&id(&"v".repeat(63)));
        assert_eq!((long.as_str().len(), long.as_str().ends_with("v.r1")), (63, true));
    }
}
