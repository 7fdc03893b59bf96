//! Orders to an engine that runs in another process, over a socket beside its journal.
//!
//! In: requests, one JSON object a line. Out: replies, one JSON object a line; after `events` one for
//! everything that happens. Absent: the network, other users, templates.

mod client;
mod server;

use std::path::{Path, PathBuf};

use rollout_core::{
    engine::{Note, OrderKind, Resolution, Status, Wait},
    id::{GateId, RevisionId, Seq, WorkloadId},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use self::{
    client::{Client, ClientError, Events},
    server::{BindError, Server},
};
use crate::progress::Progress;

/// The place of the control socket of the engine that keeps its journal at `journal`.
#[must_use]
pub fn socket_path(journal: &Path) -> PathBuf {
    let mut path = journal.as_os_str().to_owned();
    path.push(".sock");
    path.into()
}

/// One request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Map<String, Value>")]
pub struct Request {
    /// The workload; may be left out if the engine drives just one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workload: Option<WorkloadId>,
    /// What is asked.
    #[serde(flatten)]
    pub ask: Ask,
}

impl TryFrom<Map<String, Value>> for Request {
    type Error = serde_json::Error;

    /// Reads by hand what `flatten` reads too, for an error that names what may be asked.
    fn try_from(mut fields: Map<String, Value>) -> Result<Self, serde_json::Error> {
        let workload = fields.remove("workload").map(serde_json::from_value).transpose()?;
        let ask = serde_json::from_value(Value::Object(fields))?;
        Ok(Self { workload, ask })
    }
}

/// What is asked, such as `{"pause":{"by":"ann","why":"lunch"}}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Ask {
    /// Where things stand.
    Status {},
    /// Why nothing moves now.
    Waits {},
    /// Take no forward step until resumed.
    Pause(Orderer),
    /// Take forward steps again.
    Resume(Orderer),
    /// Pass the gate that is waited for.
    Promote {
        /// Every gate that is left.
        #[serde(default)]
        all: bool,
        /// The gate that is meant, as `3.2.1`; where it was passed already, nothing is done.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        gate: Option<GateId>,
        /// On whose behalf.
        #[serde(flatten)]
        orderer: Orderer,
    },
    /// Go back to the stable revision.
    Abort(Orderer),
    /// Go back to a revision that was proven before.
    Undo {
        /// That revision. Default: the last proven one before the current one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        to: Option<RevisionId>,
        /// On whose behalf.
        #[serde(flatten)]
        orderer: Orderer,
    },
    /// Try the revision again that was taken back last.
    Retry(Orderer),
    /// Have another number of instances.
    Resize {
        /// That many.
        replicas: u64,
        /// On whose behalf.
        #[serde(flatten)]
        orderer: Orderer,
    },
    /// Replace every instance by a new one of the same revision.
    Restart(Orderer),
    /// Skip to a later stage; the reason must be given.
    Skip {
        /// Name of the stage.
        to: String,
        /// On whose behalf.
        #[serde(flatten)]
        orderer: Orderer,
    },
    /// Let nothing go out any more until resumed.
    Halt(Orderer),
    /// Leave the end that needs an operator, such as `{"resolve":{"how":"go_on","by":"ann"}}`.
    Resolve {
        /// How.
        how: Resolution,
        /// On whose behalf.
        #[serde(flatten)]
        orderer: Orderer,
    },
    /// Tell everything that happens from now on, until the connection is closed.
    Events {},
}

/// On whose behalf an order is given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Orderer {
    /// Who.
    pub by: String,
    /// Why, in their words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// What the engine's end makes of what is asked.
enum Wish {
    /// Give this order.
    Order(OrderKind, Orderer),
    /// Say where things stand.
    Status,
    /// Say why nothing moves.
    Waits,
    /// Tell everything from now on.
    Events,
}

