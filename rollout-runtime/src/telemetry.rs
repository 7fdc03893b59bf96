//! What the driver tells `tracing`: values as fields, by their hand-written text.
//!
//! Absent by design: templates, environments, headers. Records and actions carry templates, so they
//! are never logged by `Debug`.

use rollout_core::{
    engine::{Action, HookState, Note, Outcome, Port, Record},
    id::{HookRun, Seq},
    judge::Reading,
};
use tracing::{debug, info, warn};

pub(crate) fn recorded(seq: Seq, record: &Record) {
    debug!(seq = seq.0, at = record.at.0, change = %record.change, "recorded");
}

pub(crate) fn noted(note: &Note) {
    info!(%note, "noted");
}

pub(crate) fn attempting(action: &Action) {
    debug!(%action, port = %action.effect.port(), epoch = action.epoch.0, "attempting");
}

pub(crate) fn attempted(action: &Action, outcome: &Outcome) {
    match outcome {
        Outcome::Applied { mark } => debug!(%action, mark = mark.0, "applied"),
        Outcome::Refused { .. } | Outcome::Unknown { .. } => {
            warn!(%action, %outcome, "attempt did not succeed");
        }
    }
}

pub(crate) fn unobserved(port: Port, why: &str) {
    warn!(%port, why, "observation failed");
}

pub(crate) fn polled(run: &HookRun, state: &HookState) {
    match state {
        HookState::Running => debug!(%run, "hook runs"),
        HookState::Succeeded => debug!(%run, "hook succeeded"),
        HookState::Failed { detail } => warn!(%run, detail, "hook failed"),
        HookState::Missing => warn!(%run, "hook run is not known to its port"),
    }
}

pub(crate) fn measured(metric: &str, reading: &Reading) {
    match reading {
        Reading::Value(value) => debug!(metric, %value, "measured"),
        Reading::NoData => debug!(metric, "measured, and there is no data"),
        Reading::Error(why) => warn!(metric, why, "measurement failed"),
    }
}
