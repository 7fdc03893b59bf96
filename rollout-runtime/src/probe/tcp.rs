//! The TCP probe: a connection that is accepted.

use std::net::IpAddr;

use rollout_core::spec::TcpProbe;
use tokio::net::TcpStream;

use super::Answer;

/// Connects once and hangs up.
pub(super) async fn ask(address: IpAddr, probe: &TcpProbe) -> Answer {
    match TcpStream::connect((address, probe.port)).await {
        Ok(_) => Answer::healthy("accepted"),
        Err(error) => Answer::unhealthy(format!("connect to port {}: {error}", probe.port)),
    }
}
