//! The object of a lease: what is written of it and what is read from it.

use std::{collections::BTreeMap, time::Duration};

use jiff::Timestamp;
use k8s_openapi::{
    api::coordination::v1::{Lease, LeaseSpec},
    apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta},
};

use super::{Seen, Shard};

/// Label on our leases: what each is for.
pub(super) const LABEL: &str = "rollout-engine.dev/lease";
/// A copy that is there.
pub(super) const COPY: &str = "copy";
/// A shard of the work.
pub(super) const SHARD: &str = "shard";

/// The lease `name` for `purpose`, held under `epoch` for `length` at a time; `version`: what it replaces.
pub(super) fn lease(
    name: &str,
    purpose: &str,
    holder: Option<&str>,
    (epoch, length): (u64, Duration),
    version: Option<&str>,
) -> Lease {
    Lease {
        metadata: ObjectMeta {
            name: Some(name.to_owned()),
            resource_version: version.map(str::to_owned),
            labels: Some(BTreeMap::from([(LABEL.to_owned(), purpose.to_owned())])),
            ..ObjectMeta::default()
        },
        spec: Some(LeaseSpec {
            holder_identity: holder.map(str::to_owned),
            lease_transitions: Some(i32::try_from(epoch).unwrap_or(i32::MAX)),
            lease_duration_seconds: i32::try_from(length.as_secs()).ok(),
            // For people; nothing here reads another machine's clock.
            renew_time: Some(MicroTime(Timestamp::now())),
            ..LeaseSpec::default()
        }),
    }
}

/// Whether a lease of ours is for `purpose`.
pub(super) fn is(lease: &Lease, purpose: &str) -> bool {
    let labels = lease.metadata.labels.as_ref();
    labels.and_then(|labels| labels.get(LABEL)).is_some_and(|found| found == purpose)
}

/// Name of the lease of a shard.
pub(super) fn shard_name(shard: Shard) -> String {
    format!("rollout-operator-shard-{shard}")
}

/// Name of a lease.
pub(super) fn name_of(lease: &Lease) -> String {
    lease.metadata.name.clone().unwrap_or_default()
}

/// What a lease says, unchanged `since` then.
pub(super) fn read(lease: &Lease, version: String, since: Duration) -> Seen {
    let spec = lease.spec.clone().unwrap_or_default();
    let seconds = spec.lease_duration_seconds.unwrap_or_default();
    Seen {
        holder: spec.holder_identity.filter(|holder| !holder.is_empty()),
        transitions: spec
            .lease_transitions
            .and_then(|count| u64::try_from(count).ok())
            .unwrap_or(0),
        length: Duration::from_secs(u64::try_from(seconds).unwrap_or(0)),
        version,
        since,
    }
}
