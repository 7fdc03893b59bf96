//! The handle of one workload: orders, status, progress, the end.

use std::sync::Arc;

use rollout_core::{
    engine::{End, Order, OrderKind, OrderRefused, Resolution, Revision, Status, Wait},
    id::{GateId, RevisionId, WorkloadId},
    port::{Backend, JournalError, PinError},
    spec::CheckedSpec,
};
use tokio::sync::{broadcast, mpsc, oneshot, watch};

use crate::{
    driver::{Command, NotTaken, Standing, Stopped},
    progress::{Progress, Subscription},
    revision::digest_id,
};

/// An order that changed nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OrderError {
    /// The engine refused it.
    #[error(transparent)]
    Refused(#[from] OrderRefused),
    /// It could not be made durable.
    #[error("the order was not taken, for it could not be kept: {0}")]
    NotKept(JournalError),
    /// No driver runs any more.
    #[error(transparent)]
    Stopped(#[from] Stopped),
}

/// A submission that changed nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SubmitError {
    /// The backend refused the template.
    #[error(transparent)]
    Pin(#[from] PinError),
    /// The order was not taken.
    #[error(transparent)]
    Order(#[from] OrderError),
}

/// Commands the driver of one workload. Clones command the same one.
#[derive(Clone)]
pub struct Handle {
    pub(crate) workload: WorkloadId,
    pub(crate) backend: Arc<dyn Backend>,
    pub(crate) commands: mpsc::Sender<Command>,
    pub(crate) progress: broadcast::WeakSender<Progress>,
    pub(crate) standing: watch::Receiver<Standing>,
}

impl Handle {
    /// The workload.
    #[must_use]
    pub const fn workload(&self) -> &WorkloadId {
        &self.workload
    }

    /// Moves to the revision of `spec`, on behalf of `by`. Returns the revision's name: the spec's, or
    /// a digest of the pinned template.
    ///
    /// # Errors
    ///
    /// [`SubmitError::Pin`] if the backend refuses the template, [`SubmitError::Order`] if the engine
    /// refuses the order or no driver runs.
    pub async fn submit(&self, spec: CheckedSpec, by: &str) -> Result<RevisionId, SubmitError> {
        let template = self.backend.pin(&self.workload, &spec.template).await?;
        let id = match &spec.revision {
            Some(id) => id.clone(),
            None => digest_id(&template),
        };
        let revision = Revision { id: id.clone(), template };
        let kind = OrderKind::Submit { revision: Arc::new(revision), spec: Arc::new(spec) };
        self.order(kind, by, None).await?;
        Ok(id)
    }

    /// Takes no forward step until resumed.
    ///
    /// # Errors
    ///
    /// [`OrderError`] if the order was not taken.
    pub async fn pause(&self, by: &str, why: Option<&str>) -> Result<(), OrderError> {
        self.order(OrderKind::Pause, by, why).await
    }

    /// Takes forward steps again.
    ///
    /// # Errors
    ///
    /// [`OrderError`] if the order was not taken.
    pub async fn resume(&self, by: &str, why: Option<&str>) -> Result<(), OrderError> {
        self.order(OrderKind::Resume, by, why).await
    }

    /// Passes the gate that is waited for, or with `all` every gate that is left.
    ///
    /// # Errors
    ///
    /// [`OrderError`] if the order was not taken.
    pub async fn promote(&self, all: bool, by: &str, why: Option<&str>) -> Result<(), OrderError> {
        self.order(OrderKind::Promote { all, gate: None }, by, why).await
    }

    /// Passes `gate`, as [`Status::gate`] named it. Repeated, it changes nothing: no other gate is passed.
    ///
    /// # Errors
    ///
    /// [`OrderError`] if the order was not taken, as where `gate` is not reached yet.
    pub async fn promote_gate(
        &self,
        gate: GateId,
        by: &str,
        why: Option<&str>,
    ) -> Result<(), OrderError> {
        self.order(OrderKind::Promote { all: false, gate: Some(gate) }, by, why).await
    }

    /// Goes back to the stable revision.
    ///
    /// # Errors
    ///
    /// [`OrderError`] if the order was not taken.
    pub async fn abort(&self, by: &str, why: Option<&str>) -> Result<(), OrderError> {
        self.order(OrderKind::Abort, by, why).await
    }

    /// Goes back to a revision that was proven before: `to`, or the last one before the current one.
    ///
    /// # Errors
    ///
    /// [`OrderError`] if the order was not taken.
    pub async fn undo(
        &self,
        to: Option<RevisionId>,
        by: &str,
        why: Option<&str>,
    ) -> Result<(), OrderError> {
        self.order(OrderKind::Undo { to }, by, why).await
    }

    /// Tries the revision again that was taken back last.
    ///
    /// # Errors
    ///
    /// [`OrderError`] if the order was not taken.
    pub async fn retry(&self, by: &str, why: Option<&str>) -> Result<(), OrderError> {
        self.order(OrderKind::Retry, by, why).await
    }

    /// Has `replicas` instances from now on, in whatever phase.
    ///
    /// # Errors
    ///
    /// [`OrderError`] if the order was not taken.
    pub async fn resize(
        &self,
        replicas: u64,
        by: &str,
        why: Option<&str>,
    ) -> Result<(), OrderError> {
        self.order(OrderKind::Resize { replicas }, by, why).await
    }

    /// Replaces every instance by a new one of the same revision.
    ///
    /// # Errors
    ///
    /// [`OrderError`] if the order was not taken.
    pub async fn restart(&self, by: &str, why: Option<&str>) -> Result<(), OrderError> {
        self.order(OrderKind::Restart, by, why).await
    }

    /// Skips to the later stage `to`; `why` is recorded with it.
    ///
    /// # Errors
    ///
    /// [`OrderError`] if the order was not taken.
    pub async fn skip(&self, to: &str, by: &str, why: &str) -> Result<(), OrderError> {
        self.order(OrderKind::Skip { to: to.to_owned() }, by, Some(why)).await
    }

    /// Lets nothing go out any more, not even a step back, until resumed.
    ///
    /// # Errors
    ///
    /// [`OrderError`] if the order was not taken.
    pub async fn halt(&self, by: &str, why: Option<&str>) -> Result<(), OrderError> {
        self.order(OrderKind::Halt, by, why).await
    }

    /// Leaves the end that needs an operator.
    ///
    /// # Errors
    ///
    /// [`OrderError`] if the order was not taken.
    pub async fn resolve(
        &self,
        how: Resolution,
        by: &str,
        why: Option<&str>,
    ) -> Result<(), OrderError> {
        self.order(OrderKind::Resolve(how), by, why).await
    }

    pub(crate) async fn order(
        &self,
        kind: OrderKind,
        by: &str,
        why: Option<&str>,
    ) -> Result<(), OrderError> {
        let order = Order { kind, by: by.to_owned(), why: why.map(str::to_owned) };
        let (answer, answered) = oneshot::channel();
        let sent = self.commands.send(Command::Order(order, answer)).await;
        sent.map_err(|_| self.stopped())?;
        match answered.await.map_err(|_| self.stopped())? {
            Ok(()) => Ok(()),
            Err(NotTaken::Refused(why)) => Err(OrderError::Refused(why)),
            Err(NotTaken::NotKept(why)) => Err(OrderError::NotKept(why)),
        }
    }

    /// Where things stand.
    ///
    /// # Errors
    ///
    /// [`Stopped`] if no driver runs any more.
    pub async fn status(&self) -> Result<Status, Stopped> {
        let (answer, answered) = oneshot::channel();
        let sent = self.commands.send(Command::Status(answer)).await;
        sent.map_err(|_| self.stopped())?;
        answered.await.map_err(|_| self.stopped())
    }

    /// Every reason why nothing moves now, most important first.
    ///
    /// # Errors
    ///
    /// [`Stopped`] if no driver runs any more.
    pub async fn waits(&self) -> Result<Vec<Wait>, Stopped> {
        Ok(self.status().await?.waits)
    }

    /// Listens to what happens from now on.
    #[must_use]
    pub fn subscribe(&self) -> Subscription {
        let receiver = match self.progress.upgrade() {
            Some(sender) => sender.subscribe(),
            None => broadcast::channel(1).1, // Its sender is gone: nothing will be heard.
        };
        Subscription::new(receiver)
    }

    /// Waits for the end of the rollout under way, or returns that of the last one. After `submit`, it
    /// is the end of what was submitted. Waits for ever if nothing was ever submitted.
    ///
    /// # Errors
    ///
    /// [`Stopped`] if the driver stopped before.
    pub async fn wait_ended(&self) -> Result<End, Stopped> {
        let mut standing = self.standing.clone();
        let over = |standing: &Standing| standing.end.is_some() || standing.stopped.is_some();
        let seen = match standing.wait_for(over).await {
            Ok(seen) => seen.clone(),
            Err(_) => return Err(self.stopped()),
        };
        seen.end.ok_or_else(|| self.stopped())
    }

    /// Stops the driver: what is under way may end within the options' `shutdown_grace`, what is
    /// queued is left to the next run. Returns once it has stopped.
    pub async fn shutdown(&self) -> Stopped {
        // A driver that is gone has stopped already.
        drop(self.commands.send(Command::ShutDown).await);
        self.wait_stopped().await
    }

    /// Waits for the driver to stop and returns why it did.
    pub async fn wait_stopped(&self) -> Stopped {
        let mut standing = self.standing.clone();
        // An error means that the driver went without a word, which the next line says.
        drop(standing.wait_for(|standing| standing.stopped.is_some()).await);
        self.stopped()
    }

    /// Whether the driver has stopped.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        self.commands.is_closed()
    }

    /// Why the driver stopped.
    fn stopped(&self) -> Stopped {
        let stopped = self.standing.borrow().stopped.clone();
        stopped.unwrap_or(Stopped::Gone)
    }
}

impl std::fmt::Debug for Handle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Handle")
            .field("workload", &self.workload)
            .field("standing", &*self.standing.borrow())
            .finish_non_exhaustive()
    }
}
