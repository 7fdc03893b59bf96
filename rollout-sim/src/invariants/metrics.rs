//! G2, G5 and R7: a metric's gate passes by itself only on enough values of this attempt, read since its
//! stage was reached, over its least time. What was read for an earlier attempt or stage counts for nothing.

use rollout_core::{
    engine::{Change, MetricPlace},
    judge::Reading,
    plan::StageGate,
    time::Timestamp,
};

use super::{Broken, Happened, Invariant, Kind, Moment, require};

/// When the values were read that may count for the gate under way.
#[derive(Default)]
pub(super) struct Metrics {
    read: Vec<Timestamp>,
}

impl Invariant for Metrics {
    fn name(&self) -> &'static str {
        "G2 enough evidence"
    }

    fn hears(&self) -> &'static [Kind] {
        &[Kind::Recorded]
    }

    fn check(&mut self, moment: &Moment<'_>) -> Result<(), Broken> {
        let Happened::Recorded(record) = moment.happened else {
            return Ok(());
        };
        let ledger = moment.ledger;
        match (&record.change, ledger.stage_now()) {
            (Change::Measured { place: MetricPlace::Gate { stage, gate }, reading }, _) => {
                let is_due =
                    ledger.reached && ledger.stage == Some(*stage) && *gate == ledger.passed;
                if let Reading::Value(_) = reading {
                    self.read.push(record.at);
                }
                require(is_due || ledger.aborted.is_some() || ledger.end.is_some(), || {
                    format!(
                        "gate {gate} of stage {stage} was read for in stage {:?} (reached: {}), gate {}",
                        ledger.stage, ledger.reached, ledger.passed
                    )
                })
            }
            (Change::Passed { gate, by, .. }, Some(stage)) => {
                let read = std::mem::take(&mut self.read);
                let Some(StageGate::Metric(metric)) = stage.gates.get(*gate) else { return Ok(()) };
                if by.is_some() || ledger.promoted || metric.dry_run {
                    return Ok(());
                }
                let lasted = match (read.first(), read.last()) {
                    (Some(first), Some(last)) => last.since(*first),
                    (_, _) => rollout_core::time::Span::ZERO,
                };
                let values = read.len() as u64;
                require(
                    metric.min_samples.max(1) <= values && metric.min_duration <= lasted,
                    || {
                        format!(
                            "{} passed on {values} values over {lasted}; {} over {} are asked for",
                            metric.name, metric.min_samples, metric.min_duration
                        )
                    },
                )
            }
            (Change::Entered { .. } | Change::Submitted { .. }, _) => {
                self.read.clear();
                Ok(())
            }
            (_, _) => Ok(()),
        }
    }
}
