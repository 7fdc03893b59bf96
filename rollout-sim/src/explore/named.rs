//! The table of named configurations.

use std::{collections::BTreeSet, sync::Arc};

use rollout_core::{
    amount::Amount,
    engine::{OrderKind, Tuning},
    id::WorkloadId,
    port::{Capabilities, Confirmation, Making},
    spec::{
        BlueGreen, Canary, CanaryStep, CheckedSpec, Counting, Deadlines, Drain, Gate, OnFailure,
        OnSubmit, Pace, Promotion, Recreate, Spec, Strategy, Unanswered,
    },
    time::Span,
    weight::Weight,
};

use super::config::{Configuration, Faults, revision};

/// Every named configuration: each way to move, in fleets of several sizes, with each kind of trouble.
#[must_use]
pub fn table() -> Vec<Configuration> {
    let mut all = Vec::new();
    for way in ways() {
        for replicas in 1..=way.most {
            // Two troubles at any two moments are many: one instance shows most of what they do.
            let is_small = replicas == 1 || (way.router.is_none() && replicas == 2);
            let fits = |trouble: &str| is_small || !MANY.contains(&trouble);
            for (trouble, faults) in troubles().into_iter().filter(|(name, _)| fits(name)) {
                let name = format!("{}-{replicas}-{trouble}", way.name);
                all.push(configuration(name, &way, replicas, faults));
            }
        }
    }
    all
}

/// Troubles that are explored on the smallest fleets only.
const MANY: [&str; 3] = ["orders", "harms", "harm-order"];

/// One way to move, and what it is moved on.
struct Way {
    name: &'static str,
    strategy: Strategy,
    router: Option<u64>,
    /// Largest fleet it is explored on.
    most: u64,
    /// What is special about the spec.
    with: fn(&mut Spec),
    /// What is special about the ports.
    on: fn(&mut Capabilities),
    has_stable: bool,
}

fn way(name: &'static str, strategy: Strategy, router: Option<u64>, most: u64) -> Way {
    Way { name, strategy, router, most, with: |_| (), on: |_| (), has_stable: true }
}

fn pace(surge: u64, unavailable: u64) -> Pace {
    Pace {
        surge: Some(Amount::Count(surge)),
        unavailable: Some(Amount::Count(unavailable)),
        ..Pace::default()
    }
}

fn canary(gates: Vec<Gate>) -> Canary {
    let step = |points, gates| CanaryStep {
        weight: Weight::from_basis_points(points).unwrap_or(Weight::ZERO),
        gates,
        ..CanaryStep::default()
    };
    Canary { steps: vec![step(2500, gates), step(5000, Vec::new())], ..Canary::default() }
}

/// The units of a router that takes whole basis points.
const ROUTED: u64 = 10_000;

fn ways() -> Vec<Way> {
    let mut ways = rollings();
    ways.extend(firsts_and_switches());
    ways.extend(canaries());
    ways
}

fn rolling(surge: u64, unavailable: u64) -> Strategy {
    Strategy::Rolling(pace(surge, unavailable))
}

fn rollings() -> Vec<Way> {
    vec![
        way("rolling-1-0", rolling(1, 0), None, 4),
        way("rolling-0-1", rolling(0, 1), None, 4),
        way("rolling-1-1", rolling(1, 1), None, 3),
        way("rolling-2-0", rolling(2, 0), None, 3),
        way("rolling-0-2", rolling(0, 2), None, 3),
        way("rolling-2-2", rolling(2, 2), None, 2),
        Way {
            on: |on| on.counting = Counting::Loose,
            ..way("rolling-1-0-loose", rolling(1, 0), None, 3)
        },
        Way {
            with: |spec| {
                let probe = serde_json::json!({"tcp": {"port": 80}, "success_threshold": 1});
                spec.health.readiness = serde_json::from_value(probe).ok();
                spec.health.min_ready = Span::from_secs(1);
            },
            ..way("rolling-1-0-probed", rolling(1, 0), None, 2)
        },
        Way {
            on: |on| on.enrolment = Some(Confirmation::Elapsed(Span::from_secs(1))),
            ..way("rolling-1-1-elapsed", rolling(1, 1), None, 2)
        },
        Way {
            with: |spec| spec.on_submit = OnSubmit::Queue,
            ..way("rolling-1-0-queued", rolling(1, 0), None, 2)
        },
        Way {
            with: |spec| spec.rollback.on_failure = OnFailure::Pause,
            ..way("rolling-1-0-pausing", rolling(1, 0), None, 2)
        },
    ]
}

