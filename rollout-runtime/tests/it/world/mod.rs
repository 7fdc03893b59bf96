//! A small world in virtual time: instances, a load balancer, a router and their prober in one map, with
//! the truth about what served when.

mod ports;

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{IpAddr, Ipv4Addr},
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use rollout_core::{
    engine::{
        Action, Admission, Effect, EnrolState, Enrolled, InstanceSeen, InstanceState, Outcome,
        RefusalKind, Retry, Revision, Route, Subject,
    },
    id::{Epoch, InstanceId, Mark, RevisionId, WorkloadId},
    port::Journal,
    spec::{CheckedSpec, Spec},
};
use rollout_runtime::{Options, Ports, SystemClock};
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
    traffic: Traffic,
}

/// What the load balancer knows of an instance.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Traffic {
    Out,
    In,
    Draining { since: Instant },
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
        self.is_well() && self.traffic == Traffic::In
    }

    fn in_flight(&self) -> u64 {
        let lasts = if self.revision.template["requests"] == "endless" {
            Duration::MAX
        } else {
            LAST_REQUEST
        };
        match self.traffic {
            Traffic::Out => 0,
            Traffic::Draining { since } if lasts <= since.elapsed() => 0,
            Traffic::In | Traffic::Draining { .. } => 3,
        }
    }

    fn seen(&self) -> InstanceSeen {
        let state = match (self.started, self.stopped) {
            (None, _) => InstanceState::Created,
            (Some(_), false) => InstanceState::Running,
            (Some(_), true) => InstanceState::Exited { code: 0, detail: String::new() },
        };
        InstanceSeen {
            revision: self.revision.id.clone(),
            state,
            address: self.is_running().then_some(self.address),
            healthy: None,
            restarts: 0,
            rank: None,
        }
    }

    fn enrolled(&self) -> Option<Enrolled> {
        let state = match self.traffic {
            Traffic::Out => return None,
            Traffic::In => EnrolState::In,
            Traffic::Draining { .. } => EnrolState::Draining,
        };
        Some(Enrolled { state, in_flight: Some(self.in_flight()) })
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
            Effect::Enrol { .. }
            | Effect::Drain { .. }
            | Effect::Detach { .. }
            | Effect::Remove { .. }
            | Effect::Scale { .. }
            | Effect::Divide(_)
            | Effect::Route(_)
            | Effect::Run { .. }
            | Effect::Modules(_) => 2,
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
        let done = self.effect(action);
        self.most = self.most.max(self.instances.len());
        self.fewest_serving = self.fewest_serving.min(self.serving());
        match done {
            Some(()) => Outcome::Applied { mark: Mark(self.mark) },
            None => Outcome::refused(RefusalKind::Missing, "no such instance", Retry::Never),
        }
    }

    /// Makes it so; `None` if there is no such instance.
    fn effect(&mut self, action: &Action) -> Option<()> {
        match &action.effect {
            Effect::Create { instance, .. } => self.create(instance, action),
            Effect::Start { instance } => {
                let one = self.instances.get_mut(instance)?;
                one.started = one.started.or(Some(Instant::now()));
            }
            Effect::Enrol { instance, admission, .. } => {
                assert_eq!(*admission, Admission::Serving, "the route follows the replicas");
                self.instances.get_mut(instance)?.traffic = Traffic::In;
            }
            Effect::Drain { instance } => {
                let one = self.instances.get_mut(instance)?;
                if one.traffic == Traffic::In {
                    one.traffic = Traffic::Draining { since: Instant::now() };
                }
            }
            Effect::Detach { instance } => {
                if let Some(one) = self.instances.get_mut(instance) {
                    one.traffic = Traffic::Out;
                }
            }
            Effect::Stop { instance, .. } => {
                let one = self.instances.get_mut(instance)?;
                if one.is_well() && one.traffic != Traffic::Out {
                    self.violations.push(format!("{instance} was stopped in traffic"));
                }
                one.stopped = true;
            }
            Effect::Remove { instance } => {
                self.instances.remove(instance);
            }
            Effect::Route(route) => self.route = Some(route.clone()),
            Effect::Scale { .. } | Effect::Divide(_) | Effect::Run { .. } | Effect::Modules(_) => {
                panic!("this backend makes instances by name")
            }
        }
        Some(())
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
            traffic: Traffic::Out,
        };
        self.instances.insert(instance.clone(), one);
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
