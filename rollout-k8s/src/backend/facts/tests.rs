//! What a pod's status says, row by row.

use k8s_openapi::api::core::v1::{Pod, PodStatus};
use rollout_core::engine::InstanceState;
use serde_json::{Value, json};

use super::{Facts as _, Gate, PodFacts, failure};

fn status(value: Value) -> PodStatus {
    serde_json::from_value(value).unwrap()
}

fn facts(status: &Value) -> PodFacts {
    let pod: Pod = serde_json::from_value(json!({
        "metadata": {
            "name": "a", "resourceVersion": "1",
            "labels": { "rollout-engine.dev/revision": "v1", "rollout-engine.dev/serving": "yes" },
        },
        "status": status,
    }))
    .unwrap();
    PodFacts::read(&pod).unwrap()
}

fn container(state: &Value, restarts: i32) -> Value {
    json!({ "name": "web", "image": "i", "imageID": "i", "ready": false, "restartCount": restarts, "state": state })
}

#[test]
fn every_reason_not_to_start_is_known() {
    for reason in [
        "ImagePullBackOff",
        "ErrImagePull",
        "ErrImageNeverPull",
        "InvalidImageName",
        "ImageInspectError",
        "RegistryUnavailable",
        "CrashLoopBackOff",
        "CreateContainerConfigError",
        "CreateContainerError",
        "RunContainerError",
        "PreCreateHookError",
        "PostStartHookError",
    ] {
        let state = json!({ "waiting": { "reason": reason, "message": "so it is" } });
        for list in ["containerStatuses", "initContainerStatuses"] {
            let seen = facts(&json!({ "phase": "Pending", list: [container(&state, 0)] }));
            let detail = format!("container web: {reason}: so it is");
            assert_eq!(seen.state, InstanceState::Stuck { detail: detail.clone() });
            assert_eq!((seen.failures, seen.why), (1, Some(detail)));
        }
    }
}

#[test]
fn what_only_takes_time_is_no_failure() {
    for reason in ["ContainerCreating", "PodInitializing"] {
        let state = json!({ "waiting": { "reason": reason } });
        let seen =
            facts(&json!({ "phase": "Pending", "containerStatuses": [container(&state, 0)] }));
        assert_eq!((seen.state, seen.failures, seen.why), (InstanceState::Created, 0, None));
    }
    let done = json!({ "terminated": { "exitCode": 0, "reason": "Completed" } });
    let runs = json!({ "running": {} });
    let seen = facts(&json!({
        "phase": "Running",
        "initContainerStatuses": [container(&done, 0)],
        "containerStatuses": [container(&runs, 0)],
    }));
    assert_eq!((seen.state, seen.failures, seen.why), (InstanceState::Running, 0, None));
}

#[test]
fn a_crash_is_told_with_how_it_ended() {
    let end = json!({ "exitCode": 137, "reason": "OOMKilled" });
    let seen = facts(&json!({
        "phase": "Running",
        "containerStatuses": [container(&json!({ "terminated": end }), 2)],
    }));
    let detail = "container web: OOMKilled (exit code 137)".to_owned();
    assert_eq!(seen.state, InstanceState::Exited { code: 137, detail });
    assert_eq!((seen.failures, seen.is_active()), (2, true), "its kubelet starts it again");
    let mut waiting = container(&json!({ "waiting": { "reason": "CrashLoopBackOff" } }), 5);
    waiting["lastState"] =
        json!({ "terminated": { "exitCode": 1, "reason": "Error", "message": "no port\nmore" } });
    let seen = facts(&json!({ "phase": "Running", "containerStatuses": [waiting] }));
    let detail =
        "container web: CrashLoopBackOff; it ended before with Error (exit code 1): no port";
    assert_eq!(seen.state, InstanceState::Stuck { detail: detail.to_owned() });
    assert_eq!(seen.failures, 5, "each restart is one failure, and the loop is none more");
}

