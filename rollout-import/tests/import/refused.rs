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

/// An object of `kind` with a `spec` in flow style.
fn object(api: &str, kind: &str, spec: &str) -> String {
    format!("apiVersion: {api}\nkind: {kind}\nmetadata: {{ name: web }}\nspec: {{ {spec} }}\n")
}

const POD: &str = "template: { metadata: { labels: { app: web } }, spec: { containers: [{ name: web, image: a }] } }";

#[test]
fn kubernetes_own_workloads_are_refused_where_a_rollout_would_do_more_than_asked() {
    let cases = [
        ("extensions/v1beta1", "Deployment", POD.to_owned(), "Deployment/web: apiVersion: `extensions/v1beta1` is not known here"),
        ("apps/v1", "Deployment", "replicas: 2".to_owned(), "Deployment/web: spec.template: it is missing; add the pod template"),
        (
            "apps/v1",
            "Deployment",
            "template: { spec: { containers: [] } }".to_owned(),
            "Deployment/web: spec.template.spec.containers: there is no container",
        ),
        (
            "apps/v1",
            "Deployment",
            "template: { spec: { containers: [{ name: a }] } }".to_owned(),
            "Deployment/web: spec.template.spec.containers[0].image: it is missing; name the image",
        ),
        (
            "apps/v1",
            "Deployment",
            "template: { spec: { containers: [{ image: a, ports: [{ name: a, containerPort: 1 }], readinessProbe: { httpGet: { port: b } } }] } }".to_owned(),
            "Deployment/web: spec.template.spec.containers[0].readinessProbe.httpGet.port: \"b\" is no port from 1 to 65535 and no name of one of the container's `ports`",
        ),
        (
            "apps/v1",
            "StatefulSet",
            format!("updateStrategy: {{ type: OnDelete }}, {POD}"),
            "StatefulSet/web: spec.updateStrategy.type: with `OnDelete` a person decides about every single pod",
        ),
        (
            "apps/v1",
            "StatefulSet",
            format!("replicas: 3, updateStrategy: {{ rollingUpdate: {{ partition: 3 }} }}, {POD}"),
            "StatefulSet/web: spec.updateStrategy.rollingUpdate.partition: 3 holds back all 3 pods",
        ),
        (
            "apps/v1",
            "DaemonSet",
            POD.to_owned(),
            "DaemonSet/web: spec: a DaemonSet has one pod per node, and the number of nodes is not in the file; give it to `rollout import` with `--replicas`",
        ),
    ];
    for (api, kind, spec, expected) in cases {
        let error = error(&object(api, kind, &spec));
        assert!(error.contains(expected), "{kind} {spec}: {error}");
        assert!(error.starts_with("line "), "{error}");
    }
    let nodes = Options { workload: None, replicas: Some(7) };
    let found = import(&object("apps/v1", "DaemonSet", POD), &nodes).unwrap();
    assert_eq!(found.workloads[0].spec.replicas, 7);
}

/// A Rollout of four by steps.
fn canary(inner: &str) -> String {
    format!("replicas: 4, {POD}, strategy: {{ canary: {{ {inner} }} }}")
}

#[track_caller]
fn argo_refuses(cases: &[(String, &str)]) {
    for (spec, expected) in cases {
        let error = error(&object("argoproj.io/v1alpha1", "Rollout", spec));
        assert!(error.contains(&format!("Rollout/web: {expected}")), "{spec}: {error}");
    }
}

#[test]
fn argo_rollouts_are_refused_where_a_step_cannot_be_kept() {
    let cases = [
        (POD.to_owned(), "spec.strategy: it is missing; write `canary` or `blueGreen`"),
        (format!("{POD}, strategy: {{}}"), "spec.strategy: it has no strategy"),
        (
            format!("{POD}, strategy: {{ canary: {{}}, blueGreen: {{}} }}"),
            "spec.strategy: `canary` and `blueGreen` exclude each other",
        ),
        (
            format!("{POD}, strategy: {{ blueGreen: {{ autoPromotionEnabled: true }} }}"),
            "spec.strategy.blueGreen.activeService: it is missing",
        ),
        (
            canary("steps: [{ setWeight: 50 }, { pause: {} }, { setWeight: 20 }]"),
            "spec.strategy.canary.steps[2].setWeight: 20% is below the 50% of the step before; candidate instances that the rollout counts on would be taken back; let weights rise, or remove this step",
        ),
        (
            canary("steps: [{ setWeight: 120 }]"),
            "spec.strategy.canary.steps[0].setWeight: `120` of 100 is no share",
        ),
        (
            canary("steps: [{ setWeight: 20, pause: {} }]"),
            "spec.strategy.canary.steps[0]: it is 2 steps in one: pause, setWeight",
        ),
        (
            canary("steps: [{ pause: {} }, { setWeight: 20 }]"),
            "spec.strategy.canary.steps[0]: it stands before the first weight, where no candidate instance runs",
        ),
        (
            canary(
                "steps: [{ setWeight: 20 }, { setHeaderRoute: { name: a, match: [{ headerName: b }] } }]",
            ),
            "spec.strategy.canary.steps[1].setHeaderRoute: there is no router to do it",
        ),
    ];
    argo_refuses(&cases);
}

