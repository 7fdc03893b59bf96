//! Finding and reaching the Docker engine.

use std::{env, sync::Arc, time::Duration};

use bollard::{API_DEFAULT_VERSION, Docker};
use rollout_core::{port::ObserveError, time::Span};

use super::errors;

/// Where the engine listens unless told otherwise.
pub const DEFAULT_HOST: &str = "unix:///var/run/docker.sock";

/// Longer than any grace period: the client's own limit would cut a long stop, each attempt has its
/// own deadline instead.
const CLIENT_LIMIT: Duration = Duration::from_secs(7 * 24 * 3600);

/// Looks up a variable of the engine's environment.
pub type Environment = Arc<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// How to reach a Docker engine, and how long to wait for it.
#[derive(Clone)]
pub struct Options {
    /// Where it listens, such as `unix:///var/run/docker.sock`. Default: `DOCKER_HOST`, or that.
    pub host: String,
    /// Longest wait for one answer; a stop gets its grace period on top. Default: 30 s.
    pub deadline: Span,
    /// Where `env_from` takes its values. Default: the environment of this process.
    pub environment: Environment,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            host: env::var("DOCKER_HOST")
                .ok()
                .filter(|host| !host.is_empty())
                .unwrap_or_else(|| DEFAULT_HOST.to_owned()),
            deadline: Span::from_secs(30),
            environment: Arc::new(|name| env::var(name).ok()),
        }
    }
}

impl std::fmt::Debug for Options {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Options")
            .field("host", &self.host)
            .field("deadline", &self.deadline)
            .finish_non_exhaustive()
    }
}

/// A client of the engine at `options.host`, talking the newest API both sides know.
pub(super) async fn connect(options: &Options) -> Result<Docker, ObserveError> {
    let unreachable = |why: String| ObserveError {
        what: format!("docker engine {}", options.host),
        why,
        way_out: "start it, set DOCKER_HOST to its socket, or join the group that may use it"
            .to_owned(),
    };
    if !options.host.starts_with("unix://") {
        return Err(unreachable(
            "only sockets of this host can be used; write `unix:///path`".to_owned(),
        ));
    }
    let client = Docker::connect_with_unix(&options.host, 120, API_DEFAULT_VERSION)
        .map_err(|error| unreachable(errors::words(&error)))?
        .with_timeout(CLIENT_LIMIT);
    match tokio::time::timeout(options.deadline.to_std(), client.negotiate_version()).await {
        Ok(Ok(client)) => Ok(client),
        Ok(Err(error)) => Err(unreachable(errors::words(&error))),
        Err(_) => Err(unreachable(format!("no answer within {}", options.deadline))),
    }
}
