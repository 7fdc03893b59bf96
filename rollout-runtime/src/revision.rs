//! Names for revisions that the spec does not name: a digest of the pinned template.

use rollout_core::id::RevisionId;
use serde_json::Value;

/// Hexadecimal digits of a digest that make a name: 48 bits, ample for the revisions of one workload.
const DIGITS: usize = 12;

/// Returns the name of a revision made from `template`: the same for equal templates, whatever the
/// order of their fields.
///
/// # Panics
///
/// Never: hexadecimal digits are a valid name.
#[must_use]
pub fn digest_id(template: &Value) -> RevisionId {
    let mut hasher = blake3::Hasher::new();
    digest(template, &mut hasher);
    let hex = hasher.finalize().to_hex();
    RevisionId::new(&hex[..DIGITS]).expect("hexadecimal digits are a valid name")
}

/// Feeds `value` with its fields sorted, so that no feature of the JSON library changes the digest.
fn digest(value: &Value, hasher: &mut blake3::Hasher) {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            hasher.update(value.to_string().as_bytes());
        }
        Value::Array(items) => {
            hasher.update(b"[");
            for item in items {
                digest(item, hasher);
                hasher.update(b",");
            }
            hasher.update(b"]");
        }
        Value::Object(fields) => {
            let mut fields: Vec<_> = fields.iter().collect();
            fields.sort_by_key(|(name, _)| *name);
            hasher.update(b"{");
            for (name, value) in fields {
                hasher.update(Value::from(name.as_str()).to_string().as_bytes());
                hasher.update(b":");
                digest(value, hasher);
                hasher.update(b",");
            }
            hasher.update(b"}");
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn equal_templates_have_one_name_and_others_another() {
        let one = digest_id(&json!({"image": "a", "env": {"x": "1", "y": "2"}}));
        let same = digest_id(&json!({"env": {"y": "2", "x": "1"}, "image": "a"}));
        let other = digest_id(&json!({"image": "b", "env": {"x": "1", "y": "2"}}));
        assert_eq!(one, same);
        assert_ne!(one, other);
        assert_eq!(one.as_str().len(), DIGITS);
        assert_ne!(digest_id(&json!(["a", "b"])), digest_id(&json!(["ab"])));
    }
}
