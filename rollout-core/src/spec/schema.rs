//! The JSON Schema of a spec, for editors: completion and the first errors while writing.

use super::Spec;

/// The JSON Schema of [`Spec`]. It knows shapes, not sense: what it accepts is still checked.
#[must_use]
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(Spec).to_value()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The schema kept beside the crate, for those who do not run Rust.
    const KEPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/spec.schema.json");

    #[test]
    #[expect(
        clippy::disallowed_methods,
        reason = "a kept file is compared with what the code says; only tests do so"
    )]
    fn the_kept_schema_is_true() {
        let mut text = serde_json::to_string_pretty(&schema()).unwrap();
        text.push('\n');
        if std::env::var("UPDATE_GOLDEN").is_ok() {
            std::fs::write(KEPT, &text).unwrap();
        }
        let kept = std::fs::read_to_string(KEPT).unwrap();
        assert!(
            kept == text,
            "{KEPT} is not what the code says; run the tests again with UPDATE_GOLDEN=1 and look at the difference"
        );
    }

    #[test]
    fn the_schema_knows_every_field_and_no_other() {
        let schema = schema();
        assert_eq!(schema["additionalProperties"], false);
        let properties = schema["properties"].as_object().unwrap();
        // Each field that is not written while it has its default, with another value.
        let spec = Spec::from_json(
            r#"{
                "version": 1, "workload": "web", "revision": "v1", "history": 3, "breaker": {},
                "hooks": { "after": [{ "name": "x", "run": 1 }] }, "modules": [{ "name": "x" }]
            }"#,
        );
        let mut written = serde_json::to_value(spec.unwrap()).unwrap();
        // Not written when they are nothing, or the default.
        for field in ["traffic", "calendar", "watch", "hooks", "modules", "breaker", "history"] {
            written[field] = serde_json::Value::Null;
        }
        let names = |map: &serde_json::Map<_, _>| -> Vec<String> { map.keys().cloned().collect() };
        let mut written = names(written.as_object().unwrap());
        written.sort();
        let mut known = names(properties);
        known.sort();
        assert_eq!(known, written);
    }
}
