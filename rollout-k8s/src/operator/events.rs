//! Notes as Kubernetes Events: what a person sees in `kubectl describe`.
//!
//! Absent: every single pod that became available, and attempts that are made again; the log has them.

use std::time::Duration;

use k8s_openapi::api::core::v1::ObjectReference;
use kube::{
    Client, Resource as _,
    runtime::events::{Event, EventType, Recorder, Reporter},
};
use rollout_core::engine::{End, Note};
use tracing::debug;

use crate::crd::Rollout;

/// Longest wait for an event to be written; the next rollout does not wait for it any longer.
const WRITTEN_WITHIN: Duration = Duration::from_secs(5);
/// Most bytes of an event's note are 1,024, Kubernetes' own limit; a character may have several.
const NOTE_LIMIT: usize = 512;
/// Most characters of what an event is about; the limit is 128 bytes.
const SUBJECT_LIMIT: usize = 120;

/// Writes events on behalf of one copy.
#[derive(Clone)]
pub(super) struct Events {
    recorder: Recorder,
}

impl Events {
    pub(super) fn new(client: Client, me: &str) -> Self {
        let reporter = Reporter {
            controller: "rollout-engine.dev/operator".into(),
            instance: Some(me.into()),
        };
        Self { recorder: Recorder::new(client, reporter) }
    }

    /// Tells `note` of `rollout`, if it is for people. An event that is lost is lost.
    pub(super) async fn tell(&self, rollout: &Rollout, note: &Note) {
        if let Some((kind, reason, subject)) = meaning(note) {
            self.write(&rollout.object_ref(&()), kind, reason, subject, note.to_string()).await;
        }
    }

    /// Warns of something that is not the engine's.
    pub(super) async fn warn(&self, rollout: &Rollout, reason: &str, why: String) {
        let about = rollout.object_ref(&());
        self.write(&about, EventType::Warning, reason, reason, why).await;
    }

    /// Events of one reason and subject are counted as one; so the subject is what tells them apart.
    async fn write(
        &self,
        about: &ObjectReference,
        kind: EventType,
        reason: &str,
        subject: &str,
        note: String,
    ) {
        let event = Event {
            type_: kind,
            reason: reason.to_owned(),
            note: Some(note.chars().take(NOTE_LIMIT).collect()),
            action: subject.chars().take(SUBJECT_LIMIT).collect(),
            secondary: None,
        };
        match tokio::time::timeout(WRITTEN_WITHIN, self.recorder.publish(&event, about)).await {
            Ok(Ok(())) => (),
            Ok(Err(error)) => debug!(%error, reason, "event not written"),
            Err(_) => debug!(reason, "event not written in time"),
        }
    }
}

/// Whether a note is for people: how serious it is, its word, and what it is about.
fn meaning(note: &Note) -> Option<(EventType, &'static str, &str)> {
    use EventType::{Normal, Warning};
    match note {
        Note::StageEntered { stage, .. } => Some((Normal, "StageEntered", stage)),
        Note::Proven { revision } => Some((Normal, "Proven", revision.as_str())),
        Note::Judged { metric, .. } => Some((Normal, "MetricJudged", metric)),
        Note::Skipped { to, .. } => Some((Normal, "StageSkipped", to)),
        Note::Resized { .. } => Some((Normal, "Resized", "Resize")),
        Note::HookEnded { run, failure: None, .. } => Some((Normal, "HookSucceeded", run.as_str())),
        Note::HookEnded { run, failure: Some(_), .. } => {
            Some((Warning, "HookFailed", run.as_str()))
        }
        Note::Ended { end } => Some(ended(end)),
        Note::InstanceFailed { instance, .. } => {
            Some((Warning, "InstanceFailed", instance.as_str()))
        }
        Note::DrainCut { instance, .. } => Some((Warning, "DrainCut", instance.as_str())),
        Note::TurnedBack { .. } => Some((Warning, "TurnedBack", "Rollback")),
        Note::NotStarted { revision, .. } => Some((Warning, "NotStarted", revision.as_str())),
        Note::Vetoed(_) => Some((Warning, "Vetoed", "Guard")),
        Note::PoolFailed { revision, .. } => Some((Warning, "PoolFailed", revision.as_str())),
        // Told by the counts of the status or by the log, or of a kind that is not known here yet.
        Note::StageReached { .. }
        | Note::Available { .. }
        | Note::InstanceLost { .. }
        | Note::Retrying { .. }
        | _ => None,
    }
}

fn ended(end: &End) -> (EventType, &'static str, &'static str) {
    match end {
        End::Completed => (EventType::Normal, "Completed", "End"),
        End::RolledBack => (EventType::Warning, "RolledBack", "End"),
        End::Failed => (EventType::Warning, "Failed", "End"),
        End::NeedsOperator { .. } => (EventType::Warning, "NeedsOperator", "End"),
        End::Fenced => (EventType::Normal, "TakenOver", "End"),
        // Of a newer engine.
        _ => (EventType::Normal, "Ended", "End"),
    }
}
