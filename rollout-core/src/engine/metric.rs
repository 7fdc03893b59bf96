//! Metrics: read when they are due, kept as tallies, judged where a gate waits or a watch is kept.

use super::{
    event::MetricPlace,
    note::{Expiry, Note, WaitReason},
    phase::moving,
    record::{Cause, Change},
    state::{Rollout, State, Walk},
    turn::Turn,
};
use crate::{
    id::{Attempt, RevisionId},
    judge::{Judgement, Metric, Reading, Tally, Verdict},
    time::Timestamp,
};

/// A metric to be read, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Measurement<'a> {
    /// The attempt it is read for.
    pub attempt: Attempt,
    /// What it is read for.
    pub place: MetricPlace,
    /// What is to be read.
    pub metric: &'a Metric,
    /// Not before this time.
    pub due: Timestamp,
    /// Since when what is read counts: nothing from before says anything of this candidate.
    pub since: Timestamp,
    /// The revision on trial.
    pub candidate: &'a RevisionId,
    /// The revision it is compared with, if there is one.
    pub stable: Option<&'a RevisionId>,
}

/// Every metric that is to be read.
pub(super) fn due(state: &State) -> Vec<Measurement<'_>> {
    let Some(rollout) = state.under_way().filter(|_| state.halted.is_none()) else {
        return Vec::new();
    };
    let gate = match rollout.walk {
        Walk::Gating { stage, gate } => {
            Some((MetricPlace::Gate { stage, gate }, rollout.gate_since))
        }
        Walk::Moving { .. } | Walk::Reverting | Walk::Ended(_) => None,
    };
    let watched = watches(rollout);
    let measurement = |(place, since): (MetricPlace, Timestamp)| {
        let metric = rollout.metric(place)?;
        let none = Tally::default();
        let tally = rollout.tallies.get(&place).unwrap_or(&none);
        Some(Measurement {
            attempt: rollout.attempt,
            place,
            metric,
            due: metric.next_due(since, tally),
            since,
            candidate: &rollout.candidate.id,
            stable: rollout.from.as_ref().map(|from| &from.id),
        })
    };
    gate.into_iter().chain(watched).filter_map(measurement).collect()
}

/// The metrics that are watched now, and since when.
fn watches(rollout: &Rollout) -> impl Iterator<Item = (MetricPlace, Timestamp)> {
    let is_forward = matches!(rollout.walk, Walk::Moving { .. } | Walk::Gating { .. });
    let since = rollout.exposed.filter(|_| is_forward && !rollout.proven && !rollout.is_resize());
    let count = if since.is_some() { rollout.spec.watch.len() } else { 0 };
    (0..count).map(move |index| (MetricPlace::Watch { index }, since.unwrap_or_default()))
}

/// Takes in a reading. One that nobody waits for any more counts for nothing.
pub(super) fn measured(
    turn: &mut Turn<'_>,
    attempt: Attempt,
    place: MetricPlace,
    reading: Reading,
) {
    let is_wanted = due(&turn.state)
        .iter()
        .any(|it| it.place == place && it.attempt == attempt && it.due <= turn.now);
    if is_wanted {
        turn.record(Change::Measured { place, reading });
    }
}

/// Whether the metric of a gate has passed. `Err`: it has not and never will.
pub(super) fn passes(
    turn: &mut Turn<'_>,
    rollout: &Rollout,
    place: MetricPlace,
    metric: &Metric,
) -> Result<bool, Cause> {
    let judgement = judge(rollout, place, metric);
    match judgement.verdict {
        Verdict::Pass => {
            say(turn, metric, judgement);
            Ok(true)
        }
        Verdict::Fail | Verdict::NoData => {
            let why = judgement.reason.to_string();
            say(turn, metric, judgement);
            Err(Cause::Metric { metric: metric.name.clone(), why })
        }
        Verdict::Continue => {
            let tally = rollout.tallies.get(&place).cloned().unwrap_or_default();
            let next = metric.next_due(rollout.gate_since, &tally);
            let name = metric.name.clone();
            turn.wait(rollout.gate_since, Some((next, Expiry::Retries)), || WaitReason::Metric {
                metric: name,
                judgement,
            });
            Ok(false)
        }
    }
}

/// Turns back when a metric that is watched throughout has failed. Returns whether the walk changed.
pub(super) fn watch(turn: &mut Turn<'_>, rollout: &Rollout) -> bool {
    let failed = watches(rollout).find_map(|(place, _)| {
        let metric = rollout.metric(place)?;
        let judgement = judge(rollout, place, metric);
        matches!(judgement.verdict, Verdict::Fail | Verdict::NoData)
            .then(|| (metric.clone(), judgement))
    });
    let Some((metric, judgement)) = failed else { return false };
    let why = judgement.reason.to_string();
    say(turn, &metric, judgement);
    moving::fail(turn, Cause::Metric { metric: metric.name, why })
}

fn judge(rollout: &Rollout, place: MetricPlace, metric: &Metric) -> Judgement {
    let none = Tally::default();
    metric.assess(rollout.tallies.get(&place).unwrap_or(&none), false)
}

fn say(turn: &mut Turn<'_>, metric: &Metric, judgement: Judgement) {
    turn.note(Note::Judged { metric: metric.name.clone(), judgement });
}