fn firsts_and_switches() -> Vec<Way> {
    let blue_green = BlueGreen {
        promotion: Promotion::Automatic,
        bake: Span::from_secs(1),
        standby: Span::from_secs(2),
        ..BlueGreen::default()
    };
    let manual = BlueGreen {
        preview_replicas: Some(Amount::Count(1)),
        promotion: Promotion::Manual,
        ..BlueGreen::default()
    };
    let weights = Some(ROUTED);
    vec![
        Way { has_stable: false, ..way("first-rolling", rolling(1, 0), None, 2) },
        Way {
            has_stable: false,
            ..way("first-blue-green", Strategy::BlueGreen(blue_green.clone()), weights, 2)
        },
        way("recreate", Strategy::Recreate(Recreate {}), weights, 2),
        way("recreate-unrouted", Strategy::Recreate(Recreate {}), None, 2),
        way("blue-green", Strategy::BlueGreen(blue_green), weights, 2),
        way("blue-green-manual", Strategy::BlueGreen(manual), weights, 2),
    ]
}

fn canaries() -> Vec<Way> {
    let hold = || vec![Gate::Hold(Span::from_secs(1))];
    let weights = Some(ROUTED);
    vec![
        way("canary", Strategy::Canary(canary(hold())), weights, 3),
        Way {
            with: |spec| {
                if let Strategy::Canary(canary) = &mut spec.strategy {
                    (canary.scale_stable, canary.pace) = (true, Some(pace(1, 1)));
                }
            },
            ..way("canary-scaled", Strategy::Canary(canary(hold())), weights, 2)
        },
        way("canary-approved", Strategy::Canary(canary(approval())), weights, 2),
        way("canary-by-count", Strategy::Canary(canary(hold())), None, 3),
    ]
}

fn approval() -> Vec<Gate> {
    vec![Gate::Approval { deadline: None, on_expiry: Unanswered::Fail }]
}

fn troubles() -> Vec<(&'static str, Faults)> {
    let none = Faults::default();
    let harm = |harms| Faults { harms, exits: true, losses: true, duds: true, flaps: true, ..none };
    vec![
        ("order", Faults { orders: 1, slow: 1, ..none }),
        ("orders", Faults { orders: 2, ..none }),
        ("crash", Faults { crashes: 1, lost_answers: 1, ..none }),
        ("crashes", Faults { crashes: 2, ..none }),
        ("harm", Faults { busy: true, slow: 1, ..harm(1) }),
        ("harms", harm(2)),
        ("lag", Faults { lag: 2, ..none }),
        ("late", Faults { lag: 1, lost_answers: 1, ..none }),
        ("harm-crash", Faults { crashes: 1, ..harm(1) }),
        ("harm-order", Faults { orders: 1, ..harm(1) }),
        ("harm-lag", Faults { lag: 1, ..harm(1) }),
        ("crash-order", Faults { crashes: 1, orders: 1, ..none }),
    ]
}

/// Most states that one configuration may have.
const STATES_MAX: u32 = 1_500_000;

fn configuration(name: String, way: &Way, replicas: u64, faults: Faults) -> Configuration {
    let workload = WorkloadId::new("web").expect("a short name of letters is a name");
    let mut spec = Spec {
        replicas,
        strategy: way.strategy.clone(),
        drain: Drain { deadline: Span::from_secs(1), stop_grace: Span::from_secs(1) },
        deadlines: Deadlines { progress: Span::from_secs(8), total: None },
        ..Spec::new(workload.clone())
    };
    (way.with)(&mut spec);
    let mut capabilities = Capabilities {
        making: Making::ByName,
        counting: Counting::Strict,
        enrolment: Some(Confirmation::Observed),
        router: way.router,
        abilities: BTreeSet::new(),
    };
    (way.on)(&mut capabilities);
    let spec = Arc::new(CheckedSpec::new(spec).expect("the specs of the table pass the check"));
    let stage = if replicas == 1 { "full" } else { "step 2" };
    Configuration {
        name,
        workload,
        capabilities,
        tuning: Tuning {
            stale_after: Span::from_secs(30),
            retry_first: Span::from_secs(1),
            retry_most: Span::from_secs(2),
        },
        has_stable: way.has_stable,
        faults,
        orders: vec![
            OrderKind::Abort,
            OrderKind::Pause,
            OrderKind::Halt,
            OrderKind::Submit { revision: revision("v3"), spec: spec.clone() },
            OrderKind::Undo { to: None },
            OrderKind::Retry,
            OrderKind::Restart,
            OrderKind::Resize { replicas: replicas + 1 },
            OrderKind::Resize { replicas: replicas.saturating_sub(1) },
            OrderKind::Promote { all: true, gate: None },
            OrderKind::Skip { to: stage.to_owned() },
        ],
        spec,
        states_max: STATES_MAX,
    }
}
