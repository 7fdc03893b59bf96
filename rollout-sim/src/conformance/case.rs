//! Case: what the cases share: actions with rising numbers, attempts that must succeed, and waits.

use std::{
    collections::BTreeSet,
    net::IpAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use rollout_core::{
    engine::{
        Action, Admission, Effect, EnrolState, Enrolled, Enrolments, InstanceSeen, InstanceState,
        Inventory, Outcome, PoolSeen, Port, RefusalKind, Revision, Route,
    },
    id::{ActionId, Attempt, Epoch, InstanceId, Mark, RevisionId, WorkloadId},
    port::{Claim, Enrolment, Making, Router},
    time::Span,
};

use super::{Bench, Stop};

/// Time between two looks, and how many looks are taken before a wait counts as failed.
const LOOK_EVERY: Span = Span::from_millis(100);
const LOOKS_MAX: u32 = 300;

/// Time between the stop signal and the kill.
const GRACE: Span = Span::from_secs(2);

/// One case under way.
pub(crate) struct Case<'a> {
    pub(crate) bench: &'a dyn Bench,
    pub(crate) workload: WorkloadId,
    epoch: Mutex<Epoch>,
    actions: AtomicU64,
    /// Instances of pools that were handed out.
    given: Mutex<BTreeSet<InstanceId>>,
}

pub(crate) fn failed(why: impl Into<String>) -> Stop {
    Stop::Failed(why.into())
}

/// Ends the case unless `holds`.
pub(crate) fn expect(holds: bool, why: impl FnOnce() -> String) -> Result<(), Stop> {
    if holds { Ok(()) } else { Err(Stop::Failed(why())) }
}

impl<'a> Case<'a> {
    pub(crate) fn new(bench: &'a dyn Bench) -> Self {
        Self {
            workload: bench.fresh_workload(),
            bench,
            epoch: Mutex::new(Epoch(0)),
            actions: AtomicU64::new(0),
            given: Mutex::default(),
        }
    }

    /// How the backend makes instances.
    pub(crate) fn making(&self) -> Making {
        self.bench.backend().making()
    }

    /// Begins a reign and acts under it from now on.
    pub(crate) async fn claim(&self, owner: &str, take_over: bool) -> Result<Epoch, Stop> {
        let claim = Claim { owner: owner.to_owned(), epoch: self.epoch().next(), take_over };
        let granted = self.bench.backend().claim(&self.workload, &claim).await;
        let granted = granted.map_err(|error| failed(format!("the claim was refused: {error}")))?;
        *self.epoch.lock().unwrap_or_else(PoisonError::into_inner) = granted;
        Ok(granted)
    }