impl From<Ask> for Wish {
    fn from(ask: Ask) -> Self {
        match ask {
            Ask::Status {} => Self::Status,
            Ask::Waits {} => Self::Waits,
            Ask::Events {} => Self::Events,
            Ask::Pause(orderer) => Self::Order(OrderKind::Pause, orderer),
            Ask::Resume(orderer) => Self::Order(OrderKind::Resume, orderer),
            Ask::Promote { all, gate, orderer } => {
                Self::Order(OrderKind::Promote { all, gate }, orderer)
            }
            Ask::Abort(orderer) => Self::Order(OrderKind::Abort, orderer),
            Ask::Undo { to, orderer } => Self::Order(OrderKind::Undo { to }, orderer),
            Ask::Retry(orderer) => Self::Order(OrderKind::Retry, orderer),
            Ask::Resize { replicas, orderer } => {
                Self::Order(OrderKind::Resize { replicas }, orderer)
            }
            Ask::Restart(orderer) => Self::Order(OrderKind::Restart, orderer),
            Ask::Skip { to, orderer } => Self::Order(OrderKind::Skip { to }, orderer),
            Ask::Halt(orderer) => Self::Order(OrderKind::Halt, orderer),
            Ask::Resolve { how, orderer } => Self::Order(OrderKind::Resolve(how), orderer),
        }
    }
}

/// One reply.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Reply {
    /// The order was taken.
    Done {},
    /// Where things stand.
    Status(Box<Status>),
    /// Why nothing moves now, most important first.
    Waits(Vec<Wait>),
    /// Something happened.
    Event(Box<Told>),
    /// What was asked was not done.
    Error(Denied),
}

/// What was asked and not done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct Denied {
    /// The kind, for exit codes.
    pub kind: DeniedKind,
    /// What is wrong and the way out, for people.
    pub message: String,
}

/// Kinds of what was not done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum DeniedKind {
    /// The request makes no sense.
    Malformed,
    /// The workload is not driven here, or has to be named.
    UnknownWorkload,
    /// The engine refused the order.
    Refused,
    /// The order could not be made durable.
    NotKept,
    /// The engine has stopped.
    Stopped,
}

/// Something that happened, without templates.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Told {
    /// A record became durable.
    Recorded {
        /// Its number in the journal.
        seq: Seq,
        /// When it was decided.
        at: Timestamp,
        /// What it says, for people.
        text: String,
    },
    /// Something a person may want to know.
    Noted {
        /// When.
        at: Timestamp,
        /// What, with its numbers.
        note: Note,
        /// The same, for people.
        text: String,
    },
    /// The listener was too slow; so many messages were dropped.
    Missed {
        /// That many.
        count: u64,
    },
}

impl From<Progress> for Told {
    fn from(progress: Progress) -> Self {
        match progress {
            Progress::Recorded { seq, record } => {
                Self::Recorded { seq, at: record.at, text: record.change.to_string() }
            }
            Progress::Noted { at, note } => Self::Noted { at, text: note.to_string(), note },
            Progress::Missed { count } => Self::Missed { count },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_read_as_they_are_documented() {
        let orderer = Orderer { by: "ann".to_owned(), why: None };
        let cases = [
            (r#"{"status":{}}"#, Ask::Status {}),
            (r#"{"pause":{"by":"ann"}}"#, Ask::Pause(orderer.clone())),
            (
                r#"{"promote":{"all":true,"by":"ann"}}"#,
                Ask::Promote { all: true, gate: None, orderer: orderer.clone() },
            ),
            (r#"{"undo":{"by":"ann"}}"#, Ask::Undo { to: None, orderer: orderer.clone() }),
            (
                r#"{"resize":{"replicas":6,"by":"ann"}}"#,
                Ask::Resize { replicas: 6, orderer: orderer.clone() },
            ),
            (
                r#"{"resolve":{"how":"go_on","by":"ann"}}"#,
                Ask::Resolve { how: Resolution::GoOn, orderer: orderer.clone() },
            ),
            (
                r#"{"resolve":{"how":{"adopt":{"revision":null}},"by":"ann"}}"#,
                Ask::Resolve { how: Resolution::Adopt { revision: None }, orderer },
            ),
        ];
        for (text, ask) in cases {
            let request = Request { workload: None, ask };
            let read: Request = serde_json::from_str(text).unwrap();
            assert_eq!(read, request);
            assert_eq!(serde_json::to_string(&request).unwrap(), text);
        }
        let named = r#"{"workload":"web","events":{}}"#;
        let read: Request = serde_json::from_str(named).unwrap();
        assert_eq!(serde_json::to_string(&read).unwrap(), named);
    }
}
