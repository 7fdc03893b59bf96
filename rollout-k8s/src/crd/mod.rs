//! The kind `Rollout`: a spec as a Kubernetes object, what becomes of it, and orders to it.
//!
//! In: [`rollout_core::spec::Spec`]'s own schema. Out: a structural schema with CEL rules, typed objects,
//! checked specs. Absent: any call to a cluster.

mod definition;
mod order;
mod rollout;
mod rules;
mod spec;
mod status;
mod structural;

pub use self::{
    definition::definition,
    order::{OrderRequest, RequestError},
    rollout::{RawSpec, Rollout},
    spec::{SpecError, read},
    status::{Condition, ConditionStatus, ConditionType, OrderAnswer, OrderState, RolloutStatus},
};

/// Version of the kind.
pub const VERSION: &str = "v1alpha1";
/// The kind.
pub const KIND: &str = "Rollout";
/// The kind in paths, more than one.
pub const PLURAL: &str = "rollouts";
