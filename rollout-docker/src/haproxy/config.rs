//! A small `haproxy.cfg` for one workload.

use std::{
    fmt::{self, Write as _},
    net::SocketAddr,
    path::PathBuf,
};

use rollout_core::time::Span;

/// What a configuration is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Where clients connect.
    pub listen: SocketAddr,
    /// Name of the backend, as in the spec's `traffic.haproxy.backend`.
    pub backend: String,
    /// The runtime socket, as in the spec's `traffic.haproxy.socket`.
    pub socket: PathBuf,
    /// Longest wait for an instance to accept a connection.
    pub connect: Span,
    /// Longest silence of a client or of an instance in mid-request.
    pub silence: Span,
}

impl Config {
    /// A configuration with a connect timeout of 1 s and a silence of 30 s.
    #[must_use]
    pub fn new(listen: SocketAddr, backend: impl Into<String>, socket: impl Into<PathBuf>) -> Self {
        Self {
            listen,
            backend: backend.into(),
            socket: socket.into(),
            connect: Span::from_secs(1),
            silence: Span::from_secs(30),
        }
    }
}

/// Renders `config` as text for HAProxy 2.6 and newer.
///
/// The backend has no servers: the engine adds them. Connections that fail are tried again on another
/// instance, which hides an instance that crashed from all requests that had not been sent yet.
/// HAProxy 2.6 keeps no idle connections to servers that were added at run time, so nothing idle stands
/// in the way of taking one out.
///
/// ```
/// use rollout_docker::haproxy::{Config, config};
///
/// let text = config(&Config::new("127.0.0.1:8080".parse()?, "web", "/run/haproxy.sock"));
/// assert!(text.contains("stats socket /run/haproxy.sock mode 600 level admin"));
/// # Ok::<(), std::net::AddrParseError>(())
/// ```
#[must_use]
pub fn config(config: &Config) -> String {
    config.to_string()
}

impl fmt::Display for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::new();
        writeln!(text, "global")?;
        writeln!(text, "  stats socket {} mode 600 level admin", self.socket.display())?;
        writeln!(text, "  stats timeout 1m\n  maxconn 4096\n")?;
        writeln!(text, "defaults\n  mode http")?;
        writeln!(text, "  timeout connect {}ms", self.connect.as_millis())?;
        for side in ["client", "server"] {
            writeln!(text, "  timeout {side} {}ms", self.silence.as_millis())?;
        }
        writeln!(text, "  timeout http-keep-alive {}ms", self.silence.as_millis())?;
        writeln!(text, "  timeout queue {}ms", self.connect.times(5).as_millis())?;
        writeln!(text, "  retries 3\n  option redispatch 1")?;
        writeln!(text, "  retry-on conn-failure empty-response\n")?;
        writeln!(text, "frontend {}-in", self.backend)?;
        writeln!(text, "  bind {}\n  default_backend {}\n", self.listen, self.backend)?;
        writeln!(text, "backend {}", self.backend)?;
        writeln!(text, "  balance roundrobin\n  http-reuse safe")?;
        f.write_str(&text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_configuration_names_what_the_spec_names() {
        let text = config(&Config::new("127.0.0.1:8080".parse().unwrap(), "web", "/run/h.sock"));
        for line in [
            "stats socket /run/h.sock mode 600 level admin",
            "bind 127.0.0.1:8080",
            "default_backend web",
            "backend web",
            "balance roundrobin",
            "timeout connect 1000ms",
        ] {
            assert!(text.lines().any(|found| found.trim() == line), "{line}\n{text}");
        }
    }
}
