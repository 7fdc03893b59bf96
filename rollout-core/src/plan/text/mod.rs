//! A plan as a person reads it: one compact table, then what to know.

mod beside;

use std::fmt;

use super::{
    Budget, Plan, Prediction, Remark, Stage, StageGate, StageRoute, Timing, predict,
    predict::StagePrediction,
};
use crate::{
    spec::{Counting, Unanswered},
    weight::Weight,
};

/// A plan beside its predicted duration, to be displayed.
#[derive(Clone, Debug)]
pub struct PlanTable<'a> {
    plan: &'a Plan,
    predicted: Option<(Timing, Prediction)>,
}

impl Plan {
    /// The plan with what it takes when every instance takes `timing`, to be displayed.
    #[must_use]
    pub fn table(&self, timing: Timing) -> PlanTable<'_> {
        PlanTable { plan: self, predicted: Some((timing, predict(self, &timing))) }
    }

    /// The share that was asked for in `stage`; `None` where it is the true one.
    #[must_use]
    pub fn asked(&self, stage: &Stage) -> Option<Weight> {
        self.remarks.iter().find_map(|remark| match remark {
            Remark::ShareDiffers { stage: name, asked, .. } if *name == stage.name => Some(*asked),
            Remark::ShareDiffers { .. }
            | Remark::BudgetRaised
            | Remark::InPlace
            | Remark::Downtime { .. }
            | Remark::FirstDeploy
            | Remark::NoBatches
            | Remark::NoDrain
            | Remark::Calendar(_)
            | Remark::Watched(_) => None,
        })
    }
}

impl Stage {
    /// The candidate's share of traffic at its end.
    #[must_use]
    pub fn share(&self) -> Weight {
        match self.route {
            StageRoute::ByReplicas => Weight::share(self.candidate, self.candidate + self.stable),
            StageRoute::Weighted(weight) => weight,
            StageRoute::Empty => Weight::ZERO,
        }
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        PlanTable { plan: self, predicted: None }.fmt(f)
    }
}

impl fmt::Display for PlanTable<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plan = self.plan;
        let counting = match plan.counting {
            Counting::Strict => "instances on their way out count",
            Counting::Loose => "instances on their way out do not count",
        };
        writeln!(f, "{} of {} instances; {counting}", plan.strategy, plan.desired)?;
        if let Some(stage) = plan.stages.first() {
            writeln!(f, "pace      {}", stage.budget)?;
        }
        writeln!(f, "way back  {}", plan.rollback)?;
        self.stages(f)?;
        beside::write(f, plan)?;
        for stage in plan.stages.iter().filter(|stage| stage.proves) {
            write!(f, "\nthe candidate is proven at the end of `{}`", stage.name)?;
        }
        if let Some((timing, predicted)) = &self.predicted {
            write_total(f, *timing, predicted)?;
        }
        for remark in &plan.remarks {
            write!(f, "\nnote: {remark}")?;
        }
        Ok(())
    }
}

fn write_total(f: &mut fmt::Formatter<'_>, timing: Timing, predicted: &Prediction) -> fmt::Result {
    let Timing { start_to_available: start, drain } = timing;
    write!(
        f,
        "\ntakes {}, at least {}, if an instance needs {start} to start and {drain} to go",
        predicted.total, predicted.bound
    )?;
    match predicted.approvals {
        0 => Ok(()),
        1 => f.write_str("; 1 approval comes on top"),
        approvals => write!(f, "; {approvals} approvals come on top"),
    }
}

/// Columns before those that need a prediction.
const HEAD: [&str; 7] = ["stage", "candidate", "stable", "route", "asked", "share", "gates"];
/// Columns of a prediction.
const HEAD_PREDICTED: [&str; 3] = ["takes", "at least", "bound by"];

