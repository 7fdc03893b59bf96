//! Services: whether a drained pod would really leave them.
//!
//! A drain takes a label off a pod. That means something only where the Service asks for the label, so a Service
//! that does not is told before anything is touched, and so is one that would not find the new pods at all.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::Service;
use kube::{Api, Client};
use serde_json::Value;

use super::EnrolBy;
use crate::{
    labels,
    outcome::{Failed, ask_for},
    router::Traffic,
};

/// A Service that cannot take the pods of a rollout.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ServiceError {
    /// There is none of that name.
    #[error(
        "traffic.kubernetes.services: there is no Service `{service}` in namespace `{namespace}`; create it, or correct the name"
    )]
    Missing {
        /// Its name.
        service: String,
        /// Where it was looked for.
        namespace: String,
    },
    /// It does not ask for the label by which pods are taken out of traffic.
    #[error(
        "traffic.kubernetes.services: the selector of the Service `{service}` does not ask for `{label}: \"{value}\"`, so a drained pod would go on getting requests; add it to the selector: every pod of the rollout has it; or write `enrol_by: readiness_gate` in `traffic.kubernetes`",
        label = labels::SERVING,
        value = labels::SERVING_VALUE
    )]
    NotDraining {
        /// Its name.
        service: String,
    },
    /// Its selector matches no pod of the template.
    #[error(
        "traffic.kubernetes.services: the selector of the Service `{service}` asks for `{name}: \"{wanted}\"`, and pods of the template have {found}; correct the selector, or the template's labels"
    )]
    NoMatch {
        /// Its name.
        service: String,
        /// Name of the label.
        name: String,
        /// Value that it asks for.
        wanted: String,
        /// What the template has.
        found: String,
    },
    /// Nobody can say.
    #[error("the Service `{service}` cannot be looked at: {why}")]
    Unknown {
        /// Its name.
        service: String,
        /// What came instead of an answer.
        why: String,
    },
}

/// Checks that each Service that `traffic` names for all revisions finds pods of `template`, and loses those that
/// are drained.
///
/// # Errors
///
/// [`ServiceError`] for the first that does not.
pub async fn check_services(
    client: &Client,
    namespace: &str,
    traffic: &Traffic,
    template: &Value,
) -> Result<(), ServiceError> {
    let api: Api<Service> = Api::namespaced(client.clone(), namespace);
    for name in &traffic.services {
        let found = ask_for(api.get(name)).await.map_err(|failed| {
            let (Failed::Refused(_, _, why) | Failed::Unknown(why)) = failed;
            ServiceError::Unknown { service: name.clone(), why }
        })?;
        let Some(service) = found else {
            let namespace = namespace.to_owned();
            return Err(ServiceError::Missing { service: name.clone(), namespace });
        };
        let selector = service.spec.and_then(|spec| spec.selector).unwrap_or_default();
        check(name, &selector, template, traffic.enrol_by)?;
    }
    Ok(())
}

/// Checks one selector.
fn check(
    service: &str,
    selector: &BTreeMap<String, String>,
    template: &Value,
    enrol_by: EnrolBy,
) -> Result<(), ServiceError> {
    let service = service.to_owned();
    if enrol_by == EnrolBy::Label
        && selector.get(labels::SERVING).is_none_or(|value| value != labels::SERVING_VALUE)
    {
        return Err(ServiceError::NotDraining { service });
    }
    let of_pods = &template["metadata"]["labels"];
    for (name, wanted) in selector {
        // Ours are on every pod; which workload and revision they name is for whoever set them.
        if name.starts_with(&format!("{}/", labels::GROUP)) {
            continue;
        }
        let found = of_pods.get(name).and_then(Value::as_str);
        if found != Some(wanted) {
            return Err(ServiceError::NoMatch {
                service,
                name: name.clone(),
                wanted: wanted.clone(),
                found: found.map_or_else(|| "none such".to_owned(), |value| format!("`{value}`")),
            });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_service_that_would_keep_a_drained_pod_is_refused() {
        let template = json!({ "metadata": { "labels": { "app": "web" } } });
        let asked = |asked: &[(&str, &str)], enrol_by| {
            let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
            check("s", &asked.iter().map(own).collect(), &template, enrol_by)
        };
        let (app, serving) = (("app", "web"), (labels::SERVING, "yes"));
        assert_eq!(asked(&[app, serving], EnrolBy::Label), Ok(()));
        assert!(matches!(asked(&[app], EnrolBy::Label), Err(ServiceError::NotDraining { .. })));
        assert_eq!(asked(&[app], EnrolBy::ReadinessGate), Ok(()));
        for enrol_by in [EnrolBy::Label, EnrolBy::ReadinessGate] {
            let error = asked(&[("app", "shop"), serving], enrol_by).unwrap_err();
            let told = "`app: \"shop\"`, and pods of the template have `web`";
            assert!(error.to_string().contains(told), "{error}");
            assert!(asked(&[("tier", "x"), serving], enrol_by).is_err());
        }
    }
}
