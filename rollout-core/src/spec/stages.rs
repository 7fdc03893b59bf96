//! Stages written by hand: a strategy of one's own, checked by the same rules as the built ones.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Affinity, Gate, Match, ModuleNeeds, Pace};
use crate::{amount::Amount, weight::Weight};

/// One stage, written by hand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HandStage {
    /// Its name, unique in the list.
    pub name: String,
    /// Candidate instances at its end; a percentage rounds up.
    pub candidate: Amount,
    /// Stable instances at its end; a percentage rounds up.
    pub stable: Amount,
    /// How traffic is shared at its end. Default: by replicas.
    #[serde(default)]
    pub route: HandRoute,
    /// Requests that go to the candidate whatever the weight.
    #[serde(default, rename = "match", skip_serializing_if = "Vec::is_empty")]
    pub matches: Vec<Match>,
    /// Share of stable's requests that the candidate gets a copy of.
    #[serde(default, skip_serializing_if = "Weight::is_zero")]
    pub mirror: Weight,
    /// Keeps a client on the revision that answered it first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub affinity: Option<Affinity>,
    /// How many instances at a time. Default: surge 25 %, and 100 % where the route is by weight.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pace: Option<Pace>,
    /// What the modules of the workload must be like.
    #[serde(default, skip_serializing_if = "ModuleNeeds::is_empty")]
    pub modules: ModuleNeeds,
    /// Gates in order; each starts when the one before has passed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gates: Vec<Gate>,
    /// Whether its end proves the candidate; exactly one stage does. Default: no.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub proves: bool,
}

/// How traffic is shared at the end of a stage written by hand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum HandRoute {
    /// Every enrolled instance gets the same.
    #[default]
    Replicas,
    /// The candidate gets this share, stable the rest.
    Weight(Weight),
    /// No one gets anything: declared downtime.
    Nobody,
}
