//! A small world in virtual time: instances, a load balancer, a router and their prober in one map, with
//! the truth about what served when.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{IpAddr, Ipv4Addr},
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use async_trait::async_trait;
use futures_util::stream::{BoxStream, StreamExt, unfold};
use rollout_core::{
    engine::{
        Action, Admission, Effect, EnrolState, Enrolled, Enrolments, InstanceSeen, InstanceState,
        Inventory, Outcome, RefusalKind, Retry, Revision, Route, RouteInForce, Subject,
    },
    id::{Epoch, InstanceId, Mark, RevisionId, WorkloadId},
    port::{
        Backend, Claim, ClaimError, Confirmation, Enrolment, Journal, Making, ObserveError,
        PinError, Router,
    },
    spec::{CheckedSpec, Probe, Spec},
};
use rollout_runtime::{
    Options, Ports, SystemClock,
    probe::{Answer, Prober},
};
use tokio::{
    sync::watch,
    time::{Instant, sleep},
};

/// From start to the first good answer.
const BOOT: Duration = Duration::from_millis(300);
/// From a drain to the end of the last request.
const LAST_REQUEST: Duration = Duration::from_millis(120);

/// The world; clones are the same one.
#[derive(Clone)]
pub(crate) struct World {
    truth: Arc<Mutex<Truth>>,
    changed: watch::Sender<u64>,
}

/// What is so.
#[derive(Default)]
pub(crate) struct Truth {
    pub(crate) epoch: Epoch,
    owner: Option<String>,
    mark: u64,
    made: u8,
    pub(crate) instances: BTreeMap<InstanceId, Instance>,
    pub(crate) route: Option<Route>,
    changing: BTreeSet<Subject>,
    /// Most instances there ever were at once.
    pub(crate) most: usize,
    /// Fewest that served after every change since the count was last set to the present.
    pub(crate) fewest_serving: usize,
    /// Promises that were broken.
    pub(crate) violations: Vec<String>,
    /// Actions that were refused as an older epoch's.
    pub(crate) fenced: u32,
}

/// One instance.
pub(crate) struct Instance {
    pub(crate) revision: Arc<Revision>,
    address: IpAddr,
    started: Option<Instant>,
    stopped: bool,
    /// What the load balancer knows: `None` nothing, then whether and since when it drains.
    enrolled: Option<Option<Instant>>,
}

impl Instance {
    fn is_running(&self) -> bool {
        self.started.is_some() && !self.stopped
    }

    /// Whether it answers well.
    fn is_well(&self) -> bool {
        let broken = self.revision.template["image"] == "broken";
        let booted = self.started.is_some_and(|started| BOOT <= started.elapsed());
        self.is_running() && booted && !broken
    }

    fn serves(&self) -> bool {
        self.is_well() && self.enrolled == Some(None)
    }

    fn in_flight(&self) -> u64 {
        match self.enrolled {
            Some(Some(since)) if LAST_REQUEST <= since.elapsed() => 0,
            Some(_) => 3,
            None => 0,
        }
    }
}

impl World {
    pub(crate) fn new() -> Self {
        Self { truth: Arc::default(), changed: watch::Sender::new(0) }
    }

    pub(crate) fn truth(&self) -> MutexGuard<'_, Truth> {
        self.truth.lock().unwrap()
    }

    /// Ports of a driver on this world that keeps its records in `journal`.
    pub(crate) fn ports(&self, journal: impl Journal + 'static) -> Ports {
        let world = Arc::new(self.clone());
        Ports::new(world.clone(), Arc::new(journal))
            .with_enrolment(world.clone())
            .with_router(world.clone())
            .with_prober(world)
            .with_clock(Arc::new(SystemClock::new()))
    }

    /// Instances of `revision` that serve.
    pub(crate) fn serving(&self, revision: &str) -> usize {
        let truth = self.truth();
        let serve =
            |instance: &&Instance| instance.revision.id.as_str() == revision && instance.serves();
        truth.instances.values().filter(serve).count()
    }

    /// Panics unless `count` instances of `revision` serve and nothing else exists.
    pub(crate) fn assert_only(&self, revision: &str, count: usize) {
        assert_eq!(self.serving(revision), count, "serving of {revision}");
        let truth = self.truth();
        assert_eq!(truth.instances.len(), count, "more than was asked for");
        assert_eq!(truth.violations, Vec::<String>::new());
    }

    /// Counts the fewest that serve from now on.
    pub(crate) fn watch_serving(&self) {
        let mut truth = self.truth();
        truth.fewest_serving = truth.serving();
        truth.most = truth.instances.len();
    }

    /// Takes a while, has its effect halfway, answers.
    async fn carry_out(&self, action: &Action) -> Outcome {
        let half = Duration::from_millis(match &action.effect {
            Effect::Create { .. } => 25,
            Effect::Start { .. } | Effect::Stop { .. } => 40,
            _ => 2,
        });
        let subject = action.effect.subject();
        let alone = self.truth().changing.insert(subject.clone());
        let _changing = Changing { world: self, subject: &subject };
        if !alone {
            self.truth().violations.push(format!("{subject:?} was changed twice at once"));
        }
        sleep(half).await;
        let outcome = self.truth().change(action);
        self.changed.send_modify(|count| *count += 1);
        sleep(half).await;
        outcome
    }
}