impl PlanTable<'_> {
    /// The stages as aligned columns, one line each.
    fn stages(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut head: Vec<String> = HEAD.map(str::to_owned).into();
        if self.predicted.is_some() {
            head.extend(HEAD_PREDICTED.map(str::to_owned));
        }
        let mut rows = vec![head];
        for (index, stage) in self.plan.stages.iter().enumerate() {
            let predicted = self.predicted.as_ref().and_then(|(_, all)| all.stages.get(index));
            rows.push(self.row(stage, predicted));
        }
        let columns = rows.first().map_or(0, Vec::len);
        let wide = |cell: &String| cell.chars().count();
        let widths: Vec<usize> = (0..columns)
            .map(|column| rows.iter().filter_map(|row| row.get(column)).map(wide).max())
            .map(Option::unwrap_or_default)
            .collect();
        let mut lines = rows.iter().map(|row| line(row, &widths)).peekable();
        while let Some(line) = lines.next() {
            f.write_str(&line)?;
            if lines.peek().is_some() {
                f.write_str("\n")?;
            }
        }
        Ok(())
    }

    fn row(&self, stage: &Stage, predicted: Option<&StagePrediction>) -> Vec<String> {
        let share = stage.share();
        let route = match stage.route {
            StageRoute::ByReplicas => "replicas",
            StageRoute::Weighted(_) => "weight",
            StageRoute::Empty => "nobody",
        };
        let gates: Vec<String> = stage.gates.iter().map(ToString::to_string).collect();
        let mut row = vec![
            stage.name.clone(),
            stage.candidate.to_string(),
            stage.stable.to_string(),
            route.to_owned(),
            self.plan.asked(stage).unwrap_or(share).to_string(),
            share.to_string(),
            if gates.is_empty() { "-".to_owned() } else { gates.join(", ") },
        ];
        if let Some(predicted) = predicted {
            row.push(predicted.moving.plus(predicted.gates).to_string());
            row.push(predicted.moving_bound.plus(predicted.gates).to_string());
            row.push(predicted.binding.to_string());
        }
        row
    }
}

/// Numbers to the right, words to the left, two spaces between, none at the end.
fn line(row: &[String], widths: &[usize]) -> String {
    let mut line = String::new();
    for (column, (cell, &width)) in row.iter().zip(widths).enumerate() {
        let numeric = matches!(column, 1 | 2 | 4 | 5 | 7 | 8);
        let padded = if numeric { format!("{cell:>width$}") } else { format!("{cell:<width$}") };
        line.push_str(&padded);
        line.push_str("  ");
    }
    line.truncate(line.trim_end().len());
    line
}

impl fmt::Display for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "surge {}, unavailable {}", self.surge, self.unavailable)?;
        if self.parallelism != 0 {
            write!(f, ", {} at a time", self.parallelism)?;
        }
        if !self.batch_delay.is_zero() {
            write!(f, ", {} between batches", self.batch_delay)?;
        }
        Ok(())
    }
}

impl fmt::Display for StageGate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hold(span) => write!(f, "hold {span}"),
            Self::Health(span) => write!(f, "healthy for {span}"),
            Self::Approval { deadline: None, .. } => f.write_str("approval"),
            Self::Approval { deadline: Some(deadline), on_expiry: Unanswered::Fail } => {
                write!(f, "approval within {deadline}")
            }
            Self::Approval { deadline: Some(deadline), on_expiry: Unanswered::Pass } => {
                write!(f, "approval or {deadline}")
            }
            Self::Metric(metric) => write!(f, "{metric}"),
            Self::Window(calendar) => write!(f, "window {calendar}"),
            Self::Hook(hook) => write!(f, "hook {} within {}", hook.name, hook.deadline),
        }
    }
}

impl fmt::Display for Remark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BudgetRaised => f.write_str(
                "the percentages of surge and unavailable both round to 0; unavailable is 1",
            ),
            Self::InPlace => f.write_str(
                "instances are replaced in place, each gone before the next one starts; unavailable is 1",
            ),
            Self::ShareDiffers { stage, asked, actual } => {
                write!(f, "`{stage}` asks for {asked} of the traffic; what can be set is {actual}")
            }
            Self::Downtime { stage } => write!(f, "nobody is served from `{stage}` on until the candidate is up"),
            Self::FirstDeploy => f.write_str(
                "there is no stable revision to go back to; an abort leaves nothing serving",
            ),
            Self::NoBatches => f.write_str(
                "by weight, candidate and stable stand side by side and nothing is replaced in batches; `batch_delay` has no effect, a `hold` gate has",
            ),
            Self::NoDrain => f.write_str(
                "single instances cannot be taken out of traffic; requests in flight on one that goes may be cut",
            ),
            Self::Calendar(calendar) => write!(
                f,
                "steps forward wait for the calendar: {calendar}; the way back never does"
            ),
            Self::Watched(metric) => write!(
                f,
                "{metric}: watched every {} while the candidate has traffic and is not proven; a failure, or no data, fails the rollout",
                metric.interval
            ),
        }
    }
}

#[cfg(test)]
mod tests;
