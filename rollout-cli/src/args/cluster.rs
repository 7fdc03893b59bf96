//! Arguments of what is asked of a cluster: which one, which namespace, which object.

use std::{path::PathBuf, str::FromStr};

use clap::{Args, ValueEnum};
use rollout_k8s::{backend::EnrolBy, client::Options};

/// Which cluster, and which namespace of it.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct ClusterArgs {
    /// Namespace [default: that of the context]
    #[arg(short, long, value_name = "NAME")]
    pub(crate) namespace: Option<String>,
    /// Context of the kubeconfig [default: its current one]
    #[arg(long, value_name = "NAME")]
    pub(crate) context: Option<String>,
    /// Kubeconfig [default: `KUBECONFIG`, `~/.kube/config`, or the pod's own account]
    #[arg(long, value_name = "FILE")]
    pub(crate) kubeconfig: Option<PathBuf>,
    /// Whether the command was called by `kubectl`.
    #[arg(skip)]
    pub(crate) is_plugin: bool,
}

impl ClusterArgs {
    /// Whether an object of a cluster is meant, for something of a cluster was named.
    pub(crate) const fn is_meant(&self) -> bool {
        self.is_plugin
            || self.namespace.is_some()
            || self.context.is_some()
            || self.kubeconfig.is_some()
    }

    /// The same for the library.
    pub(crate) fn options(&self) -> Options {
        let Self { namespace, context, kubeconfig, is_plugin: _ } = self.clone();
        Options { kubeconfig, context, namespace }
    }
}

/// A Deployment, as `deployment/NAME` or its name alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DeploymentName(pub(crate) String);

impl FromStr for DeploymentName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (kind, name) = text.split_once('/').unwrap_or(("deployment", text));
        if !matches!(kind, "deployment" | "deployments" | "deploy" | "deployment.apps") {
            return Err(format!(
                "`{kind}` cannot be adopted, for its pods are replaced in place; name a `deployment/NAME`"
            ));
        }
        if name.is_empty() || name.contains('/') {
            return Err(format!("`{text}` is no `deployment/NAME`"));
        }
        Ok(Self(name.to_owned()))
    }
}

/// Arguments of `adopt`.
#[derive(Debug, Args)]
pub(crate) struct AdoptArgs {
    /// The Deployment
    #[arg(value_name = "deployment/NAME")]
    pub(crate) deployment: DeploymentName,
    #[command(flatten)]
    pub(crate) cluster: ClusterArgs,
    /// Print what would change, field by field; touches nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Who managed the Deployment and has let go of it: `helm`, `argocd`, `flux` or KIND/NAME of a controller;
    /// may be given several times
    #[arg(long, value_name = "NAME")]
    pub(crate) released_by: Vec<String>,
    /// What takes single pods in and out of traffic: a label that every Service will ask for, or a readiness gate,
    /// which leaves the Services as they are (docs/ADOPT.md)
    #[arg(long, value_enum, default_value_t)]
    pub(crate) enrol_by: EnrolByArg,
}

/// What takes single pods in and out of traffic.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum EnrolByArg {
    #[default]
    Label,
    ReadinessGate,
}

impl From<EnrolByArg> for EnrolBy {
    fn from(chosen: EnrolByArg) -> Self {
        match chosen {
            EnrolByArg::Label => Self::Label,
            EnrolByArg::ReadinessGate => Self::ReadinessGate,
        }
    }
}

/// Arguments of `hand-back`.
#[derive(Debug, Args)]
pub(crate) struct HandBackArgs {
    /// The Deployment that was adopted
    #[arg(value_name = "deployment/NAME")]
    pub(crate) deployment: DeploymentName,
    #[command(flatten)]
    pub(crate) cluster: ClusterArgs,
    /// Print what would change, field by field; touches nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deployment_is_named_as_kubectl_names_it() {
        for (text, expected) in [
            ("deployment/web", Some("web")),
            ("deploy/web", Some("web")),
            ("deployment.apps/web", Some("web")),
            ("web", Some("web")),
            ("statefulset/web", None),
            ("deployment/", None),
            ("deployment/a/b", None),
        ] {
            let read: Option<DeploymentName> = text.parse().ok();
            assert_eq!(read.map(|name| name.0).as_deref(), expected, "{text}");
        }
    }
}
