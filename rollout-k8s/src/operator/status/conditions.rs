//! What holds and what does not, each with its reason: Kubernetes' conventions for conditions.

use rollout_core::{
    engine::{End, Phase, Status},
    spec::{CheckedSpec, Strategy},
    time::Timestamp,
};

use super::{Beside, told};
use crate::crd::{Condition, ConditionStatus, ConditionType, RolloutStatus};

/// Whether a condition holds, its word, and its line.
type Verdict = (bool, &'static str, String);

/// The conditions of `status`; one that stays as it was keeps the time of its last turn.
pub(super) fn of(
    engine: &Status,
    spec: Option<&CheckedSpec>,
    beside: &Beside,
    status: &RolloutStatus,
    before: &[Condition],
    now: Timestamp,
) -> Vec<Condition> {
    let verdicts = [
        (ConditionType::Accepted, accepted(beside)),
        (ConditionType::Available, available(spec, status)),
        (ConditionType::Completed, completed(engine, beside, status)),
        (ConditionType::Degraded, degraded(engine, beside, status)),
        (ConditionType::Progressing, progressing(engine, beside, status)),
    ];
    let make = |(kind, (holds, reason, message)): (ConditionType, Verdict)| {
        let held = if holds { ConditionStatus::True } else { ConditionStatus::False };
        let same = before.iter().find(|one| one.kind == kind && one.status == held);
        let turned = same.map(|one| one.last_transition_time.clone());
        Condition {
            kind,
            status: held,
            observed_generation: beside.generation,
            last_transition_time: turned.or_else(|| told(now)).unwrap_or_default(),
            reason: reason.to_owned(),
            message,
        }
    };
    verdicts.into_iter().map(make).collect()
}

fn accepted(beside: &Beside) -> Verdict {
    match &beside.refused {
        Some(why) => (false, "Refused", why.clone()),
        None => (true, "Taken", "the spec is understood, and its order was taken".to_owned()),
    }
}

fn available(spec: Option<&CheckedSpec>, status: &RolloutStatus) -> Verdict {
    let desired = u64::try_from(status.desired_replicas).unwrap_or(0);
    let missing = match spec.map(|spec| &spec.strategy) {
        Some(Strategy::Rolling(pace)) => {
            pace.unavailable.map_or(0, |most| most.round_down(desired))
        }
        Some(
            Strategy::Recreate(_)
            | Strategy::BlueGreen(_)
            | Strategy::Canary(_)
            | Strategy::Stages(_),
        )
        | None => 0,
    };
    let least = desired.saturating_sub(missing);
    let serve = u64::try_from(status.available_replicas).unwrap_or(0);
    let line = format!("{serve} pods serve, {least} are to serve at least");
    if least <= serve { (true, "EnoughServe", line) } else { (false, "TooFewServe", line) }
}

fn completed(engine: &Status, beside: &Beside, status: &RolloutStatus) -> Verdict {
    let candidate = status.candidate_revision.as_deref().unwrap_or("none");
    if beside.refused.is_some() {
        return (false, "Refused", "the spec was refused".to_owned());
    }
    match &engine.end {
        Some(End::Completed) if !super::is_wanted(engine, beside) => {
            let wanted = beside.revision.as_deref().unwrap_or("none");
            (
                false,
                "OtherRevision",
                format!("by order every pod is of {candidate}, the spec wants {wanted}"),
            )
        }
        Some(End::Completed) if engine.queued.is_none() && super::is_alone(engine) => {
            (true, "Completed", format!("every pod is of revision {candidate}"))
        }
        Some(End::Completed) | None => (false, "UnderWay", status.message.clone()),
        Some(end) => (false, word(end), end.to_string()),
    }
}

fn degraded(engine: &Status, beside: &Beside, status: &RolloutStatus) -> Verdict {
    if let Some(why) = &beside.stopped {
        return (true, "Stopped", why.clone());
    }
    if let Some(why) = &beside.refused {
        return (true, "Refused", why.clone());
    }
    if let Some(end @ (End::RolledBack | End::Failed | End::NeedsOperator { .. })) = &engine.end {
        let cause = engine.cause.as_ref().map_or(String::new(), |cause| format!(": {cause}"));
        return (true, word(end), format!("{end}{cause}"));
    }
    if engine.phase == Phase::Reverting {
        return (true, "GoingBack", status.cause.clone().unwrap_or_default());
    }
    let failed = engine.pools.iter().map(|pool| pool.failed).fold(0, u64::saturating_add);
    if engine.end.is_none() && failed != 0 {
        return (true, "PodsFail", format!("{failed} pods have failed in this attempt"));
    }
    (false, "AsWanted", "nothing asks for a person".to_owned())
}

fn progressing(engine: &Status, beside: &Beside, status: &RolloutStatus) -> Verdict {
    let line = || status.message.clone();
    if beside.stopped.is_some() {
        return (false, "Stopped", line());
    }
    if engine.halted {
        return (false, "Halted", line());
    }
    match engine.phase {
        Phase::Ended => (false, engine.end.as_ref().map_or("Ended", word), line()),
        Phase::Idle => (false, "Idle", line()),
        Phase::Reverting => (true, "GoingBack", line()),
        Phase::Moving | Phase::Gating if engine.paused => (false, "Paused", line()),
        Phase::Gating => (true, "WaitsForGate", line()),
        Phase::Moving | _ => (true, "Moving", line()),
    }
}

fn word(end: &End) -> &'static str {
    match end {
        End::Completed => "Completed",
        End::RolledBack => "RolledBack",
        End::Failed => "Failed",
        End::NeedsOperator { .. } => "NeedsOperator",
        End::Fenced => "TakenOver",
        // Of a newer engine.
        _ => "Ended",
    }
}

