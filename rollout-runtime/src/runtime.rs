//! Many rollouts in one process: one task and one handle per workload.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use rollout_core::id::WorkloadId;
use tokio::{
    sync::{broadcast, mpsc, watch},
    task::JoinSet,
};
use tracing::{Instrument, info, info_span, warn};

use crate::{
    driver::{self, Outlet, Standing, StartError, Stopped},
    handle::Handle,
    options::Options,
    ports::Ports,
};

/// Commands that may wait for the driver.
const COMMANDS_WAITING: usize = 64;

/// Drives workloads. Dropping it cancels every driver at once, which is as safe as a crash: the next
/// run resumes.
#[derive(Debug, Default)]
pub struct Runtime {
    slots: Mutex<BTreeMap<WorkloadId, Slot>>,
}

#[derive(Debug)]
enum Slot {
    /// Its claim is under way.
    Starting,
    /// Its driver runs, or has stopped.
    Driven { handle: Handle, _task: JoinSet<()> },
}

impl Runtime {
    /// A runtime that drives nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Resumes `workload` from its journal, or begins it, and drives it from now on.
    ///
    /// # Errors
    ///
    /// [`StartError::Running`] if it is driven already, [`StartError::Journal`] and
    /// [`StartError::Replay`] if its journal cannot be used, [`StartError::Claim`] if another engine
    /// reigns or the backend does not answer. Nothing was touched then.
    pub async fn start(
        &self,
        workload: &WorkloadId,
        ports: Ports,
        options: Options,
    ) -> Result<Handle, StartError> {
        let reserved = self.reserve(workload)?;
        let span = info_span!("rollout", %workload);
        let begun = driver::begin(workload, &ports, &options);
        let reign = begun.instrument(span.clone()).await?;
        let (commands, received) = mpsc::channel(COMMANDS_WAITING);
        let (progress, _) = broadcast::channel(options.progress_kept.get());
        let (standing, watched) = watch::channel(Standing::default());
        let handle = Handle {
            workload: workload.clone(),
            backend: ports.backend,
            commands,
            progress: progress.downgrade(),
            standing: watched,
        };
        let outlet = Outlet { progress, standing };
        let drive = async move {
            let why = Box::pin(driver::drive(reign, received, &outlet)).await;
            match &why {
                Stopped::ShutDown => info!("stopped"),
                Stopped::Fenced | Stopped::Failed(_) | Stopped::Gone => warn!(%why, "stopped"),
            }
            outlet.standing.send_modify(|told| told.stopped = Some(why));
        };
        let mut task = JoinSet::new();
        task.spawn(drive.instrument(span));
        reserved.fill(Slot::Driven { handle: handle.clone(), _task: task });
        Ok(handle)
    }

    /// The handle of a workload that is driven here.
    #[must_use]
    pub fn handle(&self, workload: &WorkloadId) -> Option<Handle> {
        match self.slots().get(workload) {
            Some(Slot::Driven { handle, .. }) => Some(handle.clone()),
            Some(Slot::Starting) | None => None,
        }
    }

    /// The handles of all workloads that are driven here.
    #[must_use]
    pub fn handles(&self) -> Vec<Handle> {
        let slots = self.slots();
        let driven = slots.values().filter_map(|slot| match slot {
            Slot::Driven { handle, .. } => Some(handle.clone()),
            Slot::Starting => None,
        });
        driven.collect()
    }

    /// Stops every driver, as [`Handle::shutdown`] does.
    pub async fn shutdown(&self) {
        for handle in self.handles() {
            handle.shutdown().await;
        }
    }

    fn reserve(&self, workload: &WorkloadId) -> Result<Reserved<'_>, StartError> {
        let mut slots = self.slots();
        match slots.get(workload) {
            Some(Slot::Driven { handle, .. }) if handle.is_stopped() => (),
            None => (),
            Some(Slot::Driven { .. } | Slot::Starting) => {
                return Err(StartError::Running { workload: workload.clone() });
            }
        }
        slots.insert(workload.clone(), Slot::Starting);
        Ok(Reserved { runtime: self, workload: workload.clone() })
    }

    fn slots(&self) -> MutexGuard<'_, BTreeMap<WorkloadId, Slot>> {
        // Nothing below the lock can panic halfway through a change.
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A name that is taken until its start has failed or was given up.
struct Reserved<'a> {
    runtime: &'a Runtime,
    workload: WorkloadId,
}

impl Reserved<'_> {
    fn fill(self, slot: Slot) {
        self.runtime.slots().insert(self.workload.clone(), slot);
    }
}

impl Drop for Reserved<'_> {
    fn drop(&mut self) {
        let mut slots = self.runtime.slots();
        if let Some(Slot::Starting) = slots.get(&self.workload) {
            slots.remove(&self.workload);
        }
    }
}
