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
use tokio::{sync::mpsc, task::AbortHandle};
use tracing::debug;

use crate::crd::Rollout;

/// Longest wait for an event to be written; the next one does not wait for it any longer.
const WRITTEN_WITHIN: Duration = Duration::from_secs(5);
/// Most bytes of an event's note are 1,024, Kubernetes' own limit; a character may have several.
const NOTE_LIMIT: usize = 512;
/// Most characters of what an event is about; the limit is 128 bytes.
const SUBJECT_LIMIT: usize = 120;

/// Events after which the ones before are forgotten: until then the same one again is counted with the first. A
/// recorder remembers each for minutes, at about 2 kB, and looks at all of them for every new one.
const REMEMBERED: usize = 256;

/// Events that wait to be written; what comes when so many wait is lost.
const WAITING: usize = 1024;

/// Events on behalf of one copy, written one after the other beside everything else.
pub(super) struct Events {
    queue: mpsc::Sender<Told>,
    writer: AbortHandle,
}

/// An event, and what it is about.
struct Told {
    event: Event,
    about: ObjectReference,
}

impl Events {
    pub(super) fn new(client: Client, me: &str) -> Self {
        let reporter = Reporter {
            controller: "rollout-engine.dev/operator".into(),
            instance: Some(me.into()),
        };
        let (queue, told) = mpsc::channel(WAITING);
        let writer = tokio::spawn(write(client, reporter, told)).abort_handle();
        Self { queue, writer }
    }

    /// Tells `note` of `rollout`, if it is for people. An event that is lost is lost.
    pub(super) fn tell(&self, rollout: &Rollout, note: &Note) {
        if let Some((kind, reason, subject)) = meaning(note) {
            self.put(rollout, kind, reason, subject, &note.to_string());
        }
    }

    /// Warns of something that is not the engine's.
    pub(super) fn warn(&self, rollout: &Rollout, reason: &str, why: &str) {
        self.put(rollout, EventType::Warning, reason, reason, why);
    }

    /// Events of one reason and subject are counted as one; so the subject is what tells them apart.
    fn put(&self, rollout: &Rollout, kind: EventType, reason: &str, subject: &str, note: &str) {
        let event = Event {
            type_: kind,
            reason: reason.to_owned(),
            note: Some(note.chars().take(NOTE_LIMIT).collect()),
            action: subject.chars().take(SUBJECT_LIMIT).collect(),
            secondary: None,
        };
        if self.queue.try_send(Told { event, about: rollout.object_ref(&()) }).is_err() {
            debug!(reason, "event not written: too many wait");
        }
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        self.writer.abort();
    }
}

/// Writes what is told, for ever.
async fn write(client: Client, reporter: Reporter, mut told: mpsc::Receiver<Told>) {
    let anew = || Recorder::new(client.clone(), reporter.clone());
    let (mut recorder, mut remembered) = (anew(), 0);
    while let Some(Told { event, about }) = told.recv().await {
        if remembered == REMEMBERED {
            (recorder, remembered) = (anew(), 0);
        }
        remembered += 1;
        match tokio::time::timeout(WRITTEN_WITHIN, recorder.publish(&event, &about)).await {
            Ok(Ok(())) => (),
            Ok(Err(error)) => debug!(%error, reason = event.reason, "event not written"),
            Err(_) => debug!(reason = event.reason, "event not written in time"),
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