#[cfg(test)]
mod tests {
    use rollout_core::{
        engine::{PoolStatus, Role},
        id::{RevisionId, WorkloadId},
    };

    use super::*;

    fn engine(phase: Phase, end: Option<End>) -> Status {
        let revision = RevisionId::new("v2").unwrap();
        let mut engine = Status::idle(WorkloadId::new("web").unwrap());
        engine.phase = phase;
        engine.end = end;
        engine.desired = 4;
        engine.candidate = Some(revision.clone());
        engine.pools = vec![PoolStatus {
            revision,
            role: Role::Candidate,
            target: 4,
            created: 4,
            ready: 4,
            available: 4,
            terminating: 0,
            failed: 0,
        }];
        engine
    }

    fn holds(status: &RolloutStatus) -> Vec<ConditionType> {
        let held = status.conditions.iter().filter(|one| one.status == ConditionStatus::True);
        held.map(|one| one.kind).collect()
    }

    fn status(engine: &Status, beside: &Beside) -> RolloutStatus {
        super::super::of(engine, None, beside, None, Timestamp(1_000))
    }

    #[test]
    fn each_end_says_what_holds() {
        use ConditionType::{Accepted, Available, Completed, Degraded, Progressing};
        let beside = Beside::default();
        let told = |phase, end| holds(&status(&engine(phase, end), &beside));
        assert_eq!(told(Phase::Moving, None), [Accepted, Available, Progressing]);
        assert_eq!(told(Phase::Ended, Some(End::Completed)), [Accepted, Available, Completed]);
        assert_eq!(told(Phase::Ended, Some(End::RolledBack)), [Accepted, Available, Degraded]);
        assert_eq!(told(Phase::Reverting, None), [Accepted, Available, Degraded, Progressing]);
    }

    #[test]
    fn a_refused_spec_is_degraded_and_says_why() {
        let beside = Beside { refused: Some("replicas: too many".to_owned()), ..Beside::default() };
        let status = status(&engine(Phase::Ended, Some(End::Completed)), &beside);
        assert_eq!(holds(&status), [ConditionType::Available, ConditionType::Degraded]);
        assert_eq!(status.message, "replicas: too many");
    }

    #[test]
    fn a_condition_keeps_the_time_of_its_last_turn() {
        let (engine, beside) = (engine(Phase::Moving, None), Beside::default());
        let first = status(&engine, &beside);
        let later = super::super::of(&engine, None, &beside, Some(&first), Timestamp(9_000));
        assert_eq!(later.conditions, first.conditions);
        assert_eq!(first.conditions[0].last_transition_time, "1970-01-01T00:00:01Z");
    }
}
