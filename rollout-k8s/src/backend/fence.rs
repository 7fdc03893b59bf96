//! The fence of a workload: one Lease that says who reigns, and a stamp on everything of ours that makes pods.
//!
//! Before anything exists the reign needs an object of its own. A Lease is made for that ("who holds it"),
//! `kubectl get leases` shows the holder, and a right to Leases gives no right to anything else, as one to
//! `ConfigMaps` or Secrets would. It is never renewed: a reign ends when another begins, not by the clock. Its
//! writes are guarded by `resourceVersion`, so of two claims one wins.
//!
//! Whoever has won stamps what makes pods with its epoch. From then on the writes of an older engine, which
//! are made on the condition of its own epoch, are refused by the API server itself. The one write that
//! cannot be made so is a creation: right before it the Lease is read.

use jiff::Timestamp;
use k8s_openapi::{
    api::coordination::v1::{Lease, LeaseSpec},
    apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta},
};
use kube::{
    Api, Client, Resource as _,
    api::{ListParams, Patch, PatchParams, PostParams},
};
use rollout_core::{
    engine::{Action, RefusalKind},
    id::{Epoch, WorkloadId},
    port::{Claim, ClaimError},
};
use serde_json::{Value, json};

use super::{facts::Facts, watch::Stamped};
use crate::{
    labels,
    outcome::{Failed, ask, ask_for},
};

/// Claims that may come in between before one gives up: each of them was another engine's.
const CLAIMS_MAX: u32 = 16;

/// Who reigns.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Reign {
    pub(super) epoch: Epoch,
    pub(super) owner: String,
}

/// Why a claim ended without an epoch.
pub(super) enum Lost {
    /// Another owner reigns.
    Owned(ClaimError),
    /// The API server did not do its part.
    Failed(Failed),
}

impl From<Failed> for Lost {
    fn from(failed: Failed) -> Self {
        Self::Failed(failed)
    }
}

/// Name of the Lease of a workload.
fn name(workload: &WorkloadId) -> String {
    format!("rollout-{workload}")
}

fn leases(client: &Client, namespace: &str) -> Api<Lease> {
    Api::namespaced(client.clone(), namespace)
}

/// Who reigns over `workload`, if anybody ever did.
async fn reign(
    client: &Client,
    namespace: &str,
    workload: &WorkloadId,
) -> Result<Option<Reign>, Failed> {
    let lease = ask_for(leases(client, namespace).get(&name(workload))).await?;
    lease.map(|lease| read(workload, &lease)).transpose()
}

/// Who reigns, right before a creation by `action`.
///
/// # Errors
///
/// A refusal if that is somebody newer.
pub(super) async fn still(
    client: &Client,
    namespace: &str,
    action: &Action,
) -> Result<Reign, Failed> {
    let reign = reign(client, namespace, &action.workload).await?.unwrap_or_default();
    if reign.epoch <= action.epoch {
        return Ok(reign);
    }
    let Reign { epoch, owner } = reign;
    let why = format!("{epoch} of `{owner}` has begun, this order is of {}", action.epoch);
    Err(Failed::never(RefusalKind::Fenced, why))
}

/// What a Lease says.
fn read(workload: &WorkloadId, lease: &Lease) -> Result<Reign, Failed> {
    let spoiled = |what: &str| {
        let name = name(workload);
        Failed::never(
            RefusalKind::Conflict,
            format!("the Lease {name} {what}; delete it if nobody rolls out `{workload}` with it"),
        )
    };
    let label = |meta: &ObjectMeta| meta.labels.as_ref()?.get(labels::WORKLOAD).cloned();
    if label(&lease.metadata).as_deref() != Some(workload.as_str()) {
        return Err(spoiled("is not ours: it lacks our label"));
    }
    let epoch = lease.metadata.annotations.as_ref().and_then(|all| all.get(labels::EPOCH));
    let epoch = epoch.and_then(|text| text.parse().ok());
    let owner = lease.spec.as_ref().and_then(|spec| spec.holder_identity.clone());
    Ok(Reign {
        epoch: Epoch(epoch.ok_or_else(|| spoiled("has no epoch that can be read"))?),
        owner: owner.unwrap_or_default(),
    })
}

/// The Lease of a reign.
fn lease(workload: &WorkloadId, reign: &Reign, version: Option<String>) -> Lease {
    let text = |name: &str, value: String| Some([(name.to_owned(), value)].into());
    Lease {
        metadata: ObjectMeta {
            name: Some(name(workload)),
            labels: text(labels::WORKLOAD, workload.to_string()),
            annotations: text(labels::EPOCH, reign.epoch.0.to_string()),
            resource_version: version,
            ..ObjectMeta::default()
        },
        spec: Some(LeaseSpec {
            holder_identity: Some(reign.owner.clone()),
            acquire_time: Some(MicroTime(Timestamp::now())),
            ..LeaseSpec::default()
        }),
    }
}

