//! Checks of stages written by hand, as far as one can see without a backend; the rest is refused by the
//! planner, with the words of the linter.

use std::collections::BTreeSet;

use super::{
    CheckError, RouteError, StagesError, gate, module, route,
    strategy::{check_pace, check_stage_name, check_within, counting_word},
};
use crate::spec::{HandRoute, HandStage, Pace, Spec};

/// Most stages of a plan: more could not be followed, and a ramp makes at most as many.
pub(super) const STAGES_LIMIT: usize = 1000;

/// Checks stages written by hand.
pub(super) fn check(stages: &[HandStage], spec: &Spec, errors: &mut Vec<CheckError>) {
    let (field, count) = ("strategy.stages", stages.len());
    if stages.is_empty() {
        errors.push(StagesError::NoStages.into());
        return;
    }
    if STAGES_LIMIT < count {
        let (what, way_out) = ("stages", "write fewer");
        errors.push(StagesError::TooMany { field, count, what, way_out }.into());
    }
    let proofs = stages.iter().filter(|stage| stage.proves).count();
    if proofs != 1 {
        errors.push(StagesError::Proofs { count: proofs }.into());
    }
    let mut taken = BTreeSet::new();
    for (index, stage) in stages.iter().enumerate() {
        let field = format!("{field}[{index}]");
        let name = format!("{field}.name");
        if check_stage_name(&name, &stage.name, errors) && !taken.insert(&stage.name) {
            errors.push(CheckError::StepNameTaken { field: name, name: stage.name.clone() });
        }
        check_stage(&field, stage, spec, errors);
    }
    check_counting(stages, errors);
}

/// The paces that are written, with their paths.
pub(super) fn paces(stages: &[HandStage]) -> impl Iterator<Item = (String, &Pace)> {
    stages.iter().enumerate().filter_map(|(index, stage)| {
        Some((format!("strategy.stages[{index}].pace"), stage.pace.as_ref()?))
    })
}

fn check_stage(field: &str, stage: &HandStage, spec: &Spec, errors: &mut Vec<CheckError>) {
    for (name, amount) in [("candidate", stage.candidate), ("stable", stage.stable)] {
        check_within(&format!("{field}.{name}"), amount, spec.replicas, errors);
    }
    let rules = [
        ("match", !stage.matches.is_empty()),
        ("mirror", !stage.mirror.is_zero()),
        ("affinity", stage.affinity.is_some()),
    ];
    match stage.route {
        HandRoute::Weight(_) => {}
        HandRoute::Replicas | HandRoute::Nobody => {
            for (name, _) in rules.into_iter().filter(|(_, is_given)| *is_given) {
                let (field, stage) = (format!("{field}.{name}"), stage.name.clone());
                errors.push(RouteError::WithoutWeight { field, stage }.into());
            }
        }
    }
    route::check_matches(&format!("{field}.match"), &stage.matches, errors);
    if let Some(affinity) = &stage.affinity {
        route::check_affinity(&format!("{field}.affinity"), affinity, errors);
    }
    if let Some(pace) = &stage.pace {
        check_pace(&format!("{field}.pace"), pace, errors);
    }
    module::check_needs(&format!("{field}.modules"), &stage.modules, spec, errors);
    gate::check(&format!("{field}.gates"), &stage.gates, errors);
}

/// Refuses stages that count in different ways: a plan has one way.
fn check_counting(stages: &[HandStage], errors: &mut Vec<CheckError>) {
    let mut before = None;
    for (field, pace) in paces(stages) {
        let Some(counting) = pace.counting else { continue };
        let first = *before.get_or_insert(counting);
        if first != counting {
            errors.push(
                StagesError::Counting {
                    field: format!("{field}.counting"),
                    value: counting_word(counting),
                    before: counting_word(first),
                }
                .into(),
            );
        }
    }
}
