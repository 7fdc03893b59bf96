//! What the API server itself refuses: the checks of a spec that CEL can say.
//!
//! Absent: everything else. What these rules let through is still checked by the operator, which says what
//! is wrong in the condition `Accepted`.

use serde_json::{Value, json};

/// Rules about the object as a whole.
pub(super) fn of_object() -> Value {
    json!([
        rule(
            "size(self.metadata.name) <= 63",
            "metadata.name: a workload's name has at most 63 characters; take a shorter one",
        ),
        rule(
            "!has(self.spec.workload) || self.spec.workload == self.metadata.name",
            "spec.workload: it is not the name of the object; leave it out",
        ),
    ])
}

/// Adds the rules about parts of a spec.
pub(super) fn add(spec: &mut Value) {
    let rules = json!([
        rule("self.version == 1", "version: this operator reads version 1; leave it out"),
        rule(
            "!has(self.deadlines) || !has(self.deadlines.total) || self.deadlines.total != '0s'",
            "deadlines.total: 0s is no time; leave it out for no limit",
        ),
    ]);
    spec["x-kubernetes-validations"] = rules;
    let strategy = "/properties/strategy/properties";
    at(
        spec,
        &format!("{strategy}/canary"),
        &[
            rule(
                "!(has(self.ramp) && has(self.steps) && size(self.steps) != 0)",
                "steps and a ramp that makes steps: leave out one of them",
            ),
            rule(
                "has(self.ramp) || (has(self.steps) && size(self.steps) != 0)",
                "there is no step; write at least one such as `- weight: 25`, write a `ramp`, or use `rolling`",
            ),
        ],
    );
    let no_room = rule(
        "!(has(self.surge) && string(self.surge) in ['0', '0%'] && (!has(self.unavailable) || string(self.unavailable) in ['0', '0%']))",
        "surge is 0 and unavailable is 0 (0 is its default), so no pod could ever be replaced; set one of them to 1 or more",
    );
    at(
        spec,
        &format!("{strategy}/rolling"),
        &[
            no_room,
            rule(
                "!has(self.parallelism) || self.parallelism != 0",
                "parallelism: 0 could never move anything; write 1 or more, or leave it out",
            ),
        ],
    );
}

fn rule(rule: &str, message: &str) -> Value {
    json!({"rule": rule, "message": message})
}

fn at(spec: &mut Value, path: &str, rules: &[Value]) {
    let part = spec.pointer_mut(path).expect("the schema has every part that a rule is about");
    part["x-kubernetes-validations"] = rules.into();
}
