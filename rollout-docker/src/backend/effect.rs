//! The four things done to a container: create, start, stop, remove. Each is one attempt, and safe to
//! repeat.

use std::time::Instant;

use bollard::{
    Docker,
    errors::Error,
    models::{
        ContainerInspectResponse, ContainerState, ContainerUpdateBody, NetworkConnectRequest,
        RestartPolicyNameEnum,
    },
    query_parameters::{
        CreateContainerOptionsBuilder, RemoveContainerOptionsBuilder, StartContainerOptions,
        StopContainerOptionsBuilder,
    },
};
use rollout_core::{
    engine::{Action, InstanceState, RefusalKind, Retry, Revision},
    id::{InstanceId, WorkloadId},
    time::Span,
};

use super::{
    body,
    connect::Environment,
    inventory::{how_far, identity, inspect},
    labels, pin,
};
use crate::template::{Restart, Template};

/// Why an attempt did not make it so.
pub(super) enum Failed {
    /// Docker answered with an error, or not at all.
    Docker(Error),
    /// We refuse ourselves.
    Refused(RefusalKind, Retry, String),
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self::Docker(error)
    }
}

/// The container `instance` exists, made from `revision`, and is attached to all its networks.
pub(super) async fn create(
    docker: &Docker,
    environment: &Environment,
    action: &Action,
    instance: &InstanceId,
    revision: &Revision,
) -> Result<(), Failed> {
    let invalid = |why: String| Failed::Refused(RefusalKind::Invalid, Retry::Never, why);
    let template = pin::parse(&revision.template).map_err(|error| invalid(error.to_string()))?;
    pin::alone(&template).map_err(|error| invalid(error.to_string()))?;
    let secrets = template
        .env_from
        .resolve(&**environment)
        .map_err(|error| Failed::Refused(RefusalKind::Missing, Retry::Never, error.to_string()))?;
    let labels = labels::of(action, instance, revision, &template.labels);
    let options = CreateContainerOptionsBuilder::default().name(instance.as_str()).build();
    let made = docker.create_container(Some(options), body::of(&template, labels, secrets)).await;
    match made {
        Ok(made) => connect(docker, &made.id, &template).await,
        Err(Error::DockerResponseServerError { status_code: 409, .. }) => {
            adopt(docker, action, instance, revision, &template).await
        }
        Err(error) => Err(error.into()),
    }
}

/// The name is taken. That is fine if it is by this very instance, made by an attempt whose answer got
/// lost; then its networks may still be missing.
async fn adopt(
    docker: &Docker,
    action: &Action,
    instance: &InstanceId,
    revision: &Revision,
    template: &Template,
) -> Result<(), Failed> {
    let Some(container) = inspect(docker, instance.as_str()).await? else {
        return Err(Failed::Refused(
            RefusalKind::Conflict,
            Retry::Backoff,
            format!("the container name `{instance}` was taken a moment ago"),
        ));
    };
    let same = identity(&container).is_some_and(|identity| {
        identity.workload == action.workload
            && identity.instance == *instance
            && identity.revision == revision.id
    });
    match container.id {
        Some(id) if same => connect(docker, &id, template).await,
        Some(_) | None => Err(Failed::Refused(
            RefusalKind::Conflict,
            Retry::Never,
            format!(
                "the container name `{instance}` is taken by a container that is not this instance; rename or remove it"
            ),
        )),
    }
}

/// Attaches the container to the networks that creating it could not take.
async fn connect(docker: &Docker, id: &str, template: &Template) -> Result<(), Failed> {
    for network in body::further_networks(template) {
        let request = NetworkConnectRequest {
            container: id.to_owned(),
            endpoint_config: Some(body::endpoint(network)),
        };
        let connected = docker.connect_network(&network.name, request).await;
        if let Err(error) = connected
            && !already_connected(&error)
        {
            return Err(error.into());
        }
    }
    Ok(())
}

/// Whether an earlier attempt has attached the container to that network.
fn already_connected(error: &Error) -> bool {
    matches!(error, Error::DockerResponseServerError { status_code: 403, message } if message.contains("already exists"))
}

/// The container `instance` was started. One that has ended since stays ended.
pub(super) async fn start(
    docker: &Docker,
    workload: &WorkloadId,
    instance: &InstanceId,
) -> Result<(), Failed> {
    let Some((id, state, _)) = ours(docker, workload, instance).await? else {
        return Err(Failed::Refused(
            RefusalKind::Missing,
            Retry::Never,
            format!("there is no container `{instance}`"),
        ));
    };
    match how_far(&state) {
        InstanceState::Created | InstanceState::Stuck { .. } => {
            Ok(docker.start_container(&id, None::<StartContainerOptions>).await?)
        }
        InstanceState::Running | InstanceState::Exited { .. } => Ok(()),
    }
}

