//! Comparison: the same service and fleet moved by each strategy.
//!
//! In: a spec. Out: for each strategy what it takes: time, downtime, lost requests, instances, and how fast
//! traffic is off the candidate after an abort. The spec's own strategy is taken as it is, the others with
//! the settings of [`SETTINGS`].

use rollout_core::{
    engine::OrderKind,
    plan,
    spec::{CheckedSpec, Strategy},
    time::Span,
    weight::Weight,
};
use serde::Serialize;

use super::{Scenario, outlook::side_by_side, written};
use crate::{
    incident::{Deed, Incident},
    runner::{self, Film, HEAD, RunReport},
    setting::revision,
    world::Loss,
};

/// Strategies and the settings they are compared with.
const SETTINGS: [(&str, &str); 4] = [
    ("recreate", r#"{"recreate":{}}"#),
    ("rolling", r#"{"rolling":{}}"#),
    ("blue_green", r#"{"blue_green":{"bake":"30s","standby":"30s"}}"#),
    (
        "canary",
        r#"{"canary":{"steps":[{"weight":"5%","gates":[{"hold":"10s"}]},{"weight":"25%","gates":[{"hold":"10s"}]},{"weight":"50%","gates":[{"hold":"10s"}]}]}}"#,
    ),
];

/// One strategy.
#[derive(Clone, Debug)]
pub struct Row {
    /// Its name.
    pub strategy: &'static str,
    /// What it takes, or why it cannot be.
    pub measured: Result<Measured, String>,
}

/// What a strategy takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Measured {
    /// Time from the order to the end.
    pub duration: Span,
    /// Time in which nobody answered.
    pub downtime: Span,
    /// Requests that failed.
    pub failed: u64,
    /// Most instances at any time.
    pub peak: u64,
    /// Instances beyond the desired number, times the seconds they were there.
    pub extra_instance_seconds: u64,
    /// Time from an abort, once the candidate has half of the traffic, until the revision before has all of it
    /// again and answers.
    pub rollback: Option<Span>,
}

/// Moves the service of `spec` by each strategy.
#[must_use]
pub fn compare(spec: &CheckedSpec, scenario: &Scenario) -> Vec<Row> {
    let scenario = Scenario { first: false, ..scenario.clone() };
    side_by_side(&SETTINGS, |(strategy, settings)| Row {
        strategy,
        measured: measure(spec, &scenario, strategy, settings),
    })
}

fn measure(
    spec: &CheckedSpec,
    scenario: &Scenario,
    name: &str,
    settings: &str,
) -> Result<Measured, String> {
    let mut wanted = spec.spec().clone();
    if name_of(&wanted.strategy) != name {
        wanted.strategy = serde_json::from_str(settings).map_err(|why| why.to_string())?;
    }
    let spec = CheckedSpec::new(wanted).map_err(|why| why.to_string())?;
    plan::build(&spec, &scenario.capabilities, false).map_err(|why| why.to_string())?;
    let play = |incidents| runner::run(&written(&spec, scenario, incidents));
    let forward = play(Vec::new());
    let film = forward.film.as_ref().ok_or_else(|| "nothing was seen".to_owned())?;
    Ok(Measured {
        duration: Span::from_millis(forward.duration),
        downtime: Span::from_millis(total(film, |frame| u64::from(frame.capacity() == 0))),
        failed: Loss::ALL.iter().map(|loss| forward.traffic.failed(*loss)).sum(),
        peak: film.frames.iter().map(runner::Frame::live).max().unwrap_or_default(),
        extra_instance_seconds: total(film, |frame| frame.live().saturating_sub(spec.replicas))
            / 1000,
        rollback: way_back(film, play),
    })
}

const fn name_of(strategy: &Strategy) -> &'static str {
    match strategy {
        Strategy::Rolling(_) => "rolling",
        Strategy::Recreate(_) => "recreate",
        Strategy::BlueGreen(_) => "blue_green",
        Strategy::Canary(_) => "canary",
        Strategy::Stages(_) => "stages",
    }
}

/// The sum of a number over the milliseconds of a film.
fn total(film: &Film, number: impl Fn(&runner::Frame) -> u64) -> u64 {
    let ends = film.frames.iter().skip(1).map(|frame| frame.at).chain([film.end]);
    film.frames.iter().zip(ends).map(|(frame, end)| number(frame) * (end - frame.at)).sum()
}

/// Time from the order of a person until the candidate gets nothing any more and somebody answers: an abort
/// where there is time for one, else an undo.
fn way_back(film: &Film, play: impl Fn(Vec<Incident>) -> RunReport) -> Option<Span> {
    const REACTION: u64 = 100;
    let candidate = revision("v2");
    let half = Weight::share(1, 2);
    let seen = film.frames.iter().find(|frame| half <= frame.share_of(&candidate))?;
    let (ordered, kind) = match seen.at + REACTION {
        at if at < film.end => (at, OrderKind::Abort),
        _ => (film.end + REACTION, OrderKind::Undo { to: None }),
    };
    let deed = Incident::Deed { at: HEAD + ordered, deed: Deed::Order(kind) };
    let back = play(vec![deed]).film?;
    let is_away =
        |frame: &runner::Frame| !frame.share_of(&candidate).is_zero() || frame.capacity() == 0;
    let last = back.frames.iter().rposition(is_away)?;
    let off = back.frames.get(last + 1)?;
    Some(Span::from_millis(off.at.checked_sub(ordered)?))
}
