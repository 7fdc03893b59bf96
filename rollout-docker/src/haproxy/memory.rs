//! What HAProxy remembers for us: the reign and the route set last, in process variables.
//!
//! They live exactly as long as the servers that were added: a restart of HAProxy forgets both. Server
//! weights alone do not tell every route apart, and an engine that starts anew has no memory of its own.

use std::collections::BTreeMap;

use rollout_core::{
    engine::Route,
    id::{Epoch, RevisionId, WorkloadId},
    weight::Weight,
};

/// Names of the variables of one workload in one backend.
#[derive(Clone, Debug)]
pub(super) struct Memory {
    route: String,
    epoch: String,
}

impl Memory {
    pub(super) fn of(backend: &str, workload: &WorkloadId) -> Self {
        // No encoded name holds `_w`, so no two pairs give the same variable.
        let place = format!("{}_w_{}", encode(backend), encode(workload.as_str()));
        Self { route: format!("rollout_route_{place}"), epoch: format!("rollout_epoch_{place}") }
    }

    /// Commands that read both.
    pub(super) fn ask(&self) -> [String; 2] {
        [&self.route, &self.epoch].map(|name| format!("get var proc.{name}"))
    }

    /// The command that sets the route.
    pub(super) fn set_route(&self, route: &Route) -> String {
        set(&self.route, &write(route))
    }

    /// The command that sets the reign.
    pub(super) fn set_epoch(&self, epoch: Epoch) -> String {
        set(&self.epoch, &epoch.0.to_string())
    }

    /// The route set last.
    pub(super) fn route(&self, variables: &BTreeMap<String, String>) -> Option<Route> {
        read(variables.get(&self.route)?)
    }

    /// The newest reign that changed anything here.
    pub(super) fn epoch(&self, variables: &BTreeMap<String, String>) -> Epoch {
        let number = variables.get(&self.epoch).and_then(|text| text.parse().ok());
        Epoch(number.unwrap_or_default())
    }
}

/// Setting variables is called experimental in 2.6, so it must be switched on for the connection.
fn set(name: &str, value: &str) -> String {
    format!("experimental-mode on;set var proc.{name} str({value})")
}

/// A backend's name in letters that a variable's name may have; no two names give the same.
fn encode(name: &str) -> String {
    let mut out = String::new();
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() {
            out.push(char::from(byte));
        } else {
            out.push('_');
            out.extend(
                [byte >> 4, byte & 0xf]
                    .map(|half| char::from(b"0123456789abcdef"[usize::from(half)])),
            );
        }
    }
    out
}

/// A route in letters that a value may have: those of names, `/` and `=`.
fn write(route: &Route) -> String {
    match route {
        Route::ByReplicas => "by_replicas".to_owned(),
        Route::Empty => "empty".to_owned(),
        Route::Weighted(shares) => {
            let shares: Vec<String> = shares
                .weights
                .iter()
                .map(|(revision, share)| format!("/{revision}={}", share.basis_points()))
                .collect();
            format!("weighted{}", shares.concat())
        }
    }
}

fn read(text: &str) -> Option<Route> {
    match text {
        "by_replicas" => Some(Route::ByReplicas),
        "empty" => Some(Route::Empty),
        weighted => weighted
            .strip_prefix("weighted")?
            .split('/')
            .skip(1)
            .map(|share| {
                let (revision, points) = share.split_once('=')?;
                let revision: RevisionId = revision.parse().ok()?;
                let share = Weight::from_basis_points(points.parse().ok()?).ok()?;
                Some((revision, share))
            })
            .collect::<Option<_>>()
            .map(Route::weighted),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routes_read_back_as_written() {
        let weighted = Route::weighted(BTreeMap::from([
            (RevisionId::new("v1.0-a").unwrap(), Weight::from_basis_points(7_500).unwrap()),
            (RevisionId::new("v2").unwrap(), Weight::from_basis_points(2_500).unwrap()),
        ]));
        for route in [Route::ByReplicas, Route::Empty, weighted, Route::weighted(BTreeMap::new())] {
            assert_eq!(read(&write(&route)), Some(route));
        }
        assert_eq!(read("weighted/v1=x"), None);
        assert_eq!(read("other"), None);
    }

    #[test]
    fn variables_have_plain_names() {
        let memory = Memory::of("web-a.b", &WorkloadId::new("web").unwrap());
        assert_eq!(memory.ask()[0], "get var proc.rollout_route_web_2da_2eb_w_web");
        assert_ne!(encode("a-b"), encode("a_b"));
    }
}
