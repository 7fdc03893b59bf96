//! Orders to an engine that runs in another process, over a socket beside its journal.
//!
//! In: requests, one JSON object a line. Out: replies, one JSON object a line; after `events` one for
//! everything that happens. Absent: the network, other users, templates.

mod client;
mod server;

use std::path::{Path, PathBuf};

use rollout_core::{
    engine::{Note, Status, Wait},
    id::{Seq, WorkloadId},
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
        /// On whose behalf.
        #[serde(flatten)]
        orderer: Orderer,
    },
    /// Go back to the stable revision.
    Abort(Orderer),
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
    Event(Told),
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
            (r#"{"promote":{"all":true,"by":"ann"}}"#, Ask::Promote { all: true, orderer }),
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
