//! Notes and waits as a person reads them: one line each, with the numbers compared.

use std::fmt;

use super::{Note, WaitReason};
use crate::engine::record::By;

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::StageEntered { stage, candidate, stable } => {
                write!(f, "stage {stage}: to {candidate} candidate and {stable} stable instances")
            }
            Self::StageReached { stage } => write!(f, "stage {stage} reached"),
            Self::Available { available, wanted } => {
                write!(f, "{available} of {wanted} candidate instances available")
            }
            Self::InstanceFailed { instance, failure } => write!(f, "{instance} {failure}"),
            Self::PoolFailed { revision, failed, why: None } => {
                write!(f, "{failed} instances of {revision} failed so far")
            }
            Self::PoolFailed { revision, failed, why: Some(why) } => {
                write!(f, "{failed} instances of {revision} failed so far, the last: {why}")
            }
            Self::InstanceLost { instance } => {
                write!(f, "{instance} is gone though nobody asked; it is replaced")
            }
            Self::DrainCut { instance, in_flight: Some(count) } => {
                write!(f, "{instance} still had {count} requests in flight at the drain deadline")
            }
            Self::DrainCut { instance, in_flight: None } => {
                write!(
                    f,
                    "{instance} was drained until the deadline; nobody can say what was in flight"
                )
            }
            Self::Proven { revision } => {
                write!(f, "{revision} is proven and is the stable revision now")
            }
            Self::TurnedBack { cause } => write!(f, "going back: {cause}"),
            Self::Ended { end } => write!(f, "{end}"),
            Self::Retrying { id, effect, outcome, .. } => write!(f, "{id} {effect}: {outcome}"),
            Self::NotStarted { revision, why } => write!(f, "{revision} was not started: {why}"),
            Self::Judged { metric, judgement } => write!(f, "metric {metric}: {judgement}"),
            Self::HookEnded { hook, run, failure: None } => {
                write!(f, "hook {hook} ({run}) has succeeded")
            }
            Self::HookEnded { hook, run, failure: Some(why) } => {
                write!(f, "hook {hook} ({run}) has failed: {why}")
            }
            Self::Skipped { from, to, by, why } => {
                write!(f, "skipped from stage {from} to {to} by order of {by}: {why}")
            }
            Self::Resized { from, to } => write!(f, "from {from} to {to} instances"),
            Self::Vetoed(veto) => write!(f, "the guard refused a step: {veto}"),
        }
    }
}

impl fmt::Display for WaitReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unclaimed => f.write_str("this engine's reign to begin"),
            Self::Idle => f.write_str("nothing was submitted"),
            Self::Ended { end } => write!(f, "{end}"),
            Self::Observation { .. } => self.observation(f),
            Self::Instances { revision, created, ready, available, wanted } => write!(
                f,
                "instances of {revision}: {available} of {wanted} available ({created} created, {ready} ready)"
            ),
            Self::Ceiling { live, ceiling } => {
                write!(f, "room for another instance: {live} live, ceiling {ceiling}")
            }
            Self::Floor { available, floor } => {
                write!(f, "spare capacity: {available} available, floor {floor}")
            }
            Self::Draining { instances, in_flight } => {
                write!(f, "{instances} instances on their way out, {in_flight} requests in flight")
            }
            Self::BatchDelay => f.write_str("the pause between batches"),
            Self::Route { wanted, in_force: Some(in_force) } => {
                write!(f, "the route {wanted}; in force is {in_force}")
            }
            Self::Route { wanted, in_force: None } => write!(f, "the route {wanted}"),
            Self::Hold { .. }
            | Self::Approval { .. }
            | Self::Health { .. }
            | Self::Window { .. }
            | Self::Metric { .. }
            | Self::Hook { .. }
            | Self::Modules { .. } => self.gate(f),
            Self::Closed { why } => write!(f, "the calendar to open: {why}"),
            Self::Halted { by, why } => {
                write!(f, "the order `resume`: halted by {}", By(by, why.as_deref()))
            }
            Self::KeptFailed { revision, instances } => {
                write!(f, "the end of inspection: {instances} instances of {revision} are kept")
            }
            Self::Verifying { available, wanted } => {
                write!(f, "unbroken health after the way back: {available} of {wanted} available")
            }
            Self::Paused { by, why } => {
                write!(f, "the order `resume`: paused by {}", By(by, why.as_deref()))
            }
            Self::Answer { id, effect } => write!(f, "the answer to {id} {effect}"),
            Self::Sight { port, age } => {
                write!(f, "an observation of the {port} newer than the last one, {age} old")
            }
            Self::Retry { id, effect, outcome, attempts } => {
                write!(f, "the next attempt at {id} {effect} after {attempts}: {outcome}")
            }
            Self::Vetoed { veto, refusals } => {
                write!(f, "another step than the guard refused {refusals} times: {veto}")
            }
        }
    }
}

impl WaitReason {
    /// What an observation that is not there is missing for.
    fn observation(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::Observation { port, age, limit, why } = self else { return Ok(()) };
        match age {
            None => write!(f, "the first observation of the {port}")?,
            Some(age) => write!(
                f,
                "an observation of the {port}: the last is {age} old, the limit is {limit}"
            )?,
        }
        match why {
            Some(why) => write!(f, " ({why})"),
            None => Ok(()),
        }
    }

    /// What a stage waits for before it is left, or before it moves anything.
    #[expect(clippy::wildcard_enum_match_arm, reason = "`fmt` lists every reason, once")]
    fn gate(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hold { stage } => write!(f, "the hold of stage {stage}"),
            Self::Approval { stage } => {
                write!(f, "approval of stage {stage}, by the order `promote`")
            }
            Self::Health { stage, available, wanted } => {
                write!(f, "unbroken health in stage {stage}: {available} of {wanted} available")
            }
            Self::Window { stage, why } => write!(f, "the window of stage {stage}: {why}"),
            Self::Metric { metric, judgement } => {
                write!(f, "more readings of metric {metric}: {}", judgement.reason)
            }
            Self::Hook { hook, run, tries: (try_, of) } => {
                write!(f, "the end of hook {hook} ({run}, try {try_} of {of})")
            }
            Self::Modules { stage, wanted, missing } if missing.is_empty() => {
                write!(f, "the modules of stage {stage}: {wanted}")
            }
            Self::Modules { stage, missing, .. } => {
                write!(f, "somebody to degrade {} for stage {stage}", missing.join(", "))
            }
            _ => Ok(()),
        }
    }
}