/// Marks a subject as free again, also when the attempt is cancelled.
struct Changing<'a> {
    world: &'a World,
    subject: &'a Subject,
}

impl Drop for Changing<'_> {
    fn drop(&mut self) {
        self.world.truth().changing.remove(self.subject);
    }
}

impl Truth {
    fn serving(&self) -> usize {
        self.instances.values().filter(|instance| instance.serves()).count()
    }

    fn change(&mut self, action: &Action) -> Outcome {
        if action.epoch < self.epoch {
            self.fenced += 1;
            return Outcome::refused(RefusalKind::Fenced, "an older epoch", Retry::Never);
        }
        self.mark += 1;
        let missing = |instance: &InstanceId| {
            Outcome::refused(RefusalKind::Missing, format!("no {instance}"), Retry::Never)
        };
        match &action.effect {
            Effect::Create { instance, .. } => self.create(instance, action),
            Effect::Remove { instance } => {
                if self.instances.get(instance).is_some_and(|one| one.enrolled.is_some()) {
                    self.violations.push(format!("{instance} was removed while enrolled"));
                }
                self.instances.remove(instance);
            }
            Effect::Route(route) => self.route = Some(route.clone()),
            Effect::Scale { .. } => {
                return Outcome::refused(RefusalKind::Invalid, "by name", Retry::Never);
            }
            Effect::Detach { instance } => {
                if let Some(one) = self.instances.get_mut(instance) {
                    one.enrolled = None;
                }
            }
            Effect::Start { instance }
            | Effect::Enrol { instance, .. }
            | Effect::Drain { instance }
            | Effect::Stop { instance, .. } => {
                let Some(one) = self.instances.get_mut(instance) else {
                    return missing(instance);
                };
                match &action.effect {
                    Effect::Start { .. } => one.started = one.started.or(Some(Instant::now())),
                    Effect::Enrol {
                        admission: Admission::Serving | Admission::Standby, ..
                    } => {
                        one.enrolled = one.enrolled.or(Some(None));
                    }
                    Effect::Drain { .. } => {
                        if one.enrolled == Some(None) {
                            one.enrolled = Some(Some(Instant::now()));
                        }
                    }
                    _ => {
                        if one.enrolled == Some(None) && one.is_well() {
                            self.violations.push(format!("{instance} was stopped in traffic"));
                        } else if one.enrolled.is_some() && one.is_well() && 0 < one.in_flight() {
                            self.violations.push(format!("{instance} was stopped while busy"));
                        }
                        one.stopped = true;
                    }
                }
            }
        }
        self.most = self.most.max(self.instances.len());
        self.fewest_serving = self.fewest_serving.min(self.serving());
        Outcome::Applied { mark: Mark(self.mark) }
    }

    fn create(&mut self, instance: &InstanceId, action: &Action) {
        if self.instances.contains_key(instance) {
            return;
        }
        self.made = self.made.wrapping_add(1);
        let one = Instance {
            revision: action.revision.clone().expect("a create carries its revision"),
            address: Ipv4Addr::new(10, 0, 0, self.made).into(),
            started: None,
            stopped: false,
            enrolled: None,
        };
        self.instances.insert(instance.clone(), one);
    }
}

#[async_trait]
impl Backend for World {
    fn making(&self) -> Making {
        Making::ByName
    }

    async fn pin(
        &self,
        _: &WorkloadId,
        template: &serde_json::Value,
    ) -> Result<serde_json::Value, PinError> {
        match &template["image"] {
            serde_json::Value::String(_) => Ok(template.clone()),
            other => Err(PinError {
                field: "template.image".to_owned(),
                why: format!("`{other}` is no image"),
                way_out: "name one".to_owned(),
            }),
        }
    }

    async fn claim(&self, workload: &WorkloadId, claim: &Claim) -> Result<Epoch, ClaimError> {
        sleep(Duration::from_millis(3)).await;
        let mut truth = self.truth();
        match &truth.owner {
            Some(owner) if *owner != claim.owner && !claim.take_over => {
                return Err(ClaimError::Owned {
                    workload: workload.clone(),
                    owner: owner.clone(),
                    epoch: truth.epoch,
                });
            }
            Some(_) | None => truth.owner = Some(claim.owner.clone()),
        }
        truth.epoch = truth.epoch.next().max(claim.epoch);
        Ok(truth.epoch)
    }

