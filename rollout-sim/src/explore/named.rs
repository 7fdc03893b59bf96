//! The table of named configurations.

use std::{collections::BTreeSet, sync::Arc};

use rollout_core::{
    amount::Amount,
    engine::{OrderKind, Tuning},
    id::WorkloadId,
    port::{Capabilities, Confirmation, Making},
    spec::{
        BlueGreen, Canary, CanaryStep, CheckedSpec, Counting, Deadlines, Drain, Gate, Pace, Promotion,
        Recreate, Spec, Strategy,
    },
    time::Span,
    weight::Weight,
};

use super::config::{Configuration, Faults, revision};

/// Every named configuration.
#[must_use]
pub fn table() -> Vec<Configuration> {
    let mut all = Vec::new();
    for (name, strategy, router) in strategies() {
        for replicas in 1..=3 {
            for (kind, faults) in kinds() {
                let name = format!("{name}-{replicas}-{kind}");
                all.push(configuration(name, &strategy, router, replicas, faults));
            }
        }
    }
    all
}

fn pace(surge: u64, unavailable: u64) -> Pace {
    Pace {
        surge: Some(Amount::Count(surge)),
        unavailable: Some(Amount::Count(unavailable)),
        ..Pace::default()
    }
}

fn strategies() -> Vec<(&'static str, Strategy, Option<u64>)> {
    let canary = Canary {
        steps: vec![CanaryStep {
            weight: Weight::from_basis_points(2500).unwrap_or(Weight::ZERO),
            gates: vec![Gate::Hold(Span::from_secs(1))],
            ..CanaryStep::default()
        }],
        ..Canary::default()
    };
    let blue_green = BlueGreen {
        promotion: Promotion::Automatic,
        bake: Span::from_secs(1),
        standby: Span::from_secs(2),
        ..BlueGreen::default()
    };
    vec![
        ("rolling-1-0", Strategy::Rolling(pace(1, 0)), None),
        ("rolling-0-1", Strategy::Rolling(pace(0, 1)), None),
        ("rolling-1-1", Strategy::Rolling(pace(1, 1)), None),
        ("rolling-2-0", Strategy::Rolling(pace(2, 0)), None),
        ("recreate", Strategy::Recreate(Recreate {}), Some(10_000)),
        ("blue-green", Strategy::BlueGreen(blue_green), Some(10_000)),
        ("canary", Strategy::Canary(canary.clone()), Some(10_000)),
        ("canary-by-count", Strategy::Canary(canary), None),
    ]
}

fn kinds() -> Vec<(&'static str, Faults)> {
    let none = Faults::default();
    vec![
        ("calm", Faults { orders: 1, ..none }),
        ("crash", Faults { crashes: 1, lost_answers: 1, ..none }),
        ("harm", Faults { harms: 1, exits: true, losses: true, duds: true, flaps: true, ..none }),
        ("lag", Faults { lag: 1, ..none }),
    ]
}

fn configuration(
    name: String,
    strategy: &Strategy,
    router: Option<u64>,
    replicas: u64,
    faults: Faults,
) -> Configuration {
    let workload = WorkloadId::new("web").expect("a short name of letters is a name");
    let spec = Spec {
        replicas,
        strategy: strategy.clone(),
        drain: Drain { deadline: Span::from_secs(1), stop_grace: Span::from_secs(1) },
        deadlines: Deadlines { progress: Span::from_secs(8), total: None },
        ..Spec::new(workload.clone())
    };
    let spec = Arc::new(CheckedSpec::new(spec).expect("the specs of the table pass the check"));
    let submit = OrderKind::Submit { revision: revision("v3"), spec: spec.clone() };
    Configuration {
        name,
        workload,
        spec,
        capabilities: Capabilities {
            making: Making::ByName,
            counting: Counting::Strict,
            enrolment: Some(Confirmation::Observed),
            router,
            abilities: BTreeSet::new(),
        },
        tuning: Tuning {
            stale_after: Span::from_secs(30),
            retry_first: Span::from_secs(1),
            retry_most: Span::from_secs(2),
        },
        has_stable: true,
        faults,
        orders: vec![
            OrderKind::Abort,
            OrderKind::Pause,
            OrderKind::Halt,
            submit,
            OrderKind::Undo { to: None },
            OrderKind::Retry,
            OrderKind::Restart,
            OrderKind::Resize { replicas: replicas + 1 },
            OrderKind::Promote { all: true },
        ],
        states_max: 300_000,
    }
}
