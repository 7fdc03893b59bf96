//! Strategies as a person writes them: each a few numbers, compiled into stages by [`crate::plan`].

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Canary, Gate, HandStage};
use crate::{amount::Amount, time::Span};

/// How to move from the stable revision to the candidate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Strategy {
    /// A few instances at a time.
    Rolling(Pace),
    /// All old ones stopped, then all new ones started: downtime by design.
    Recreate(Recreate),
    /// A whole second set, one switch, the old set on standby.
    BlueGreen(BlueGreen),
    /// Growing shares of traffic.
    Canary(Canary),
    /// Stages written by hand, walked as they are.
    Stages(Vec<HandStage>),
}

impl Default for Strategy {
    fn default() -> Self {
        Self::Rolling(Pace::default())
    }
}

/// How many instances may be missing, extra or in flight while moving.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Pace {
    /// Instances beyond the desired number; a percentage rounds up. Default: 25 %, but 100 % for blue-green and weighted canary.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub surge: Option<Amount>,
    /// Desired instances that may be missing; a percentage rounds down. Default: 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unavailable: Option<Amount>,
    /// Most instances in flight at once. Default: no limit but surge and unavailable.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parallelism: Option<u64>,
    /// Pause after each batch of replaced instances. Default: none.
    #[serde(skip_serializing_if = "Span::is_zero")]
    pub batch_delay: Span,
    /// Short for surge and unavailable: `start_first` is (parallelism, 0), `stop_first` is (0, parallelism),
    /// where a parallelism left out is 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order: Option<Order>,
    /// Whether instances on their way out count against surge. Default: what the backend does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub counting: Option<Counting>,
}

/// Which comes first when one instance replaces another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// The new one is available before the old one goes.
    StartFirst,
    /// The old one is gone before the new one is started.
    StopFirst,
}

/// Whether instances on their way out count against surge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Counting {
    /// They do: never more than desired + surge instances exist at all. Docker's default.
    Strict,
    /// They do not. Kubernetes' own rule.
    Loose,
}

/// Stop all, then start all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Recreate {}

/// Blue-green: candidate beside stable at weight 0, gates, one switch, bake, standby.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct BlueGreen {
    /// Candidate instances for the gates before the switch. Default: the desired number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preview_replicas: Option<Amount>,
    /// Whether the switch needs an approval. Default: automatic.
    pub promotion: Promotion,
    /// Gates before the switch, at weight 0.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub gates: Vec<Gate>,
    /// Watch after the switch; the candidate is proven at its end. Default: 0 s.
    pub bake: Span,
    /// Gates after the switch and the bake; they too come before the proof.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub bake_gates: Vec<Gate>,
    /// How long stable is kept running after the candidate was proven. Default: 30 min.
    pub standby: Span,
}

impl Default for BlueGreen {
    fn default() -> Self {
        Self {
            preview_replicas: None,
            promotion: Promotion::Automatic,
            gates: Vec::new(),
            bake: Span::ZERO,
            bake_gates: Vec::new(),
            standby: Span::from_secs(30 * 60),
        }
    }
}

/// Who makes the switch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Promotion {
    /// The engine, as soon as the gates have passed.
    #[default]
    Automatic,
    /// A person, by the order `promote`.
    Manual,
    /// A person, by the order `promote`, or the engine after this long.
    After(Span),
}
