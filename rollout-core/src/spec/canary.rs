//! Canary as a person writes it: steps or a ramp, and what goes to the candidate beside its share.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Affinity, Gate, Match, ModuleNeeds, Pace};
use crate::{amount::Amount, weight::Weight};

/// Canary: steps of growing weight, written one by one or made by a ramp.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Canary {
    /// Steps before full promotion; weights rise.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<CanaryStep>,
    /// Makes the steps, in place of writing them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ramp: Option<Ramp>,
    /// Fewest candidate instances of a step; refused without a weighted router. Default: 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_replicas: Option<u64>,
    /// Whether stable shrinks as its traffic leaves (weighted router only). Default: no.
    pub scale_stable: bool,
    /// Keeps a client on the revision that answered it first, during the steps.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub affinity: Option<Affinity>,
    /// How many instances at a time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pace: Option<Pace>,
}

/// One step of a canary.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CanaryStep {
    /// Name of the step. Default: its weight.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Share of traffic on the candidate.
    pub weight: Weight,
    /// Candidate instances of this step; refused without a weighted router. Default: enough for the weight.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replicas: Option<Amount>,
    /// Requests that go to the candidate whatever the weight: the A of an A/B test.
    #[serde(default, rename = "match", skip_serializing_if = "Vec::is_empty")]
    pub matches: Vec<Match>,
    /// Share of stable's requests that the candidate gets a copy of; its answers are thrown away.
    #[serde(default, skip_serializing_if = "Weight::is_zero")]
    pub mirror: Weight,
    /// What the modules of the workload must be like in this step.
    #[serde(default, skip_serializing_if = "ModuleNeeds::is_empty")]
    pub modules: ModuleNeeds,
    /// Gates that must pass before the next step.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gates: Vec<Gate>,
}

impl CanaryStep {
    /// Name of its stage: its own, or its weight.
    #[must_use]
    pub fn stage_name(&self) -> String {
        match &self.name {
            Some(name) => name.clone(),
            None => self.weight.to_string(),
        }
    }
}

/// Names of the stages that a canary has beside its steps; no step may have them.
pub const RESERVED_STAGES: [&str; 4] = ["before", "promote", "retire", "after"];

/// Steps made by a rule: every weight of the curve above 0 % and below 100 %.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Ramp {
    /// By the same share each time: `by`, twice `by`, three times `by`, and so on.
    Linear {
        /// The first weight, and what each step adds.
        by: Weight,
        /// Gates of every step.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        gates: Vec<Gate>,
    },
    /// By the same factor each time: `from`, `from` times `factor`, and so on.
    Exponential {
        /// The first weight.
        from: Weight,
        /// What each weight is multiplied by; 2 or more. Default: 2.
        #[serde(default = "default_factor")]
        factor: u64,
        /// Gates of every step.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        gates: Vec<Gate>,
    },
}

fn default_factor() -> u64 {
    2
}

impl Canary {
    /// The steps: the written ones, or those that the ramp makes.
    #[must_use]
    pub fn all_steps(&self) -> Vec<CanaryStep> {
        match &self.ramp {
            Some(ramp) => ramp.steps(),
            None => self.steps.clone(),
        }
    }
}

impl Ramp {
    /// Its steps, each named by its weight. None for a ramp that does not rise.
    #[must_use]
    pub fn steps(&self) -> Vec<CanaryStep> {
        let (Self::Linear { gates, .. } | Self::Exponential { gates, .. }) = self;
        self.weights()
            .into_iter()
            .map(|weight| CanaryStep { weight, gates: gates.clone(), ..CanaryStep::default() })
            .collect()
    }

    fn weights(&self) -> Vec<Weight> {
        let (Self::Linear { by: first, .. } | Self::Exponential { from: first, .. }) = self;
        let mut weights = Vec::new();
        let mut points = first.basis_points();
        while let Ok(weight) = Weight::from_basis_points(points)
            && weight < Weight::FULL
            && weights.last().copied().unwrap_or_default() < weight
        {
            weights.push(weight);
            points = match self {
                Self::Linear { by, .. } => points.saturating_add(by.basis_points()),
                Self::Exponential { factor, .. } => points.saturating_mul(*factor),
            };
        }
        weights
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn weights(ramp: &str) -> Vec<String> {
        let ramp: Ramp = serde_json::from_str(ramp).unwrap();
        ramp.weights().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn ramps_rise_to_just_below_everything() {
        assert_eq!(weights(r#"{"linear": {"by": 25}}"#), ["25%", "50%", "75%"]);
        assert_eq!(weights(r#"{"linear": {"by": 30}}"#), ["30%", "60%", "90%"]);
        assert_eq!(weights(r#"{"linear": {"by": 100}}"#), [""; 0]);
        assert_eq!(weights(r#"{"linear": {"by": 0}}"#), [""; 0]);
        let doubled = ["1%", "2%", "4%", "8%", "16%", "32%", "64%"];
        assert_eq!(weights(r#"{"exponential": {"from": 1}}"#), doubled);
        assert_eq!(weights(r#"{"exponential": {"from": 5, "factor": 4}}"#), ["5%", "20%", "80%"]);
        assert_eq!(weights(r#"{"exponential": {"from": 5, "factor": 1}}"#), ["5%"]);
    }
}
