//! Whole Compose files: what they become, and what is refused.

use rollout_core::{
    spec::{CheckedSpec, OnFailure, Strategy},
    time::Span,
};

use super::*;

fn lookup(name: &str) -> Option<String> {
    match name {
        "TAG" => Some("v2".to_owned()),
        "PASSWORD" => Some("hunter2".to_owned()),
        _ => None,
    }
}

fn read_with(text: &str, project: Option<&str>) -> Result<Imported, ComposeError> {
    import(text, &Import { service: None, project, environment: &lookup })
}

fn service(body: &str) -> Result<Imported, ComposeError> {
    let indented = body.replace('\n', "\n    ");
    read_with(&format!("services:\n  web:\n    {indented}\n"), None)
}

const WHOLE: &str = r#"
name: shop
services:
  web:
    image: shop-web:${TAG}
    build: .
    command: serve --port 8080 "a b"
    environment:
      MODE: fast
      PRICE: 5$$
      DATABASE_URL: postgres://app:${PASSWORD}@db
      TOKEN:
    volumes: ["data:/data", "/etc/shop:/etc/shop:ro"]
    networks:
      front: { aliases: [web] }
      back:
    labels: { team: a }
    restart: unless-stopped
    stop_signal: SIGINT
    stop_grace_period: 1m30s
    ulimits: { nofile: 1024 }
    healthcheck:
      test: curl -f http://localhost:8080/health || exit 1
      interval: 5s
      timeout: 2s
      retries: 3
      start_period: 10s
    depends_on: [db]
    deploy:
      replicas: 4
      resources: { limits: { cpus: "0.5", memory: 64M } }
      update_config: { parallelism: 2, delay: 10s, order: start-first, failure_action: rollback, monitor: 20s, max_failure_ratio: 0.25 }
      rollback_config: { parallelism: 0, order: start-first, failure_action: pause }
    x-rollout:
      traffic: { haproxy: { socket: "/run/${TAG}.sock", backend: web, port: 8080 } }
      deadlines: { progress: 2m }
networks:
  front: { name: edge, external: true }
  back: {}
volumes:
  data: {}
"#;

#[test]
fn a_whole_service_becomes_a_spec() {
    let Imported { spec, report } = read_with(WHOLE, None).unwrap();
    assert_eq!((spec.workload.as_str(), spec.replicas), ("web", 4));
    let Strategy::Rolling(pace) = &spec.strategy else {
        panic!("{:?}", spec.strategy);
    };
    assert_eq!((pace.parallelism, pace.batch_delay), (Some(2), Span::from_secs(10)));
    assert_eq!(spec.rollback.on_failure, OnFailure::Rollback);
    assert_eq!(spec.drain.stop_grace, Span::from_secs(90));
    assert_eq!(spec.health.monitor, Span::from_secs(20));
    assert_eq!(spec.health.max_failure_ratio.to_string(), "25%");
    let readiness = spec.health.readiness.as_ref().unwrap();
    let http = readiness.http.as_ref().unwrap();
    assert_eq!((http.port, http.path.as_str()), (8080, "/health"));
    assert_eq!((readiness.period, readiness.failure_threshold), (Span::from_secs(5), 3));
    assert_eq!(spec.health.startup.as_ref().unwrap().failure_threshold, 5);
    assert_eq!(spec.deadlines.progress, Span::from_secs(120));
    assert_eq!(spec.traffic["haproxy"]["socket"], "/run/v2.sock");
    let template = &spec.template;
    assert_eq!(template["image"], "shop-web:v2");
    assert_eq!(template["command"], json!(["serve", "--port", "8080", "a b"]));
    assert_eq!(template["env"], json!({ "MODE": "fast", "PRICE": "5$" }));
    assert_eq!(
        template["env_from"],
        json!({ "DATABASE_URL": "postgres://app:${PASSWORD}@db", "TOKEN": "${TOKEN}" })
    );
    assert_eq!(
        template["networks"],
        json!([{ "name": "shop_back" }, { "name": "edge", "aliases": ["web"] }])
    );
    assert_eq!(template["mounts"][0]["volume"], "shop_data");
    assert_eq!(
        template["mounts"][1],
        json!({ "bind": "/etc/shop", "target": "/etc/shop", "read_only": true })
    );
    assert_eq!(template["limits"], json!({ "cpus": "0.5", "memory": "64M" }));
    let _strict: crate::Template = serde_json::from_value(template.clone()).unwrap();
    CheckedSpec::new(spec.clone()).unwrap();
    assert!(!serde_json::to_string(&spec).unwrap().contains("hunter2"), "a secret was copied");
    let lines: Vec<String> = report.iter().map(Mapping::to_string).collect();
    for field in [
        "build",
        "depends_on",
        "environment",
        "healthcheck",
        "deploy.update_config.order",
        "deploy.rollback_config.failure_action",
        "x-rollout",
    ] {
        assert!(report.iter().any(|line| line.field == field), "{field} is lost: {lines:#?}");
    }
}

#[test]
fn every_field_of_the_service_is_in_the_report() {
    let Imported { report, .. } = read_with(WHOLE, None).unwrap();
    let file = read(WHOLE).unwrap();
    let fields = file["services"]["web"].as_object().unwrap();
    for field in fields.keys() {
        let inner = format!("{field}.");
        assert!(
            report.iter().any(|line| line.field == *field || line.field.starts_with(&inner)),
            "{field} is lost"
        );
    }
}

