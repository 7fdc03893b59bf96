//! Easing: ways to make a setting simpler, one word at a time.
//!
//! In: a setting. Out: a simpler one that passes the check and can be planned, or none. A new way is a line
//! in [`WAYS`].

use std::{collections::BTreeSet, sync::Arc};

use rollout_core::{
    amount::Amount,
    plan,
    port::{Confirmation, Making},
    spec::{
        CheckedSpec, Counting, Gate, Hook, HookFailure, ModuleNeeds, OnSubmit, Pace, Promotion,
        Rollback, Spec, Strategy,
    },
    time::Span,
    weight::Weight,
};

use crate::{
    setting::{History, Setting},
    world::Manner,
};

/// A way to make a spec, or what is around it, simpler.
#[derive(Clone, Copy)]
pub(super) enum Way {
    /// Of the spec.
    Spec(fn(&mut Spec)),
    /// Of the rest.
    Rest(fn(&mut Setting)),
}

/// Every way, the ones that take most away first.
pub(super) const WAYS: &[Way] = &[
    Way::Spec(|spec| {
        if !matches!(spec.strategy, Strategy::Rolling(_)) {
            spec.strategy = Strategy::Rolling(Pace::default());
        }
    }),
    Way::Spec(|spec| spec.hooks = rollout_core::spec::Hooks::default()),
    Way::Spec(without_modules),
    Way::Spec(|spec| spec.calendar = None),
    Way::Spec(|spec| spec.watch.clear()),
    Way::Spec(|spec| each_list(&mut spec.strategy, Vec::clear)),
    Way::Spec(without_rules),
    Way::Rest(|setting| setting.world.capabilities.making = Making::ByName),
    Way::Rest(|setting| setting.history = History::Adopted),
    Way::Spec(|spec| spec.replicas = 1),
    Way::Spec(|spec| spec.replicas /= 2),
    Way::Spec(|spec| spec.replicas = spec.replicas.saturating_sub(1)),
    Way::Spec(fewer_steps),
    Way::Spec(|spec| {
        // One gate at a time.
        let mut is_done = false;
        each_list(&mut spec.strategy, |gates| {
            if !is_done {
                is_done = gates.pop().is_some();
            }
        });
    }),
    Way::Spec(|spec| spec.rollback = Rollback::default()),
    Way::Spec(|spec| spec.history = Spec::new(spec.workload.clone()).history),
    Way::Spec(|spec| spec.on_submit = OnSubmit::default()),
    Way::Spec(|spec| spec.deadlines.total = None),
    Way::Spec(|spec| spec.deadlines.progress = Span::from_secs(60)),
    Way::Spec(plain_pace),
    Way::Spec(plain_blue_green),
    Way::Spec(|spec| spec.health.startup = None),
    Way::Spec(|spec| spec.health.liveness = None),
    Way::Spec(|spec| spec.health.readiness = None),
    Way::Spec(|spec| spec.health.min_ready = Span::ZERO),
    Way::Spec(|spec| spec.health.max_failure_ratio = Weight::ZERO),
    Way::Spec(|spec| spec.drain.deadline = Span::from_secs(5)),
    Way::Spec(|spec| spec.drain.stop_grace = Span::from_secs(1)),
    Way::Spec(plain_hooks),
    Way::Rest(|setting| setting.world.capabilities.counting = Counting::Strict),
    Way::Rest(|setting| setting.world.capabilities.router = Some(10_000)),
    Way::Rest(|setting| {
        let enrolment = &mut setting.world.capabilities.enrolment;
        if enrolment.is_some() {
            *enrolment = Some(Confirmation::Observed);
        }
    }),
    Way::Rest(|setting| setting.world.capabilities.abilities = BTreeSet::new()),
    Way::Rest(|setting| setting.world.start = (1000, 1000)),
    Way::Rest(|setting| setting.world.manner = Manner::Graceful),
    Way::Rest(|setting| setting.world.checks_health = true),
    Way::Rest(|setting| setting.world.rate = 100),
    Way::Rest(|setting| setting.world.service = 50),
    Way::Rest(|setting| setting.travel = (20, 20)),
    Way::Rest(|setting| setting.poll = 1000),
    Way::Rest(|setting| setting.storm = setting.storm.min(60_000)),
    Way::Rest(|setting| setting.storm = setting.storm.min(20_000)),
];

