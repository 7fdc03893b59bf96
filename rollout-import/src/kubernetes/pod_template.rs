//! The pod template: carried over whole; what the engine itself must know is read beside.

use rollout_core::time::Span;
use serde_json::{Map, Value};

use super::{OWN, labels, probes};
use crate::{
    ImportError,
    document::{Fields, Scope},
    draft::Draft,
    file::selects,
};

/// Default of `terminationGracePeriodSeconds`.
const GRACE: Span = Span::from_secs(30);

/// Carries `template` over, checks it against `selector`, and reads grace and probes.
pub(crate) fn map(
    spec: &mut Fields<'_>,
    namespace: &str,
    draft: &mut Draft,
) -> Result<(), ImportError> {
    let Some(template) = spec.raw("template") else {
        return Err(spec.missing("template", "add the pod template"));
    };
    spec.mapped("template", "template");
    carry(spec.scope, "spec.template", template, namespace, draft)?;
    selector(spec, draft)
}

/// Carries the pod template that stands at `path` of the object in `scope`.
pub(crate) fn carry(
    scope: Scope<'_>,
    path: &str,
    mut template: Value,
    namespace: &str,
    draft: &mut Draft,
) -> Result<(), ImportError> {
    let containers = template["spec"]["containers"].as_array().cloned().unwrap_or_default();
    if containers.is_empty() {
        return Err(scope.wrong(
            &format!("{path}.spec.containers"),
            "there is no container",
            "write at least one, with `name` and `image`",
        ));
    }
    for (index, container) in containers.iter().enumerate() {
        let image = container.get("image").and_then(Value::as_str).unwrap_or_default();
        if image.is_empty() {
            return Err(scope.wrong(
                &format!("{path}.spec.containers[{index}].image"),
                "it is missing",
                "name the image",
            ));
        }
    }
    if !namespace.is_empty() {
        template["metadata"]["namespace"] = Value::String(namespace.to_owned());
    }
    grace(scope, path, &template, draft)?;
    probes::map(scope, path, &containers, draft)?;
    draft.set("template", &template);
    Ok(())
}

/// `terminationGracePeriodSeconds`, which is the engine's as well.
fn grace(
    scope: Scope<'_>,
    path: &str,
    template: &Value,
    draft: &mut Draft,
) -> Result<(), ImportError> {
    const NAME: &str = "terminationGracePeriodSeconds";
    const TO: &str = "drain.stop_grace";
    let written = template["spec"].get(NAME).cloned();
    let one: Map<String, Value> =
        written.map(|value| (NAME.to_owned(), value)).into_iter().collect();
    let mut pod = Fields::new(scope, &format!("{path}.spec"), one);
    pod.carry_or(NAME, draft, TO, (GRACE, OWN), Fields::seconds)
}

/// `selector`: the engine makes its own, of labels that the pods have anyway.
fn selector(spec: &mut Fields<'_>, draft: &Draft) -> Result<(), ImportError> {
    let Some(selector) = spec.raw("selector") else {
        spec.dropped("selector", "not set: the engine selects its pods itself");
        return Ok(());
    };
    let expressions = selector.get("matchExpressions").is_some();
    if !expressions && !selects(selector.get("matchLabels"), &labels(draft.get("template"))) {
        return Err(spec.wrong(
            "selector.matchLabels",
            "the labels of the pod template do not match it",
            "write the same labels in `template.metadata.labels`",
        ));
    }
    spec.dropped(
        "selector",
        "the engine selects its pods by labels of its own beside those of the template",
    );
    Ok(())
}
