//! The story of a counterexample: what is promised, what the run is about, what goes wrong in it, and what
//! happens up to the moment the promise is broken.

use std::fmt::Write;

use super::Counterexample;

/// Most lines before the moment that are told.
const LINES_MAX: usize = 60;

/// Tells a counterexample. What was seen without anything coming of it is left out.
#[must_use]
pub fn story(counterexample: &Counterexample) -> String {
    let report = counterexample.replay(true);
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _infallible = tell(&mut text, counterexample, &report);
    text
}

fn tell(
    text: &mut String,
    counterexample: &Counterexample,
    report: &crate::RunReport,
) -> std::fmt::Result {
    let Counterexample { breaks, bug, seed, incidents, setting } = counterexample;
    writeln!(text, "promise   {breaks}")?;
    if let Some(bug) = bug {
        writeln!(text, "bug       {bug} (planted)")?;
    }
    let mut broken = report.violations.iter().filter(|one| one.invariant == breaks);
    let broken = broken.next();
    match broken {
        Some(violation) => {
            writeln!(
                text,
                "broken    {} ms after the beginning: {}",
                violation.at, violation.detail
            )?;
        }
        None => writeln!(text, "broken    no more: every promise is kept in this run")?,
    }
    let spec = setting.spec.spec();
    let strategy = serde_json::to_string(&spec.strategy).unwrap_or_default();
    writeln!(text, "about     {} instances, {strategy}; seed {seed}", spec.replicas)?;
    writeln!(text, "events    {}", counterexample.events())?;
    writeln!(text, "       1  a person submits v2")?;
    for (place, incident) in incidents.iter().enumerate() {
        writeln!(text, "{:>8}  {incident}", place + 2)?;
    }
    writeln!(
        text,
        "\nseconds; < came in, = was recorded, # why, > was ordered, ! reached the world, * happened there"
    )?;
    let moment = broken.map(ToString::to_string);
    let lines: Vec<&str> = report.transcript.lines().skip(4).collect();
    let place = lines.iter().position(|line| moment.as_ref().is_some_and(|it| line.ends_with(it)));
    let before: Vec<&&str> =
        lines[..place.unwrap_or(lines.len())].iter().filter(|line| matters(line)).collect();
    let from = before.len().saturating_sub(LINES_MAX);
    if 0 < from {
        writeln!(text, "          … {from} lines before")?;
    }
    for line in &before[from..] {
        writeln!(text, "{line}")?;
    }
    match (place, broken) {
        (Some(place), Some(violation)) => {
            let at = lines[place].split(" * ").next().unwrap_or_default();
            writeln!(text, "{at} ✗ {} IS BROKEN HERE: {}", violation.invariant, violation.detail)
        }
        (Some(_) | None, _) => writeln!(text, "{report_end}", report_end = report.finish),
    }
}

/// Whether something came of it: looks and probes are the engine's daily bread.
fn matters(line: &str) -> bool {
    let what = line.get(10..).unwrap_or_default();
    let is_daily = ["< observed", "< woke", "< readiness", "< startup", "< liveness"];
    !is_daily.iter().any(|daily| what.trim_start().starts_with(daily))
}