/// Eases a setting in one way; `None` if that changes nothing, or makes it one that nobody can run.
pub(super) fn ease(setting: &Setting, way: Way) -> Option<Setting> {
    let mut eased = setting.clone();
    match way {
        Way::Spec(change) => {
            let mut spec = eased.spec.spec().clone();
            change(&mut spec);
            eased.world.drain_deadline = spec.drain.deadline.as_millis();
            eased.world.min_ready = spec.health.min_ready.as_millis();
            eased.world.checks_health |= spec.health.readiness.is_none();
            eased.spec = Arc::new(CheckedSpec::new(spec).ok()?);
        }
        Way::Rest(change) => change(&mut eased),
    }
    let is_by_name = eased.world.capabilities.making == Making::ByName;
    if is_by_name && eased.world.capabilities.enrolment.is_none() {
        eased.world.capabilities.enrolment = Some(Confirmation::Observed);
    }
    if !is_by_name && eased.history == History::Adopted {
        return None;
    }
    let plans = [false, true]
        .map(|first| plan::build(&eased.spec, &eased.world.capabilities, first).is_ok());
    (eased != *setting && plans == [true, true]).then_some(eased)
}

/// Calls `change` with every list of gates.
fn each_list(strategy: &mut Strategy, mut change: impl FnMut(&mut Vec<Gate>)) {
    match strategy {
        Strategy::Rolling(_) | Strategy::Recreate(_) => {}
        Strategy::BlueGreen(blue_green) => {
            change(&mut blue_green.gates);
            change(&mut blue_green.bake_gates);
        }
        Strategy::Canary(canary) => {
            canary.steps.iter_mut().for_each(|step| change(&mut step.gates));
        }
        Strategy::Stages(stages) => stages.iter_mut().for_each(|stage| change(&mut stage.gates)),
    }
}

fn without_modules(spec: &mut Spec) {
    spec.modules.clear();
    spec.breaker = None;
    match &mut spec.strategy {
        Strategy::Canary(canary) => {
            canary.steps.iter_mut().for_each(|step| step.modules = ModuleNeeds::default());
        }
        Strategy::Stages(stages) => {
            for stage in stages {
                stage.modules = ModuleNeeds::default();
            }
        }
        Strategy::Rolling(_) | Strategy::Recreate(_) | Strategy::BlueGreen(_) => {}
    }
}

fn without_rules(spec: &mut Spec) {
    match &mut spec.strategy {
        Strategy::Canary(canary) => {
            canary.affinity = None;
            for step in &mut canary.steps {
                step.matches.clear();
                step.mirror = Weight::ZERO;
            }
        }
        Strategy::Stages(stages) => {
            for stage in stages {
                stage.matches.clear();
                stage.mirror = Weight::ZERO;
                stage.affinity = None;
            }
        }
        Strategy::Rolling(_) | Strategy::Recreate(_) | Strategy::BlueGreen(_) => {}
    }
}

fn fewer_steps(spec: &mut Spec) {
    match &mut spec.strategy {
        Strategy::Canary(canary) => {
            if let Some(ramp) = canary.ramp.take() {
                canary.steps = ramp.steps();
            }
            if 1 < canary.steps.len() {
                canary.steps.pop();
            }
        }
        Strategy::Stages(stages) => {
            if 1 < stages.len() {
                stages.remove(0);
            }
        }
        Strategy::Rolling(_) | Strategy::Recreate(_) | Strategy::BlueGreen(_) => {}
    }
}

fn plain_pace(spec: &mut Spec) {
    let plain = Pace {
        surge: Some(Amount::Count(1)),
        unavailable: Some(Amount::Count(0)),
        ..Pace::default()
    };
    match &mut spec.strategy {
        Strategy::Rolling(pace) => *pace = plain,
        Strategy::Canary(canary) => {
            canary.pace = None;
            canary.min_replicas = None;
            canary.scale_stable = false;
        }
        Strategy::Recreate(_) | Strategy::BlueGreen(_) | Strategy::Stages(_) => {}
    }
}

fn plain_blue_green(spec: &mut Spec) {
    if let Strategy::BlueGreen(blue_green) = &mut spec.strategy {
        blue_green.preview_replicas = None;
        blue_green.promotion = Promotion::Automatic;
        blue_green.bake = Span::ZERO;
        blue_green.standby = Span::ZERO;
    }
}

fn plain_hooks(spec: &mut Spec) {
    let plain = |hook: &mut Hook| {
        hook.retries = 0;
        hook.deadline = Span::from_secs(30);
        hook.on_failure = HookFailure::Fail;
    };
    let hooks = &mut spec.hooks;
    let points = [
        &mut hooks.before,
        &mut hooks.after_canary,
        &mut hooks.before_promotion,
        &mut hooks.after,
        &mut hooks.on_rollback,
    ];
    for point in points {
        point.truncate(1);
        point.iter_mut().for_each(plain);
    }
}
