//! The world as adapters show it.

use std::{net::IpAddr, sync::Arc, time::Duration};

use async_trait::async_trait;
use futures_util::stream::{BoxStream, StreamExt, unfold};
use rollout_core::{
    engine::{Action, Enrolments, Inventory, Outcome, Revision, RouteInForce},
    id::{Epoch, InstanceId, Mark, WorkloadId},
    port::{
        Backend, Claim, ClaimError, Confirmation, Enrolment, Making, ObserveError, PinError, Router,
    },
    spec::Probe,
};
use rollout_runtime::probe::{Answer, Prober};
use tokio::time::sleep;

use super::World;

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
        if template["image"].is_string() {
            return Ok(template.clone());
        }
        Err(PinError {
            field: "template.image".to_owned(),
            why: format!("`{}` is no image", template["image"]),
            way_out: "name one".to_owned(),
        })
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
                instances: instances.map(|(name, one)| (name.clone(), one.seen())).collect(),
                revisions,
                ..Inventory::default()
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
            let known = truth.instances.iter();
            let known = known.filter_map(|(name, one)| Some((name.clone(), one.enrolled()?)));
            Enrolments { mark: Mark(truth.mark), instances: known.collect() }
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
