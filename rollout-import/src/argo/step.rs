//! One step of a canary in the making, and how the spec has it.

use rollout_core::weight::Weight;
use serde_json::{Value, json};

/// One step of the canary in the making.
#[derive(Clone, Debug)]
pub(super) struct Step {
    pub(super) weight: Weight,
    pub(super) replicas: Option<u64>,
    pub(super) matches: Vec<Value>,
    pub(super) mirror: Weight,
    pub(super) gates: Vec<Value>,
    /// Index of the last of Argo's steps that it stands for.
    pub(super) last: usize,
}

impl Step {
    pub(super) fn new(weight: Weight) -> Self {
        Self {
            weight,
            replicas: None,
            matches: Vec::new(),
            mirror: Weight::ZERO,
            gates: Vec::new(),
            last: 0,
        }
    }

    /// Adds a gate, unless it has the same one already.
    pub(super) fn add(&mut self, gate: Value) {
        if !self.gates.contains(&gate) {
            self.gates.push(gate);
        }
    }

    /// The step as the spec has it.
    pub(super) fn into_value(self) -> Value {
        let mut step = json!({ "weight": self.weight });
        if self.weight.is_zero() {
            step["name"] = json!("preview");
        }
        if let Some(replicas) = self.replicas {
            step["replicas"] = json!(replicas);
        }
        if !self.matches.is_empty() {
            step["match"] = json!(self.matches);
        }
        if !self.mirror.is_zero() {
            step["mirror"] = json!(self.mirror);
        }
        if !self.gates.is_empty() {
            step["gates"] = json!(self.gates);
        }
        step
    }
}
