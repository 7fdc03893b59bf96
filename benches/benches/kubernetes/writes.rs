//! Writes: what the API server counted of the writes that roll out, by kind and subresource.
//!
//! Writes that every way of rolling out causes alike are left out: those of the controllers that make pods, of
//! the scheduler, of nodes.

use std::{collections::BTreeMap, fmt};

use rollout_live::place::Place;

use crate::Failure;

/// Kinds and subresources that those who roll out write, and nobody else.
const COUNTED: [(&str, &str); 7] = [
    ("replicasets", ""),
    ("replicasets", "scale"),
    ("deployments", "status"),
    ("pods", ""),
    ("rolloutjournals", ""),
    ("rollouts", ""),
    ("rollouts", "status"),
];
const VERBS: [&str; 3] = ["PATCH", "PUT", "APPLY"];

/// Writes so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct Writes(BTreeMap<String, u64>);

impl Writes {
    /// As the API server has counted until now.
    pub(crate) fn now(place: &Place) -> Result<Self, Failure> {
        let text = place.kubectl(["get", "--raw", "/metrics"])?;
        let mut writes = BTreeMap::new();
        for line in text.lines() {
            let Some(labels) = line.strip_prefix("apiserver_request_total{") else { continue };
            let Some((labels, count)) = labels.rsplit_once("} ") else { continue };
            let value = |name: &str| {
                let start = format!("{name}=\"");
                let rest = labels.split(start.as_str()).nth(1)?;
                rest.split('"').next()
            };
            let (Some(resource), Some(part), Some(verb)) =
                (value("resource"), value("subresource"), value("verb"))
            else {
                continue;
            };
            let makes_set = part.is_empty()
                && verb == "POST"
                && matches!(resource, "replicasets" | "rolloutjournals");
            if makes_set || (COUNTED.contains(&(resource, part)) && VERBS.contains(&verb)) {
                let name = [resource, part].join("/");
                let count: f64 = count.parse()?;
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "a count of requests, which the format writes as a float"
                )]
                let count = count as u64;
                *writes.entry(name.trim_end_matches('/').to_owned()).or_default() += count;
            }
        }
        Ok(Self(writes))
    }

    /// Those since `before`.
    pub(crate) fn since(&self, before: &Self) -> Self {
        let then = |name: &String| before.0.get(name).copied().unwrap_or_default();
        let since = self.0.iter().map(|(name, now)| (name.clone(), now - then(name)));
        Self(since.filter(|(_, count)| 0 < *count).collect())
    }
}

impl fmt::Display for Writes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} writes", self.0.values().sum::<u64>())?;
        let mut before = ": ";
        for (name, count) in &self.0 {
            write!(f, "{before}{name} {count}")?;
            before = ", ";
        }
        Ok(())
    }
}
