//! A record as a person reads it: one line.

use std::fmt;

use super::{Change, Resolution, Settlement};
use crate::{
    engine::Revision,
    id::{InstanceId, RevisionId},
};

/// Who did something, and why, where they said so.
pub(in crate::engine) struct By<'a>(
    pub(in crate::engine) &'a str,
    pub(in crate::engine) Option<&'a str>,
);

impl fmt::Display for By<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self(by, None) => f.write_str(by),
            Self(by, Some(why)) => write!(f, "{by}: {why}"),
        }
    }
}

impl fmt::Display for Resolution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::GoOn => f.write_str("goes on"),
            Self::Adopt { revision: Some(revision) } => write!(f, "{revision} is stable"),
            Self::Adopt { revision: None } => f.write_str("what serves is stable"),
        }
    }
}

impl fmt::Display for Settlement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Applied => f.write_str("applied"),
            Self::Refused(why) => write!(f, "refused: {why}"),
            Self::Superseded => f.write_str("superseded"),
        }
    }
}

fn found(f: &mut fmt::Formatter<'_>, what: &dyn fmt::Display, of: &Revision) -> fmt::Result {
    write!(f, "found {what} of {}", of.id)
}

/// An instance of a pool kept by count that has a name from now on.
fn named(
    f: &mut fmt::Formatter<'_>,
    instance: &InstanceId,
    of: &RevisionId,
    is_enrolled: bool,
) -> fmt::Result {
    let drained = if is_enrolled { "" } else { ", which is drained" };
    write!(f, "named {instance} of {of}{drained}")
}

/// How often a pool kept by count has failed.
fn pool_failed(
    f: &mut fmt::Formatter<'_>,
    of: &RevisionId,
    failed: u64,
    why: Option<&str>,
) -> fmt::Result {
    let why = why.map(|why| format!(", the last: {why}")).unwrap_or_default();
    write!(f, "failed so far of {of}: {failed}{why}")
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Claimed { epoch } => write!(f, "claimed {epoch}"),
            Self::Adopted { revision } => write!(f, "adopted {}", revision.id),
            Self::Found { instance, revision, .. } => found(f, instance, revision),
            Self::PoolFound { revision, replicas, .. } => found(f, replicas, revision),
            Self::Named { instance, revision, enrolled } => named(f, instance, revision, *enrolled),
            Self::Spared { instance } => write!(f, "spared {instance}"),
            Self::PoolFailed { revision, failed, why } => {
                pool_failed(f, revision, *failed, why.as_deref())
            }
            // Why stands with the order, right before.
            Self::Submitted { attempt, revision, plan, by, .. } => {
                write!(f, "submitted {} ({}, {attempt}) by {by}", revision.id, plan.strategy)
            }
            Self::Queued { revision, by, why, .. } => {
                write!(f, "queued {} by {}", revision.id, By(by, why.as_deref()))
            }
            Self::Dropped { revision, why } => write!(f, "dropped {revision}: {why}"),
            Self::Entered { stage } => write!(f, "entered stage {stage}"),
            Self::Targeted { revision, replicas } => write!(f, "target of {revision}: {replicas}"),
            Self::Progressed { available } => write!(f, "progressed to {available} available"),
            Self::BatchEnded => f.write_str("batch ended"),
            Self::Reached { stage } => write!(f, "reached stage {stage}"),
            Self::Passed { stage, gate, by, why } => {
                let by = by.as_deref().map(|by| format!(" by order of {}", By(by, why.as_deref())));
                write!(f, "passed gate {gate} of stage {stage}{}", by.unwrap_or_default())
            }
            Self::Skipped { from, to, by, why } => {
                write!(f, "skipped from stage {from} to {to} by order of {by}: {why}")
            }
            Self::Measured { place, reading } => write!(f, "measured {place}: {reading}"),
            Self::HookEnded { run, failure } => match failure {
                None => write!(f, "hook run {run} succeeded"),
                Some(why) => write!(f, "hook run {run} failed: {why}"),
            },
            Self::Halted { by, why } => write!(f, "halted by {}", By(by, why.as_deref())),
            Self::Resized { plan, by, why, .. } => {
                write!(f, "resized to {} by {}", plan.desired, By(by, why.as_deref()))
            }
            Self::Resolved { how, by, why } => {
                write!(f, "resolved ({how}) by {}", By(by, why.as_deref()))
            }
            Self::Proven { revision } => write!(f, "proven {revision}"),
            Self::Failed { instance, failure } => write!(f, "failed {instance}: {failure}"),
            Self::Lost { instance } => write!(f, "lost {instance}"),
            Self::Retired { instance } => write!(f, "retired {instance}"),
            Self::Gone { instance } => write!(f, "gone {instance}"),
            Self::Paused { by, why } => write!(f, "paused by {}", By(by, why.as_deref())),
            Self::Resumed { by, why } => write!(f, "resumed by {}", By(by, why.as_deref())),
            Self::Promoted { by, why } => write!(f, "promoted by {}", By(by, why.as_deref())),
            Self::Aborted { cause } => write!(f, "aborted: {cause}"),
            Self::Restored => f.write_str("restored"),
            Self::Ended { end } => write!(f, "ended: {end}"),
            Self::Vetoed(veto) => write!(f, "vetoed: {veto}"),
            Self::Intended { id, effect } => write!(f, "intended {id} {effect}"),
            Self::Settled { id, how } => write!(f, "settled {id} {how}"),
            Self::Snapshot(snapshot) => write!(f, "{snapshot}"),
        }
    }
}
