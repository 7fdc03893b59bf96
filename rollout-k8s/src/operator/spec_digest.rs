//! Whether two specs differ in more than the number of instances.

use rollout_core::spec::CheckedSpec;
use rollout_runtime::digest_id;

/// A name for everything a spec says but its number of instances: the same for equal specs.
pub(super) fn digest(spec: &CheckedSpec) -> String {
    let mut value = serde_json::to_value(spec).expect("a spec can be written as JSON");
    if let Some(fields) = value.as_object_mut() {
        fields.remove("replicas");
    }
    digest_id(&value).as_str().to_owned()
}

#[cfg(test)]
mod tests {
    use rollout_core::spec::Spec;

    use super::*;

    fn read(text: &str) -> CheckedSpec {
        CheckedSpec::new(Spec::from_yaml(text).unwrap()).unwrap()
    }

    #[test]
    fn only_the_number_of_instances_is_left_out() {
        let one = digest(&read("version: 1\nworkload: web\nreplicas: 3\ntemplate: {image: a}"));
        let same = digest(&read("version: 1\nworkload: web\nreplicas: 9\ntemplate: {image: a}"));
        let other = digest(&read("version: 1\nworkload: web\nreplicas: 3\ntemplate: {image: b}"));
        assert_eq!(one, same);
        assert_ne!(one, other);
    }
}
