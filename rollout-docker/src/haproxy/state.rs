//! What HAProxy says about one backend, read from the text of its runtime socket.

use std::{collections::BTreeMap, net::IpAddr};

use rollout_core::id::{InstanceId, RevisionId};

/// Bits of the administrative state that keep new requests away: maintenance and drain, of any origin.
const AWAY: u32 = 0x3f;

/// Everything read at once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Snapshot {
    /// Servers of ours, by their name in HAProxy.
    pub(super) servers: BTreeMap<String, Server>,
    /// Servers that are not ours and take traffic.
    pub(super) foreign: Vec<String>,
    /// Process variables that were asked for and are set.
    pub(super) variables: BTreeMap<String, String>,
}

/// One server of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Server {
    pub(super) revision: RevisionId,
    pub(super) instance: InstanceId,
    pub(super) address: Option<IpAddr>,
    pub(super) port: u16,
    /// Whether new requests may go to it.
    pub(super) open: bool,
    /// 0 to 256.
    pub(super) weight: u16,
    /// Requests it answers or that wait for it.
    pub(super) in_flight: u64,
}

/// A text that is not what was asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unreadable {
    /// HAProxy answered with an error.
    #[error("HAProxy answered: {0}")]
    Answer(String),
    /// A column is missing.
    #[error("HAProxy's answer has no column `{0}`; version 2.6 or newer is needed")]
    Column(&'static str),
}

/// Name of the server of an instance: its revision can be read back from it.
pub(super) fn server_name(revision: &RevisionId, instance: &InstanceId) -> String {
    format!("{revision}:{instance}")
}

/// The revision and the instance that a server is named after; `None` if it is not ours.
fn read_name(name: &str) -> Option<(RevisionId, InstanceId)> {
    let (revision, instance) = name.split_once(':')?;
    Some((revision.parse().ok()?, instance.parse().ok()?))
}

/// Reads the answers to `get var`, `show servers state BACKEND` and `show stat BACKEND 4 -1`.
pub(super) fn read(text: &str) -> Result<Snapshot, Unreadable> {
    let mut snapshot = Snapshot::default();
    let mut table = Table::None;
    for line in text.lines().map(str::trim_end).filter(|line| !line.is_empty()) {
        if let Some(header) = line.strip_prefix("# ") {
            table = Table::of(header)?;
        } else if let Some((name, value)) = variable(line) {
            snapshot.variables.insert(name, value);
        } else if line == "1" || line == "Variable not found." {
            // The version of the state format; a variable nobody has set yet.
        } else {
            match &table {
                Table::State(columns) => add_server(&mut snapshot, columns, line),
                Table::Stat(columns) => add_load(&mut snapshot, columns, line),
                Table::None => return Err(Unreadable::Answer(line.to_owned())),
            }
        }
    }
    match table {
        Table::Stat(_) => Ok(snapshot),
        Table::None | Table::State(_) => {
            Err(Unreadable::Answer("nothing about the backend".to_owned()))
        }
    }
}

/// The balancing algorithm in the answer to `show stat BACKEND 2 -1`.
pub(super) fn algorithm(text: &str) -> Option<String> {
    let mut lines = text.lines();
    let header = lines.next()?.strip_prefix("# ")?;
    let place = header.split(',').position(|name| name == "algo")?;
    let algorithm = lines.next()?.split(',').nth(place)?;
    Some(algorithm.to_owned()).filter(|text| !text.is_empty())
}

/// Which table the lines belong to, and the places of its columns.
enum Table {
    None,
    State([usize; 5]),
    Stat([usize; 3]),
}

impl Table {
    fn of(header: &str) -> Result<Self, Unreadable> {
        if header.starts_with("be_id") {
            let names: Vec<&str> = header.split(' ').collect();
            return Ok(Self::State(places(
                &names,
                ["srv_name", "srv_addr", "srv_admin_state", "srv_uweight", "srv_port"],
            )?));
        }
        let names: Vec<&str> = header.split(',').collect();
        Ok(Self::Stat(places(&names, ["svname", "qcur", "scur"])?))
    }
}

