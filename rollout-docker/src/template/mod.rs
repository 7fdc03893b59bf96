//! What a Docker instance is made from: the `template` of a spec, strictly typed.
//!
//! In: the JSON of a spec. Out: a [`Template`], and JSON again once it is pinned. Absent: values of
//! secrets. `env_from` holds references only; they are resolved when a container is created.

mod env;
mod health;
mod size;
mod storage;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use self::{
    env::EnvFrom,
    health::Healthcheck,
    size::{Bytes, Cpus, SizeError},
    storage::{Mount, Source, Tmpfs},
};

/// What every instance of a revision is made from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Template {
    /// Image by name, digest or id. Pinning replaces a name by the id it means now.
    pub image: String,
    /// The name the image was pinned from, for people. Set by pinning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_name: Option<String>,
    /// Program and arguments that the image starts. Default: the image's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entrypoint: Option<Vec<String>>,
    /// Arguments of the entrypoint. Default: the image's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<Vec<String>>,
    /// Environment variables with values that may be stored and shown: no secrets.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub env: BTreeMap<String, String>,
    /// Environment variables taken from the engine's own environment when a container is created.
    #[serde(default, skip_serializing_if = "EnvFrom::is_empty")]
    pub env_from: EnvFrom,
    /// Labels; those that begin with `rollout.` are the engine's.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// Volumes and host directories.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mounts: Vec<Mount>,
    /// Directories in memory.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tmpfs: Vec<Tmpfs>,
    /// Networks; the first one's address is where an instance answers. Default: Docker's own bridge.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub networks: Vec<Attachment>,
    /// Ports of the host that lead to an instance. Only one instance can hold one, so that nothing
    /// can start before the old one has gone; refused when pinned.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ports: Vec<String>,
    /// Most that one instance may use.
    #[serde(default, skip_serializing_if = "Limits::is_empty")]
    pub limits: Limits,
    /// What Docker does when an instance ends by itself. Default: nothing, the engine replaces it.
    #[serde(default, skip_serializing_if = "Restart::is_no")]
    pub restart: Restart,
    /// Signal that asks an instance to end. Default: the image's own, or `SIGTERM`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop_signal: Option<String>,
    /// User and group to run as.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Directory to start in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub working_dir: Option<String>,
    /// Host name inside. Default: the container's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hostname: Option<String>,
    /// Docker's own health check. Default: the image's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub healthcheck: Option<Healthcheck>,
    /// Names that resolve to a fixed address inside.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub extra_hosts: BTreeMap<String, String>,
    /// Whether the root file system is read only. Default: no.
    #[serde(default, skip_serializing_if = "is_false")]
    pub read_only: bool,
    /// Whether a small init process reaps zombies and forwards signals. Default: no.
    #[serde(default, skip_serializing_if = "is_false")]
    pub init: bool,
    /// Capabilities added.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cap_add: Vec<String>,
    /// Capabilities dropped.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cap_drop: Vec<String>,
    /// Security options, such as `no-new-privileges:true`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub security_opt: Vec<String>,
    /// Kernel parameters of the instance's namespaces.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub sysctls: BTreeMap<String, String>,
    /// Limits of processes, such as `nofile`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub ulimits: BTreeMap<String, Ulimit>,
    /// Name servers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dns: Vec<String>,
    /// Size of `/dev/shm`. Default: Docker's own, 64 MiB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shm_size: Option<Bytes>,
    /// Where output goes. Default: the engine's own driver.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logging: Option<Logging>,
}

/// One network an instance is attached to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attachment {
    /// Name or id of the network, which must exist.
    pub name: String,
    /// Further names of the instance on that network; several instances may share one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<String>,
}

/// Most that one instance may use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Processors, such as `0.5`. Default: no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpus: Option<Cpus>,
    /// Memory, such as `256m`. Default: no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<Bytes>,
    /// Memory that is kept for it when the host runs short. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_reservation: Option<Bytes>,
    /// Processes and threads. Default: no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pids: Option<u32>,
}

impl Limits {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// What Docker does when an instance ends by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Restart {
    /// Nothing; the engine sees the end and replaces the instance.
    #[default]
    No,
    /// Starts it again, also after a restart of Docker, also if it was stopped.
    Always,
    /// Starts it again unless it was stopped.
    UnlessStopped,
    /// Starts it again if it failed.
    OnFailure,
}

impl Restart {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands out a reference")]
    fn is_no(&self) -> bool {
        *self == Self::No
    }
}

/// Limit of a process: a warning and a hard one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ulimit {
    /// The limit a process starts with.
    pub soft: i64,
    /// The limit it can raise its own to.
    pub hard: i64,
}

/// Where output goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Logging {
    /// Name of the driver, such as `json-file`.
    pub driver: String,
    /// Options of the driver.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub options: BTreeMap<String, String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands out a reference")]
fn is_false(value: &bool) -> bool {
    !*value
}
