//! Instance: one process, from its making to its end.
//!
//! In: a revision. Out: a running process and what can be seen of it. Its stop signal is the end of its
//! standard input.

use std::{
    io,
    net::{IpAddr, Ipv4Addr},
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::Arc,
};

use rollout_core::engine::{InstanceSeen, InstanceState, RefusalKind, Revision};
use serde::{Deserialize, Serialize};

/// A template: what to run. `{address}` in an argument is replaced.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Template {
    /// Path of the program.
    pub(crate) program: PathBuf,
    /// Its arguments.
    pub(crate) arguments: Vec<String>,
}

/// One instance. Dropping it ends its process.
#[derive(Debug)]
pub(crate) struct Instance {
    /// What it is made from.
    pub(crate) revision: Arc<Revision>,
    template: Template,
    address: IpAddr,
    /// `None` until it is started; stays when it has ended, so that its end can be told.
    process: Option<Child>,
}

/// Why something was refused.
pub(crate) struct Refused(pub(crate) RefusalKind, pub(crate) String);

impl Instance {
    /// The instance of `revision` with this number, not started. The number makes its address.
    pub(crate) fn new(revision: &Arc<Revision>, number: u16) -> Result<Self, Refused> {
        let template = serde_json::from_value(revision.template.clone())
            .map_err(|error| Refused(RefusalKind::Invalid, error.to_string()))?;
        let [high, low] = number.to_be_bytes();
        let address = Ipv4Addr::new(127, 1, high, low).into();
        Ok(Self { revision: Arc::clone(revision), template, address, process: None })
    }

    /// Starts it; one that was started before stays as it is, running or ended.
    pub(crate) fn start(&mut self) -> Result<(), Refused> {
        if self.process.is_some() {
            return Ok(());
        }
        let address = self.address.to_string();
        let arguments = self.template.arguments.iter();
        let started = Command::new(&self.template.program)
            .args(arguments.map(|one| one.replace("{address}", &address)))
            .stdin(Stdio::piped())
            .spawn();
        self.process = Some(started.map_err(|error| {
            let program = self.template.program.display();
            Refused(refusal(error.kind()), format!("{program} cannot be started: {error}"))
        })?);
        Ok(())
    }

    /// Gives it the stop signal.
    pub(crate) fn ask_to_end(&mut self) {
        drop(self.process.as_mut().and_then(|process| process.stdin.take()));
    }

    /// Ends its process now.
    pub(crate) fn kill(&mut self) {
        if let Some(process) = &mut self.process {
            // An error means that it has ended already.
            drop(process.kill());
            drop(process.wait());
        }
    }

    /// Whether its process runs.
    pub(crate) fn runs(&mut self) -> bool {
        matches!(self.state(), Ok(InstanceState::Running))
    }

    /// What can be seen of it.
    pub(crate) fn seen(&mut self) -> io::Result<InstanceSeen> {
        let state = self.state()?;
        Ok(InstanceSeen {
            revision: self.revision.id.clone(),
            address: (state == InstanceState::Running).then_some(self.address),
            state,
            healthy: None,
            restarts: 0,
            rank: None,
        })
    }

    fn state(&mut self) -> io::Result<InstanceState> {
        let Some(process) = &mut self.process else {
            return Ok(InstanceState::Created);
        };
        Ok(match process.try_wait()? {
            None => InstanceState::Running,
            Some(status) => InstanceState::Exited {
                code: status.code().map_or(-1, i64::from),
                detail: status.to_string(),
            },
        })
    }
}

/// What kind of refusal a failed start is. Only what will not mend by itself is final.
fn refusal(kind: io::ErrorKind) -> RefusalKind {
    if kind == io::ErrorKind::NotFound {
        RefusalKind::Missing
    } else if kind == io::ErrorKind::PermissionDenied {
        RefusalKind::Denied
    } else {
        RefusalKind::Busy
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        self.kill();
    }
}