/// The container `instance` has ended, asked by its stop signal and killed after `grace`.
pub(super) async fn stop(
    docker: &Docker,
    workload: &WorkloadId,
    instance: &InstanceId,
    grace: Span,
) -> Result<(), Failed> {
    let Some((id, state, container)) = ours(docker, workload, instance).await? else {
        return Ok(());
    };
    keep_down(docker, &id, &container).await?;
    let ended = !state.running.unwrap_or_default() && !state.restarting.unwrap_or_default();
    if ended {
        return Ok(());
    }
    let seconds = i32::try_from(grace.as_millis().div_ceil(1000)).unwrap_or(i32::MAX);
    let options = StopContainerOptionsBuilder::default().t(seconds).build();
    let asked = Instant::now();
    match docker.stop_container(&id, Some(options)).await {
        Ok(()) | Err(Error::DockerResponseServerError { status_code: 304 | 404, .. }) => (),
        Err(error) => return Err(error.into()),
    }
    if grace.to_std() <= asked.elapsed() {
        warn_of_kill(docker, &id, instance, grace).await;
    }
    Ok(())
}

/// Makes sure that no restart policy brings the container back, now or when Docker restarts.
async fn keep_down(
    docker: &Docker,
    id: &str,
    container: &ContainerInspectResponse,
) -> Result<(), Failed> {
    let policy = container
        .host_config
        .as_ref()
        .and_then(|host| host.restart_policy.as_ref())
        .and_then(|policy| policy.name);
    match policy {
        None | Some(RestartPolicyNameEnum::EMPTY | RestartPolicyNameEnum::NO) => Ok(()),
        Some(
            RestartPolicyNameEnum::ALWAYS
            | RestartPolicyNameEnum::UNLESS_STOPPED
            | RestartPolicyNameEnum::ON_FAILURE,
        ) => {
            let update = ContainerUpdateBody {
                restart_policy: Some(body::restart(Restart::No)),
                ..ContainerUpdateBody::default()
            };
            Ok(docker.update_container(id, update).await?)
        }
    }
}

/// Tells when an instance took its whole grace period and was killed: it ignores its stop signal.
async fn warn_of_kill(docker: &Docker, id: &str, instance: &InstanceId, grace: Span) {
    let code = match inspect(docker, id).await {
        Ok(Some(container)) => container.state.and_then(|state| state.exit_code),
        Ok(None) | Err(_) => None,
    };
    if code == Some(137) {
        tracing::warn!(
            %instance,
            %grace,
            "killed after its whole grace period: it ignores its stop signal; handle the signal, or set `stop_signal` or `init`"
        );
    }
}

/// The container `instance` does not exist, nor do its anonymous volumes.
pub(super) async fn remove(
    docker: &Docker,
    workload: &WorkloadId,
    instance: &InstanceId,
) -> Result<(), Failed> {
    let Some((id, state, _)) = ours(docker, workload, instance).await? else {
        return Ok(());
    };
    if state.running.unwrap_or_default() {
        return Err(Failed::Refused(
            RefusalKind::Conflict,
            Retry::Backoff,
            format!("the container `{instance}` still runs; it is stopped before it is removed"),
        ));
    }
    let options = RemoveContainerOptionsBuilder::default().v(true).build();
    match docker.remove_container(&id, Some(options)).await {
        Ok(()) | Err(Error::DockerResponseServerError { status_code: 404, .. }) => Ok(()),
        Err(Error::DockerResponseServerError { status_code: 409, message })
            if message.contains("already in progress") =>
        {
            Err(Failed::Refused(
                RefusalKind::Busy,
                Retry::Backoff,
                format!("the container `{instance}` is being removed"),
            ))
        }
        Err(error) => Err(error.into()),
    }
}

/// The container named `instance`, by id, if it is ours; `None` if there is none of that name.
async fn ours(
    docker: &Docker,
    workload: &WorkloadId,
    instance: &InstanceId,
) -> Result<Option<(String, ContainerState, ContainerInspectResponse)>, Failed> {
    let Some(container) = inspect(docker, instance.as_str()).await? else {
        return Ok(None);
    };
    let same = identity(&container)
        .is_some_and(|identity| identity.workload == *workload && identity.instance == *instance);
    match (container.id.clone(), container.state.clone()) {
        (Some(id), Some(state)) if same => Ok(Some((id, state, container))),
        _ => Err(Failed::Refused(
            RefusalKind::Conflict,
            Retry::Never,
            format!(
                "the container `{instance}` is not of this rollout and is left alone; rename or remove it"
            ),
        )),
    }
}
