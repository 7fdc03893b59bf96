//! The simulated backend passes the suite that every backend must pass.

use std::{
    collections::BTreeMap,
    future::Future,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll, Waker},
};

use async_trait::async_trait;
use rollout_core::{
    id::{InstanceId, WorkloadId},
    port::{Backend, Confirmation, Enrolment, InPlaceOrder, Making, Router},
    time::Span,
};
use rollout_sim::{
    conformance::{self, Bench, Verdict},
    world::{Manner, ManualClock, SimBackend, SimEnrolment, SimFleet, SimRouter, WorldConfig},
};
use serde_json::{Value, json};

struct SimBench {
    fleet: SimFleet,
    backend: SimBackend,
    enrolment: SimEnrolment,
    router: SimRouter,
    shares: bool,
    clock: Arc<ManualClock>,
    workloads: AtomicU64,
    foreign: WorkloadId,
}

impl SimBench {
    fn new(config: WorldConfig) -> Self {
        let clock = Arc::new(ManualClock::default());
        let shares = config.capabilities.router.is_some();
        let fleet = SimFleet::new(config, 1, clock.clone());
        let foreign = WorkloadId::new("foreign").expect("the name is short and plain");
        fleet.with(&foreign, |world| {
            world
                .put_foreign(InstanceId::new("not-ours").expect("the name is short and plain"), 42);
        });
        Self {
            backend: fleet.backend(),
            enrolment: fleet.enrolment(),
            router: fleet.router(),
            shares,
            fleet,
            clock,
            workloads: AtomicU64::new(0),
            foreign,
        }
    }
}

#[async_trait]
impl Bench for SimBench {
    fn backend(&self) -> &dyn Backend {
        &self.backend
    }
    fn enrolment(&self) -> Option<&dyn Enrolment> {
        Some(&self.enrolment)
    }
    fn router(&self) -> Option<&dyn Router> {
        self.shares.then_some(&self.router as &dyn Router)
    }
    fn fresh_workload(&self) -> WorkloadId {
        let number = self.workloads.fetch_add(1, Ordering::Relaxed);
        WorkloadId::new(format!("w{number}")).expect("the name is short and plain")
    }
    fn template(&self) -> Value {
        json!({ "image": "one" })
    }
    fn other_template(&self) -> Value {
        json!({ "image": "other" })
    }
    fn bad_template(&self) -> Option<Value> {
        Some(json!({ "image": "missing" }))
    }
    async fn kill(&self, workload: &WorkloadId, instance: &InstanceId) {
        self.fleet.with(workload, |world| assert!(world.kill(instance, 137)));
    }
    async fn gets_traffic(&self, workload: &WorkloadId, instance: &InstanceId) -> Option<bool> {
        self.fleet.with(workload, |world| {
            let instance = world.instance(instance)?;
            Some(world.gets_traffic(instance))
        })
    }
    async fn wait(&self, span: Span) {
        self.clock.pass(span.as_millis());
    }
    async fn foreign(&self) -> String {
        self.fleet.with(&self.foreign, |world| {
            let foreign: &BTreeMap<InstanceId, u64> = world.foreign();
            format!("{foreign:?}")
        })
    }
    async fn clean(&self, _: &WorkloadId) {}
}

/// Runs a future that never waits for anything outside.
fn now_or_never<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("the simulated fleet waits for nothing outside"),
    }
}

fn passes(config: WorldConfig) {
    let bench = SimBench::new(config);
    let results = now_or_never(conformance::run(&bench));
    let not_passed: Vec<String> = results
        .iter()
        .filter(|result| result.verdict != Verdict::Passed)
        .map(ToString::to_string)
        .collect();
    assert_eq!(not_passed, Vec::<String>::new());
    assert!(20 <= results.len(), "only {} cases ran", results.len());
}

#[test]
fn the_simulated_backend_conforms() {
    passes(WorldConfig::default());
}

#[test]
fn it_conforms_with_instances_that_ignore_the_stop_signal() {
    passes(WorldConfig { manner: Manner::Ignores, service: 3000, ..WorldConfig::default() });
}

#[test]
fn it_conforms_with_a_coarse_router_that_cannot_be_asked_about_drains() {
    let mut config = WorldConfig { manner: Manner::Abrupt, ..WorldConfig::default() };
    config.capabilities.router = Some(100);
    config.capabilities.enrolment = Some(Confirmation::Elapsed(Span::from_millis(300)));
    passes(config);
}

/// A backend that replaces in place; what has no order is not asked for one, and nothing is shared by weight.
fn passes_in_place(order: InPlaceOrder) {
    let mut config = WorldConfig::default();
    config.capabilities.making = Making::InPlace { order };
    config.capabilities.router = None;
    config.capabilities.enrolment = Some(Confirmation::Elapsed(Span::from_millis(300)));
    let bench = SimBench::new(config);
    let results = now_or_never(conformance::run(&bench));
    let of = |is_meant: fn(&Verdict) -> bool| -> Vec<String> {
        results.iter().filter(|it| is_meant(&it.verdict)).map(ToString::to_string).collect()
    };
    assert_eq!(of(|it| matches!(it, Verdict::Failed { .. })), Vec::<String>::new());
    assert!(12 <= of(|it| *it == Verdict::Passed).len(), "{results:#?}");
}

#[test]
fn it_conforms_with_instances_that_are_replaced_in_place() {
    passes_in_place(InPlaceOrder::Ranked);
    passes_in_place(InPlaceOrder::Any);
}
