//! Where traffic comes from: the `traffic` of a spec, strictly typed.

use std::{fmt, path::PathBuf};

use serde::{Deserialize, Serialize};

/// The `traffic` of a spec.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Traffic {
    /// An HAProxy that is told what to do through its runtime socket.
    pub haproxy: HaProxySpec,
}

/// One backend of a running HAProxy, 2.6 or newer, kept for one workload alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HaProxySpec {
    /// Its runtime socket at level `admin`: a path, or `tcp://host:port`.
    pub socket: Address,
    /// Name of the backend; it needs a dynamic `balance`, such as `roundrobin`, and no servers of its own.
    pub backend: String,
    /// Port that every instance answers on.
    pub port: u16,
}

/// Where a runtime socket is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Address {
    /// A socket of this host.
    Unix(PathBuf),
    /// A host and a port.
    Tcp(String),
}

impl std::str::FromStr for Address {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(place) = text.strip_prefix("tcp://") {
            return match place.rsplit_once(':') {
                Some((host, port)) if !host.is_empty() && port.parse::<u16>().is_ok() => {
                    Ok(Self::Tcp(place.to_owned()))
                }
                Some(_) | None => {
                    Err(format!("`{text}` has no host and port; write `tcp://127.0.0.1:9999`"))
                }
            };
        }
        let path = text.strip_prefix("unix://").unwrap_or(text);
        if path.starts_with('/') {
            return Ok(Self::Unix(path.into()));
        }
        Err(format!("`{text}` is no socket; write an absolute path or `tcp://host:port`"))
    }
}

impl TryFrom<String> for Address {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Address> for String {
    fn from(address: Address) -> Self {
        match address {
            Address::Unix(path) => path.display().to_string(),
            Address::Tcp(place) => format!("tcp://{place}"),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from(self.clone()))
    }
}

/// A `traffic` that was refused, or an HAProxy that cannot do what it asks.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TrafficError {
    /// The `traffic` of the spec cannot be read.
    #[error(
        "{field}: {why}; write `traffic: {{ haproxy: {{ socket: /run/haproxy.sock, backend: web, port: 8080 }} }}`"
    )]
    Malformed {
        /// Path of the field.
        field: String,
        /// What is wrong.
        why: String,
    },
    /// Nobody answers on the socket.
    #[error(
        "traffic.haproxy.socket: HAProxy is not reachable at {socket}: {why}; start it, or correct the path of its `stats socket`"
    )]
    Unreachable {
        /// The socket.
        socket: String,
        /// What came instead of an answer.
        why: String,
    },
    /// The socket may only look.
    #[error(
        "traffic.haproxy.socket: {socket} has level `{level}`, `admin` is needed; write `stats socket … level admin`"
    )]
    NotAdmin {
        /// The socket.
        socket: String,
        /// Its level.
        level: String,
    },
    /// There is no such backend.
    #[error(
        "traffic.haproxy.backend: HAProxy has no backend `{backend}`, it has: {known}; name one of them or add it to haproxy.cfg"
    )]
    UnknownBackend {
        /// The backend asked for.
        backend: String,
        /// The ones there are, in one line.
        known: String,
    },
    /// Servers cannot come and go in the backend.
    #[error(
        "traffic.haproxy.backend: `balance {algorithm}` of the backend `{backend}` is static; use `roundrobin`, `leastconn` or `random`"
    )]
    StaticBalance {
        /// The backend.
        backend: String,
        /// Its balancing algorithm.
        algorithm: String,
    },
}

impl Traffic {
    /// Reads the `traffic` of a spec strictly.
    ///
    /// # Errors
    ///
    /// [`TrafficError::Malformed`] names the field that is wrong.
    pub fn read(traffic: &serde_json::Value) -> Result<Self, TrafficError> {
        let malformed = |field: String, why: String| TrafficError::Malformed { field, why };
        let read: Self = serde_path_to_error::deserialize(traffic).map_err(|error| {
            malformed(
                format!("traffic.{}", error.path()).trim_end_matches('.').to_owned(),
                error.inner().to_string(),
            )
        })?;
        let plain = |character: char| {
            character.is_ascii_alphanumeric() || matches!(character, '-' | '_' | '.' | ':')
        };
        let backend = &read.haproxy.backend;
        if backend.is_empty() || !backend.chars().all(plain) {
            return Err(malformed(
                "traffic.haproxy.backend".to_owned(),
                format!(
                    "`{backend}` is no name of a backend (letters, digits, `-`, `_`, `.`, `:`)"
                ),
            ));
        }
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn traffic_is_read_strictly() {
        let good =
            json!({ "haproxy": { "socket": "/run/h.sock", "backend": "web", "port": 8080 } });
        let traffic = Traffic::read(&good).unwrap();
        assert_eq!(traffic.haproxy.socket, Address::Unix("/run/h.sock".into()));
        assert_eq!(serde_json::to_value(&traffic).unwrap(), good);
        for (bad, field) in [
            (json!({}), "traffic"),
            (
                json!({ "haproxy": { "socket": "h.sock", "backend": "web", "port": 1 } }),
                "traffic.haproxy.socket",
            ),
            (
                json!({ "haproxy": { "socket": "tcp://x", "backend": "web", "port": 1 } }),
                "traffic.haproxy.socket",
            ),
            (
                json!({ "haproxy": { "socket": "/h", "backend": "a b;c", "port": 1 } }),
                "traffic.haproxy.backend",
            ),
            (
                json!({ "haproxy": { "socket": "/h", "backend": "web", "port": 70000 } }),
                "traffic.haproxy.port",
            ),
        ] {
            match Traffic::read(&bad) {
                Err(TrafficError::Malformed { field: found, .. }) => assert_eq!(found, field),
                other => panic!("{bad}: {other:?}"),
            }
        }
    }
}
