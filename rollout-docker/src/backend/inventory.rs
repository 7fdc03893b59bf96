//! What exists: containers listed by label, then each inspected by its id.
//!
//! A list lags behind after an end, so only its ids are believed. What is gone by the time it is
//! inspected is gone.

use std::{collections::HashMap, net::IpAddr, sync::Arc};

use bollard::{
    Docker,
    errors::Error,
    models::{
        ContainerInspectResponse, ContainerState, ContainerStateStatusEnum as Status,
        HealthStatusEnum, NetworkSettings,
    },
    query_parameters::{InspectContainerOptions, ListContainersOptionsBuilder},
};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use rollout_core::{
    engine::{InstanceSeen, InstanceState, Inventory, Revision},
    id::WorkloadId,
};

use super::labels::{self, Identity};
use crate::template::Template;

/// Containers inspected side by side: an answer takes well under a millisecond.
const AT_ONCE: usize = 8;

/// Every instance of `workload` that is ours, without mark and epoch.
pub(super) async fn take(docker: &Docker, workload: &WorkloadId) -> Result<Inventory, Error> {
    let filters = HashMap::from([("label", labels::filter(workload))]);
    let options = ListContainersOptionsBuilder::default().all(true).filters(&filters).build();
    let ids: Vec<String> = docker
        .list_containers(Some(options))
        .await?
        .into_iter()
        .filter_map(|container| container.id)
        .collect();
    let inspected: Vec<Option<ContainerInspectResponse>> = stream::iter(ids)
        .map(|id| async move { inspect(docker, &id).await })
        .buffer_unordered(AT_ONCE)
        .try_collect()
        .await?;
    let mut inventory = Inventory::default();
    for container in inspected.into_iter().flatten() {
        let Some(identity) = identity(&container) else {
            continue;
        };
        let seen = seen(&container, &identity);
        remember(&mut inventory, &identity);
        inventory.instances.insert(identity.instance, seen);
    }
    Ok(inventory)
}

