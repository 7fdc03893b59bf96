//! What a spec asks of its ports beside instances and shares.

use super::{PlanError, Scope};
use crate::{
    port::Ability,
    spec::{Affinity, Gate, Match, ModuleNeeds, Ramp, Strategy},
    weight::Weight,
};

/// # Errors
///
/// [`PlanError::Unable`] names the first field that needs more than the ports can do.
pub(super) fn check(scope: &Scope<'_>) -> Result<(), PlanError> {
    let mut asked = Vec::new();
    of_strategy(&scope.spec.strategy, &mut asked);
    for place in 0..scope.spec.watch.len() {
        asked.push((format!("watch[{place}]"), Ability::Metrics));
    }
    for (point, place, _) in scope.spec.hooks.all() {
        asked.push((format!("hooks.{point}[{place}]"), Ability::Hooks));
    }
    let able = &scope.capabilities.abilities;
    match asked.into_iter().find(|(_, ability)| !able.contains(ability)) {
        Some((field, ability)) => Err(PlanError::Unable { field, ability }),
        None => Ok(()),
    }
}

/// A field and what it needs.
type Asked = Vec<(String, Ability)>;

fn of_strategy(strategy: &Strategy, asked: &mut Asked) {
    match strategy {
        Strategy::Rolling(_) | Strategy::Recreate(_) => {}
        Strategy::BlueGreen(blue_green) => {
            of_gates("strategy.blue_green.gates", &blue_green.gates, asked);
            of_gates("strategy.blue_green.bake_gates", &blue_green.bake_gates, asked);
        }
        Strategy::Canary(canary) => {
            for (index, step) in canary.steps.iter().enumerate() {
                let field = format!("strategy.canary.steps[{index}]");
                of_rules(&field, &step.matches, step.mirror, None, asked);
                of_needs(&field, &step.modules, asked);
                of_gates(&format!("{field}.gates"), &step.gates, asked);
            }
            match &canary.ramp {
                Some(Ramp::Linear { gates, .. }) => {
                    of_gates("strategy.canary.ramp.linear.gates", gates, asked);
                }
                Some(Ramp::Exponential { gates, .. }) => {
                    of_gates("strategy.canary.ramp.exponential.gates", gates, asked);
                }
                None => {}
            }
            let affinity = canary.affinity.as_ref();
            of_rules("strategy.canary", &[], Weight::ZERO, affinity, asked);
        }
        Strategy::Stages(stages) => {
            for (index, stage) in stages.iter().enumerate() {
                let field = format!("strategy.stages[{index}]");
                let affinity = stage.affinity.as_ref();
                of_rules(&field, &stage.matches, stage.mirror, affinity, asked);
                of_needs(&field, &stage.modules, asked);
                of_gates(&format!("{field}.gates"), &stage.gates, asked);
            }
        }
    }
}

fn of_rules(
    field: &str,
    matches: &[Match],
    mirror: Weight,
    affinity: Option<&Affinity>,
    asked: &mut Asked,
) {
    let rules = [
        ("match", Ability::Matches, !matches.is_empty()),
        ("mirror", Ability::Mirror, !mirror.is_zero()),
        ("affinity", Ability::Affinity, affinity.is_some()),
    ];
    let given = rules.into_iter().filter(|(_, _, is_given)| *is_given);
    asked.extend(given.map(|(name, ability, _)| (format!("{field}.{name}"), ability)));
}

fn of_needs(field: &str, needs: &ModuleNeeds, asked: &mut Asked) {
    if !needs.is_empty() {
        asked.push((format!("{field}.modules"), Ability::Modules));
    }
}

fn of_gates(field: &str, gates: &[Gate], asked: &mut Asked) {
    for (index, gate) in gates.iter().enumerate() {
        match gate {
            Gate::Hook(_) => {
                asked.push((format!("{field}[{index}].hook"), Ability::Hooks));
            }
            Gate::Metric(_) => {
                asked.push((format!("{field}[{index}].metric"), Ability::Metrics));
            }
            Gate::Hold(_) | Gate::Approval { .. } | Gate::Health(_) | Gate::Window(_) => {}
        }
    }
}