    pub(crate) fn epoch(&self) -> Epoch {
        *self.epoch.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The revision `name` with the first, or the other, template, pinned.
    pub(crate) async fn revision(&self, name: &str, other: bool) -> Result<Arc<Revision>, Stop> {
        let template = if other { self.bench.other_template() } else { self.bench.template() };
        let pinned = self.bench.backend().pin(&self.workload, &template).await;
        let template = pinned.map_err(|error| failed(format!("the template: {error}")))?;
        let id = RevisionId::new(name).map_err(|error| failed(error.to_string()))?;
        Ok(Arc::new(Revision { id, template }))
    }

    /// The name of an instance of `revision`, unique for the workload.
    pub(crate) fn name(&self, revision: &Revision, number: u32) -> Result<InstanceId, Stop> {
        InstanceId::new(format!("{}-{}-{number}", self.workload, revision.id))
            .map_err(|error| failed(error.to_string()))
    }

    /// The next action.
    pub(crate) fn action(&self, effect: Effect, revision: Option<&Arc<Revision>>) -> Action {
        Action {
            id: ActionId(self.actions.fetch_add(1, Ordering::Relaxed) + 1),
            epoch: self.epoch(),
            attempt: Attempt(1),
            workload: self.workload.clone(),
            revision: revision.cloned(),
            effect,
        }
    }

    pub(crate) async fn attempt(&self, action: &Action) -> Result<Outcome, Stop> {
        Ok(match action.effect.port() {
            Port::Backend => self.bench.backend().apply(action).await,
            Port::Enrolment => self.enrolment()?.apply(action).await,
            Port::Router => self.router()?.apply(action).await,
            port @ (Port::Hooks | Port::Modules) => {
                return Err(Stop::Failed(format!("the bench has no {port}")));
            }
        })
    }

    /// Attempts an action that must be applied.
    pub(crate) async fn must(&self, action: &Action) -> Result<Mark, Stop> {
        match self.attempt(action).await? {
            Outcome::Applied { mark } => Ok(mark),
            other @ (Outcome::Refused { .. } | Outcome::Unknown { .. }) => {
                Err(failed(format!("{action} was {other}, expected applied")))
            }
        }
    }

    /// Attempts an action that must be refused in this way.
    pub(crate) async fn must_refuse(&self, action: &Action, kind: RefusalKind) -> Result<(), Stop> {
        let outcome = self.attempt(action).await?;
        let refused = matches!(&outcome, Outcome::Refused { why, .. } if why.kind == kind);
        expect(refused, || format!("{action} was {outcome}, expected a refusal ({kind:?})"))
    }

    pub(crate) async fn create(
        &self,
        revision: &Arc<Revision>,
        name: &InstanceId,
    ) -> Result<Action, Stop> {
        let effect = Effect::Create { instance: name.clone(), revision: revision.id.clone() };
        let action = self.action(effect, Some(revision));
        self.must(&action).await?;
        Ok(action)
    }

    pub(crate) fn start(&self, name: &InstanceId) -> Action {
        let instance = name.clone();
        self.action(Effect::Start { instance }, None)
    }

    pub(crate) fn stop(&self, name: &InstanceId) -> Action {
        let instance = name.clone();
        let grace = GRACE;
        self.action(Effect::Stop { instance, grace }, None)
    }

    pub(crate) fn remove(&self, name: &InstanceId) -> Action {
        let instance = name.clone();
        self.action(Effect::Remove { instance }, None)
    }

    pub(crate) fn drain(&self, name: &InstanceId) -> Action {
        let instance = name.clone();
        self.action(Effect::Drain { instance }, None)
    }

    pub(crate) fn detach(&self, name: &InstanceId) -> Action {
        let instance = name.clone();
        self.action(Effect::Detach { instance }, None)
    }

    pub(crate) fn route(&self, route: Route) -> Action {
        self.action(Effect::Route(route), None)
    }

    /// Makes the first instance of `revision`; how it is called shows later.
    pub(crate) async fn make(&self, revision: &Arc<Revision>) -> Result<(), Stop> {
        match self.making() {
            Making::ByCount | Making::InPlace { .. } => {
                self.must(&self.scale(revision, 1)).await.map(drop)
            }
            Making::ByName | _ => self.create(revision, &self.name(revision, 1)?).await.map(drop),
        }
    }

    /// The order for a pool of this size.
    pub(crate) fn scale(&self, revision: &Arc<Revision>, replicas: u64) -> Action {
        let effect = Effect::Scale { revision: revision.id.clone(), replicas };
        self.action(effect, Some(revision))
    }

    /// Waits until the pool of a revision, and what is known of its instances, is as `is_so` says.
    pub(crate) async fn until_pool(
        &self,
        revision: &Revision,
        wanted: &str,
        is_so: impl Fn(&PoolSeen, &Inventory) -> bool + Send,
    ) -> Result<Inventory, Stop> {
        let mut last = Inventory::default();
        for _ in 0..LOOKS_MAX {
            last = self.inventory().await?;
            let pool = last.pools.get(&revision.id).cloned().unwrap_or_default();
            if is_so(&pool, &last) {
                return Ok(last);
            }
            self.bench.wait(LOOK_EVERY).await;
        }
        Err(failed(format!("the pool did not become {wanted}; seen last: {last:?}")))
    }

    /// Lets a pool grow to `number`, and waits until one of it that was not handed out has an address.
    async fn of_pool(
        &self,
        revision: &Arc<Revision>,
        number: u32,
    ) -> Result<(InstanceId, IpAddr), Stop> {
        self.must(&self.scale(revision, u64::from(number))).await?;
        let given = || self.given.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = |seen: &Inventory| {
            let mut of_it = seen.instances.iter().filter(|(name, one)| {
                let runs = one.state == InstanceState::Running;
                one.revision == revision.id && runs && !given().contains(*name)
            });
            of_it.find_map(|(name, one)| Some((name.clone(), one.address?)))
        };
        let seen = self
            .until_pool(revision, "one with an address", |_, seen| fresh(seen).is_some())
            .await?;
        let (name, address) = fresh(&seen).ok_or_else(|| failed("the instance is gone again"))?;
        given().insert(name.clone());
        Ok((name, address))
    }

    /// Makes an instance, by name or by count, and waits until it has an address.
    pub(crate) async fn running(
        &self,
        revision: &Arc<Revision>,
        number: u32,
    ) -> Result<(InstanceId, IpAddr), Stop> {
        if self.making() != Making::ByName {
            return self.of_pool(revision, number).await;
        }
        let name = self.name(revision, number)?;
        self.create(revision, &name).await?;
        self.must(&self.start(&name)).await?;
        let seen = self
            .until(&name, "running with an address", |seen| {
                seen.is_some_and(|one| one.state == InstanceState::Running && one.address.is_some())
            })
            .await?;
        let address = seen.and_then(|one| one.address);
        let address = address.ok_or_else(|| failed("the address is gone again"))?;
        Ok((name, address))
    }

    /// The order to enrol an instance.
    pub(crate) fn enrol(
        &self,
        revision: &Arc<Revision>,
        name: &InstanceId,
        address: IpAddr,
        admission: Admission,
    ) -> Action {
        let effect = Effect::Enrol {
            instance: name.clone(),
            revision: revision.id.clone(),
            address,
            admission,
        };
        self.action(effect, Some(revision))
    }

    pub(crate) async fn inventory(&self) -> Result<Inventory, Stop> {
        let seen = self.bench.backend().observe(&self.workload).await;
        seen.map_err(|error| failed(error.to_string()))
    }

    pub(crate) async fn instance(&self, name: &InstanceId) -> Result<Option<InstanceSeen>, Stop> {
        Ok(self.inventory().await?.instances.get(name).cloned())
    }

    pub(crate) async fn enrolled(&self, name: &InstanceId) -> Result<Option<Enrolled>, Stop> {
        Ok(self.enrolments().await?.instances.get(name).copied())
    }

    async fn enrolments(&self) -> Result<Enrolments, Stop> {
        let seen = self.enrolment()?.observe(&self.workload).await;
        seen.map_err(|error| failed(error.to_string()))
    }

    /// The same as soon as an observation says that it shows the write at `mark`.
    pub(crate) async fn enrolled_since(
        &self,
        name: &InstanceId,
        mark: Mark,
    ) -> Result<Option<Enrolled>, Stop> {
        for _ in 0..LOOKS_MAX {
            let seen = self.enrolments().await?;
            if mark <= seen.mark {
                return Ok(seen.instances.get(name).copied());
            }
            self.bench.wait(LOOK_EVERY).await;
        }
        Err(failed(format!("no observation came to {mark}")))
    }

    /// Waits until an instance is seen as `wanted` says.
    pub(crate) async fn until(
        &self,
        name: &InstanceId,
        wanted: &str,
        is_so: impl Fn(Option<&InstanceSeen>) -> bool + Send,
    ) -> Result<Option<InstanceSeen>, Stop> {
        let mut last = None;
        for _ in 0..LOOKS_MAX {
            last = self.instance(name).await?;
            if is_so(last.as_ref()) {
                return Ok(last);
            }
            self.bench.wait(LOOK_EVERY).await;
        }
        Err(failed(format!("{name} did not become {wanted}; seen last: {last:?}")))
    }

    /// Waits until a draining instance has nothing in flight.
    pub(crate) async fn until_drained(&self, name: &InstanceId) -> Result<(), Stop> {
        let mut last = None;
        for _ in 0..LOOKS_MAX {
            last = self.enrolled(name).await?;
            let drained = last.is_some_and(|one| {
                one.state == EnrolState::Draining && one.in_flight.unwrap_or_default() == 0
            });
            if drained {
                return Ok(());
            }
            self.bench.wait(LOOK_EVERY).await;
        }
        Err(failed(format!("{name} did not drain; seen last: {last:?}")))
    }

    pub(crate) fn enrolment(&self) -> Result<&dyn Enrolment, Stop> {
        self.bench.enrolment().ok_or(Stop::Skipped("it has no enrolment"))
    }

    pub(crate) fn router(&self) -> Result<&dyn Router, Stop> {
        self.bench.router().ok_or(Stop::Skipped("it has no router"))
    }
}
