//! `rollout run`: rolls out, or resumes what was interrupted, and shows how it goes.
//!
//! Absent: state of its own. Killed at any moment, the next run reads the journal and goes on.

mod interrupts;
mod prepare;
mod site;

use std::time::Duration;

use rollout_core::{
    engine::{Change, End, Note, Phase, Purpose},
    id::RevisionId,
};
use rollout_runtime::{Handle, Progress, Stopped, Subscription, control::Told};
use tokio::time::{MissedTickBehavior, interval};

use self::{
    interrupts::Interrupts,
    prepare::{Prepared, Running},
};
use crate::{
    args::{RunArgs, Until},
    error::CliError,
    exit::Exit,
    output::{Output, live::Live},
};

/// Time between two looks at where things stand.
const LOOK: Duration = Duration::from_millis(200);

pub(super) async fn run(args: RunArgs, output: Output) -> Result<Exit, CliError> {
    let interrupts = Interrupts::listen()?;
    let prepared = Prepared::new(&args).await?;
    let running = prepared.start(&args).await?;
    let mut live = Live::new(output, args.records);
    let progress = running.handle.subscribe();
    let begun = begin(&running, &args, &mut live).await?;
    let mut watch = Watch {
        handle: &running.handle,
        revision: &running.revision,
        live,
        args: &args,
        begun,
        told: WhatCame::default(),
    };
    watch.follow(progress, interrupts).await
}

/// How a run began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Begun {
    /// Something is under way.
    UnderWay,
    /// What was asked for was reached before.
    Already,
}

/// Submits the revision, unless it is the one under way.
async fn begin(running: &Running, args: &RunArgs, live: &mut Live) -> Result<Begun, CliError> {
    let Running { handle, spec, revision, .. } = running;
    let status = handle.status().await?;
    if args.attend {
        live.attending(handle.workload(), &status)?;
        return Ok(Begun::UnderWay);
    }
    let is_same = status.candidate.as_ref() == Some(revision);
    let resumed = match status.phase {
        Phase::Moving | Phase::Gating | Phase::Reverting => is_same,
        Phase::Idle | Phase::Ended | _ => false,
    };
    live.started(handle.workload(), revision, resumed)?;
    // The way back from a revision is not a reason to try it once more; every other submission of what
    // is under way changes nothing, unless the spec says something new.
    if !(is_same && status.phase == Phase::Reverting) {
        handle.submit(spec.clone(), &args.by.name()).await?;
    }
    let after = handle.status().await?;
    let is_new = after.attempt != status.attempt || after.end != Some(End::Completed);
    Ok(if is_new { Begun::UnderWay } else { Begun::Already })
}

/// What is known of the end.
#[derive(Debug, Default)]
struct WhatCame {
    end: Option<End>,
    /// The revision that something led to last, and what for.
    moved: Option<(RevisionId, Purpose)>,
    proven: bool,
    interrupted: bool,
}

/// Follows a rollout to its end.
struct Watch<'a> {
    handle: &'a Handle,
    revision: &'a RevisionId,
    live: Live,
    args: &'a RunArgs,
    begun: Begun,
    told: WhatCame,
}

