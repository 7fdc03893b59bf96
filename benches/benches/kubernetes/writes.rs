//! Writes: what the API server counted of the writes that roll out, by kind and subresource; reads of the same.
//!
//! Writes that every way of rolling out causes alike are left out: those of the controllers that make pods, of
//! the scheduler, of nodes.

use std::{collections::BTreeMap, fmt};

use rollout_live::place::Place;

use crate::Failure;

/// Kinds and subresources that those who roll out write, and nobody else, with the verbs that count.
const WRITTEN: [(&str, &str, &[&str]); 8] = [
    ("replicasets", "", &["POST", "PATCH", "PUT", "APPLY", "DELETE"]),
    ("replicasets", "scale", &["PATCH", "PUT"]),
    ("deployments", "status", &["PATCH", "PUT"]),
    ("pods", "", &["PATCH"]),
    ("rollouts", "", &["PATCH"]),
    ("rollouts", "status", &["PATCH", "PUT"]),
    ("rolloutjournals", "", &["POST", "PATCH", "PUT"]),
    ("leases", "", &["POST"]),
];
/// Kinds that are read by whoever rolls out.
const READ: [(&str, &str, &[&str]); 4] = [
    ("replicasets", "", &["GET", "LIST"]),
    ("pods", "", &["LIST"]),
    ("rollouts", "", &["GET", "LIST"]),
    ("rolloutjournals", "", &["GET", "LIST"]),
];

/// Writes so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct Writes(Counts);

/// Reads so far, but for watches.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reads(Counts);

type Counts = BTreeMap<String, u64>;

impl Writes {
    /// As the API server has counted until now.
    pub(crate) fn now(place: &Place) -> Result<Self, Failure> {
        Ok(Self(counted(place, &WRITTEN)?))
    }

    /// Those since `before`.
    pub(crate) fn since(&self, before: &Self) -> Self {
        Self(since(&self.0, &before.0))
    }

    /// The same, told by workload.
    pub(crate) fn each(&self, workloads: usize) -> String {
        let share = |count: u64| {
            #[expect(
                clippy::cast_precision_loss,
                reason = "counts of requests are told to a tenth"
            )]
            let (count, workloads) = (count as f64, workloads as f64);
            format!("{:.1}", count / workloads)
        };
        told("writes each", &self.0, share)
    }
}

impl Reads {
    /// As the API server has counted until now.
    pub(crate) fn now(place: &Place) -> Result<Self, Failure> {
        Ok(Self(counted(place, &READ)?))
    }

    /// Those since `before`.
    pub(crate) fn since(&self, before: &Self) -> Self {
        Self(since(&self.0, &before.0))
    }
}

/// Requests of these kinds, subresources and verbs until now.
fn counted(place: &Place, wanted: &[(&str, &str, &[&str])]) -> Result<Counts, Failure> {
    let text = place.kubectl(["get", "--raw", "/metrics"])?;
    let mut counts = BTreeMap::new();
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
        let is_wanted = |(kind, subresource, verbs): &(&str, &str, &[&str])| {
            (*kind, *subresource) == (resource, part) && verbs.contains(&verb)
        };
        // A dry run writes nothing.
        if wanted.iter().any(is_wanted) && value("dry_run") == Some("") {
            let name = [resource, part].join("/");
            let count: f64 = count.parse()?;
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a count of requests, which the format writes as a float"
            )]
            let count = count as u64;
            *counts.entry(name.trim_end_matches('/').to_owned()).or_default() += count;
        }
    }
    Ok(counts)
}

fn since(now: &Counts, before: &Counts) -> Counts {
    let then = |name: &String| before.get(name).copied().unwrap_or_default();
    let since = now.iter().map(|(name, now)| (name.clone(), now - then(name)));
    since.filter(|(_, count)| 0 < *count).collect()
}

fn told(what: &str, counts: &Counts, number: impl Fn(u64) -> String) -> String {
    let mut text = format!("{} {what}", number(counts.values().sum()));
    let mut before = ": ";
    for (name, count) in counts {
        text += &format!("{before}{name} {}", number(*count));
        before = ", ";
    }
    text
}

impl fmt::Display for Writes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&told("writes", &self.0, |count| count.to_string()))
    }
}

impl fmt::Display for Reads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&told("reads", &self.0, |count| count.to_string()))
    }
}