#[test]
fn a_pod_that_has_ended_is_no_longer_counted() {
    let seen = facts(&json!({
        "phase": "Failed", "reason": "Evicted", "message": "The node was low on resource: memory.",
    }));
    let detail = "Evicted: The node was low on resource: memory.".to_owned();
    assert_eq!(seen.state, InstanceState::Exited { code: 0, detail: detail.clone() });
    assert_eq!((seen.is_active(), seen.failures, seen.why), (false, 1, Some(detail)));
    let target = json!({ "type": "DisruptionTarget", "status": "True" });
    let seen = facts(&json!({ "phase": "Failed", "reason": "Evicted", "conditions": [target] }));
    assert_eq!((seen.is_active(), seen.failures, seen.why), (false, 0, None), "nobody's failure");
}

#[test]
fn how_a_pod_ends_that_was_told_to_is_no_failure() {
    let pod: Pod = serde_json::from_value(json!({
        "metadata": {
            "name": "a", "resourceVersion": "1", "deletionTimestamp": "2026-01-01T00:00:00Z",
            "labels": { "rollout-engine.dev/revision": "v1" },
        },
        "status": {
            "phase": "Failed",
            "containerStatuses": [container(&json!({ "terminated": { "exitCode": 143 } }), 0)],
        },
    }))
    .unwrap();
    let seen = PodFacts::read(&pod).unwrap();
    assert_eq!((seen.failures, seen.why, seen.terminating, seen.labelled), (0, None, true, false));
}

#[test]
fn a_pod_that_no_node_takes_is_told_unless_others_make_room() {
    let condition = json!({
        "type": "PodScheduled", "status": "False", "reason": "Unschedulable",
        "message": "0/5 nodes are available", "lastTransitionTime": "2026-01-01T00:00:00Z",
    });
    let waiting = status(json!({ "phase": "Pending", "conditions": [condition.clone()] }));
    let (since, why) = failure::unschedulable(&waiting).unwrap();
    assert_eq!(
        (since.to_string().as_str(), why.as_str()),
        ("2026-01-01T00:00:00Z", "Unschedulable: 0/5 nodes are available")
    );
    let nominated = status(json!({ "conditions": [condition], "nominatedNodeName": "node-1" }));
    assert_eq!(failure::unschedulable(&nominated), None);
    let gated = json!({ "type": "PodScheduled", "status": "False", "reason": "SchedulingGated" });
    assert_eq!(failure::unschedulable(&status(json!({ "conditions": [gated] }))), None);
}

/// A pod with our readiness gate.
fn gated(conditions: &Value) -> PodFacts {
    let pod: Pod = serde_json::from_value(json!({
        "metadata": {
            "name": "a", "resourceVersion": "1",
            "labels": { "rollout-engine.dev/revision": "v1", "rollout-engine.dev/serving": "yes" },
        },
        "spec": {
            "containers": [],
            "readinessGates": [{ "conditionType": "rollout-engine.dev/serving" }],
        },
        "status": { "phase": "Running", "conditions": conditions },
    }))
    .unwrap();
    PodFacts::read(&pod).unwrap()
}

fn condition(kind: &str, status: &str) -> Value {
    json!({ "type": kind, "status": status, "lastTransitionTime": "2026-01-01T00:00:00Z" })
}

#[test]
fn a_gate_takes_the_place_of_the_label() {
    let now = |seconds: i64| jiff::Timestamp::from_second(1_767_225_600 + seconds).unwrap();
    let serves = |pod: &PodFacts| (pod.is_enrolled(), pod.ready_since.is_some());
    let ready = |status: &str| [condition("Ready", status), condition("ContainersReady", "True")];
    let with = |gate: &str, is_ready: &str| {
        let [ready, containers] = ready(is_ready);
        gated(&json!([condition("rollout-engine.dev/serving", gate), ready, containers]))
    };
    let [not_ready, containers] = ready("False");
    let new = gated(&json!([not_ready, containers]));
    assert_eq!((new.gate, serves(&new)), (Some(Gate::New), (true, false)));
    let open = with("True", "True");
    assert_eq!((open.gate, serves(&open)), (Some(Gate::Open), (true, true)));
    // It answers its probe, and is told to get nothing: its kubelet has taken that in.
    let shut = with("False", "False");
    assert_eq!((serves(&shut), shut.may_get_more(now(60))), ((false, true), false));
    // Its kubelet has not, for longer than it may take.
    let unheard = with("False", "True");
    assert!(!unheard.may_get_more(now(1)) && unheard.may_get_more(now(2)));
}
