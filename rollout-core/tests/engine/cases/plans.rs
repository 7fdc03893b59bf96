//! Rules of what is checked and planned before anything starts.

use rollout_core::{
    amount::Amount,
    plan::{self, Plan, StageRoute},
    port::{Capabilities, Making},
    spec::{CheckedSpec, Counting, Spec},
    weight::Weight,
};
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Part {
    amount: Value,
    of: u64,
    round: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Written {
    replicas: u64,
    strategy: Value,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Named {
    replicas: u64,
    strategy: Value,
    #[serde(default)]
    router: Option<u64>,
    #[serde(default)]
    first: bool,
    /// Name of the stage that is asked for.
    stage: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Refused {
    #[serde(default = "four")]
    replicas: u64,
    spec: Value,
}

fn four() -> u64 {
    4
}

/// Ports of a backend by count that cannot enrol; `router`: units of a router that divides traffic.
pub(super) fn ports(router: Option<u64>, counting: Counting) -> Capabilities {
    let abilities = std::collections::BTreeSet::new();
    Capabilities { making: Making::ByCount, counting, enrolment: None, router, abilities }
}

/// The spec with the fields in `rest`, or the message that refuses it.
pub(super) fn spec_of(replicas: u64, rest: &Value) -> Result<CheckedSpec, String> {
    let mut spec = json!({"version": 1, "workload": "web", "replicas": replicas});
    for (name, value) in rest.as_object().expect("fields of a spec") {
        spec[name] = value.clone();
    }
    let spec = Spec::from_json(&spec.to_string()).map_err(|error| error.to_string())?;
    CheckedSpec::new(spec).map_err(|errors| errors.to_string())
}

fn plan_of(
    replicas: u64,
    strategy: &Value,
    router: Option<u64>,
    first: bool,
) -> Result<Plan, String> {
    let spec = spec_of(replicas, &json!({"strategy": strategy}))?;
    plan::build(&spec, &ports(router, Counting::Loose), first).map_err(|error| error.to_string())
}

/// The number that an amount is of a whole.
pub(super) fn amount(given: &Part) -> Value {
    match (serde_json::from_value::<Amount>(given.amount.clone()), given.round.as_str()) {
        (Err(_), _) => json!({"refused": true}),
        (Ok(amount), "up") => json!({"value": amount.round_up(given.of)}),
        (Ok(amount), "down") => json!({"value": amount.round_down(given.of)}),
        (Ok(_), other) => panic!("rounded {other}"),
    }
}

/// How many may be extra and missing.
pub(super) fn budget(given: &Written) -> Value {
    let is_routed = given.strategy.get("blue_green").is_some();
    match plan_of(given.replicas, &given.strategy, is_routed.then_some(100), false) {
        Err(_) => json!({"refused": true}),
        Ok(plan) => {
            let budget = plan.stages[0].budget;
            json!({
                "surge": budget.surge,
                "unavailable": budget.unavailable,
                "floor": given.replicas - budget.unavailable,
            })
        }
    }
}

/// Instances of both revisions in the first step of a canary that is made of replicas.
pub(super) fn split(given: &Written) -> Value {
    match plan_of(given.replicas, &given.strategy, None, false) {
        Err(_) => json!({"refused": true}),
        Ok(plan) => {
            let stage = &plan.stages[0];
            json!({"candidate": stage.candidate, "stable": stage.stable})
        }
    }
}

/// Instances and share of a stage.
pub(super) fn stage(given: &Named) -> Value {
    let plan = plan_of(given.replicas, &given.strategy, given.router, given.first)
        .unwrap_or_else(|why| panic!("{why}: {}", given.strategy));
    let stage = plan.stages.iter().find(|stage| stage.name == given.stage);
    let stage = stage.unwrap_or_else(|| panic!("no stage is called {}", given.stage));
    let share = if let StageRoute::Weighted(weight) = stage.route { Some(weight) } else { None };
    let share = share.map(|weight| weight.to_string());
    json!({"candidate": stage.candidate, "stable": stage.stable, "share": share})
}

/// The message that refuses the spec or its plan; a row expects the field in it.
pub(super) fn refused(given: &Refused) -> Value {
    let why = match spec_of(given.replicas, &given.spec) {
        Err(why) => why,
        Ok(spec) => {
            let router = Some(100);
            match plan::build(&spec, &ports(router, Counting::Loose), false) {
                Err(error) => error.to_string(),
                Ok(_) => return json!({"refused": null}),
            }
        }
    };
    json!({"refused": why})
}

/// How many may be extra and missing while a strategy moves.
pub(super) fn budget_of(replicas: u64, strategy: &Value) -> plan::Budget {
    plan_of(replicas, strategy, None, false).expect("a plan").stages[0].budget
}

/// Instances and share of a stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stage {
    pub(crate) candidate: u64,
    pub(crate) stable: u64,
    pub(crate) share: Option<Weight>,
}

/// The first stage of a strategy; none if it is refused.
pub(crate) fn first_stage(replicas: u64, strategy: &Value, router: Option<u64>) -> Option<Stage> {
    let plan = plan_of(replicas, strategy, router, false).ok()?;
    let stage = &plan.stages[0];
    let share = if let StageRoute::Weighted(weight) = stage.route { Some(weight) } else { None };
    Some(Stage { candidate: stage.candidate, stable: stage.stable, share })
}
