//! From a template to what Docker takes to make a container.

use std::collections::{BTreeMap, HashMap};

use bollard::models::{
    ContainerCreateBody, EndpointSettings, HealthConfig, HostConfig, HostConfigLogConfig,
    Mount as WireMount, MountTmpfsOptions, MountType, NetworkingConfig, ResourcesUlimits,
    RestartPolicy, RestartPolicyNameEnum,
};
use rollout_core::time::Span;

use crate::template::{Attachment, Healthcheck, Mount, Restart, Source, Template, Tmpfs};

/// What Docker takes to make a container of `template`, with the resolved `secrets` in its
/// environment. Only the first network is in it; [`further_networks`] are connected afterwards, as
/// engines before API 1.44 take one.
pub(crate) fn of(
    template: &Template,
    labels: HashMap<String, String>,
    secrets: BTreeMap<String, String>,
) -> ContainerCreateBody {
    let mut env = template.env.clone();
    env.extend(secrets);
    ContainerCreateBody {
        image: Some(template.image.clone()),
        entrypoint: template.entrypoint.clone(),
        cmd: template.command.clone(),
        env: some(env.into_iter().map(|(name, value)| format!("{name}={value}")).collect()),
        labels: Some(labels),
        user: template.user.clone(),
        working_dir: template.working_dir.clone(),
        hostname: template.hostname.clone(),
        stop_signal: template.stop_signal.clone(),
        healthcheck: template.healthcheck.as_ref().map(health),
        networking_config: template.networks.first().map(|first| NetworkingConfig {
            endpoints_config: Some(HashMap::from([(first.name.clone(), endpoint(first))])),
        }),
        host_config: Some(host(template)),
        ..ContainerCreateBody::default()
    }
}

/// The networks that are connected after a container was made.
pub(crate) fn further_networks(template: &Template) -> &[Attachment] {
    template.networks.get(1..).unwrap_or_default()
}

/// What Docker takes to attach to one network.
pub(crate) fn endpoint(network: &Attachment) -> EndpointSettings {
    EndpointSettings { aliases: some(network.aliases.clone()), ..EndpointSettings::default() }
}

/// The part that concerns the host.
fn host(template: &Template) -> HostConfig {
    HostConfig {
        network_mode: template.networks.first().map(|first| first.name.clone()),
        mounts: some(
            template.mounts.iter().map(mount).chain(template.tmpfs.iter().map(tmpfs)).collect(),
        ),
        nano_cpus: template.limits.cpus.map(crate::template::Cpus::wire),
        memory: template.limits.memory.map(crate::template::Bytes::wire),
        memory_reservation: template.limits.memory_reservation.map(crate::template::Bytes::wire),
        pids_limit: template.limits.pids.map(i64::from),
        restart_policy: Some(restart(template.restart)),
        extra_hosts: some(
            template
                .extra_hosts
                .iter()
                .map(|(name, address)| format!("{name}:{address}"))
                .collect(),
        ),
        readonly_rootfs: Some(template.read_only),
        init: template.init.then_some(true),
        cap_add: some(template.cap_add.clone()),
        cap_drop: some(template.cap_drop.clone()),
        security_opt: some(template.security_opt.clone()),
        sysctls: some_map(&template.sysctls),
        dns: some(template.dns.clone()),
        shm_size: template.shm_size.map(crate::template::Bytes::wire),
        ulimits: some(
            template
                .ulimits
                .iter()
                .map(|(name, limit)| ResourcesUlimits {
                    name: Some(name.clone()),
                    soft: Some(limit.soft),
                    hard: Some(limit.hard),
                })
                .collect(),
        ),
        log_config: template.logging.as_ref().map(|logging| HostConfigLogConfig {
            typ: Some(logging.driver.clone()),
            config: some_map(&logging.options),
        }),
        ..HostConfig::default()
    }
}

fn mount(mount: &Mount) -> WireMount {
    let (typ, source) = match &mount.source {
        Source::Volume(name) => (MountType::VOLUME, name),
        Source::Bind(path) => (MountType::BIND, path),
    };
    WireMount {
        typ: Some(typ),
        source: Some(source.clone()),
        target: Some(mount.target.clone()),
        read_only: Some(mount.read_only),
        ..WireMount::default()
    }
}

fn tmpfs(tmpfs: &Tmpfs) -> WireMount {
    WireMount {
        typ: Some(MountType::TMPFS),
        target: Some(tmpfs.target.clone()),
        tmpfs_options: Some(MountTmpfsOptions {
            size_bytes: tmpfs.size.map(crate::template::Bytes::wire),
            ..MountTmpfsOptions::default()
        }),
        ..WireMount::default()
    }
}

