//! What went wrong, in one place: the message with its way out, the kind for tools, the exit code.

use std::path::PathBuf;

use rollout_core::{
    id::WorkloadId,
    plan::PlanError,
    port::{ClaimError, JournalError, ObserveError, PinError},
    spec::ParseError,
};
use rollout_docker::{compose::ComposeError, haproxy::TrafficError};
use rollout_import::{ImportError, ImportErrors};
use rollout_k8s::{
    adopt::AdoptError, backend::ServiceError, client::ConnectError, remote::RemoteError,
};
use rollout_runtime::{
    OrderError, StartError, Stopped, SubmitError,
    control::{BindError, ClientError, DeniedKind},
    hooks::FolderError,
};
use serde::Serialize;

use crate::exit::Exit;

/// Why a command did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CliError {
    /// The file cannot be read.
    #[error("{}: {why}; name a spec in YAML or JSON, or a Compose file", path.display())]
    Unreadable { path: PathBuf, why: String },
    /// The file is no spec.
    #[error("{}: {why}", path.display())]
    Parse { path: PathBuf, why: ParseError },
    /// The spec was refused.
    #[error("{}", lines(path, refused))]
    Check { path: PathBuf, refused: Vec<Refused> },
    /// The service of a Compose file was refused.
    #[error("{}: {why}", path.display())]
    Compose { path: PathBuf, why: ComposeError },
    /// The workloads of a file were refused.
    #[error("{}", of_import(path, why))]
    Import { path: PathBuf, why: ImportErrors },
    /// One workload is wanted, and there are several.
    #[error("{}: there are several workloads: {found}; name the one meant with `--service`", path.display())]
    Several { path: PathBuf, found: String },
    /// The workload runs at several places.
    #[error(
        "there are several journals of `{workload}`: {}; name the one meant with `--journal`",
        found.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
    )]
    SeveralJournals { workload: WorkloadId, found: Vec<PathBuf> },
    /// The number of instances stands in the file.
    #[error(
        "{}: `--replicas` is for files that cannot know the number, and this says it; leave it out",
        path.display()
    )]
    NoReplicas { path: PathBuf },
    /// There is no such service to choose.
    #[error(
        "{}: `--service {service}` chooses one workload of several, and this is the spec of one; leave it out",
        path.display()
    )]
    NoServices { path: PathBuf, service: String },
    /// The planner refused the spec.
    #[error("{}: {why}", path.display())]
    Plan { path: PathBuf, why: PlanError },
    /// A hook or a metric of the spec was refused.
    #[error("{}: {what}: {why}", path.display())]
    Words { path: PathBuf, what: String, why: String },
    /// The candidate is a multiple of nothing.
    #[error(
        "--candidate {candidate}: the stable revision answers without errors, and so many times none is none; say how many it has with `--errors 0.1%`, or name a share such as `errors=10%`"
    )]
    NoErrors { candidate: String },
    /// The text is no counterexample.
    #[error("--replay: {0}")]
    Counterexample(#[from] rollout_sim::counterexample::NotACounterexample),
    /// The page cannot be written.
    #[error("{}: the page cannot be written: {why}; name a file in a folder that is there", path.display())]
    Page { path: PathBuf, why: String },
    /// Something that is to run beside the engine was refused.
    #[error("{what}: {why}")]
    Beside { what: String, why: String },
    /// The folder of hook runs cannot be used.
    #[error(transparent)]
    Hooks(#[from] FolderError),
    /// The `traffic` of the spec was refused.
    #[error(transparent)]
    Traffic(#[from] TrafficError),
    /// The `traffic.kubernetes` of the spec was refused.
    #[error(transparent)]
    Shared(#[from] rollout_k8s::router::TrafficError),
    /// A Service of the spec cannot take the pods.
    #[error(transparent)]
    Service(#[from] ServiceError),
    /// An argument is about another backend.
    #[error(
        "{what} cannot be given with `--backend {backend}`; leave it out, or choose the other backend"
    )]
    NotOfBackend { what: &'static str, backend: &'static str },
    /// The `template` of the spec was refused.
    #[error(transparent)]
    Pin(#[from] PinError),
    /// The argument is neither a file nor a name.
    #[error("`{target}` is no file and no name of a workload: {why}")]
    Target { target: String, why: String },
    /// The folder of the journal cannot be made.
    #[error("the folder {} of the journal cannot be made: {why}; keep it elsewhere with `--journal`", path.display())]
    Folder { path: PathBuf, why: String },
    /// There is no journal.
    #[error(
        "no engine runs and there is no journal at {}; start one with `rollout run`, or name its journal with `--journal`",
        path.display()
    )]
    NoJournal { path: PathBuf },
    /// The journal has no records of the workload.
    #[error("the journal {} has no records of `{workload}`, it has: {known}", path.display())]
    NotInJournal { path: PathBuf, workload: String, known: String },
    /// The journal cannot be used.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// Docker does not answer.
    #[error(transparent)]
    Unreachable(#[from] ObserveError),
    /// The engine could not begin.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The control socket could not be opened.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// The submission was not taken.
    #[error(transparent)]
    Submit(#[from] SubmitError),
    /// The engine stopped.
    #[error(transparent)]
    Stopped(#[from] Stopped),
    /// The order was not taken.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// There is no cluster to talk to.
    #[error(transparent)]
    Cluster(#[from] ConnectError),
    /// A `Rollout` object was not read, or an order through it not taken.
    #[error(transparent)]
    Remote(#[from] RemoteError),
    /// A journal was named for an object of a cluster.
    #[error("the records of a Rollout object are in the cluster; leave out `--journal`")]
    NoJournalThere,
    /// A Deployment was not adopted, or not handed back.
    #[error(transparent)]
    Adopt(#[from] AdoptError),
    /// The operator cannot run.
    #[error(transparent)]
    Operator(#[from] rollout_k8s::operator::OperatorError),
    /// The system refused something that it never should.
    #[error("{what}: {why}")]
    System { what: &'static str, why: String },
}

/// One reason why a spec was refused, and where it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Refused {
    /// Line of the nearest thing that was written, from 1; `None` if nothing was.
    pub(crate) line: Option<u64>,
    /// Its column, from 1.
    pub(crate) column: Option<u64>,
    /// Path of the field.
    pub(crate) field: String,
    /// The path, the value, the limit and the way out.
    pub(crate) message: String,
}

/// An error for tools.
#[derive(Debug, Serialize)]
pub(crate) struct ErrorJson {
    error: ErrorBody,
}

#[derive(Debug, Serialize)]
struct ErrorBody {
    kind: &'static str,
    exit: u8,
    message: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    refused: Vec<Refused>,
}

fn lines(path: &std::path::Path, refused: &[Refused]) -> String {
    let line = |refused: &Refused| {
        let place = match (refused.line, refused.column) {
            (Some(line), Some(column)) => format!("line {line}, column {column}: "),
            _ => String::new(),
        };
        format!("{}: {place}{}", path.display(), refused.message)
    };
    refused.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn of_import(path: &std::path::Path, why: &ImportErrors) -> String {
    let line = |error: &ImportError| format!("{}: {error}", path.display());
    why.0.iter().map(line).collect::<Vec<_>>().join("\n")
}

impl CliError {
    /// The exit code.
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::Unreadable { .. }
            | Self::Parse { .. }
            | Self::Check { .. }
            | Self::Compose { .. }
            | Self::Import { .. }
            | Self::Several { .. }
            | Self::NoReplicas { .. }
            | Self::NoServices { .. }
            | Self::Plan { .. }
            | Self::Pin(_)
            | Self::Service(
                ServiceError::Missing { .. }
                | ServiceError::NotDraining { .. }
                | ServiceError::NoMatch { .. },
            )
            | Self::Shared(_)
            | Self::NotOfBackend { .. }
            | Self::Words { .. }
            | Self::NoErrors { .. }
            | Self::Counterexample(_)
            | Self::Page { .. }
            | Self::Beside { .. }
            | Self::Target { .. }
            | Self::NotInJournal { .. }
            | Self::SeveralJournals { .. }
            | Self::NoJournalThere
            | Self::Submit(SubmitError::Pin(_)) => Exit::BadInput,
            Self::Client(ClientError::Denied(denied)) => match denied.kind {
                DeniedKind::Refused => Exit::BadInput,
                DeniedKind::Malformed
                | DeniedKind::UnknownWorkload
                | DeniedKind::NotKept
                | DeniedKind::Stopped
                | _ => Exit::Unreachable,
            },
            Self::Traffic(why) => traffic(why),
            Self::Adopt(why) => adopt(why),
            Self::Remote(why) => remote(why),
            Self::Folder { .. }
            | Self::Cluster(_)
            | Self::Operator(_)
            | Self::Service(_)
            | Self::Hooks(_)
            | Self::NoJournal { .. }
            | Self::Unreachable(_)
            | Self::Bind(_)
            | Self::Client(_) => Exit::Unreachable,
            Self::Journal(why) => journal(why),
            Self::Start(why) => start(why),
            Self::Submit(SubmitError::Order(why)) => order(why),
            Self::Submit(_) | Self::System { .. } => Exit::Failed,
            Self::Stopped(why) => stopped(why),
        }
    }

    /// What was refused in a file, with its places.
    fn refused(&self) -> Vec<Refused> {
        if let Self::Check { refused, .. } = self {
            return refused.clone();
        }
        if let Self::Parse { why, .. } = self {
            return vec![Refused {
                line: Some(why.line),
                column: Some(why.column),
                field: why.path.clone(),
                message: why.message.clone(),
            }];
        }
        if let Self::Import { why, .. } = self {
            return why.0.iter().filter_map(refused_field).collect();
        }
        Vec::new()
    }

    /// The error for tools.
    pub(crate) fn json(&self) -> ErrorJson {
        let exit = self.exit();
        let kind = match exit {
            Exit::Done => "done",
            Exit::BadInput => "bad_input",
            Exit::RolledBack => "rolled_back",
            Exit::Failed => "failed",
            Exit::Unreachable => "unreachable",
            Exit::Interrupted => "interrupted",
        };
        let message = self.to_string();
        ErrorJson { error: ErrorBody { kind, exit: exit.code(), message, refused: self.refused() } }
    }
}

/// A reason that is about a field.
fn refused_field(error: &ImportError) -> Option<Refused> {
    let (ImportError::Field { field, place, .. } | ImportError::Refused { field, place, .. }) =
        error
    else {
        return None;
    };
    Some(Refused {
        line: place.map(|(line, _)| line),
        column: place.map(|(_, column)| column),
        field: field.clone(),
        message: error.to_string(),
    })
}

fn traffic(why: &TrafficError) -> Exit {
    match why {
        TrafficError::Unreachable { .. } => Exit::Unreachable,
        TrafficError::Malformed { .. }
        | TrafficError::NotAdmin { .. }
        | TrafficError::UnknownBackend { .. }
        | TrafficError::StaticBalance { .. }
        | _ => Exit::BadInput,
    }
}

fn remote(why: &RemoteError) -> Exit {
    match why {
        RemoteError::NotFound { .. }
        | RemoteError::NoKind
        | RemoteError::Forbidden { .. }
        | RemoteError::Refused { .. } => Exit::BadInput,
        RemoteError::Unreachable { .. }
        | RemoteError::Unanswered { .. }
        | RemoteError::Unknown { .. }
        | _ => Exit::Unreachable,
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "everything else is an input of a person")]
fn adopt(why: &AdoptError) -> Exit {
    match why {
        AdoptError::Unauthorised { .. } | AdoptError::Unreachable { .. } => Exit::Unreachable,
        AdoptError::Refused { .. } | AdoptError::Waited { .. } | AdoptError::Contended { .. } => {
            Exit::Failed
        }
        // Everything else was found before anything was touched.
        _ => Exit::BadInput,
    }
}

fn journal(why: &JournalError) -> Exit {
    match why {
        JournalError::InUse { .. } | JournalError::Store { .. } => Exit::Unreachable,
        JournalError::Moved { .. }
        | JournalError::Damaged { .. }
        | JournalError::Newer { .. }
        | _ => Exit::Failed,
    }
}

fn start(why: &StartError) -> Exit {
    match why {
        StartError::Journal(why) => journal(why),
        StartError::Claim(ClaimError::Owned { .. } | ClaimError::Unreachable(_) | _)
        | StartError::Running { .. } => Exit::Unreachable,
        StartError::Replay { .. } | _ => Exit::Failed,
    }
}

fn order(why: &OrderError) -> Exit {
    match why {
        OrderError::NotKept(why) => journal(why),
        OrderError::Stopped(why) => stopped(why),
        OrderError::Refused(_) | _ => Exit::BadInput,
    }
}

fn stopped(why: &Stopped) -> Exit {
    match why {
        Stopped::ShutDown => Exit::Interrupted,
        Stopped::Fenced => Exit::Unreachable,
        Stopped::Failed(why) => start(why),
        Stopped::Gone | _ => Exit::Failed,
    }
}
