//! The service's `x-rollout`: what Compose has no words for, in the words of the spec.

use serde_json::{Map, Value};

use super::{ComposeError, fields::Fields};

/// Parts of a spec that `x-rollout` may say. The template is the service itself.
const PARTS: [&str; 8] =
    ["revision", "strategy", "health", "drain", "deadlines", "rollback", "on_submit", "traffic"];

/// Parts that are taken whole; of the others each field stands for itself.
const WHOLE: [&str; 2] = ["strategy", "traffic"];

/// Takes `x-rollout` out of the service.
pub(super) fn take(fields: &mut Fields<'_>) -> Result<Map<String, Value>, ComposeError> {
    const NAME: &str = "x-rollout";
    match fields.value(NAME)? {
        None => Ok(Map::new()),
        Some(Value::Object(own)) => {
            if let Some(other) = own.keys().find(|key| !PARTS.contains(&key.as_str())) {
                return Err(fields.wrong(
                    &format!("{NAME}.{other}"),
                    "it is not known here",
                    &format!("known are: {}", PARTS.join(", ")),
                ));
            }
            fields.mapped(NAME, "the spec, where it wins over the service's own fields");
            Ok(own)
        }
        Some(other) => Err(fields.wrong(
            NAME,
            format!("`{other}` is no map of fields"),
            "write it in the words of a spec",
        )),
    }
}

/// Lays `own` over `spec`.
pub(super) fn lay(own: Map<String, Value>, spec: &mut Value) {
    for (part, value) in own {
        match (&mut spec[part.as_str()], value) {
            (Value::Object(old), Value::Object(new)) if !WHOLE.contains(&part.as_str()) => {
                old.extend(new);
            }
            (old, new) => *old = new,
        }
    }
}