#[test]
fn argo_rollouts_are_refused_where_their_surroundings_are_missing() {
    let router = "trafficRouting: { istio: {} }";
    let cases = [
        (
            canary(&format!(
                "{router}, steps: [{{ setMirrorRoute: {{ name: a, match: [{{}}], percentage: 101 }} }}]"
            )),
            "spec.strategy.canary.steps[0].setMirrorRoute.percentage: the share is 101%, the limit is 100%",
        ),
        (canary("trafficRouting: {}"), "spec.strategy.canary.trafficRouting: it names no router"),
        (
            canary("analysis: { templates: [{ templateName: a }] }"),
            "spec.strategy.canary.analysis: without steps there is no point where its verdict would stop the rollout",
        ),
        (
            canary("pingPong: { pingService: a, pongService: b }"),
            "spec.strategy.canary.pingPong: the two Services swap their parts",
        ),
        (
            "workloadRef: { kind: Deployment, name: other }, strategy: { canary: {} }".to_owned(),
            "spec.workloadRef.name: Deployment/other is not in the file, and its pod template stands there",
        ),
        (
            canary("steps: [{ setWeight: 20 }, { pause: { duration: soon } }]"),
            "spec.strategy.canary.steps[1].pause.duration: `\"soon\"` is no length of time",
        ),
    ];
    argo_refuses(&cases);
}

#[test]
fn flagger_canaries_are_refused_where_more_would_get_through_than_asked() {
    let deployment = object("apps/v1", "Deployment", POD);
    let canary = |inner: &str| {
        let spec = format!(
            "targetRef: {{ kind: Deployment, name: web }}, service: {{ port: 80 }}, {inner}"
        );
        format!("{}---\n{deployment}", object("flagger.app/v1beta1", "Canary", &spec))
    };
    let cases = [
        ("provider: istio", "spec.analysis: it is missing"),
        (
            "analysis: { stepWeight: 0 }",
            "spec.analysis.stepWeight: 0 up to 100 gives no weights from 1 to 100",
        ),
        (
            "analysis: { stepWeights: [10, 30, 30] }",
            "spec.analysis.stepWeights[2]: 30% is not above the weight before; Flagger would stand still there",
        ),
        (
            "analysis: { iterations: 2, match: [{ headers: { a: { exact: b }, c: { exact: d } } }] }",
            "spec.analysis.match[0].headers: all of its 2 headers must match, and a spec matches by one",
        ),
        (
            "analysis: { iterations: 2, match: [{ sourceLabels: { a: b } }] }",
            "spec.analysis.match[0]: it matches by something else than headers",
        ),
        (
            "provider: kubernetes, analysis: { match: [{ headers: { a: { exact: b } } }] }",
            "spec.analysis.match: Kubernetes' Services cannot tell requests apart",
        ),
        (
            "analysis: { stepWeight: 10, interval: soon }",
            "spec.analysis.interval: `\"soon\"` is no length of time",
        ),
        (
            "analysis: { stepWeight: 10, webhooks: [{ type: magic, url: 'http://a' }] }",
            "spec.analysis.webhooks[0].type: `magic` is not known",
        ),
    ];
    for (inner, expected) in cases {
        let error = error(&canary(inner));
        assert!(error.contains(&format!("Canary/web: {expected}")), "{inner}: {error}");
    }
    let alone = object(
        "flagger.app/v1beta1",
        "Canary",
        "targetRef: { kind: Deployment, name: web }, service: { port: 80 }, analysis: { stepWeight: 10 }",
    );
    assert!(error(&alone).contains("Deployment/web is not in the file"), "{}", error(&alone));
}

#[test]
fn nomad_jobs_are_refused_where_nobody_could_say_when_they_are_done() {
    let job = |job: &str, group: &str| {
        format!(
            r#"{{"ID": "a", {job} "TaskGroups": [{{"Name": "g", {group} "Tasks": [{{"Name": "t"}}]}}]}}"#
        )
    };
    for (text, expected) in [
        (job(r#""Type": "batch","#, ""), "Type: a `batch` job ends by itself"),
        (job(r#""Periodic": {"Spec": "@daily"},"#, ""), "Periodic: such a job ends by itself"),
        (job(r#""Type": "system","#, ""), "TaskGroups[0]: a system job has one instance per node"),
        (
            job("", r#""Update": {"HealthCheck": "manual"},"#),
            "Update.HealthCheck: with `manual` a person says",
        ),
        (
            job("", r#""Update": {"AutoPromote": true},"#),
            "Update.AutoPromote: there is nothing to promote without canaries",
        ),
        (
            job("", r#""Update": {"MaxParallel": -1},"#),
            "Update.MaxParallel: `-1` is no whole number",
        ),
        (
            job("", r#""Update": {"MinHealthyTime": 1.5},"#),
            "Update.MinHealthyTime: `1.5` is no length of time",
        ),
        (job("", r#""Count": 9999999999,"#), "as a spec: replicas: 9999999999 is above the limit"),
        (r#"{"Job": {"TaskGroups": []}}"#.to_owned(), "Job.ID: it is missing; name the job"),
        (
            r#"{"Job": {"ID": "a", "TaskGroups": []}}"#.to_owned(),
            "Job.TaskGroups: there is no group",
        ),
    ] {
        let error = error(&text);
        assert!(error.contains(expected), "{text}: {error}");
    }
}
