//! Gates that other tools' evidence becomes.

use rollout_core::spec::Gate;
use serde::Deserialize as _;
use serde_json::{Value, json};

/// The gate of a person's word, for evidence that the engine cannot gather itself.
pub(crate) fn approval() -> Value {
    json!({ "approval": {} })
}

/// A metric as a gate, or why the spec has no such gate.
///
/// Asking the spec itself keeps what a spec cannot say from being written: the caller asks a person instead.
pub(crate) fn metric(metric: &Value) -> Result<Value, String> {
    let gate = json!({ "metric": metric });
    match Gate::deserialize(&gate) {
        Ok(_) => Ok(gate),
        Err(why) => {
            let why = why.to_string();
            // What else a spec knows is of no help here.
            let short = why.split(", expected").next().unwrap_or(&why);
            Err(format!("as a gate it would be refused: {short}"))
        }
    }
}
