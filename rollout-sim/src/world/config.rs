//! What a world is made of.
//!
//! In: nothing. Out: [`WorldConfig`]. Absent: what happens in it.

use std::collections::{BTreeMap, BTreeSet};

use rollout_core::{
    id::RevisionId,
    port::{Ability, Capabilities, Confirmation, Making},
    spec::Counting,
};
use serde::{Deserialize, Serialize};

use super::{Manner, Truth};

/// What a world is made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WorldConfig {
    /// What its ports can do.
    pub capabilities: Capabilities,
    /// Shortest and longest start of an instance, in milliseconds.
    pub start: (u64, u64),
    /// How instances take the stop signal.
    pub manner: Manner,
    /// Whether the orchestrator has a health check of its own.
    pub checks_health: bool,
    /// Requests per second.
    pub rate: u64,
    /// Time an instance needs to answer a request, in milliseconds.
    pub service: u64,
    /// Time after which requests in flight on a draining instance may be cut.
    pub drain_deadline: u64,
    /// How long an instance of a pool made by count answers before it counts as available, in
    /// milliseconds.
    pub min_ready: u64,
    /// Requests a second that an instance answers; `None`: as many as come.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
    /// Number of zones, over which instances are spread in turn.
    #[serde(default = "one_zone", skip_serializing_if = "is_one_zone")]
    pub zones: u64,
    /// What is true of a revision; one that is not named is good.
    pub truths: BTreeMap<RevisionId, Truth>,
}

const fn one_zone() -> u64 {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
const fn is_one_zone(zones: &u64) -> bool {
    *zones == 1
}

impl Default for WorldConfig {
    fn default() -> Self {
        Self {
            capabilities: Capabilities {
                making: Making::ByName,
                counting: Counting::Strict,
                enrolment: Some(Confirmation::Observed),
                router: Some(10_000),
                abilities: BTreeSet::from([
                    Ability::Matches,
                    Ability::Mirror,
                    Ability::Affinity,
                    Ability::Hooks,
                    Ability::Modules,
                ]),
            },
            start: (500, 2000),
            manner: Manner::Graceful,
            checks_health: true,
            rate: 200,
            service: 50,
            drain_deadline: 30_000,
            min_ready: 0,
            limit: None,
            zones: 1,
            truths: BTreeMap::new(),
        }
    }
}