#[test]
fn composes_own_defaults_hold_where_it_has_any() {
    let imported = service("image: a\ndeploy: { update_config: {} }").unwrap();
    let Strategy::Rolling(pace) = &imported.spec.strategy else {
        panic!("{:?}", imported.spec.strategy);
    };
    assert_eq!(pace.parallelism, Some(1));
    assert_eq!(imported.spec.rollback.on_failure, OnFailure::Pause);
    assert_eq!(imported.spec.health.monitor, Span::from_secs(5));
    let slow = service(
        "image: a\nhealthcheck: { test: curl http://localhost/ }\ndeploy: { update_config: {} }",
    )
    .unwrap();
    assert_eq!(slow.spec.health.monitor, Span::from_secs(120));
    CheckedSpec::new(slow.spec).unwrap();
    let bare = service("image: a").unwrap();
    assert_eq!((bare.spec.replicas, bare.spec.strategy), (1, Strategy::default()));
    let all = service("image: a\ndeploy: { update_config: { parallelism: 0, order: start-first, failure_action: continue } }").unwrap();
    assert_eq!(all.spec.health.max_failure_ratio.to_string(), "100%");
}

#[test]
fn other_commands_stay_dockers_own_checks() {
    let imported = service(
        "image: a\nhealthcheck: { test: [CMD, pg_isready], interval: 1s, start_period: 1m30s }",
    )
    .unwrap();
    assert_eq!(imported.spec.health.readiness, None);
    let check = &imported.spec.template["healthcheck"];
    assert_eq!(
        (&check["test"], &check["start_period"]),
        (&json!(["CMD", "pg_isready"]), &json!("1m 30s"))
    );
    let off = service("image: a\nhealthcheck: { disable: true }").unwrap();
    assert_eq!(off.spec.template["healthcheck"]["test"], json!(["NONE"]));
}

#[test]
fn what_is_unsafe_or_unknown_is_refused_by_name() {
    for (body, field) in [
        ("command: a", "services.web.image"),
        ("image: a\nports: ['80:80']", "services.web.ports"),
        ("image: a\nnetwork_mode: host", "services.web.network_mode"),
        ("image: a\nprivileged: true", "services.web.privileged"),
        ("image: a\nenv_file: .env", "services.web.env_file"),
        ("image: a\nsecrets: [x]", "services.web.secrets"),
        ("image: a\nimaeg: b", "services.web.imaeg"),
        ("image: ${NOPE}", "services.web.image"),
        ("image: a\nvolumes: ['./x:/x']", "services.web.volumes"),
        ("image: a\nvolumes: ['/x']", "services.web.volumes"),
        ("image: a\nnetworks: [x]", "networks.x"),
        ("image: a\nstop_grace_period: soon", "services.web.stop_grace_period"),
        ("image: a\ndeploy: { mode: global }", "services.web.deploy.mode"),
        (
            "image: a\ndeploy: { update_config: { order: sideways } }",
            "services.web.deploy.update_config.order",
        ),
        (
            "image: a\ndeploy: { update_config: { max_failure_ratio: 2 } }",
            "services.web.deploy.update_config.max_failure_ratio",
        ),
        (
            "image: a\ndeploy: { update_config: { speed: 1 } }",
            "services.web.deploy.update_config.speed",
        ),
        ("image: a\nx-rollout: { replicas: 1 }", "services.web.x-rollout.replicas"),
        ("image: a\nx-rollout: { strategy: { cannary: {} } }", "services.web → strategy"),
    ] {
        match service(body) {
            Err(ComposeError::Field { field: found, way_out, .. }) => {
                assert!(found.starts_with(field), "{body}: {found}");
                assert!(!way_out.is_empty());
            }
            other => panic!("{body}: {other:?}"),
        }
    }
    for text in ["services: [", "services: { a: { image: x }, a: { image: y } }"] {
        assert!(matches!(read_with(text, None), Err(ComposeError::Syntax { .. })), "{text}");
    }
    for text in [
        "{}",
        "services: { a: { image: x }, b: { image: y } }",
        "services: { a: { image: x } }\nincludes: []",
    ] {
        assert!(matches!(read_with(text, None), Err(ComposeError::Field { .. })), "{text}");
    }
}

#[test]
fn the_example_can_be_read() {
    for file in ["compose.yaml", "compose.v2.yaml", "compose.broken.yaml", "compose.degrading.yaml"]
    {
        let place = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/docker/");
        let text = std::fs::read_to_string(format!("{place}{file}")).unwrap();
        let imported = read_with(&text, None).unwrap();
        CheckedSpec::new(imported.spec.clone()).unwrap();
        crate::haproxy::Traffic::read(&imported.spec.traffic).unwrap();
        assert!(imported.spec.health.readiness.is_some(), "{file}");
    }
}

#[test]
fn x_rollout_wins() {
    let imported = service(
        "image: a\nhealthcheck: { test: curl http://localhost/, interval: 1s, timeout: 1s }\ndeploy: { update_config: { order: start-first } }\nx-rollout:\n  strategy: { canary: { steps: [{ weight: 25 }] } }\n  health: { min_ready: 2s }",
    )
    .unwrap();
    assert!(matches!(imported.spec.strategy, Strategy::Canary(_)));
    assert_eq!(imported.spec.health.min_ready, Span::from_secs(2));
    assert!(imported.spec.health.readiness.is_some(), "the rest of `health` stays");
}
