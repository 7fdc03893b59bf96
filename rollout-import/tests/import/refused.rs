//! Files that are refused, each with the one clear error.

use rollout_import::{Options, import};

fn error(text: &str) -> String {
    import(text, &Options::default()).unwrap_err().to_string()
}

/// A Deployment of one container; `spec` stands beside its template.
fn deployment(spec: &str) -> String {
    format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{ name: web }}\nspec:\n  template: {{ metadata: {{ labels: {{ app: web }} }}, spec: {{ containers: [{{ name: web, image: a }}] }} }}\n{spec}"
    )
}

#[test]
fn files_without_a_workload_are_refused_by_what_they_have() {
    for (text, expected) in [
        (
            "apiVersion: v1\nkind: Service\nmetadata: { name: web }\n",
            "there is no workload in the file, it has: Service/web; name one with a Deployment, StatefulSet, DaemonSet, Rollout, Canary or a Nomad job",
        ),
        ("apiVersion: [", "the file cannot be read: "),
        ("", "there is no workload in the file, it has: nothing;"),
    ] {
        assert!(error(text).starts_with(expected), "{text}: {}", error(text));
    }
    let unknown = Options { workload: Some("api"), replicas: None };
    assert_eq!(
        import(&deployment(""), &unknown).unwrap_err().to_string(),
        "there is no workload `api` in the file, there are: web; name one of them"
    );
}

#[test]
fn deployments_that_make_no_sense_are_refused_by_the_field() {
    for (spec, expected) in [
        (
            "  strategy: { rollingUpdate: { maxSurge: 0, maxUnavailable: 0 } }\n",
            "line 6, column 30: Deployment/web: spec.strategy.rollingUpdate: as a spec: strategy.rolling: surge is 0 and unavailable is 0",
        ),
        (
            "  strategy: { rollingUpdate: { maxSurge: 120% } }\n",
            "line 6, column 42: Deployment/web: spec.strategy.rollingUpdate.maxSurge: `\"120%\"` is no amount; write a whole number, or a percentage up to `100%`",
        ),
        (
            "  strategy: { type: Sideways }\n",
            "line 6, column 21: Deployment/web: spec.strategy.type: `Sideways` is not known; use `RollingUpdate` or `Recreate`",
        ),
        (
            "  strategy: { type: Recreate, rollingUpdate: { maxSurge: 1 } }\n",
            "line 6, column 46: Deployment/web: spec.strategy.rollingUpdate: `Recreate` has no pace",
        ),
        (
            "  replicas: -3\n",
            "line 6, column 13: Deployment/web: spec.replicas: `-3` is no whole number; write one, 0 or more",
        ),
        (
            "  replicas: 99999999999\n",
            "line 6, column 13: Deployment/web: spec.replicas: as a spec: replicas: 99999999999 is above the limit",
        ),
        (
            "  minReadySeconds: 600\n",
            "line 5, column 3: Deployment/web: spec.progressDeadlineSeconds: as a spec: deadlines.progress: 10m is not above the 10m",
        ),
        (
            "  selector: { matchLabels: { app: other } }\n",
            "line 6, column 28: Deployment/web: spec.selector.matchLabels: the labels of the pod template do not match it",
        ),
        (
            "  template2: {}\n  replicas: yes\n",
            "line 7, column 13: Deployment/web: spec.replicas: `\"yes\"` is no whole number",
        ),
    ] {
        let error = error(&deployment(spec));
        assert!(error.starts_with(expected), "{spec}: {error}");
    }
}
