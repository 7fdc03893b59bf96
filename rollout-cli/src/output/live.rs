//! Progress of a run: on a terminal a growing list with one line below it that changes in place, else
//! plain lines, or JSON lines.

use rollout_core::{
    engine::{End, Note, Status, Wait, WaitReason},
    id::{RevisionId, Seq, WorkloadId},
    time::Timestamp,
};
use rollout_runtime::control::Told;
use serde::Serialize;

use super::{Output, status, when};
use crate::{error::CliError, exit::Exit};

/// Back to the first column and the line cleared.
const CLEAR: &str = "\r\x1b[2K";
/// Long lines are cut at the edge, so that clearing one line clears all of it.
const NO_WRAP: &str = "\x1b[?7l";
/// Long lines go on in the next one again.
const WRAP: &str = "\x1b[?7h";

/// Shows a run as it happens.
#[derive(Debug)]
pub(crate) struct Live {
    output: Output,
    began: Timestamp,
    records: bool,
    shown: bool,
    waited: Option<&'static str>,
}

/// One line of JSON of a run.
#[derive(Debug, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
enum Line<'a> {
    /// The run has begun.
    Started { at: Timestamp, workload: &'a WorkloadId, revision: &'a RevisionId, resumed: bool },
    /// The run has begun, and nothing was submitted.
    Attending { at: Timestamp, workload: &'a WorkloadId, status: &'a Status },
    /// A record became durable.
    Record { at: Timestamp, seq: Seq, text: &'a str },
    /// Something a person may want to know.
    Note { at: Timestamp, note: &'a Note, text: &'a str },
    /// So many messages were dropped, for they came too fast.
    Missed { count: u64 },
    /// What is waited for has changed.
    Status { at: Timestamp, status: &'a Status },
    /// The run is over.
    Over { at: Timestamp, exit: u8, end: Option<&'a End>, elapsed_ms: u64 },
}

impl Live {
    /// Shows what happens from now on; with `records`, every record as well.
    pub(crate) fn new(output: Output, records: bool) -> Self {
        Self { output, began: when::now(), records, shown: false, waited: None }
    }

    /// Whether a line that changes in place is shown.
    pub(crate) fn is_watched(&self) -> bool {
        self.output.is_watched()
    }

    /// Shows how the run began.
    pub(crate) fn started(
        &mut self,
        workload: &WorkloadId,
        revision: &RevisionId,
        resumed: bool,
    ) -> Result<(), CliError> {
        let at = when::now();
        if self.output.is_json() {
            return Output::event(&Line::Started { at, workload, revision, resumed });
        }
        let verb = if resumed { "resumed the rollout of" } else { "rolling out" };
        self.line(at, &format!("{verb} {workload} to {revision}"));
        Ok(())
    }

    /// Shows that nothing was submitted.
    pub(crate) fn attending(
        &mut self,
        workload: &WorkloadId,
        status: &Status,
    ) -> Result<(), CliError> {
        let at = when::now();
        if self.output.is_json() {
            return Output::event(&Line::Attending { at, workload, status });
        }
        self.line(at, &format!("attending {workload}; give orders from another terminal"));
        Ok(())
    }

    /// Shows something that happened.
    pub(crate) fn told(&mut self, told: &Told) -> Result<(), CliError> {
        let (at, text, line) = match told {
            Told::Recorded { at, seq, text } if self.records => {
                (*at, format!("{seq} {text}"), Line::Record { at: *at, seq: *seq, text })
            }
            Told::Noted { at, note, text } => {
                (*at, text.clone(), Line::Note { at: *at, note, text })
            }
            Told::Missed { count } => (
                when::now(),
                format!("{count} messages were missed"),
                Line::Missed { count: *count },
            ),
            Told::Recorded { .. } | _ => return Ok(()),
        };
        if self.output.is_json() {
            return Output::event(&line);
        }
        self.line(at, &text);
        Ok(())
    }

    /// Shows where things stand: in place, or a line when what a person can act on has changed.
    pub(crate) fn status(&mut self, status: &Status) -> Result<(), CliError> {
        let now = when::now();
        if self.is_watched() {
            let line = status::line(status, now);
            let passed = when::rough(now.since(self.began));
            Output::raw(&format!("{CLEAR}{NO_WRAP}{passed:>8}  {line}{WRAP}"));
            self.shown = true;
            return Ok(());
        }
        let first = status.waits.first();
        let kind = first.and_then(|wait| notable(&wait.reason));
        let changed = kind.is_some() && kind != self.waited;
        self.waited = kind;
        match first {
            Some(_) if changed && self.output.is_json() => {
                Output::event(&Line::Status { at: now, status })?;
            }
            Some(wait) if changed => self.wait(wait, now),
            Some(_) | None => (),
        }
        Ok(())
    }

    fn wait(&mut self, wait: &Wait, now: Timestamp) {
        self.line(now, &format!("waits for {}", status::waiting(wait, now)));
    }

    /// Shows a line for people, beside the JSON if that is wanted.
    pub(crate) fn aside(&mut self, text: &str) {
        if self.output.is_json() {
            Output::aside(text);
        } else {
            self.line(when::now(), text);
        }
    }

    /// Shows how the run ended.
    pub(crate) fn over(
        &mut self,
        exit: Exit,
        end: Option<&End>,
        text: &str,
    ) -> Result<(), CliError> {
        let at = when::now();
        let elapsed = at.since(self.began);
        if self.output.is_json() {
            let elapsed_ms = elapsed.as_millis();
            return Output::event(&Line::Over { at, exit: exit.code(), end, elapsed_ms });
        }
        self.line(at, text);
        Ok(())
    }

    /// Writes a line that stays.
    pub(crate) fn line(&mut self, at: Timestamp, text: &str) {
        let clear = if self.shown { CLEAR } else { "" };
        self.shown = false;
        let passed = when::rough(at.since(self.began));
        Output::raw(&format!("{clear}{passed:>8}  {text}\n"));
    }
}

/// A name for a wait that a person should hear of; `None` for those that are part of every rollout.
fn notable(reason: &WaitReason) -> Option<&'static str> {
    match reason {
        WaitReason::Approval { .. } => Some("approval"),
        WaitReason::Paused { .. } => Some("paused"),
        WaitReason::Hold { .. } => Some("hold"),
        WaitReason::Health { .. } => Some("health"),
        WaitReason::Hook { .. } => Some("hook"),
        WaitReason::Metric { .. } => Some("metric"),
        WaitReason::Window { .. } => Some("window"),
        WaitReason::Closed { .. } => Some("closed"),
        WaitReason::Modules { .. } => Some("modules"),
        WaitReason::KeptFailed { .. } => Some("kept"),
        WaitReason::Verifying { .. } => Some("verifying"),
        WaitReason::Halted { .. } => Some("halted"),
        WaitReason::Vetoed { .. } => Some("vetoed"),
        WaitReason::Retry { .. } => Some("retry"),
        WaitReason::Observation { why: Some(_), .. } => Some("observation"),
        WaitReason::Observation { why: None, .. }
        | WaitReason::Idle
        | WaitReason::Ended { .. }
        | WaitReason::Instances { .. }
        | WaitReason::Ceiling { .. }
        | WaitReason::Floor { .. }
        | WaitReason::Draining { .. }
        | WaitReason::BatchDelay
        | WaitReason::Route { .. }
        | WaitReason::Answer { .. }
        | WaitReason::Sight { .. }
        | _ => None,
    }
}
