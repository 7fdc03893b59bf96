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
            | Remark::Downtime { .. }
            | Remark::FirstDeploy
            | Remark::NoBatches
            | Remark::NoDrain => None,
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
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{plan::tests::plan_of, time::Span};

    const TIMING: Timing =
        Timing { start_to_available: Span::from_secs(2), drain: Span::from_secs(1) };

    #[track_caller]
    fn shows(tail: &str, router: Option<u64>, expected: &str) {
        let plan = plan_of(tail, router, false);
        assert_eq!(format!("\n{}\n", plan.table(TIMING)), expected);
    }

    #[test]
    fn rolling_with_pauses() {
        shows(
            "strategy: { rolling: { parallelism: 1, batch_delay: 10s, order: start_first } }",
            None,
            "
rolling of 4 instances; instances on their way out count
pace      surge 1, unavailable 0, 1 at a time, 10s between batches
way back  surge 1, unavailable 0, 1 at a time, 10s between batches
stage  candidate  stable  route     asked  share  gates  takes  at least  bound by
roll           4       0  replicas   100%   100%  -        39s       12s  the batch delay
the candidate is proven at the end of `roll`
takes 39s, at least 12s, if an instance needs 2s to start and 1s to go
",
        );
    }

    #[test]
    fn canary_by_replicas_with_true_shares() {
        shows(
            "strategy: { canary: { steps: [{ weight: 5, name: taste, gates: [hold: 10s, approval: { deadline: 1h }] }, { weight: 50 }] } }",
            None,
            "
canary of 4 instances; instances on their way out count
pace      surge 1, unavailable 0
way back  surge 1, unavailable 0
stage    candidate  stable  route     asked  share  gates                         takes  at least  bound by
taste            1       3  replicas     5%    25%  hold 10s, approval within 1h    13s       13s  an approval
50%              2       2  replicas    50%    50%  -                                3s        3s  one instance's start and end
promote          4       0  replicas   100%   100%  -                                6s        6s  surge and unavailable
the candidate is proven at the end of `promote`
takes 22s, at least 22s, if an instance needs 2s to start and 1s to go; 1 approval comes on top
note: `taste` asks for 5% of the traffic; what can be set is 25%
",
        );
    }

    #[test]
    fn blue_green_by_weight() {
        shows(
            "strategy: { blue_green: { preview_replicas: 1, promotion: manual, bake: 20s, standby: 1m } }",
            Some(100),
            "
blue-green of 4 instances; instances on their way out count
pace      surge 4, unavailable 0
way back  surge 4, unavailable 0
stage    candidate  stable  route   asked  share  gates            takes  at least  bound by
preview          1       4  weight     0%     0%  -                   2s        2s  one instance's start and end
full             4       4  weight     0%     0%  approval            2s        2s  an approval
switch           4       4  weight   100%   100%  healthy for 20s    20s       20s  its gates
standby          4       4  weight   100%   100%  hold 1m             1m        1m  its gates
retire           4       0  weight   100%   100%  -                   1s        1s  one instance's start and end
the candidate is proven at the end of `switch`
takes 1m 25s, at least 1m 25s, if an instance needs 2s to start and 1s to go; 1 approval comes on top
",
        );
    }

    #[test]
    fn rules_jobs_and_modules_stand_below_the_table() {
        let tail = "
modules: [{ name: search }, { name: ads }]
breaker: {}
hooks:
  before: [{ name: expand, run: [migrate] }]
  after_canary: [{ name: smoke, run: [test], deadline: 1m }]
  after: [{ name: contract, run: [migrate] }]
  on_rollback: [{ name: tell, run: [mail], deadline: 10s }]
strategy:
  canary:
    affinity: { cookie: seen, max_age: 30m }
    steps:
      - weight: 0
        name: beta
        match: [{ header: x-beta }, { cookie: tester, exact: secret }]
        mirror: 10%
        modules: { degrade: [search, ads], breaker: true }
      - weight: 33.33%
        modules: { require: [ads] }";
        shows(
            tail,
            Some(100),
            "
canary of 4 instances; instances on their way out count
pace      surge 4, unavailable 0
way back  surge 4, unavailable 0
stage    candidate  stable  route    asked  share  gates                    takes  at least  bound by
before           0       4  weight      0%     0%  hook expand within 5m       0s        0s  nothing
beta             1       4  weight      0%     0%  hook smoke within 1m        2s        2s  one instance's start and end
33.33%           2       4  weight  33.33%    33%  -                           2s        2s  one instance's start and end
promote          4       4  weight    100%   100%  -                           2s        2s  one instance's start and end
retire           4       0  weight    100%   100%  -                           1s        1s  one instance's start and end
after            4       0  weight    100%   100%  hook contract within 5m     0s        0s  nothing
`beta` also sends the candidate every request with the header `x-beta` or the cookie `tester` of one value
`beta` copies 10% of stable's requests to the candidate
`beta` keeps a client where it was for 30m, by the cookie `seen`
`beta` begins with search, ads degraded by the engine
`beta` has the circuit breaker armed
`33.33%` keeps a client where it was for 30m, by the cookie `seen`
`33.33%` waits until ads is degraded by others
beside the way back runs hook tell within 10s
the candidate is proven at the end of `retire`
takes 7s, at least 7s, if an instance needs 2s to start and 1s to go
note: `33.33%` asks for 33.33% of the traffic; what can be set is 33%
",
        );
    }

    #[test]
    fn stages_by_hand_tell_their_own_pace() {
        let tail = "
strategy:
  stages:
    - { name: off, candidate: 0, stable: 0, route: nobody }
    - { name: two, candidate: 50%, stable: 0, pace: { surge: 0, unavailable: 50%, parallelism: 1 } }
    - { name: all, candidate: 100%, stable: 0, proves: true, gates: [approval: { deadline: 10m, on_expiry: pass }] }";
        shows(
            tail,
            Some(100),
            "
stages of 4 instances; instances on their way out count
pace      surge 0, unavailable 4
way back  surge 1, unavailable 0
stage  candidate  stable  route     asked  share  gates            takes  at least  bound by
off            0       0  nobody       0%     0%  -                   1s        1s  one instance's start and end
two            2       0  replicas   100%   100%  -                   4s        2s  parallelism
all            4       0  replicas   100%   100%  approval or 10m     2s        2s  an approval
`two` moves with surge 0, unavailable 2, 1 at a time
`all` moves with surge 1, unavailable 0
the candidate is proven at the end of `all`
takes 7s, at least 5s, if an instance needs 2s to start and 1s to go; 1 approval comes on top
note: nobody is served from `off` on until the candidate is up
",
        );
    }

    #[test]
    fn without_a_timing_the_times_are_left_out() {
        let plan = plan_of("strategy: { recreate: {} }", Some(100), false);
        assert_eq!(
            format!("\n{plan}\n"),
            "
recreate of 4 instances; instances on their way out count
pace      surge 0, unavailable 4
way back  surge 0, unavailable 4
stage  candidate  stable  route     asked  share  gates
stop           0       0  nobody       0%     0%  -
start          4       0  replicas   100%   100%  -
the candidate is proven at the end of `start`
note: nobody is served from `stop` on until the candidate is up
",
        );
    }
}
