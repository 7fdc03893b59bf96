//! Gateway: Contour and Envoy as a Gateway API data plane.
//!
//! In: a cluster whose API server answers. Out: a Gateway that is programmed, served on
//! [`Cluster::gateway_addr`](super::Cluster::gateway_addr).

use std::{net::TcpStream, process::Command};

use super::{
    Cluster, ClusterError, Component,
    layout::{GATEWAY_PORT, XDS_PORT},
};
use crate::bed::output;

/// The definitions that must be there before Contour starts: it exits without them.
const KINDS: [&str; 3] = [
    "crd/gateways.gateway.networking.k8s.io",
    "crd/backendtlspolicies.gateway.networking.k8s.io",
    "crd/httpproxies.projectcontour.io",
];

/// Makes the definitions, those of kinds that nobody here controls among them, and the objects, and starts both.
pub(super) fn start(cluster: &mut Cluster) -> Result<(), ClusterError> {
    let definitions = cluster.layout.program("definitions");
    let definitions = definitions.to_string_lossy();
    cluster.kubectl(["apply", "--server-side", "-f", &definitions])?;
    cluster.kubectl(
        ["wait", "--for=condition=Established", "--timeout=30s"].into_iter().chain(KINDS),
    )?;
    cluster.kubectl(["apply", "-f", &cluster.layout.text("gateway.yaml")])?;
    cluster.run(Component::Contour)?;
    output(
        Command::new(cluster.layout.program("contour"))
            .args(["bootstrap", &cluster.layout.text("envoy.json"), "--xds-address=127.0.0.1"])
            .arg(format!("--xds-port={XDS_PORT}"))
            .arg(format!("--admin-address={}", cluster.layout.text("envoy.sock"))),
    )?;
    cluster.run(Component::Envoy)?;
    let parts = [Component::Contour, Component::Envoy];
    cluster.until("the Gateway", &parts, || {
        let format = r#"jsonpath={.status.conditions[?(@.type=="Programmed")].status}"#;
        let said = cluster.kubectl(["-n", "gateway", "get", "gateway", "gateway", "-o", format])?;
        Ok(said == "True" && TcpStream::connect(("127.0.0.1", XDS_PORT)).is_ok())
    })
}

/// Whether Envoy listens: it does so once a route has joined the Gateway.
pub(super) fn listens() -> bool {
    TcpStream::connect(("127.0.0.1", GATEWAY_PORT)).is_ok()
}
