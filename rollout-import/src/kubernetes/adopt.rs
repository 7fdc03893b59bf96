//! Workloads that others refer to: their pod template is taken, and what else they say is told.

use super::{head, pod_template};
use crate::{
    ImportError,
    document::{Fields, Object, Scope},
    draft::Draft,
    file::File,
};

/// The workload that `reference` names by `kind` and `name`.
pub(crate) fn target<'a>(
    file: &'a File,
    reference: &mut Fields<'a>,
) -> Result<&'a Object, ImportError> {
    let kind = reference.text("kind")?.unwrap_or_else(|| "Deployment".to_owned());
    let name = reference.text("name")?;
    let name = name.ok_or_else(|| reference.missing("name", "name the workload"))?;
    if kind != "Deployment" {
        return Err(reference.wrong(
            "kind",
            format!("the pods of a `{kind}` cannot be taken over"),
            "refer to a Deployment",
        ));
    }
    // The line about the whole reference says all.
    drop(reference.raw("apiVersion"));
    reference.mapped("", "template");
    file.named(reference.scope.object, &kind, &name).ok_or_else(|| {
        reference.wrong(
            "name",
            format!("{kind}/{name} is not in the file, and its pod template stands there"),
            "put it into the same file, after a line `---`",
        )
    })
}

/// The fields of the workload in `scope`, whose head is of no more use.
pub(crate) fn open<'a>(file: &File, scope: Scope<'a>) -> Result<Fields<'a>, ImportError> {
    file.mark(scope.object);
    let (_, spec) = head(scope, "apps/v1")?;
    Ok(spec)
}

/// Takes the pod template; the rest is ruled by the one that refers to it.
pub(crate) fn template(spec: &mut Fields<'_>, draft: &mut Draft) -> Result<(), ImportError> {
    let namespace = spec.scope.object.namespace.clone();
    pod_template::map(spec, &namespace, draft)?;
    for name in spec.names() {
        spec.leave_out(&name, "the one that refers to it rules this");
    }
    Ok(())
}
