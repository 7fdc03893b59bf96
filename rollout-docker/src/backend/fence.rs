//! The fence of a workload: one named, labelled volume per reign.
//!
//! Docker makes a volume of a name that exists by returning the one that is there, labels and all, so
//! making one is a compare-and-set: whoever reads back its own mark has won the epoch. Nothing is ever
//! stored in these volumes.

use std::{
    collections::HashMap,
    sync::atomic::{AtomicU64, Ordering},
    time::{SystemTime, UNIX_EPOCH},
};

use bollard::{
    Docker,
    errors::Error,
    models::{Volume, VolumeCreateRequest},
    query_parameters::{
        ListContainersOptionsBuilder, ListVolumesOptionsBuilder, RemoveVolumeOptions,
    },
};
use rollout_core::{
    id::{Epoch, WorkloadId},
    port::{Claim, ClaimError},
};

use super::labels;

/// Who reigns: the claim's owner.
const REIGN: &str = "rollout.reign";
/// Which claim made the volume; no two are alike.
const CLAIM: &str = "rollout.claim";

/// One reign as its volume shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reign {
    /// Its epoch.
    pub(super) epoch: Epoch,
    /// Who reigns.
    pub(super) owner: String,
    /// The claim that began it.
    claim: String,
}

/// Why a claim ended without an epoch.
pub(super) enum Lost {
    /// Another owner reigns.
    Refused(ClaimError),
    /// Docker did not do its part.
    Docker(Error),
}

/// The newest reign over `workload`, if there was ever one.
pub(super) async fn newest(docker: &Docker, workload: &WorkloadId) -> Result<Option<Reign>, Error> {
    Ok(reigns(docker, workload).await?.into_iter().max_by_key(|reign| reign.epoch))
}

/// Begins a reign by `claim` and removes the traces of older ones.
pub(super) async fn claim(
    docker: &Docker,
    workload: &WorkloadId,
    claim: &Claim,
) -> Result<Reign, Lost> {
    let mark = unique();
    let above = last_made(docker, workload).await.map_err(Lost::Docker)?.next();
    loop {
        let found = reigns(docker, workload).await.map_err(Lost::Docker)?;
        let newest = found.iter().max_by_key(|reign| reign.epoch);
        if let Some(other) = newest.filter(|reign| reign.owner != claim.owner && !claim.take_over) {
            return Err(Lost::Refused(ClaimError::Owned {
                workload: workload.clone(),
                owner: other.owner.clone(),
                epoch: other.epoch,
            }));
        }
        let epoch =
            newest.map_or(claim.epoch, |reign| claim.epoch.max(reign.epoch.next())).max(above);
        let wanted = Reign { epoch, owner: claim.owner.clone(), claim: mark.clone() };
        if !plant(docker, workload, &wanted).await.map_err(Lost::Docker)? {
            // Another claim took the epoch in between: look again who reigns now.
            continue;
        }
        for older in found {
            remove(docker, workload, older.epoch).await;
        }
        return Ok(wanted);
    }
}

/// Makes the volume of `reign`; whether it is the one that stands now.
pub(super) async fn plant(
    docker: &Docker,
    workload: &WorkloadId,
    reign: &Reign,
) -> Result<bool, Error> {
    let request = VolumeCreateRequest {
        name: Some(name(workload, reign.epoch)),
        labels: Some(HashMap::from([
            (labels::OWNER.to_owned(), labels::OWNER_VALUE.to_owned()),
            (labels::WORKLOAD.to_owned(), workload.to_string()),
            (labels::EPOCH.to_owned(), reign.epoch.0.to_string()),
            (REIGN.to_owned(), reign.owner.clone()),
            (CLAIM.to_owned(), reign.claim.clone()),
        ])),
        ..VolumeCreateRequest::default()
    };
    let volume = docker.create_volume(request).await?;
    Ok(volume.labels.get(CLAIM) == Some(&reign.claim))
}

/// The highest epoch that any container of ours was made in; it outlives a fence that was pruned away.
async fn last_made(docker: &Docker, workload: &WorkloadId) -> Result<Epoch, Error> {
    let filters = HashMap::from([("label", labels::filter(workload))]);
    let options = ListContainersOptionsBuilder::default().all(true).filters(&filters).build();
    let highest = docker
        .list_containers(Some(options))
        .await?
        .iter()
        .filter_map(|container| container.labels.as_ref()?.get(labels::EPOCH)?.parse().ok())
        .max();
    Ok(Epoch(highest.unwrap_or_default()))
}

/// Removes the volume of an older reign. A failure costs nothing: only the newest one counts.
async fn remove(docker: &Docker, workload: &WorkloadId, epoch: Epoch) {
    let removed = docker.remove_volume(&name(workload, epoch), None::<RemoveVolumeOptions>).await;
    if let Err(error) = removed {
        tracing::debug!(%workload, %epoch, %error, "the volume of an older reign stays");
    }
}

/// Every reign over `workload` that left a trace.
async fn reigns(docker: &Docker, workload: &WorkloadId) -> Result<Vec<Reign>, Error> {
    let filters = HashMap::from([("label", labels::filter(workload))]);
    let options = ListVolumesOptionsBuilder::default().filters(&filters).build();
    let listed = docker.list_volumes(Some(options)).await?;
    Ok(listed.volumes.unwrap_or_default().iter().filter_map(read).collect())
}

/// The reign that a volume stands for.
fn read(volume: &Volume) -> Option<Reign> {
    Some(Reign {
        epoch: Epoch(volume.labels.get(labels::EPOCH)?.parse().ok()?),
        owner: volume.labels.get(REIGN)?.clone(),
        claim: volume.labels.get(CLAIM)?.clone(),
    })
}

/// Name of the volume of one reign.
fn name(workload: &WorkloadId, epoch: Epoch) -> String {
    format!("rollout-{workload}-epoch-{}", epoch.0)
}

/// A text no other claim has: this process, its clock and a counter.
fn unique() -> String {
    static CLAIMS: AtomicU64 = AtomicU64::new(0);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos());
    let count = CLAIMS.fetch_add(1, Ordering::Relaxed);
    format!("{}-{now}-{count}", std::process::id())
}
