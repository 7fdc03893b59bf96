//! A simulation as text.

use rollout_core::time::Span;
use rollout_sim::{
    invariants::Violation,
    simulate::{Chaos, Outlook, Row, Spread, Trial},
};

use super::Simulated;
use crate::output::{table::table, text::Text};

pub(super) fn of(simulated: &Simulated<'_>) -> String {
    let Simulated { args, scenario, plan, prediction, report, .. } = simulated;
    let mut text = Text::default();
    if args.transcript {
        text.add(&report.transcript);
        text.line("");
    }
    text.line(format_args!(
        "{} to a candidate that is {}; seed {}, {}",
        plan.strategy, args.candidate, args.seed, scenario.faults
    ));
    text.line(format_args!("end       {}", report.finish));
    text.line(format_args!("took      {}", report.duration));
    text.line(format_args!("at least  {} if all goes well", prediction.bound));
    text.line(format_args!("requests  {} sent, {} failed", report.sent, report.failed_in_all()));
    for (cause, count) in &report.failed {
        text.line(format_args!("          {count} {cause}"));
    }
    text.line(format_args!(
        "lowest    {} of {} instances answered",
        report.lowest_capacity, plan.desired
    ));
    broken(&mut text, &report.violations);
    if let Some(outlook) = &simulated.outlook {
        of_outlook(&mut text, outlook);
    }
    if let Some(rows) = &simulated.rows {
        of_rows(&mut text, rows);
    }
    if let Some(chaos) = &simulated.chaos {
        of_chaos(&mut text, chaos);
    }
    if let Some(path) = &args.html {
        text.line("");
        text.line(format_args!("page      {}", path.display()));
    }
    text.into_string()
}

fn broken(text: &mut Text, violations: &[Violation]) {
    for violation in violations {
        text.line(format_args!("broken    {violation}"));
    }
}

fn cells<const N: usize>(cells: [&str; N]) -> Vec<String> {
    cells.map(str::to_owned).to_vec()
}

fn of_outlook(text: &mut Text, outlook: &Outlook) {
    let count = |count: u64| count.to_string();
    let row = |name: &str, spread: &Spread, words: &dyn Fn(u64) -> String| {
        let Spread { least, p50, p90, p99, most } = *spread;
        [vec![name.to_owned()], [least, p50, p90, p99, most].map(words).to_vec()].concat()
    };
    let ends: Vec<String> =
        outlook.ends.iter().map(|(end, count)| format!("{count} {end}")).collect();
    text.line("");
    text.line(format_args!("{} seeds: {}", outlook.seeds, ends.join(", ")));
    text.add(table(&[
        cells(["", "least", "p50", "p90", "p99", "most"]),
        row("time", &outlook.duration, &|ms| Span::from_millis(ms).to_string()),
        row("failed requests", &outlook.failed, &count),
        row("fewest answering", &outlook.lowest_capacity, &count),
    ]));
    broken(text, &outlook.violations);
}

fn of_rows(text: &mut Text, rows: &[Row]) {
    let mut written = vec![cells([
        "strategy",
        "time",
        "downtime",
        "failed",
        "time to be back",
        "most instances",
        "extra instance-seconds",
    ])];
    for row in rows {
        let Ok(found) = &row.measured else { continue };
        let back = found.rollback.map_or_else(|| "-".to_owned(), |span| span.to_string());
        written.push(vec![
            row.strategy.to_owned(),
            found.duration.to_string(),
            found.downtime.to_string(),
            found.failed.to_string(),
            back,
            found.peak.to_string(),
            found.extra_instance_seconds.to_string(),
        ]);
    }
    text.line("");
    text.add(table(&written));
    for row in rows {
        if let Err(why) = &row.measured {
            text.line(format_args!("{} cannot be: {why}", row.strategy));
        }
    }
}

fn of_chaos(text: &mut Text, chaos: &Chaos) {
    let row = |trial: &Trial| {
        vec![
            trial.fault.clone().unwrap_or_else(|| "none".to_owned()),
            trial.struck.to_string(),
            format!("{} of {}", trial.held, chaos.runs),
            format!("{} s", trial.longest),
        ]
    };
    let mut rows = vec![cells(["fault", "struck", "held", "longest"])];
    rows.extend(chaos.trials.iter().map(row));
    let verdict =
        if chaos.holds() { "it held in every second of every run" } else { "it did not hold" };
    text.line("");
    text.line(format_args!("experiment: {}: {verdict}", chaos.hypothesis));
    text.add(table(&rows));
    for trial in chaos.trials.iter().filter(|trial| !trial.worst.is_empty()) {
        let fault = trial.fault.as_deref().unwrap_or("without any fault");
        text.line(format_args!("{fault}: {}; {}", trial.worst, trial.advice));
    }
    for trial in &chaos.trials {
        broken(text, &trial.violations);
    }
}
