//! A record as a person reads it: one line.

use std::fmt;

use super::{Change, Resolution, Settlement};

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Claimed { epoch } => write!(f, "claimed {epoch}"),
            Self::Adopted { revision } => write!(f, "adopted {}", revision.id),
            Self::Found { instance, revision, .. } => {
                write!(f, "found {instance} of {}", revision.id)
            }
            Self::Submitted { attempt, revision, plan, by, .. } => {
                write!(f, "submitted {} ({}, {attempt}) by {by}", revision.id, plan.strategy)
            }
            Self::Queued { revision, by, .. } => write!(f, "queued {} by {by}", revision.id),
            Self::Dropped { revision, why } => write!(f, "dropped {revision}: {why}"),
            Self::Entered { stage } => write!(f, "entered stage {stage}"),
            Self::Targeted { revision, replicas } => write!(f, "target of {revision}: {replicas}"),
            Self::Progressed { available } => write!(f, "progressed to {available} available"),
            Self::BatchEnded => f.write_str("batch ended"),
            Self::Reached { stage } => write!(f, "reached stage {stage}"),
            Self::Passed { stage, gate, by: None, .. } => {
                write!(f, "passed gate {gate} of stage {stage}")
            }
            Self::Passed { stage, gate, by: Some(by), .. } => {
                write!(f, "passed gate {gate} of stage {stage} by order of {by}")
            }
            Self::Skipped { from, to, by, why } => {
                write!(f, "skipped from stage {from} to {to} by order of {by}: {why}")
            }
            Self::Measured { place, reading } => write!(f, "measured {place}: {reading}"),
            Self::HookEnded { run, failure: None } => write!(f, "hook run {run} succeeded"),
            Self::HookEnded { run, failure: Some(why) } => {
                write!(f, "hook run {run} failed: {why}")
            }
            Self::Halted { by, why: None } => write!(f, "halted by {by}"),
            Self::Halted { by, why: Some(why) } => write!(f, "halted by {by}: {why}"),
            Self::Resized { plan, by, .. } => write!(f, "resized to {} by {by}", plan.desired),
            Self::Resolved { how: Resolution::GoOn, by, .. } => {
                write!(f, "resolved by {by}: goes on")
            }
            Self::Resolved { how: Resolution::Adopt { revision: Some(revision) }, by, .. } => {
                write!(f, "resolved by {by}: {revision} is stable")
            }
            Self::Resolved { how: Resolution::Adopt { revision: None }, by, .. } => {
                write!(f, "resolved by {by}: what serves is stable")
            }
            Self::Proven { revision } => write!(f, "proven {revision}"),
            Self::Failed { instance, failure } => write!(f, "failed {instance}: {failure}"),
            Self::Lost { instance } => write!(f, "lost {instance}"),
            Self::Retired { instance } => write!(f, "retired {instance}"),
            Self::Gone { instance } => write!(f, "gone {instance}"),
            Self::Paused { by, why: None } => write!(f, "paused by {by}"),
            Self::Paused { by, why: Some(why) } => write!(f, "paused by {by}: {why}"),
            Self::Resumed { by } => write!(f, "resumed by {by}"),
            Self::Promoted { by, .. } => write!(f, "promoted by {by}"),
            Self::Aborted { cause } => write!(f, "aborted: {cause}"),
            Self::Restored => f.write_str("restored"),
            Self::Ended { end } => write!(f, "ended: {end}"),
            Self::Vetoed(veto) => write!(f, "vetoed: {veto}"),
            Self::Intended { id, effect } => write!(f, "intended {id} {effect}"),
            Self::Settled { id, how: Settlement::Applied } => write!(f, "settled {id} applied"),
            Self::Settled { id, how: Settlement::Refused(why) } => {
                write!(f, "settled {id} refused: {why}")
            }
            Self::Settled { id, how: Settlement::Superseded } => {
                write!(f, "settled {id} superseded")
            }
        }
    }
}
