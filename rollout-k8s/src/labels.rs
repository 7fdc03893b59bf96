//! Labels and annotations that make an object ours and let the state be rebuilt from the cluster alone.

/// The API group of our own kinds, and the prefix of every label and annotation of ours.
pub const GROUP: &str = "rollout-engine.dev";
/// Who writes our fields in server-side apply.
pub const FIELD_MANAGER: &str = "rollout-engine";
/// Label: name of the workload, on every object of ours. Nothing without it is ever touched.
pub const WORKLOAD: &str = "rollout-engine.dev/workload";
/// Label: name of the revision, on its `ReplicaSet` and its pods.
pub const REVISION: &str = "rollout-engine.dev/revision";
/// Label: [`SERVING_VALUE`] on a pod that may get traffic. It is in the Service's selector and the pod
/// template, and never in the selector of a `ReplicaSet`.
pub const SERVING: &str = "rollout-engine.dev/serving";
/// Value of [`SERVING`].
pub const SERVING_VALUE: &str = "yes";
/// Label of a Service that shares traffic, and of its slices: what its selector takes.
pub const TAKES: &str = "rollout-engine.dev/takes";
/// Annotation of a Service that shares traffic: the revision that stood behind it before.
pub const REVISION_BEFORE: &str = "rollout-engine.dev/revision-before";
/// Condition of a pod, and the readiness gate that asks for it: `True` where the pod may get traffic. Only pods
/// whose template has the gate have it.
pub const GATE: &str = "rollout-engine.dev/serving";
/// Annotation: number of the reign that wrote the object last.
pub const EPOCH: &str = "rollout-engine.dev/epoch";
/// Annotation: who reigns over the workload.
pub const OWNER: &str = "rollout-engine.dev/owner";
/// Annotation: number of the rollout attempt that made the object.
pub const ATTEMPT: &str = "rollout-engine.dev/attempt";
/// Annotation: the revision's pinned template, as JSON.
pub const TEMPLATE: &str = "rollout-engine.dev/template";
/// Annotation on what is replaced in place: the revision before the one of its template, as JSON.
pub const TEMPLATE_BEFORE: &str = "rollout-engine.dev/template-before";
/// Label of Kubernetes' own on a pod that is replaced in place: the template that it was made from.
pub const TEMPLATE_HASH: &str = "controller-revision-hash";
/// Annotation of Kubernetes' own: pods with a lower cost go first when a `ReplicaSet` shrinks.
pub const DELETION_COST: &str = "controller.kubernetes.io/pod-deletion-cost";
/// Annotation on a `Rollout`: an order to its engine, as JSON; see [`crate::crd::OrderRequest`].
pub const ORDER: &str = "rollout-engine.dev/order";
/// Finalizer of a `Rollout`: its engine lets go before the object does.
pub const FINALIZER: &str = "rollout-engine.dev/let-go";