/// The container of that name or id; `None` if there is none.
pub(super) async fn inspect(
    docker: &Docker,
    name: &str,
) -> Result<Option<ContainerInspectResponse>, Error> {
    match docker.inspect_container(name, None::<InspectContainerOptions>).await {
        Ok(container) => Ok(Some(container)),
        Err(Error::DockerResponseServerError { status_code: 404, .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// What the labels of `container` say; `None` if it is not ours.
pub(super) fn identity(container: &ContainerInspectResponse) -> Option<Identity> {
    labels::read(container.config.as_ref()?.labels.as_ref()?)
}

/// Keeps the revision of `identity`, so that an engine without journal can read it back.
fn remember(inventory: &mut Inventory, identity: &Identity) {
    let known = inventory.revisions.iter().any(|revision| revision.id == identity.revision);
    if let Some(template) = identity.template.clone().filter(|_| !known) {
        inventory.revisions.push(Arc::new(Revision { id: identity.revision.clone(), template }));
        inventory.revisions.sort_by(|a, b| a.id.cmp(&b.id));
    }
}

/// One container in the engine's words.
fn seen(container: &ContainerInspectResponse, identity: &Identity) -> InstanceSeen {
    let state = container.state.clone().unwrap_or_default();
    let restarts = container.restart_count.unwrap_or_default();
    InstanceSeen {
        revision: identity.revision.clone(),
        address: container
            .network_settings
            .as_ref()
            .and_then(|settings| address(settings, preferred(identity).as_deref())),
        healthy: healthy(&state),
        restarts: u32::try_from(restarts).unwrap_or(u32::MAX),
        rank: None,
        state: how_far(&state),
    }
}

/// How far a container is.
pub(super) fn how_far(state: &ContainerState) -> InstanceState {
    let error = state.error.clone().unwrap_or_default();
    let exited = |word: &str| InstanceState::Exited {
        code: state.exit_code.unwrap_or_default(),
        detail: [
            word,
            match state.oom_killed {
                Some(true) => "killed for want of memory",
                Some(false) | None => "",
            },
            &error,
        ]
        .into_iter()
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join("; "),
    };
    match state.status.unwrap_or(Status::EMPTY) {
        Status::CREATED | Status::EMPTY if error.is_empty() => InstanceState::Created,
        Status::CREATED | Status::EMPTY => InstanceState::Stuck { detail: error },
        // A paused process still exists and holds its connections; its probes say the rest.
        Status::RUNNING | Status::PAUSED | Status::STOPPING => InstanceState::Running,
        Status::RESTARTING => exited("docker is about to restart it"),
        Status::REMOVING => exited("being removed"),
        Status::EXITED => exited(""),
        Status::DEAD => exited("dead"),
    }
}

/// Docker's own health check; a check that has not passed yet is not healthy.
fn healthy(state: &ContainerState) -> Option<bool> {
    match state.health.as_ref()?.status? {
        HealthStatusEnum::EMPTY | HealthStatusEnum::NONE => None,
        HealthStatusEnum::STARTING | HealthStatusEnum::UNHEALTHY => Some(false),
        HealthStatusEnum::HEALTHY => Some(true),
    }
}

/// The network whose address counts: the first one of the template.
fn preferred(identity: &Identity) -> Option<String> {
    let template: Template = serde_json::from_value(identity.template.clone()?).ok()?;
    template.networks.first().map(|network| network.name.clone())
}

/// Where a container answers: on the preferred network, else on the first by name that has an address.
fn address(settings: &NetworkSettings, preferred: Option<&str>) -> Option<IpAddr> {
    let networks = settings.networks.as_ref()?;
    let of = |name: &str| {
        let endpoint = networks.get(name)?;
        [&endpoint.ip_address, &endpoint.global_ipv6_address]
            .into_iter()
            .flatten()
            .find_map(|text| text.parse().ok())
    };
    let mut names: Vec<&str> = networks.keys().map(String::as_str).collect();
    names.sort_unstable();
    preferred.and_then(of).or_else(|| names.into_iter().find_map(of))
}

#[cfg(test)]
mod tests {
    use bollard::models::{EndpointSettings, Health};

    use super::*;

    fn state(status: Status) -> ContainerState {
        ContainerState { status: Some(status), ..ContainerState::default() }
    }

    #[test]
    fn states_are_told_apart() {
        assert_eq!(how_far(&state(Status::CREATED)), InstanceState::Created);
        assert_eq!(how_far(&state(Status::PAUSED)), InstanceState::Running);
        let stuck =
            ContainerState { error: Some("no such program".to_owned()), ..state(Status::CREATED) };
        assert_eq!(how_far(&stuck), InstanceState::Stuck { detail: "no such program".to_owned() });
        let killed = ContainerState {
            exit_code: Some(137),
            oom_killed: Some(true),
            ..state(Status::EXITED)
        };
        assert_eq!(
            how_far(&killed),
            InstanceState::Exited { code: 137, detail: "killed for want of memory".to_owned() }
        );
    }

    #[test]
    fn a_check_that_has_not_passed_is_not_healthy() {
        let with = |status| {
            healthy(&ContainerState {
                health: Some(Health { status: Some(status), ..Health::default() }),
                ..ContainerState::default()
            })
        };
        assert_eq!(healthy(&ContainerState::default()), None);
        assert_eq!(with(HealthStatusEnum::NONE), None);
        assert_eq!(with(HealthStatusEnum::STARTING), Some(false));
        assert_eq!(with(HealthStatusEnum::HEALTHY), Some(true));
        assert_eq!(with(HealthStatusEnum::UNHEALTHY), Some(false));
    }

    #[test]
    fn the_first_network_of_the_template_counts() {
        let endpoint = |address: &str| EndpointSettings {
            ip_address: Some(address.to_owned()),
            ..EndpointSettings::default()
        };
        let settings = NetworkSettings {
            networks: Some(HashMap::from([
                ("a".to_owned(), endpoint("10.0.0.1")),
                ("b".to_owned(), endpoint("10.0.0.2")),
                ("c".to_owned(), endpoint("")),
            ])),
            ..NetworkSettings::default()
        };
        let at = |name| address(&settings, name).unwrap().to_string();
        assert_eq!(at(Some("b")), "10.0.0.2");
        assert_eq!(at(Some("c")), "10.0.0.1");
        assert_eq!(at(None), "10.0.0.1");
    }
}
