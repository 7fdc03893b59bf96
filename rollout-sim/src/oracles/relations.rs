//! Relations: what must not make a difference, and so makes none.
//!
//! In: a seed. Out: where the run with the change parts from the run without it.

use std::sync::Arc;

use rollout_core::{id::WorkloadId, spec::CheckedSpec};

use super::Answer;
use crate::{
    runner::{RunConfig, run},
    setting::Setting,
};

/// The name of the workload in place of its own.
const OTHER: &str = "shop";

/// The first line that two transcripts do not share.
fn parting(one: &str, other: &str) -> Option<String> {
    let mut pairs = one.lines().zip(other.lines());
    let found = pairs.find(|(one, other)| one != other);
    let words = |(one, other): (&str, &str)| format!("`{one}` became `{other}`");
    match found {
        Some(pair) => Some(words(pair)),
        None if one.len() != other.len() => Some("one of them goes on".to_owned()),
        None => None,
    }
}

/// A workload of another name is moved by the same steps.
pub(super) fn another_name(seed: u64) -> Answer {
    let told = RunConfig { seed, transcript: true, unchecked: true, ..RunConfig::default() };
    let mut setting = Setting::draw(seed);
    let name = setting.workload.to_string();
    let Ok(workload) = WorkloadId::new(OTHER) else {
        return Answer::NONE;
    };
    let mut spec = setting.spec.spec().clone();
    spec.workload = workload.clone();
    let Ok(spec) = CheckedSpec::new(spec) else {
        return Answer::of(Some("the spec is refused under another name".to_owned()));
    };
    (setting.workload, setting.spec) = (workload, Arc::new(spec));
    let own = RunConfig { setting: Some(Setting::draw(seed)), ..told.clone() };
    let one = run(&own).transcript.replace(&name, OTHER);
    let other = run(&RunConfig { setting: Some(setting), ..told }).transcript;
    Answer::of(parting(&one, &other))
}

/// Objects of somebody else beside ours change nothing, and are not changed.
pub(super) fn idle_neighbour(seed: u64) -> Answer {
    let told = RunConfig { seed, transcript: true, unchecked: true, ..RunConfig::default() };
    let alone = run(&told).transcript;
    let beside = run(&RunConfig { neighbour: true, ..told });
    let touched = (!beside.neighbour_is_well).then(|| "the neighbour was touched".to_owned());
    Answer::of(touched.or_else(|| parting(&alone, &beside.transcript)))
}
