//! Docker Engine as a [`Backend`] that makes instances by name.
//!
//! In: actions and questions of the engine. Out: outcomes and inventories. An instance is a container
//! of its name; labels say what it is, a volume per reign fences older engines off. Absent: retries,
//! caches, and any touch of a container without our labels.

mod body;
mod connect;
mod effect;
mod errors;
mod fence;
mod hints;
mod inventory;
pub mod labels;
mod pin;

use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicU64, Ordering},
};

use async_trait::async_trait;
use bollard::Docker;
use futures_util::stream::BoxStream;
use rollout_core::{
    engine::{Action, Effect, Inventory, Outcome, RefusalKind, Retry},
    id::{Epoch, Mark, WorkloadId},
    port::{Backend, Claim, ClaimError, Making, ObserveError, PinError},
};

pub use self::connect::{DEFAULT_HOST, Environment, Options};
use self::{
    effect::Failed,
    fence::{Lost, Reign},
};

/// A Docker engine that runs the instances of one workload or of many.
#[derive(Debug)]
pub struct DockerBackend {
    docker: Docker,
    options: Options,
    /// Acknowledged writes so far.
    marks: AtomicU64,
    /// The reigns this object was granted, to plant one anew whose volume was pruned away.
    reigns: Mutex<Vec<(WorkloadId, Reign)>>,
}

impl DockerBackend {
    /// Connects to the engine that `options` name.
    ///
    /// # Errors
    ///
    /// [`ObserveError`] if there is no socket, it may not be used, or nobody answers on it.
    pub async fn connect(options: Options) -> Result<Self, ObserveError> {
        Ok(Self {
            docker: connect::connect(&options).await?,
            options,
            marks: AtomicU64::new(0),
            reigns: Mutex::default(),
        })
    }

    /// Address of the engine, such as `unix:///var/run/docker.sock`.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.options.host
    }

    /// The mark of a write that was acknowledged now.
    fn acknowledged(&self) -> Mark {
        Mark(self.marks.fetch_add(1, Ordering::SeqCst) + 1)
    }

    fn unobserved(&self, why: String) -> ObserveError {
        ObserveError {
            what: format!("docker engine {}", self.options.host),
            why,
            way_out: "make it answer, or set DOCKER_HOST".to_owned(),
        }
    }

    /// What `call` came to, or why Docker did not say within the deadline.
    async fn ask<T>(
        &self,
        call: impl Future<Output = Result<T, bollard::errors::Error>>,
    ) -> Result<T, ObserveError> {
        match tokio::time::timeout(self.options.deadline.to_std(), call).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => Err(self.unobserved(errors::words(&error))),
            Err(_) => Err(self.unobserved(format!("no answer within {}", self.options.deadline))),
        }
    }

    /// Refuses `action` if a newer engine reigns.
    async fn fence(&self, action: &Action) -> Result<(), Failed> {
        match fence::newest(&self.docker, &action.workload).await? {
            Some(reign) if action.epoch < reign.epoch => Err(Failed::Refused(
                RefusalKind::Fenced,
                Retry::Never,
                format!(
                    "{} of `{}` has begun, this order is of {}",
                    reign.epoch, reign.owner, action.epoch
                ),
            )),
            Some(_) => Ok(()),
            None => self.plant_again(action).await,
        }
    }

    /// The volumes of all reigns are gone, as after `docker volume prune`: puts ours back.
    async fn plant_again(&self, action: &Action) -> Result<(), Failed> {
        let own = self
            .reigns
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .iter()
            .find(|(workload, reign)| *workload == action.workload && reign.epoch == action.epoch)
            .map(|(_, reign)| reign.clone());
        if let Some(reign) = own {
            let _planted: bool = fence::plant(&self.docker, &action.workload, &reign).await?;
        }
        Ok(())
    }

    /// One attempt, without deadline.
    async fn attempt(&self, action: &Action) -> Result<(), Failed> {
        self.fence(action).await?;
        let (docker, workload) = (&self.docker, &action.workload);
        match &action.effect {
            Effect::Create { instance, .. } => {
                let Some(revision) = &action.revision else {
                    return Err(invalid("the order to create came without its revision"));
                };
                effect::create(docker, &self.options.environment, action, instance, revision).await
            }
            Effect::Start { instance } => effect::start(docker, workload, instance).await,
            Effect::Stop { instance, grace } => {
                effect::stop(docker, workload, instance, *grace).await
            }
            Effect::Remove { instance } => effect::remove(docker, workload, instance).await,
            Effect::Scale { .. } => Err(invalid("docker makes instances by name, not by count")),
            Effect::Divide(_) => Err(invalid("docker replaces no instance in place")),
            Effect::Enrol { .. }
            | Effect::Drain { .. }
            | Effect::Detach { .. }
            | Effect::Route(_) => Err(invalid("docker itself shares no traffic")),
            Effect::Run { .. } | Effect::Modules(_) => {
                Err(invalid("docker itself runs no hooks and knows no modules"))
            }
        }
    }
}