impl Watch<'_> {
    async fn follow(
        &mut self,
        mut progress: Subscription,
        mut interrupts: Interrupts,
    ) -> Result<Exit, CliError> {
        let mut look = interval(LOOK);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let handle = self.handle.clone();
        let (ended, stopping) = (handle.wait_ended(), handle.shutdown());
        tokio::pin!(ended, stopping);
        let (mut has_ended, mut has_stopped) = (false, false);
        // The progress ends when the driver has stopped, for whatever reason.
        loop {
            tokio::select! {
                biased;
                () = interrupts.next() => self.interrupted(),
                told = progress.next() => match told {
                    Some(told) => self.heard(told)?,
                    None => break,
                },
                end = &mut ended, if !has_ended => {
                    has_ended = true;
                    self.told.end = end.ok();
                }
                _ = &mut stopping, if self.is_over() && !has_stopped => has_stopped = true,
                _ = look.tick(), if !self.is_over() => self.look().await?,
            }
        }
        let stopped = handle.wait_stopped().await;
        // An order may have led to another end since the first one.
        self.told.end = handle.wait_ended().await.ok();
        self.finish(stopped)
    }

    /// Whether there is nothing left to follow.
    fn is_over(&self) -> bool {
        let told = &self.told;
        let proven = told.proven && self.args.until == Until::Proven;
        told.interrupted || proven || (told.end.is_some() && !self.args.stay && !self.args.attend)
    }

    /// Shows where things stand; a driver that has just stopped is heard of otherwise.
    async fn look(&mut self) -> Result<(), CliError> {
        match self.handle.status().await {
            Ok(status) => self.live.status(&status),
            Err(_) => Ok(()),
        }
    }

    fn heard(&mut self, progress: Progress) -> Result<(), CliError> {
        if let Progress::Noted { note: Note::Proven { .. }, .. } = &progress {
            self.told.proven = true;
        }
        if let Progress::Recorded { record, .. } = &progress
            && let Change::Submitted { revision, purpose, .. } = &record.change
        {
            self.told.moved = Some((revision.id.clone(), *purpose));
        }
        self.live.told(&Told::from(progress))
    }

    fn interrupted(&mut self) {
        if self.told.interrupted {
            interrupts::leave(Exit::Interrupted);
        }
        self.told.interrupted = true;
        if self.told.end.is_none() {
            let text = "interrupted: what is under way ends first; once more leaves at once";
            self.live.aside(text);
        }
    }

    /// The other revision that an order led to, if one did.
    fn elsewhere(&self) -> Option<&RevisionId> {
        match &self.told.moved {
            Some((revision, Purpose::Undo | Purpose::Adopt)) => {
                Some(revision).filter(|revision| *revision != self.revision)
            }
            // New instances of a revision have a name of their own.
            Some((_, Purpose::Move | Purpose::Restart)) | None => None,
        }
    }

    /// What is so at the end, beside the note that says how it ended.
    fn outcome(&self, end: &End) -> String {
        let workload = self.handle.workload();
        if let (End::Completed, Some(other)) = (end, self.elsewhere()) {
            return format!("{workload} is at {other} by order, not at {}", self.revision);
        }
        match (end, self.begun) {
            (End::Completed, Begun::Already) => {
                format!("{workload} is at {} already, nothing was done", self.revision)
            }
            (End::Completed, Begun::UnderWay) => format!("{workload} is at {}", self.revision),
            (End::RolledBack, _) => format!("{workload} is where it was before"),
            (End::Failed | End::NeedsOperator { .. } | End::Fenced | _, _) => {
                format!("{workload} is not at {}", self.revision)
            }
        }
    }

    /// Says how it ended.
    fn finish(&mut self, stopped: Stopped) -> Result<Exit, CliError> {
        let (exit, text) = match (&self.told.end, &stopped) {
            (Some(End::Completed), _) if self.elsewhere().is_some() => {
                (Exit::RolledBack, self.outcome(&End::Completed))
            }
            (Some(end), _) => (exit_of(end), self.outcome(end)),
            (None, _) if self.told.proven && self.args.until == Until::Proven => {
                (Exit::Done, "proven; the next run goes on with what is left".to_owned())
            }
            (None, Stopped::ShutDown) => (
                Exit::Interrupted,
                format!(
                    "interrupted; resume with `rollout run --backend {} {}`",
                    self.args.backend.name(),
                    self.args.source.file.display()
                ),
            ),
            (None, _) => return Err(stopped.into()),
        };
        self.live.over(exit, self.told.end.as_ref(), &text)?;
        Ok(exit)
    }
}

/// The exit code of an end.
pub(super) fn exit_of(end: &End) -> Exit {
    match end {
        End::Completed => Exit::Done,
        End::RolledBack => Exit::RolledBack,
        End::Fenced => Exit::Unreachable,
        End::Failed | End::NeedsOperator { .. } | _ => Exit::Failed,
    }
}
