//! Kubernetes' ways of sharing traffic as [`Router`]: a Service that is switched, and what divides by weight.
//!
//! In: whole routes. Out: outcomes, and the route in force. A router sets only its own fields, each write is
//! refused if anybody changed the object since it was read, and an engine that was superseded is refused by
//! the epoch on the object. A route that takes several writes is written in safe pieces: the same order
//! comes again until the route is in force. What was there before is restored once one revision has
//! everything. Absent: choices, waiting, and retries.

mod binding;
mod calls;
mod division;
mod gateway;
mod istio;
mod matches;
pub(crate) mod mirror;
mod nginx;
mod object;
mod pair;
mod perform;
mod problem;
mod shape;
mod sides;
mod subset;
mod traefik;
mod traffic;
mod way;

use std::{
    collections::BTreeSet,
    fmt,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use async_trait::async_trait;
use kube::Client;
use rollout_core::{
    engine::{Action, Outcome, RouteInForce},
    id::{Epoch, Mark, RevisionId, WorkloadId},
    port::{Ability, ObserveError, Router},
};

pub use self::traffic::{
    DestinationRuleSpec, GatewaySpec, IstioSpec, NginxSpec, RouterSpec, TraefikSpec, Traffic,
    TrafficError, VirtualServiceSpec,
};
use self::{
    calls::Calls,
    division::Division,
    mirror::Reader,
    object::Object,
    problem::{Problem, Trouble},
    shape::{Parts, Shape},
    sides::Stands,
    way::{Learned, Now},
};
use crate::backend::Watches;

/// What shares the traffic of workloads in one namespace, as the `traffic.kubernetes` of a spec says.
pub struct KubernetesRouter {
    calls: Calls,
    stands: Stands,
    /// What divides by weight; `None`: one Service is switched.
    shape: Option<Box<dyn Shape>>,
    /// Acknowledged writes so far.
    marks: AtomicU64,
    /// Only one attempt reads and writes at a time.
    writing: tokio::sync::Mutex<()>,
    /// What the data plane is learning, and since when.
    learning: Mutex<Option<(Lesson, Instant)>>,
}

/// What a data plane is learning: anything else is a lesson of its own, with all its time.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Lesson {
    /// The division in force.
    division: Division,
    /// How often its object was changed.
    generation: Option<u64>,
    /// Whether somebody answers on the candidate side.
    is_answered: bool,
}

/// Everything that was read.
struct Look {
    sides: sides::Read,
    parts: Parts,
    now: Now,
}

impl KubernetesRouter {
    /// What shares traffic as `traffic` says; `None` if nothing does. Asks nobody and changes nothing.
    #[must_use]
    pub fn new(client: Client, namespace: &str, traffic: &Traffic) -> Option<Self> {
        let calls = Calls::new(client, namespace);
        Some(Self {
            stands: Stands::of(traffic)?,
            shape: shape::of(traffic, namespace),
            calls,
            marks: AtomicU64::new(0),
            writing: tokio::sync::Mutex::new(()),
            learning: Mutex::new(None),
        })
    }

    /// Looks at objects through `watches`, which routers share, so that nothing is read while nothing happens. An
    /// order reads what it writes all the same.
    #[must_use]
    pub fn with_watches(mut self, watches: &Watches) -> Self {
        self.calls = self.calls.through(Reader::new(watches.mirror()));
        self
    }

    /// Lets the side that gets nothing follow a new `revision`, so that it can be looked at before it has
    /// any traffic: the preview Service, or the candidate Service of a router. Does nothing while that side
    /// gets traffic.
    pub async fn introduce(
        &self,
        workload: &WorkloadId,
        revision: &RevisionId,
        epoch: Epoch,
    ) -> Outcome {
        let _alone = self.writing.lock().await;
        self.outcome(self.follow(workload, revision, epoch).await)
    }

    /// Makes the reign `epoch` known on every object, so that an engine before it is refused from now on.
    pub async fn claim(&self, epoch: Epoch) -> Outcome {
        let _alone = self.writing.lock().await;
        self.outcome(self.stamp(epoch).await)
    }

