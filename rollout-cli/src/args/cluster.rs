//! Arguments of what is asked of a cluster: which one, which namespace, which object.

use std::{path::PathBuf, str::FromStr};

use clap::{Args, ValueEnum};
use rollout_k8s::{adopt::Kind, backend::EnrolBy, client::Options};

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

/// What rules pods, as `deployment/NAME`, `statefulset/NAME`, `daemonset/NAME` or the name of a Deployment alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RulerName {
    pub(crate) kind: Kind,
    pub(crate) name: String,
}

impl FromStr for RulerName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (kind, name) = text.split_once('/').unwrap_or(("deployment", text));
        let kind = match kind {
            "deployment" | "deployments" | "deploy" | "deployment.apps" => Kind::Deployment,
            "statefulset" | "statefulsets" | "sts" | "statefulset.apps" => Kind::StatefulSet,
            "daemonset" | "daemonsets" | "ds" | "daemonset.apps" => Kind::DaemonSet,
            _ => {
                return Err(format!(
                    "`{kind}` cannot be adopted; name a `deployment/NAME`, a `statefulset/NAME` or a `daemonset/NAME`"
                ));
            }
        };
        if name.is_empty() || name.contains('/') {
            return Err(format!("`{text}` is no `deployment/NAME`"));
        }
        Ok(Self { kind, name: name.to_owned() })
    }
}

/// Arguments of `adopt`.
#[derive(Debug, Args)]
pub(crate) struct AdoptArgs {
    /// The Deployment, `statefulset/NAME` or `daemonset/NAME`
    #[arg(value_name = "deployment/NAME")]
    pub(crate) ruler: RulerName,
    #[command(flatten)]
    pub(crate) cluster: ClusterArgs,
    /// Print what would change, field by field; touches nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Who managed it and has let go of it: `helm`, `argocd`, `flux` or KIND/NAME of a controller;
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
    /// What was adopted
    #[arg(value_name = "deployment/NAME")]
    pub(crate) ruler: RulerName,
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
    fn what_rules_pods_is_named_as_kubectl_names_it() {
        for (text, expected) in [
            ("deployment/web", Some(Kind::Deployment)),
            ("deploy/web", Some(Kind::Deployment)),
            ("deployment.apps/web", Some(Kind::Deployment)),
            ("web", Some(Kind::Deployment)),
            ("statefulset/web", Some(Kind::StatefulSet)),
            ("ds/web", Some(Kind::DaemonSet)),
            ("job/web", None),
            ("deployment/", None),
            ("deployment/a/b", None),
        ] {
            let read: Option<RulerName> = text.parse().ok();
            let expected = expected.map(|kind| RulerName { kind, name: "web".to_owned() });
            assert_eq!(read, expected, "{text}");
        }
    }
}
