//! Takes a Deployment, a `StatefulSet` or a `DaemonSet` over, and hands it back, without a restart of a pod.
//!
//! In: its kind and name. Out: what will change, object by object and field by field; then it is so, and
//! a spec that goes on from there. Every step is worked out from the cluster alone and may be the last one: a
//! run after a crash goes on. Absent: memory of its own; any write to an object that somebody else changed
//! since it was read.
//!
//! Rights that it needs in the namespace: `list` of `deployments`, `replicasets`, `controllerrevisions` (group
//! `apps`), `pods`, `services`, `horizontalpodautoscalers` (`autoscaling`), `poddisruptionbudgets` (`policy`),
//! `endpointslices` (`discovery.k8s.io`) and `rollouts` (ours); `create`, `patch`, `delete` of `deployments`;
//! `create`, `delete` of `controllerrevisions`; `patch` of `replicasets`, `pods` and `horizontalpodautoscalers`;
//! `create`, `patch`, `delete` of `services`. For a `StatefulSet` or a `DaemonSet`, `list` and `patch` of these in
//! place of what is said of `deployments` and `replicasets`. A rehearsal on the server shows what is missing before anything
//! is touched.

mod change;
mod cluster;
mod error;
mod giving;
mod in_place;
mod object;
mod owner;
mod record;
mod refuse;
mod spec;
mod taking;
mod world;

#[cfg(test)]
mod play;
#[cfg(test)]
mod tests;

use std::time::Duration;

use kube::Client;
use rollout_import::Imported;
use tokio::time::{Instant, sleep};

pub use self::{
    change::{Change, FieldChange},
    error::AdoptError,
    object::Kind,
    owner::Manager,
};
use self::{
    cluster::{Cluster, Written},
    object::{Object, is_gated},
    record::Record,
    world::World,
};
use crate::backend::EnrolBy;

/// Time between two looks at what is waited for.
const LOOK: Duration = Duration::from_millis(200);
/// Longest wait for a controller to do its part.
const PATIENCE: Duration = Duration::from_secs(120);
/// How often a stage writes before somebody else is taken to write against it.
const TRIES: u32 = 8;

/// Which way a workload goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Way {
    /// From its Deployment to this engine.
    Adopt {
        /// Who has let go of the Deployment, by the names that [`AdoptError::Managed`] gives.
        released: Vec<String>,
        /// What will take its pods in and out of traffic. A readiness gate leaves every Service as it is; but the
        /// pods that run now have none.
        enrol_by: EnrolBy,
    },
    /// From this engine to a Deployment.
    HandBack,
}

/// A Deployment, or another that rules pods, or what became of it, on its way.
#[derive(Clone)]
pub struct Handover {
    cluster: Cluster,
    kind: Kind,
    name: String,
    way: Way,
}

/// Changes that go together, and what they wait for.
#[derive(Clone, Debug, PartialEq)]
pub struct Stage {
    /// What it is for, as an imperative.
    pub what: &'static str,
    /// The changes, in this order.
    pub changes: Vec<Change>,
    /// What the cluster itself has to do before the next stage; `None` if nothing.
    pub waits_for: Option<String>,
}

/// Everything that is still to be done.
#[derive(Debug)]
pub struct Handing {
    /// The stages that are left, in this order; none if all is done.
    pub stages: Vec<Stage>,
    /// `ReplicaSet`s of earlier revisions, which have no pods and stay as they are.
    pub left: Vec<String>,
    /// How many pods have no readiness gate where that is what takes pods out of traffic: the first rollout
    /// replaces them as a Deployment would, told to end while requests may still come.
    pub ungated: usize,
    /// The spec that goes on from there; only where a Deployment is adopted.
    pub spec: Option<Imported>,
}

impl Stage {
    const fn new(what: &'static str) -> Self {
        Self { what, changes: Vec::new(), waits_for: None }
    }

    const fn is_done(&self) -> bool {
        self.changes.is_empty() && self.waits_for.is_none()
    }
}

impl Handover {
    /// The Deployment or workload `name` in `namespace`, going `way`.
    #[must_use]
    pub fn new(client: Client, namespace: String, name: String, way: Way) -> Self {
        Self { cluster: Cluster::new(client, namespace), kind: Kind::Deployment, name, way }
    }

    /// The same with a [`Kind::StatefulSet`] or a [`Kind::DaemonSet`]; any other kind is a Deployment.
    #[must_use]
    pub fn of(mut self, kind: Kind) -> Self {
        self.kind = if kind.is_in_place() { kind } else { Kind::Deployment };
        self
    }

    /// What is still to be done. Everything is checked, and every write was rehearsed on the server; nothing
    /// is touched.
    ///
    /// # Errors
    ///
    /// [`AdoptError`] if it cannot be done, with the way out.
    pub async fn plan(&self) -> Result<Handing, AdoptError> {
        let handing = self.look().await?;
        let changes = handing.stages.iter().flat_map(|stage| &stage.changes);
        self.cluster.rehearse(changes).await?;
        Ok(handing)
    }

    /// Does what is still to be done; `told` hears of every change that was made.
    ///
    /// # Errors
    ///
    /// [`AdoptError`] as [`Handover::plan`]; and if the cluster does not do its part. Another run goes on.
    pub async fn run(&self, mut told: impl FnMut(&Change)) -> Result<Handing, AdoptError> {
        let mut pace = Pace::default();
        let mut handing = self.plan().await?;
        while let Some(stage) = handing.stages.first() {
            pace.begin(stage)?;
            match &stage.waits_for {
                Some(_) if stage.changes.is_empty() => sleep(LOOK).await,
                Some(_) | None => {
                    if let Some(object) = self.write(stage, &mut told).await? {
                        pace.changed(object);
                        sleep(LOOK).await;
                    }
                }
            }
            handing = self.look().await?;
        }
        Ok(handing)
    }

