//! Who else may keep a Deployment as it says: controllers by `ownerReferences`, and tools by the marks they
//! leave. What they look like: the documents of Helm (`meta.helm.sh` annotations), Argo CD (resource tracking)
//! and Flux (`toolkit.fluxcd.io` labels).

use serde_json::Value;

use super::object::Object;

/// Somebody who would make a Deployment again, or undo what we write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manager {
    /// The name that is given back with `--released-by`: `helm`, `argocd`, `flux` or `Kind/name`.
    pub name: String,
    /// What shows it, such as an annotation with its value.
    pub sign: String,
    /// What a person can do about it.
    pub way_out: String,
}

/// A tool and one of its marks.
struct Tool {
    name: &'static str,
    /// Beginning of names of labels and annotations.
    marks: &'static [&'static str],
    /// Names of field managers.
    writers: &'static [&'static str],
    way_out: &'static str,
}

const TOOLS: [Tool; 3] = [
    Tool {
        name: "helm",
        marks: &["meta.helm.sh/release-name"],
        writers: &["helm"],
        way_out: "annotate it with `helm.sh/resource-policy=keep` and take it out of the chart",
    },
    Tool {
        name: "argocd",
        marks: &["argocd.argoproj.io/tracking-id", "argocd.argoproj.io/instance"],
        writers: &["argocd-controller", "argocd-application-controller"],
        way_out: "take it out of the Application's source without pruning, or turn its automated sync off",
    },
    Tool {
        name: "flux",
        marks: &["kustomize.toolkit.fluxcd.io/name", "helm.toolkit.fluxcd.io/name"],
        writers: &["kustomize-controller", "helm-controller"],
        way_out: "annotate it with `kustomize.toolkit.fluxcd.io/prune=disabled` and take it out of the source",
    },
];

/// Who else manages `object`: its controller first, then tools.
pub(super) fn managers(object: &Object) -> impl Iterator<Item = Manager> {
    controller(object).into_iter().chain(tools(object))
}

/// The controller that `object` has.
pub(super) fn controller(object: &Object) -> Option<Manager> {
    let owner = object.controller()?;
    let text = |field: &str| owner[field].as_str().unwrap_or_default().to_owned();
    let name = format!("{}/{}", text("kind"), text("name"));
    Some(Manager {
        sign: format!("the controller in its ownerReferences is {name} ({})", text("apiVersion")),
        way_out: format!("tell {name} to let it go, so that it is not made again"),
        name,
    })
}

fn tools(object: &Object) -> impl Iterator<Item = Manager> {
    TOOLS.iter().filter_map(|tool| {
        let sign = marked(object, tool).or_else(|| written(object, tool))?;
        Some(Manager { name: tool.name.to_owned(), sign, way_out: tool.way_out.to_owned() })
    })
}

fn marked(object: &Object, tool: &Tool) -> Option<String> {
    let places = [("annotation", "annotations"), ("label", "labels")];
    places.into_iter().find_map(|(what, place)| {
        tool.marks.iter().find_map(|mark| {
            let value = object.at(&["metadata", place, mark]).as_str()?;
            Some(format!("it has the {what} {mark}={value}"))
        })
    })
}

fn written(object: &Object, tool: &Tool) -> Option<String> {
    let entries = object.at(&["metadata", "managedFields"]).as_array()?;
    let writers = entries.iter().filter_map(|entry: &Value| entry["manager"].as_str());
    let found = writers.into_iter().find(|writer| tool.writers.contains(writer))?;
    Some(format!("fields of it were written by `{found}`"))
}