/// A refusal of an order that no Docker engine can carry out.
fn invalid(why: &str) -> Failed {
    Failed::Refused(RefusalKind::Invalid, Retry::Never, why.to_owned())
}

#[async_trait]
impl Backend for DockerBackend {
    fn making(&self) -> Making {
        Making::ByName
    }

    async fn pin(
        &self,
        _workload: &WorkloadId,
        template: &serde_json::Value,
    ) -> Result<serde_json::Value, PinError> {
        let template = pin::parse(template)?;
        let deadline = self.options.deadline;
        let pinned = tokio::time::timeout(
            deadline.to_std(),
            pin::pin(&self.docker, &self.options.environment, template),
        )
        .await
        .map_err(|_| PinError {
            field: "template".to_owned(),
            why: format!("docker did not answer within {deadline}"),
            way_out: "make it answer, then try again".to_owned(),
        })??;
        serde_json::to_value(pinned).map_err(|error| PinError {
            field: "template".to_owned(),
            why: error.to_string(),
            way_out: "correct the template".to_owned(),
        })
    }

    async fn claim(&self, workload: &WorkloadId, claim: &Claim) -> Result<Epoch, ClaimError> {
        let limit = self.options.deadline;
        let claimed =
            tokio::time::timeout(limit.to_std(), fence::claim(&self.docker, workload, claim))
                .await
                .map_err(|_| self.unobserved(format!("no answer within {limit}")))?;
        match claimed {
            Ok(reign) => {
                let epoch = reign.epoch;
                let mut reigns = self.reigns.lock().unwrap_or_else(PoisonError::into_inner);
                reigns.retain(|(other, _)| other != workload);
                reigns.push((workload.clone(), reign));
                Ok(epoch)
            }
            Err(Lost::Refused(error)) => Err(error),
            Err(Lost::Docker(error)) => Err(self.unobserved(errors::words(&error)).into()),
        }
    }

    async fn observe(&self, workload: &WorkloadId) -> Result<Inventory, ObserveError> {
        // Read before anything is asked: whatever was acknowledged by now is in the answer.
        let mark = Mark(self.marks.load(Ordering::SeqCst));
        let newest = self.ask(fence::newest(&self.docker, workload)).await?;
        let inventory = self.ask(inventory::take(&self.docker, workload)).await?;
        Ok(Inventory { mark, epoch: newest.map_or(Epoch(0), |reign| reign.epoch), ..inventory })
    }

    async fn apply(&self, action: &Action) -> Outcome {
        let limit = self.options.deadline.plus(action.effect.grace());
        let outcome = match tokio::time::timeout(limit.to_std(), self.attempt(action)).await {
            Ok(Ok(())) => Outcome::Applied { mark: self.acknowledged() },
            Ok(Err(Failed::Refused(kind, retry, why))) => Outcome::refused(kind, why, retry),
            Ok(Err(Failed::Docker(error))) => errors::outcome(&error, || self.acknowledged()),
            Err(_) => Outcome::unknown(format!("docker did not answer within {limit}")),
        };
        tracing::debug!(%action, %outcome, "attempted");
        outcome
    }

    fn changes(&self, workload: &WorkloadId) -> BoxStream<'static, ()> {
        hints::listen(self.docker.clone(), workload.clone())
    }
}
