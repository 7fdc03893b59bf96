//! The ports on a simulated fleet: what a real engine with a real driver can be run against.
//!
//! In: calls of the ports and a clock. Out: their answers, after the time they take. The clock may be a
//! real one, a paused one, or a [`ManualClock`].

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use futures_util::stream::{self, BoxStream};
use rollout_core::{
    engine::{
        Action, Enrolments, HookState, Inventory, ModulesInForce, Outcome, ProbeKind, RouteInForce,
    },
    id::{Epoch, HookRun, InstanceId, WorkloadId},
    port::{
        Ability, Backend, Claim, ClaimError, Clock, Confirmation, Enrolment, Hooks, Making,
        Modules, ObserveError, PinError, Router,
    },
    spec::Counting,
    time::Timestamp,
};
use serde_json::Value;

use super::{World, WorldConfig};

/// A clock that is moved by hand; a wait moves it, and never blocks.
#[derive(Debug, Default)]
pub struct ManualClock(Mutex<u64>);

impl ManualClock {
    /// Lets `ms` milliseconds pass.
    pub fn pass(&self, ms: u64) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) += ms;
    }
}

#[async_trait]
impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp(*self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    async fn sleep_until(&self, at: Timestamp) {
        let mut now = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *now = at.0.max(*now);
    }
}

/// A simulated fleet: one world per workload, each made when it is first asked for.
#[derive(Clone)]
pub struct SimFleet {
    worlds: Arc<Mutex<BTreeMap<WorkloadId, World>>>,
    config: Arc<WorldConfig>,
    seed: u64,
    clock: Arc<dyn Clock>,
    began: Timestamp,
}

impl SimFleet {
    /// A fleet with nothing on it, whose worlds follow `clock`.
    #[must_use]
    pub fn new(config: WorldConfig, seed: u64, clock: Arc<dyn Clock>) -> Self {
        Self { worlds: Arc::default(), config: Arc::new(config), seed, began: clock.now(), clock }
    }

    /// The backend port.
    #[must_use]
    pub fn backend(&self) -> SimBackend {
        SimBackend(self.clone())
    }

    /// The enrolment port.
    #[must_use]
    pub fn enrolment(&self) -> SimEnrolment {
        SimEnrolment(self.clone())
    }

    /// The router port.
    #[must_use]
    pub fn router(&self) -> SimRouter {
        SimRouter(self.clone())
    }

    /// The hook port.
    #[must_use]
    pub fn hooks(&self) -> SimHooks {
        SimHooks(self.clone())
    }

    /// The module port.
    #[must_use]
    pub fn modules(&self) -> SimModules {
        SimModules(self.clone())
    }

    /// What a probe of an instance sees now.
    #[must_use]
    pub fn probe(&self, workload: &WorkloadId, name: &InstanceId, probe: ProbeKind) -> bool {
        self.with(workload, |world| world.probe(name, probe))
    }

