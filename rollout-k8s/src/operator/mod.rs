//! The operator: one driver for every `Rollout` object, shared among several copies.
//!
//! In: `Rollout` objects, leases, signals to stop. Out: rollouts driven by [`rollout_runtime`], their status,
//! Kubernetes Events, metrics. Absent: decisions about a rollout, which are the core's, and anything that is
//! not said in the object, its journal or the cluster.
//!
//! Verbs: `rollouts` list, watch, patch (the finalizer); `rollouts/status` patch; `events.k8s.io/events` create,
//! patch; leases as in [`crate::lease`]; what the ports need is theirs to say.

mod attendant;
mod cluster;
mod events;
mod http;
mod key;
mod metrics;
mod options;
mod ports;
mod run;
mod spec_digest;
mod status;
mod store;

pub use self::{
    cluster::{ClusterPorts, JournalOf, in_cluster},
    key::Key,
    options::OperatorOptions,
    ports::{PortsError, PortsOf},
    run::{Operator, OperatorError},
};