/// What Docker takes as a restart policy.
pub(crate) fn restart(restart: Restart) -> RestartPolicy {
    RestartPolicy {
        name: Some(match restart {
            Restart::No => RestartPolicyNameEnum::NO,
            Restart::Always => RestartPolicyNameEnum::ALWAYS,
            Restart::UnlessStopped => RestartPolicyNameEnum::UNLESS_STOPPED,
            Restart::OnFailure => RestartPolicyNameEnum::ON_FAILURE,
        }),
        maximum_retry_count: None,
    }
}

fn health(check: &Healthcheck) -> HealthConfig {
    HealthConfig {
        test: Some(check.test.clone()),
        interval: check.interval.map(nanoseconds),
        timeout: check.timeout.map(nanoseconds),
        retries: check.retries.map(i64::from),
        start_period: check.start_period.map(nanoseconds),
        start_interval: None,
    }
}

/// A span as Docker takes it; spans of centuries become the longest there is.
fn nanoseconds(span: Span) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX).saturating_mul(1_000_000)
}

/// `None` for nothing, so that Docker's own default holds.
fn some<T>(items: Vec<T>) -> Option<Vec<T>> {
    (!items.is_empty()).then_some(items)
}

fn some_map(items: &BTreeMap<String, String>) -> Option<HashMap<String, String>> {
    (!items.is_empty()).then(|| items.clone().into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_carried_over() {
        let template: Template = serde_json::from_value(serde_json::json!({
            "image": "sha256:1", "command": ["serve"], "entrypoint": ["/app"],
            "env": { "A": "1" }, "env_from": ["SECRET"],
            "mounts": [{ "volume": "data", "target": "/data" }, { "bind": "/etc/x", "target": "/x", "read_only": true }],
            "tmpfs": [{ "target": "/tmp", "size": "1m" }],
            "networks": [{ "name": "front", "aliases": ["web"] }, { "name": "back" }],
            "limits": { "cpus": 0.5, "memory": "64m", "pids": 10 },
            "restart": "unless-stopped", "stop_signal": "SIGINT", "user": "1000", "working_dir": "/app", "hostname": "h",
            "healthcheck": { "test": ["CMD", "true"], "interval": "1s", "retries": 2 },
            "extra_hosts": { "db": "10.0.0.1" }, "read_only": true, "init": true,
            "cap_drop": ["ALL"], "cap_add": ["NET_BIND_SERVICE"], "ulimits": { "nofile": { "soft": 1, "hard": 2 } },
            "logging": { "driver": "json-file", "options": { "max-size": "1m" } }
        })).unwrap();
        let body = of(
            &template,
            HashMap::from([("a".to_owned(), "b".to_owned())]),
            BTreeMap::from([("SECRET".to_owned(), "s".to_owned())]),
        );
        assert_eq!(body.env, Some(vec!["A=1".to_owned(), "SECRET=s".to_owned()]));
        assert_eq!(body.cmd, Some(vec!["serve".to_owned()]));
        assert_eq!(body.stop_signal.as_deref(), Some("SIGINT"));
        assert_eq!(body.healthcheck.unwrap().interval, Some(1_000_000_000));
        let endpoints = body.networking_config.unwrap().endpoints_config.unwrap();
        assert_eq!(endpoints["front"].aliases, Some(vec!["web".to_owned()]));
        assert_eq!(further_networks(&template)[0].name, "back");
        let host = body.host_config.unwrap();
        assert_eq!(
            (host.nano_cpus, host.memory, host.pids_limit),
            (Some(500_000_000), Some(64 << 20), Some(10))
        );
        assert_eq!(host.restart_policy.unwrap().name, Some(RestartPolicyNameEnum::UNLESS_STOPPED));
        let mounts = host.mounts.unwrap();
        assert_eq!(mounts.len(), 3);
        assert_eq!((mounts[1].typ, mounts[1].read_only), (Some(MountType::BIND), Some(true)));
        assert_eq!(host.extra_hosts, Some(vec!["db:10.0.0.1".to_owned()]));
        assert_eq!((host.readonly_rootfs, host.init), (Some(true), Some(true)));
        assert_eq!(host.log_config.unwrap().typ.as_deref(), Some("json-file"));
        assert_eq!(host.ulimits.unwrap()[0].hard, Some(2));
    }

    #[test]
    fn what_is_not_said_is_left_to_docker() {
        let template: Template =
            serde_json::from_value(serde_json::json!({ "image": "i" })).unwrap();
        let body = of(&template, HashMap::new(), BTreeMap::new());
        assert_eq!(
            (body.cmd, body.entrypoint, body.env, body.networking_config),
            (None, None, None, None)
        );
        assert_eq!(body.host_config.unwrap().network_mode, None);
    }
}
