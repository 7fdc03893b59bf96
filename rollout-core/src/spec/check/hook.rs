//! Checks of jobs and of the points they run at.

use super::{CheckError, HookError, limits, strategy};
use crate::{
    spec::{Hook, Hooks, Spec, Strategy},
    weight::Weight,
};

/// Most retries of one job: a job that fails more often does not do so by chance.
pub(super) const RETRIES_LIMIT: u32 = 100;

/// Checks the hooks of a spec.
pub(super) fn check(spec: &Spec, errors: &mut Vec<CheckError>) {
    check_points(&spec.hooks, &spec.strategy, errors);
    for (point, place, hook) in spec.hooks.all() {
        check_hook(&format!("hooks.{point}[{place}]"), hook, errors);
    }
}

/// Checks one job, in a hook or in a gate.
pub(super) fn check_hook(field: &str, hook: &Hook, errors: &mut Vec<CheckError>) {
    strategy::check_name(&format!("{field}.name"), &hook.name, errors);
    if hook.run.is_null() {
        errors.push(HookError::NothingToRun { field: format!("{field}.run") }.into());
    }
    let deadline = format!("{field}.deadline");
    if hook.deadline.is_zero() {
        errors.push(HookError::NoTime { field: deadline }.into());
    } else {
        limits::long(&deadline, hook.deadline, errors);
    }
    if RETRIES_LIMIT < hook.retries {
        let field = format!("{field}.retries");
        errors.push(HookError::TooManyRetries { field, value: hook.retries }.into());
    }
}

/// Refuses hooks at points that the strategy does not have.
fn check_points(hooks: &Hooks, strategy: &Strategy, errors: &mut Vec<CheckError>) {
    let (why, way_out) = match strategy {
        Strategy::Rolling(_) | Strategy::Recreate(_) => {
            ("", "move it to `before` or `after`, or use `canary` or `blue_green`")
        }
        Strategy::Stages(_) => {
            (" but its own stages", "write it as a `hook` gate of the stage that it belongs to")
        }
        Strategy::Canary(canary) => {
            let first = canary.all_steps().first().map(|step| step.weight);
            if first != Some(Weight::FULL) {
                return;
            }
            (
                " where the first step has 100%",
                "move it to `before` or `after`, or add a step below 100%",
            )
        }
        Strategy::BlueGreen(_) => return,
    };
    let points = [
        ("after_canary", "hooks.after_canary", &hooks.after_canary),
        ("before_promotion", "hooks.before_promotion", &hooks.before_promotion),
    ];
    for (point, field, _) in points.into_iter().filter(|(_, _, hooks)| !hooks.is_empty()) {
        let strategy = strategy::name(strategy);
        errors.push(HookError::NoSuchPoint { point, field, strategy, why, way_out }.into());
    }
}