    /// Does something to the world of `workload`, as it is now.
    pub fn with<T>(&self, workload: &WorkloadId, change: impl FnOnce(&mut World) -> T) -> T {
        let mut worlds = self.lock();
        let config = &self.config;
        let world = worlds
            .entry(workload.clone())
            .or_insert_with(|| World::new(config.as_ref().clone(), self.seed));
        let passed = self.clock.now().since(self.began).as_millis();
        world.advance(super::BEGINNING.saturating_add(passed));
        change(world)
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<WorkloadId, World>> {
        // A world is whole between calls, so one that a panic left is as good as any.
        self.worlds.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn attempt(&self, action: &Action) -> Outcome {
        let receipt = self.with(&action.workload, |world| world.apply(action));
        let waits = receipt.answer_at.saturating_sub(super::BEGINNING);
        let at = Timestamp(self.began.0.saturating_add(waits));
        if self.clock.now() < at {
            self.clock.sleep_until(at).await;
        }
        match receipt.outcome {
            // What took time is visible only from its end on.
            Outcome::Applied { .. } => {
                Outcome::Applied { mark: self.with(&action.workload, |world| world.mark()) }
            }
            refused @ (Outcome::Refused { .. } | Outcome::Unknown { .. }) => refused,
        }
    }
}

/// Makes and removes simulated instances.
#[derive(Clone)]
pub struct SimBackend(SimFleet);

/// Takes simulated instances in and out of traffic.
#[derive(Clone)]
pub struct SimEnrolment(SimFleet);

/// Shares simulated traffic.
#[derive(Clone)]
pub struct SimRouter(SimFleet);

/// Runs simulated jobs.
#[derive(Clone)]
pub struct SimHooks(SimFleet);

/// Degrades simulated modules.
#[derive(Clone)]
pub struct SimModules(SimFleet);

#[async_trait]
impl Backend for SimBackend {
    fn making(&self) -> Making {
        self.0.config.capabilities.making
    }

    fn counting(&self) -> Counting {
        self.0.config.capabilities.counting
    }

    async fn pin(&self, _: &WorkloadId, template: &Value) -> Result<Value, PinError> {
        match template.get("image").and_then(Value::as_str) {
            Some(image) if image.starts_with("missing") => Err(PinError {
                field: "template.image".to_owned(),
                why: format!("there is no image `{image}`"),
                way_out: "name one that does not start with `missing`".to_owned(),
            }),
            Some(_) | None => Ok(template.clone()),
        }
    }

    async fn claim(&self, workload: &WorkloadId, claim: &Claim) -> Result<Epoch, ClaimError> {
        self.0.with(workload, |world| world.claim(workload, claim))
    }

    async fn observe(&self, workload: &WorkloadId) -> Result<Inventory, ObserveError> {
        Ok(self.0.with(workload, |world| world.inventory()))
    }

    async fn apply(&self, action: &Action) -> Outcome {
        self.0.attempt(action).await
    }

    fn changes(&self, _: &WorkloadId) -> BoxStream<'static, ()> {
        Box::pin(stream::pending())
    }
}

#[async_trait]
impl Enrolment for SimEnrolment {
    fn confirmation(&self) -> Confirmation {
        let confirmation = self.0.config.capabilities.enrolment;
        confirmation.unwrap_or(Confirmation::Observed)
    }

    async fn observe(&self, workload: &WorkloadId) -> Result<Enrolments, ObserveError> {
        Ok(self.0.with(workload, |world| world.enrolments()))
    }

    async fn apply(&self, action: &Action) -> Outcome {
        self.0.attempt(action).await
    }
}

#[async_trait]
impl Router for SimRouter {
    fn units(&self) -> u64 {
        self.0.config.capabilities.router.unwrap_or(1)
    }

    fn abilities(&self) -> BTreeSet<Ability> {
        let known = [Ability::Matches, Ability::Mirror, Ability::Affinity];
        let has = &self.0.config.capabilities.abilities;
        known.into_iter().filter(|ability| has.contains(ability)).collect()
    }

    async fn observe(&self, workload: &WorkloadId) -> Result<RouteInForce, ObserveError> {
        Ok(self.0.with(workload, |world| world.route_in_force()))
    }

    async fn apply(&self, action: &Action) -> Outcome {
        self.0.attempt(action).await
    }
}

#[async_trait]
impl Hooks for SimHooks {
    async fn apply(&self, action: &Action) -> Outcome {
        self.0.attempt(action).await
    }

    async fn poll(&self, workload: &WorkloadId, run: &HookRun) -> Result<HookState, ObserveError> {
        Ok(self.0.with(workload, |world| world.poll(run)))
    }
}

#[async_trait]
impl Modules for SimModules {
    async fn observe(&self, workload: &WorkloadId) -> Result<ModulesInForce, ObserveError> {
        Ok(self.0.with(workload, |world| world.modules_in_force()))
    }

    async fn apply(&self, action: &Action) -> Outcome {
        self.0.attempt(action).await
    }
}