    fn outcome(&self, done: Result<(), Trouble>) -> Outcome {
        match done {
            Ok(()) => {
                Outcome::Applied { mark: Mark(self.marks.fetch_add(1, Ordering::SeqCst) + 1) }
            }
            Err(trouble) => trouble.failed().outcome(),
        }
    }

    /// Reads everything by `calls`.
    async fn look(&self, calls: &Calls) -> Result<Look, Trouble> {
        let sides = self.stands.read(calls).await?;
        let mut parts = Parts::new();
        let (mut division, mut in_force) = Default::default();
        if let Some(shape) = &self.shape {
            let way_out =
                format!("create it, or correct `traffic.kubernetes.router.{}`", shape.field());
            for (index, place) in shape.places().iter().enumerate() {
                parts.push(match index {
                    0 => Some(calls.get(place, &way_out).await?),
                    _ => calls.find(place).await?,
                });
            }
            shape.check(&parts)?;
            if !shape.is_in_force(&parts) {
                for place in shape.needs(&parts) {
                    calls.fresh().get(&place, "create it, or name another parent").await?;
                }
            }
            (division, in_force) = shape::divided(&**shape, &parts);
        }
        let (written, in_effect) = (sides.written.clone(), sides.in_effect.clone());
        let learned = self.learned(&sides, &parts, &in_force);
        Ok(Look { sides, parts, now: Now { written, in_effect, division, in_force, learned } })
    }

    /// How far the data plane knows what stands in the division that is `in_force`: it is given its time from
    /// when that was first seen here.
    fn learned(&self, sides: &sides::Read, parts: &Parts, in_force: &Division) -> Learned {
        let Some(shape) = &self.shape else { return Learned::AtOnce };
        let Some(confirmation) = shape.confirmation() else { return Learned::AtOnce };
        let home = parts.first().and_then(Option::as_ref);
        let lesson = Lesson {
            division: in_force.clone(),
            generation: home.and_then(Object::generation),
            is_answered: sides.is_answered,
        };
        // Whoever panicked has changed nothing: it is replaced as a whole.
        let mut learning = self.learning.lock().unwrap_or_else(PoisonError::into_inner);
        let since = match &*learning {
            Some((known, since)) if *known == lesson => *since,
            Some(_) | None => learning.insert((lesson, Instant::now())).1,
        };
        if since.elapsed() < confirmation.to_std() {
            Learned::NotYet
        } else if sides.is_answered {
            Learned::All
        } else {
            Learned::AllButNobody
        }
    }
}

impl Look {
    /// Refuses an engine that was superseded.
    fn fence(&self, epoch: Epoch) -> Result<(), Problem> {
        let sides = self.sides.objects.iter().map(|(_, object)| object);
        let newest = sides.chain(self.parts.iter().flatten()).max_by_key(|it| it.epoch());
        match newest {
            Some(object) if epoch < object.epoch() => Err(Problem::fenced(
                object.name(),
                format!("{} has changed it already, this order is of {epoch}", object.epoch()),
            )),
            Some(_) | None => Ok(()),
        }
    }
}

#[async_trait]
impl Router for KubernetesRouter {
    fn units(&self) -> u64 {
        self.shape.as_ref().map_or(1, |shape| shape.units())
    }

    fn abilities(&self) -> BTreeSet<Ability> {
        self.shape.as_ref().map(|shape| shape.abilities()).unwrap_or_default()
    }

    /// The route that the data plane was told and has taken in, as far as it can be asked.
    async fn observe(&self, _workload: &WorkloadId) -> Result<RouteInForce, ObserveError> {
        let mark = Mark(self.marks.load(Ordering::SeqCst));
        let look = self.look(&self.calls).await.map_err(|trouble| trouble.of_reading().unseen())?;
        let route =
            division::route(&look.now.in_effect, &look.now.in_force, look.sides.left.as_ref());
        Ok(RouteInForce { mark, route })
    }

    async fn apply(&self, action: &Action) -> Outcome {
        let _alone = self.writing.lock().await;
        let outcome = self.outcome(self.perform(action).await);
        tracing::debug!(%action, %outcome, "attempted");
        outcome
    }
}

impl fmt::Debug for KubernetesRouter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { stands, shape, .. } = self;
        f.debug_struct("KubernetesRouter").field("stands", stands).field("shape", shape).finish()
    }
}
