//! Everything known of a pod that does not start, or does not stay.
//!
//! In: a pod's status. Out: the reason, in Kubernetes' own words. What the kubelet tries again by itself
//! (a pull, a container whose secret is missing) is told at once all the same: it may come right, and then
//! the pod is no longer stuck, but nobody should wait for a deadline to hear why nothing happens.

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{
    ContainerState, ContainerStateTerminated, ContainerStatus, PodCondition, PodStatus,
};
use rollout_core::engine::InstanceState;

/// Reasons of a waiting container that say that it will not start as it is.
const HOPELESS: [&str; 12] = [
    "CrashLoopBackOff",
    "CreateContainerConfigError",
    "CreateContainerError",
    "ErrImageNeverPull",
    "ErrImagePull",
    "ImageInspectError",
    "ImagePullBackOff",
    "InvalidImageName",
    "PostStartHookError",
    "PreCreateHookError",
    "RegistryUnavailable",
    "RunContainerError",
];

/// Why a pod does not start; `None` if nothing says that it will not.
pub(super) fn stuck(status: &PodStatus) -> Option<String> {
    containers(status).find_map(|one| {
        let waiting = one.state.as_ref()?.waiting.as_ref()?;
        let reason = waiting.reason.as_deref()?;
        if !HOPELESS.contains(&reason) {
            return None;
        }
        let message = waiting.message.as_deref().filter(|text| !text.is_empty());
        let mut text = format!("container {}: {reason}", one.name);
        if let Some(message) = message {
            text = format!("{text}: {message}");
        }
        if let Some(last) = last_end(one) {
            text = format!("{text}; it ended before with {}", words(last));
        }
        Some(text)
    })
}

/// Whether the environment takes a pod away: an eviction, a preemption, a node that is gone.
pub(super) fn is_disrupted(status: &PodStatus) -> bool {
    let says = |one: &PodCondition| one.type_ == "DisruptionTarget" && one.status == "True";
    status.conditions.as_ref().is_some_and(|all| all.iter().any(says))
}

/// Since when no node takes a pod, and why. A pod for which others are being moved away waits for them.
pub(super) fn unschedulable(status: &PodStatus) -> Option<(Timestamp, String)> {
    if status.nominated_node_name.as_ref().is_some_and(|node| !node.is_empty()) {
        return None;
    }
    let says = |one: &&PodCondition| {
        one.type_ == "PodScheduled"
            && one.status == "False"
            && one.reason.as_deref() == Some("Unschedulable")
    };
    let condition = status.conditions.as_ref()?.iter().find(says)?;
    let since = condition.last_transition_time.as_ref().map_or_else(Timestamp::now, |time| time.0);
    let message = condition.message.as_deref().unwrap_or("no node takes it");
    Some((since, format!("Unschedulable: {message}")))
}

/// How a pod has ended as a whole.
pub(super) fn exited(status: &PodStatus) -> InstanceState {
    let ends = containers(status).filter_map(ended);
    let worst = ends.max_by_key(|end| i64::from(end.exit_code).abs());
    let code = worst.map_or(0, |end| i64::from(end.exit_code));
    let said = [status.reason.as_deref(), status.message.as_deref()];
    let said: Vec<&str> = said.into_iter().flatten().filter(|text| !text.is_empty()).collect();
    let detail = match (said.is_empty(), worst) {
        (true, Some(end)) => words(end),
        (_, None | Some(_)) => said.join(": "),
    };
    InstanceState::Exited { code, detail }
}

/// A container that has ended and was not started again yet.
pub(super) fn terminated(container: &ContainerStatus) -> Option<InstanceState> {
    let end = ended(container)?;
    let detail = format!("container {}: {}", container.name, words(end));
    Some(InstanceState::Exited { code: i64::from(end.exit_code), detail })
}

/// The last failure of a pod that is worth telling: why it is stuck, or how a container of it ended.
pub(super) fn last(status: &PodStatus) -> Option<String> {
    if let Some(text) = stuck(status) {
        return Some(text);
    }
    if status.phase.as_deref() == Some("Failed") {
        let InstanceState::Exited { detail, .. } = exited(status) else { return None };
        return Some(detail);
    }
    containers(status).find_map(|one| {
        let end = ended(one).or_else(|| last_end(one))?;
        Some(format!("container {}: {}", one.name, words(end)))
    })
}

/// Init containers first: the others wait for them.
fn containers(status: &PodStatus) -> impl Iterator<Item = &ContainerStatus> {
    let lists = [&status.init_container_statuses, &status.container_statuses];
    lists.into_iter().flatten().flatten().filter(|one| !has_done_its_work(one))
}

/// An init container that ended well.
fn has_done_its_work(container: &ContainerStatus) -> bool {
    let end = ended(container);
    end.is_some_and(|end| end.exit_code == 0 && end.reason.as_deref() == Some("Completed"))
        && container.restart_count == 0
}

fn ended(container: &ContainerStatus) -> Option<&ContainerStateTerminated> {
    container.state.as_ref()?.terminated.as_ref()
}

fn last_end(container: &ContainerStatus) -> Option<&ContainerStateTerminated> {
    let last: &ContainerState = container.last_state.as_ref()?;
    last.terminated.as_ref()
}

/// How a container ended, such as `OOMKilled (exit code 137)`.
fn words(end: &ContainerStateTerminated) -> String {
    let reason = end.reason.as_deref().unwrap_or("ended");
    let message = end.message.as_deref().map(str::trim).filter(|text| !text.is_empty());
    let mut text = format!("{reason} (exit code {})", end.exit_code);
    if let Some(message) = message {
        let first: String = message.lines().next().unwrap_or_default().chars().take(200).collect();
        text = format!("{text}: {first}");
    }
    text
}