    async fn observe(&self, _: &WorkloadId) -> Result<Inventory, ObserveError> {
        let inventory = {
            let truth = self.truth();
            let seen = |one: &Instance| InstanceSeen {
                revision: one.revision.id.clone(),
                state: match (one.started, one.stopped) {
                    (None, _) => InstanceState::Created,
                    (Some(_), false) => InstanceState::Running,
                    (Some(_), true) => InstanceState::Exited { code: 0, detail: String::new() },
                },
                address: one.is_running().then_some(one.address),
                healthy: None,
                restarts: 0,
            };
            let instances = truth.instances.iter();
            let mut revisions: Vec<Arc<Revision>> = Vec::new();
            for one in truth.instances.values() {
                if !revisions.contains(&one.revision) {
                    revisions.push(one.revision.clone());
                }
            }
            Inventory {
                mark: Mark(truth.mark),
                epoch: truth.epoch,
                instances: instances.map(|(name, one)| (name.clone(), seen(one))).collect(),
                pools: BTreeMap::new(),
                revisions,
            }
        };
        sleep(Duration::from_millis(5)).await;
        Ok(inventory)
    }

    async fn apply(&self, action: &Action) -> Outcome {
        self.carry_out(action).await
    }

    fn changes(&self, _: &WorkloadId) -> BoxStream<'static, ()> {
        unfold(self.changed.subscribe(), |mut changed| async move {
            changed.changed().await.ok()?;
            Some(((), changed))
        })
        .boxed()
    }
}

#[async_trait]
impl Enrolment for World {
    fn confirmation(&self) -> Confirmation {
        Confirmation::Observed
    }

    async fn observe(&self, _: &WorkloadId) -> Result<Enrolments, ObserveError> {
        let enrolments = {
            let truth = self.truth();
            let mut enrolments = Enrolments { mark: Mark(truth.mark), ..Enrolments::default() };
            for (name, one) in &truth.instances {
                let state = match one.enrolled {
                    None => continue,
                    Some(None) => EnrolState::In,
                    Some(Some(_)) => EnrolState::Draining,
                };
                let enrolled = Enrolled { state, in_flight: Some(one.in_flight()) };
                enrolments.instances.insert(name.clone(), enrolled);
            }
            enrolments
        };
        sleep(Duration::from_millis(1)).await;
        Ok(enrolments)
    }

    async fn apply(&self, action: &Action) -> Outcome {
        self.carry_out(action).await
    }
}

#[async_trait]
impl Router for World {
    fn units(&self) -> u64 {
        10_000
    }

    async fn observe(&self, _: &WorkloadId) -> Result<RouteInForce, ObserveError> {
        let truth = self.truth();
        Ok(RouteInForce { mark: Mark(truth.mark), route: truth.route.clone() })
    }

    async fn apply(&self, action: &Action) -> Outcome {
        self.carry_out(action).await
    }
}

#[async_trait]
impl Prober for World {
    async fn ask(&self, instance: &InstanceId, address: IpAddr, _: &Probe) -> Answer {
        sleep(Duration::from_millis(1)).await;
        let truth = self.truth();
        match truth.instances.get(instance) {
            Some(one) if one.address == address && one.is_well() => Answer::healthy("status 200"),
            Some(_) | None => Answer::unhealthy("status 503"),
        }
    }
}

/// The spec of a service of 4 with quick probes, to be moved to `image` with one extra.
pub(crate) fn spec(workload: &str, image: &str) -> CheckedSpec {
    let spec = serde_json::json!({
        "version": 1,
        "workload": workload,
        "revision": image,
        "replicas": 4,
        "strategy": {"rolling": {"surge": 1, "unavailable": 0}},
        "health": {
            "startup": {
                "tcp": {"port": 80}, "period": "100ms", "timeout": "50ms", "failure_threshold": 10
            },
            "readiness": {
                "tcp": {"port": 80}, "period": "100ms", "timeout": "50ms", "failure_threshold": 3
            }
        },
        "drain": {"deadline": "2s", "stop_grace": "1s"},
        "deadlines": {"progress": "60s"},
        "template": {"image": image}
    });
    let spec: Spec = serde_json::from_value(spec).unwrap();
    CheckedSpec::new(spec).unwrap()
}

pub(crate) fn web() -> WorkloadId {
    WorkloadId::new("web").unwrap()
}

pub(crate) fn options() -> Options {
    Options::default()
}

pub(crate) fn revision(name: &str) -> RevisionId {
    RevisionId::new(name).unwrap()
}