    /// Makes the changes of a stage; the object that somebody else changed since it was read, if one was.
    async fn write(
        &self,
        stage: &Stage,
        told: &mut impl FnMut(&Change),
    ) -> Result<Option<String>, AdoptError> {
        for change in &stage.changes {
            match self.cluster.write(change, false).await? {
                Written::Done => told(change),
                Written::Changed => return Ok(Some(format!("{}/{}", change.kind, change.name))),
            }
        }
        Ok(None)
    }

    async fn look(&self) -> Result<Handing, AdoptError> {
        let world = self.cluster.world(self.kind, &self.name).await?;
        match (&self.way, self.kind.is_in_place()) {
            (Way::Adopt { released, enrol_by }, false) => adopting(&world, released, *enrol_by),
            (Way::Adopt { enrol_by: EnrolBy::ReadinessGate, .. }, true) => {
                Err(AdoptError::NoGate { kind: self.kind, name: self.name.clone() })
            }
            (Way::Adopt { released, enrol_by: EnrolBy::Label }, true) => {
                in_place::adopting(&world, self.kind, released)
            }
            (Way::HandBack, false) => handing_back(&world),
            (Way::HandBack, true) => in_place::handing_back(&world, self.kind),
        }
    }
}

/// How long the same stage has been the first one: nothing goes on for ever.
#[derive(Debug, Default)]
struct Pace {
    stage: &'static str,
    since: Option<Instant>,
    writes: u32,
    contended: Option<String>,
}

impl Pace {
    /// Begins another round of `stage`.
    fn begin(&mut self, stage: &Stage) -> Result<(), AdoptError> {
        if self.stage != stage.what {
            *self = Self { stage: stage.what, ..Self::default() };
        }
        let since = *self.since.get_or_insert_with(Instant::now);
        self.writes += u32::from(!stage.changes.is_empty());
        if TRIES < self.writes {
            let object = self.contended.clone().or_else(|| {
                stage.changes.first().map(|change| format!("{}/{}", change.kind, change.name))
            });
            return Err(AdoptError::Contended { object: object.unwrap_or_default(), times: TRIES });
        }
        match &stage.waits_for {
            Some(what) if PATIENCE < since.elapsed() => {
                Err(AdoptError::Waited { seconds: PATIENCE.as_secs(), what: what.clone() })
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Somebody else changed `object` since it was read.
    fn changed(&mut self, object: String) {
        self.contended = Some(object);
    }
}

/// What is left of an adoption.
fn adopting(world: &World, released: &[String], enrol_by: EnrolBy) -> Result<Handing, AdoptError> {
    let kept = kept(world)?;
    let imported;
    let record = match (world.deployment().filter(|there| !there.is_going()), kept) {
        (Some(deployment), _) => {
            refuse::taking(world, deployment, released, enrol_by)?;
            let (record, spec) = spec::of_deployment(world, deployment, enrol_by)?;
            imported = spec;
            record
        }
        (None, Some(record)) => {
            imported = spec::of_record(world, &record)?;
            record
        }
        (None, None) => {
            return Err(AdoptError::NoDeployment {
                kind: Kind::Deployment,
                name: world.name.clone(),
                namespace: world.namespace.clone(),
                found: world.all(Kind::Deployment).map(|it| it.name().to_owned()).collect(),
            });
        }
    };
    let (stages, left) = (taking::stages(world, &record), taking::left(world, &record));
    let ungated = match record.enrol_by {
        EnrolBy::Label => 0,
        EnrolBy::ReadinessGate => world
            .get(Kind::ReplicaSet, &record.replica_set)
            .map_or(0, |set| world.pods_of(set.uid()).filter(|pod| !is_gated(&pod.0)).count()),
    };
    Ok(Handing { stages, left, ungated, spec: Some(imported) })
}

/// What is left of a hand-back.
fn handing_back(world: &World) -> Result<Handing, AdoptError> {
    let Some(record) = kept(world)? else {
        let back = world.deployment().filter(|_| world.ours(Kind::ReplicaSet).next().is_none());
        if let Some(back) = back {
            // Whoever wrote to a Service of it after the hand-back would keep new pods from requests.
            let stages = [giving::services(world, back)];
            let stages = stages.into_iter().filter(|stage| !stage.is_done()).collect();
            return Ok(Handing { stages, left: Vec::new(), ungated: 0, spec: None });
        }
        let (workload, namespace) = (world.name.clone(), world.namespace.clone());
        return Err(AdoptError::NotAdopted {
            record: Record::name(&workload),
            workload,
            namespace,
        });
    };
    let Some(set) = giving::newest(world, &record) else {
        let why = "it has no ReplicaSet".to_owned();
        return Err(AdoptError::UnderWay { workload: world.name.clone(), why });
    };
    refuse::giving(world, &record, set)?;
    Ok(Handing {
        stages: giving::stages(world, &record, set),
        left: Vec::new(),
        ungated: 0,
        spec: None,
    })
}

/// What was kept of the Deployment.
fn kept(world: &World) -> Result<Option<Record>, AdoptError> {
    match world.record() {
        None => Ok(None),
        Some((_, Ok(record))) => Ok(Some(record)),
        Some((object, Err(why))) => {
            Err(AdoptError::Unreadable { record: Object::name(object).to_owned(), why })
        }
    }
}
