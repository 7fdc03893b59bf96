//! A simulation as JSON.

use std::collections::BTreeMap;

use rollout_core::time::Span;
use rollout_sim::{
    runner::Finish,
    simulate::{Chaos, Outlook, Row, Spread},
};
use serde_json::{Value, json};

use super::Simulated;

pub(super) fn of(simulated: &Simulated<'_>) -> Value {
    let Simulated { args, scenario, plan, prediction, report, outlook, rows, chaos } = simulated;
    let mut document = json!({
        "candidate": args.candidate.to_string(),
        "fleet": args.fleet.to_string(),
        "seed": args.seed,
        "faults": scenario.faults.to_string(),
        "end": report.finish.to_string(),
        "duration": report.duration,
        "bound": prediction.bound,
        "requests": report.sent,
        "failed": report.failed,
        "lowest_capacity": report.lowest_capacity,
        "desired": plan.desired,
        "violations": words(&report.violations),
        "transcript": args.transcript.then_some(&report.transcript),
    });
    if let Value::Object(fields) = &mut document {
        let seeds = outlook.as_ref().map(|outlook| ("seeds", of_outlook(outlook)));
        let strategies = rows.as_ref().map(|rows| ("strategies", of_rows(rows)));
        let chaos = chaos.as_ref().map(|chaos| ("chaos", of_chaos(chaos)));
        let more = [seeds, strategies, chaos].into_iter().flatten();
        fields.extend(more.map(|(name, value)| (name.to_owned(), value)));
    }
    document
}

fn words<T: ToString>(all: &[T]) -> Vec<String> {
    all.iter().map(ToString::to_string).collect()
}

fn ends(ends: &BTreeMap<Finish, u64>) -> BTreeMap<String, u64> {
    ends.iter().map(|(end, count)| (end.to_string(), *count)).collect()
}

fn of_outlook(outlook: &Outlook) -> Value {
    let Spread { least, p50, p90, p99, most } = outlook.duration;
    let time = [("least", least), ("p50", p50), ("p90", p90), ("p99", p99), ("most", most)];
    let time: BTreeMap<&str, Span> =
        time.map(|(name, ms)| (name, Span::from_millis(ms))).into_iter().collect();
    json!({
        "count": outlook.seeds,
        "ends": ends(&outlook.ends),
        "duration": time,
        "failed": outlook.failed,
        "lowest_capacity": outlook.lowest_capacity,
        "violations": words(&outlook.violations),
    })
}

fn of_rows(rows: &[Row]) -> Value {
    let row = |row: &Row| match &row.measured {
        Ok(measured) => json!({ "strategy": row.strategy, "measured": measured }),
        Err(why) => json!({ "strategy": row.strategy, "refused": why }),
    };
    rows.iter().map(row).collect()
}

fn of_chaos(chaos: &Chaos) -> Value {
    let trials = chaos.trials.iter().map(|trial| {
        json!({
            "fault": trial.fault,
            "struck": trial.struck,
            "held": trial.held,
            "longest_seconds": trial.longest,
            "worst": trial.worst,
            "advice": trial.advice,
            "ends": ends(&trial.ends),
            "violations": words(&trial.violations),
        })
    });
    json!({
        "hypothesis": chaos.hypothesis.to_string(),
        "holds": chaos.holds(),
        "runs": chaos.runs,
        "trials": trials.collect::<Vec<_>>(),
    })
}