/// Begins a reign by `claim`, above every epoch in `known`, and stamps every set with it. Returns it with the
/// sets as they are now.
pub(super) async fn claim<F: Stamped>(
    client: &Client,
    namespace: &str,
    workload: &WorkloadId,
    claim: &Claim,
    known: Epoch,
) -> Result<(Reign, Vec<F>), Lost> {
    let mut above = known;
    for _ in 0..CLAIMS_MAX {
        let Some(reign) = take(client, namespace, workload, claim, above).await? else { continue };
        // Listed after the Lease was won: whatever an older engine writes from now on is of this list, or
        // stamped with an epoch that is not above.
        let found = sets::<F>(client, namespace, workload).await?;
        let stamped = found.iter().filter_map(|set| F::read(set)?.epoch()).max();
        if let Some(stamped) = stamped.filter(|stamped| reign.epoch <= *stamped) {
            // The Lease was deleted and began anew from below.
            above = stamped;
            continue;
        }
        let mut all = Vec::with_capacity(found.len());
        for set in &found {
            let stamped = stamp::<F>(client, namespace, set, &reign).await?;
            all.extend(stamped.as_ref().and_then(F::read));
        }
        return Ok((reign, all));
    }
    let why = format!("{CLAIMS_MAX} other engines claimed `{workload}` at the same time");
    Err(Lost::Failed(Failed::now(RefusalKind::Conflict, why)))
}

/// Makes one attempt at the Lease; `None` if another claim came in between.
async fn take(
    client: &Client,
    namespace: &str,
    workload: &WorkloadId,
    claim: &Claim,
    above: Epoch,
) -> Result<Option<Reign>, Lost> {
    let api = leases(client, namespace);
    let found = ask_for(api.get(&name(workload))).await?;
    let before = found.as_ref().map(|lease| read(workload, lease)).transpose()?;
    if let Some(other) = before.as_ref().filter(|reign| reign.owner != claim.owner)
        && !claim.take_over
    {
        return Err(Lost::Owned(ClaimError::Owned {
            workload: workload.clone(),
            owner: other.owner.clone(),
            epoch: other.epoch,
        }));
    }
    let above = before.map_or(above, |reign| reign.epoch.max(above));
    let reign = Reign { epoch: claim.epoch.max(above.next()), owner: claim.owner.clone() };
    let version = found.and_then(|lease| lease.metadata.resource_version);
    let params = PostParams {
        field_manager: Some(labels::FIELD_MANAGER.to_owned()),
        ..PostParams::default()
    };
    let is_new = version.is_none();
    let lease = lease(workload, &reign, version);
    let written = ask(async {
        if is_new {
            api.create(&params, &lease).await
        } else {
            api.replace(&name(workload), &params, &lease).await
        }
    })
    .await;
    match written {
        Ok(_) => Ok(Some(reign)),
        Err(Failed::Refused(RefusalKind::Conflict | RefusalKind::Missing, ..)) => Ok(None),
        Err(failed) => Err(failed.into()),
    }
}

/// Every set of a workload, as of now.
async fn sets<F: Facts>(
    client: &Client,
    namespace: &str,
    workload: &WorkloadId,
) -> Result<Vec<F::Object>, Failed> {
    let api: Api<F::Object> = Api::namespaced(client.clone(), namespace);
    let params = ListParams::default().labels(&format!("{}={workload}", labels::WORKLOAD));
    Ok(ask(api.list(&params)).await?.items)
}

/// Stamps one set; `None` if it is gone.
async fn stamp<F: Facts>(
    client: &Client,
    namespace: &str,
    set: &F::Object,
    reign: &Reign,
) -> Result<Option<F::Object>, Failed> {
    let Some(name) = set.meta().name.as_deref() else { return Ok(None) };
    let annotations = set.meta().annotations.as_ref();
    let epoch = annotations.and_then(|all| all.get(labels::EPOCH));
    let mut patch = vec![json!({ "op": "test", "path": path(labels::EPOCH), "value": epoch })];
    if annotations.is_none() {
        patch = vec![json!({ "op": "add", "path": "/metadata/annotations", "value": {} })];
    }
    patch.push(put(labels::EPOCH, &reign.epoch.0.to_string()));
    patch.push(put(labels::OWNER, &reign.owner));
    write::<F>(client, namespace, name, patch).await
}

/// Where an annotation stands in a JSON patch.
pub(super) fn path(annotation: &str) -> String {
    format!("/metadata/annotations/{}", annotation.replace('~', "~0").replace('/', "~1"))
}

/// The part of a JSON patch that sets an annotation.
pub(super) fn put(annotation: &str, value: &str) -> Value {
    json!({ "op": "add", "path": path(annotation), "value": value })
}

/// Writes a JSON patch to a set; `None` if it is gone.
pub(super) async fn write<F: Facts>(
    client: &Client,
    namespace: &str,
    name: &str,
    patch: Vec<Value>,
) -> Result<Option<F::Object>, Failed> {
    let api: Api<F::Object> = Api::namespaced(client.clone(), namespace);
    let params = PatchParams {
        field_manager: Some(labels::FIELD_MANAGER.to_owned()),
        ..PatchParams::default()
    };
    let patch = serde_json::from_value(Value::from(patch))
        .map_err(|why| Failed::never(RefusalKind::Invalid, format!("the patch: {why}")))?;
    ask_for(api.patch(name, &params, &Patch::Json::<()>(patch))).await
}
