//! A `Rollout` object of a cluster, as a person reads it.

use rollout_k8s::crd::{ConditionStatus, ConditionType, Rollout, RolloutStatus};

use super::text::Text;
use crate::exit::Exit;

/// The whole picture, a few lines.
pub(crate) fn picture(object: &Rollout) -> String {
    let name = object.metadata.name.as_deref().unwrap_or_default();
    let Some(status) = &object.status else {
        return format!("{name}: no operator has looked at it yet\n");
    };
    let mut text = Text::default();
    text.line(format_args!("{name}: {}", headline(object, status)));
    let optional = |text: &mut Text, what: &str, value: &Option<String>| {
        if let Some(value) = value {
            text.line(format_args!("{what:<9} {value}"));
        }
    };
    if !status.message.is_empty() {
        text.line(format_args!("now       {}", status.message));
    }
    optional(&mut text, "cause", &status.cause);
    optional(&mut text, "weight", &status.weight);
    optional(&mut text, "way back", &status.rollback);
    text.line(format_args!(
        "pods      {} wanted, {} there, {} of the candidate, {} ready, {} available, {} leaving",
        status.desired_replicas,
        status.replicas,
        status.updated_replicas,
        status.ready_replicas,
        status.available_replicas,
        status.terminating_replicas
    ));
    if !status.history.is_empty() {
        text.line(format_args!("proven    {}", status.history.join(", ")));
    }
    optional(&mut text, "done at", &status.eta);
    optional(&mut text, "queued", &status.queued_revision);
    text.into_string()
}

/// Phase, stage and revisions in one line.
pub(crate) fn headline(object: &Rollout, status: &RolloutStatus) -> String {
    let mut text = Text::default();
    text.add(&status.phase);
    // Who is halted is paused as well.
    match (status.halted, status.paused) {
        (true, _) => text.add(", halted"),
        (false, true) => text.add(", paused"),
        (false, false) => (),
    }
    if let Some(stage) = &status.stage {
        text.add(format_args!(", stage {stage}"));
    }
    if let Some(gate) = &status.gate {
        text.add(format_args!(", gate {gate}"));
    }
    match (&status.candidate_revision, &status.stable_revision) {
        (Some(candidate), Some(stable)) if candidate != stable => {
            text.add(format_args!(", candidate {candidate}, stable {stable}"));
        }
        (_, Some(stable)) => text.add(format_args!(", stable {stable}")),
        (Some(candidate), None) => text.add(format_args!(", first deploy of {candidate}")),
        (None, None) => (),
    }
    if is_behind(object, status) {
        text.add("; its newest spec was not looked at yet");
    }
    text.into_string()
}

/// The revisions that can be gone back to.
pub(crate) fn history(object: &Rollout) -> String {
    let name = object.metadata.name.as_deref().unwrap_or_default();
    let status = object.status.clone().unwrap_or_default();
    if status.history.is_empty() {
        return format!("{name}: no revision was proven yet");
    }
    let mut text = Text::default();
    for revision in &status.history {
        let is_stable = status.stable_revision.as_ref() == Some(revision);
        text.line(format_args!("{revision}{}", if is_stable { "  stable" } else { "" }));
    }
    text.into_string()
}

/// How the rollout ended, and nothing while it goes on.
pub(crate) fn end(object: &Rollout) -> Option<Exit> {
    let status = object.status.as_ref().filter(|status| !is_behind(object, status))?;
    let has_refused = status.conditions.iter().any(|condition| {
        condition.kind == ConditionType::Accepted && condition.status == ConditionStatus::False
    });
    match status.phase.as_str() {
        _ if has_refused => Some(Exit::BadInput),
        "Completed" => Some(Exit::Done),
        "RolledBack" => Some(Exit::RolledBack),
        "Failed" | "NeedsOperator" => Some(Exit::Failed),
        _ => None,
    }
}

fn is_behind(object: &Rollout, status: &RolloutStatus) -> bool {
    status.observed_generation < object.generation()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(generation: i64, phase: &str) -> Rollout {
        serde_json::from_value(json!({
            "apiVersion": "rollout-engine.dev/v1alpha1",
            "kind": "Rollout",
            "metadata": { "name": "web", "generation": generation },
            "spec": {},
            "status": {
                "observedGeneration": 2, "phase": phase, "message": "2 of 3 pods ready",
                "candidateRevision": "v2", "stableRevision": "v1", "stage": "25% (2/4)",
                "desiredReplicas": 4, "replicas": 5, "history": ["v1", "v0"],
            },
        }))
        .unwrap()
    }

    #[test]
    fn an_object_is_told_in_a_few_lines() {
        let picture = picture(&object(2, "Moving"));
        for line in [
            "web: Moving, stage 25% (2/4), candidate v2, stable v1",
            "now       2 of 3 pods ready",
            "pods      4 wanted, 5 there, 0 of the candidate, 0 ready, 0 available, 0 leaving",
            "proven    v1, v0",
        ] {
            assert!(picture.lines().any(|found| found == line), "{line} is not in\n{picture}");
        }
        assert_eq!(history(&object(2, "Moving")), "v1  stable\nv0\n");
    }

    #[test]
    fn a_rollout_has_ended_only_for_the_spec_that_is_asked_for() {
        for (generation, phase, expected) in [
            (2, "Moving", None),
            (2, "Completed", Some(Exit::Done)),
            (3, "Completed", None),
            (2, "RolledBack", Some(Exit::RolledBack)),
            (2, "NeedsOperator", Some(Exit::Failed)),
        ] {
            assert_eq!(end(&object(generation, phase)), expected, "{generation} {phase}");
        }
    }
}
