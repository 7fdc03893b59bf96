//! Specs of the stories: the numbers of `examples/docker`, with another strategy.

use std::time::Duration;

use rollout_core::spec::{CheckedSpec, Format, parse};
use serde_json::{Value, json};

use super::{REPLICAS, Rig, RigError};
use crate::bed::{Image, SERVER_PORT};

/// Time between two questions about an instance's health.
pub(crate) const PERIOD: Duration = Duration::from_millis(100);
/// Longest wait for one answer about it.
pub(crate) const TIMEOUT: Duration = Duration::from_millis(500);
/// Bad answers in a row that are its verdict.
pub(crate) const FAILURES: u32 = 3;

/// One at a time, new before old: what Compose calls `parallelism: 1, order: start-first`.
#[must_use]
pub(crate) fn rolling() -> Value {
    json!({ "rolling": { "surge": 1, "unavailable": 0, "parallelism": 1 } })
}

impl Rig {
    pub(super) fn spec(&self, image: Image, strategy: &Value) -> Result<CheckedSpec, RigError> {
        let ms = |span: Duration| format!("{}ms", span.as_millis());
        let text = json!({
            "version": 1,
            "workload": self.workload,
            "replicas": REPLICAS,
            "strategy": strategy,
            "health": {
                "readiness": {
                    "http": { "path": "/health", "port": SERVER_PORT },
                    "period": ms(PERIOD),
                    "timeout": ms(TIMEOUT),
                    "failure_threshold": FAILURES,
                },
            },
            "drain": { "deadline": "5s", "stop_grace": "1s" },
            "deadlines": { "progress": "5s" },
            "template": {
                "image": self.bed.image(image),
                "env": { "ON_TERM": self.manners.name() },
                "networks": [{ "name": self.bed.network() }],
            },
            "traffic": self.traffic(),
        });
        Ok(CheckedSpec::new(parse(&text.to_string(), Format::Json)?)?)
    }

    pub(super) fn traffic(&self) -> Value {
        json!({ "haproxy": {
            "socket": self.haproxy.admin(),
            "backend": "web",
            "port": SERVER_PORT,
        }})
    }
}