fn places<const N: usize>(
    names: &[&str],
    wanted: [&'static str; N],
) -> Result<[usize; N], Unreadable> {
    let mut found = [0; N];
    for (place, column) in found.iter_mut().zip(wanted) {
        *place = names.iter().position(|name| *name == column).ok_or(Unreadable::Column(column))?;
    }
    Ok(found)
}

/// `proc.name: type=str value=<text>`.
fn variable(line: &str) -> Option<(String, String)> {
    let (name, rest) = line.strip_prefix("proc.")?.split_once(": ")?;
    let value = rest.split_once("value=<")?.1.strip_suffix('>')?;
    Some((name.to_owned(), value.to_owned()))
}

fn add_server(snapshot: &mut Snapshot, columns: &[usize; 5], line: &str) {
    let fields: Vec<&str> = line.split(' ').collect();
    let [name, address, admin, weight, port] =
        columns.map(|column| fields.get(column).copied().unwrap_or_default());
    let open = admin.parse::<u32>().is_ok_and(|bits| bits & AWAY == 0);
    let Some((revision, instance)) = read_name(name) else {
        if open {
            snapshot.foreign.push(name.to_owned());
        }
        return;
    };
    let server = Server {
        revision,
        instance,
        address: address.parse().ok(),
        port: port.parse().unwrap_or_default(),
        open,
        weight: weight.parse().unwrap_or_default(),
        in_flight: 0,
    };
    snapshot.servers.insert(name.to_owned(), server);
}

fn add_load(snapshot: &mut Snapshot, columns: &[usize; 3], line: &str) {
    let fields: Vec<&str> = line.split(',').collect();
    let [name, waiting, answering] =
        columns.map(|column| fields.get(column).copied().unwrap_or_default());
    if let Some(server) = snapshot.servers.get_mut(name) {
        let count = |text: &str| text.parse::<u64>().unwrap_or_default();
        server.in_flight = count(waiting).saturating_add(count(answering));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As captured from HAProxy 2.6.12, columns that are not read cut away at the end.
    const CAPTURED: &str = "\
proc.rollout_route_web: type=str value=<weighted/v1=7500/v2=2500>

1
# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight srv_iweight srv_time_since_last_change srv_check_status srv_check_result srv_check_health srv_check_state srv_agent_state bk_f_forced_id srv_f_forced_id srv_fqdn srv_port srvrecord srv_use_ssl srv_check_port srv_check_addr srv_agent_addr srv_agent_port
3 web 1 v1:web-1 127.0.0.2 2 8 128 0 0 1 0 0 0 0 0 0 - 8080 - 0 0 - - 0
3 web 2 v2:web-2 127.0.0.3 2 0 1 1 197 1 0 0 0 0 0 0 - 8080 - 0 0 - - 0
3 web 3 fixed 127.0.0.4 2 0 1 1 197 1 0 0 0 0 0 0 - 8080 - 0 0 - - 0

# pxname,svname,qcur,qmax,scur,smax,slim
web,v1:web-1,1,0,2,1,
web,v2:web-2,0,0,0,0,
";

    #[test]
    fn captured_text_is_read() {
        let snapshot = read(CAPTURED).unwrap();
        let first = &snapshot.servers["v1:web-1"];
        assert_eq!((first.open, first.weight, first.in_flight), (false, 128, 3));
        assert_eq!(first.address, Some("127.0.0.2".parse().unwrap()));
        let second = &snapshot.servers["v2:web-2"];
        assert_eq!((second.open, second.port, second.in_flight), (true, 8080, 0));
        assert_eq!(second.revision.as_str(), "v2");
        assert_eq!(snapshot.foreign, ["fixed"]);
        assert_eq!(snapshot.variables["rollout_route_web"], "weighted/v1=7500/v2=2500");
    }

    #[test]
    fn errors_are_told() {
        for text in ["Can't find backend.\n\nNo such proxy.\n", "Permission denied\n", ""] {
            assert!(matches!(read(text), Err(Unreadable::Answer(_))), "{text}");
        }
        let other = "# pxname,svname,scur\n";
        assert_eq!(read(other), Err(Unreadable::Column("qcur")));
    }
}
