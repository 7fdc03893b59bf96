//! Attends to one object: gives its spec and its orders to its driver, tells what becomes of them.
//!
//! In: the object as the watch tells it, the driver's progress. Out: orders, status, events. Absent: choices
//! of its own about a rollout. It may be dropped at any moment, as in a crash: the next one goes on.

mod desk;
mod let_go;
mod report;
mod rest;

use std::{sync::Arc, time::Duration};

use futures_util::{StreamExt as _, stream::BoxStream};
use kube::{Api, Client};
use rollout_core::{
    port::{Clock, JournalError},
    spec::CheckedSpec,
};
use rollout_runtime::{Handle, Ports, Progress, Runtime, StartError, Stopped};
use tokio::{
    sync::watch,
    time::{Instant, sleep, sleep_until},
};
use tracing::{info, warn};

use self::{
    desk::{Desk, is_wanted},
    report::Report,
    rest::Rested,
};
use super::{events::Events, key::Key, metrics::Metrics, options::OperatorOptions, ports::PortsOf};
use crate::crd::{self, Rollout};

/// Longest wait between two starts of a driver.
const RESTART_MOST: Duration = Duration::from_secs(60);

/// What every attendant of a copy shares.
pub(super) struct Context {
    pub(super) client: Client,
    pub(super) options: OperatorOptions,
    pub(super) ports: Arc<dyn PortsOf>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) events: Events,
    pub(super) metrics: Arc<Metrics>,
}

/// Why an attendant left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Left {
    /// It was told to.
    Stopped,
    /// The object goes; nothing of it is driven any more.
    Gone,
}

/// Attends to one object.
pub(super) struct Attendant {
    context: Arc<Context>,
    key: Key,
    api: Api<Rollout>,
    rollout: watch::Receiver<Arc<Rollout>>,
    stop: watch::Receiver<bool>,
}

/// How the time with one driver ended.
enum Over {
    Left(Left),
    /// Nothing is left to do until something changes.
    AtRest,
    /// The object is to go.
    LetGo,
    /// Another driver is needed: other ports, or this one stopped.
    Again {
        why: Option<String>,
    },
    /// Somebody else drives: the leases are about to say who is to.
    Fenced {
        why: String,
    },
}

impl Attendant {
    pub(super) fn new(
        context: Arc<Context>,
        key: Key,
        rollout: watch::Receiver<Arc<Rollout>>,
        stop: watch::Receiver<bool>,
    ) -> Self {
        let api = Api::namespaced(context.client.clone(), &key.namespace);
        Self { context, key, api, rollout, stop }
    }

    /// Attends until told to stop, or until the object goes.
    pub(super) async fn attend(mut self) -> Left {
        let mut wait = self.context.options.restart_first;
        let mut report = Report::new(Arc::clone(&self.context), self.api.clone(), self.key.clone());
        loop {
            let rollout = self.latest();
            if !is_wanted(&rollout) {
                match self.rest(&rollout).await {
                    Rested::Wanted => report.is_stale(),
                    Rested::Stopped => return Left::Stopped,
                }
            }
            let rollout = self.latest();
            if rollout.is_terminating() {
                return self.let_go().await;
            }
            let began = Instant::now();
            // On the heap, so that ten thousand at rest stay small.
            let pause = match Box::pin(self.attended(&rollout, &mut report)).await {
                Over::Left(left) => return left,
                Over::LetGo | Over::AtRest | Over::Again { why: None } => continue,
                // Whoever claims again at once pushes the rightful one aside.
                Over::Fenced { why } => {
                    warn!(why, "another copy drives");
                    self.context.options.leases.length
                }
                Over::Again { why: Some(why) } => {
                    warn!(why, again_ms = wait.as_millis(), "no driver runs");
                    // Boxed, like all that is rare: its room would be every attendant's.
                    Box::pin(report.unready(&self.latest(), &why)).await;
                    wait
                }
            };
            if self.changed_or_stopped(Some(pause)).await {
                return Left::Stopped;
            }
            // One that ran for a while begins anew.
            let is_new = RESTART_MOST < began.elapsed();
            wait = if is_new { self.context.options.restart_first } else { wait * 2 };
            wait = wait.min(RESTART_MOST);
        }
    }

    /// Reads the spec, starts a driver and stays with it.
    async fn attended(&mut self, rollout: &Arc<Rollout>, report: &mut Report) -> Over {
        let Unready { why, may_pass } = match self.prepare(rollout).await {
            Ok((spec, ports)) => return self.with_driver(rollout, spec, ports, report).await,
            Err(unready) => unready,
        };
        if may_pass {
            return Over::Again { why: Some(why) };
        }
        Box::pin(report.unready(rollout, &why)).await;
        if self.changed_or_stopped(None).await {
            return Over::Left(Left::Stopped);
        }
        Over::Again { why: None }
    }

    fn latest(&mut self) -> Arc<Rollout> {
        Arc::clone(&self.rollout.borrow_and_update())
    }

    /// Reads the spec and gets what its engine works with. Touches nothing.
    async fn prepare(&self, rollout: &Rollout) -> Result<(CheckedSpec, Ports), Unready> {
        let spec =
            crd::read(rollout).map_err(|why| Unready { why: why.to_string(), may_pass: false })?;
        let ports = self.context.ports.ports(rollout, &spec).await;
        let ports = ports.map_err(|error| Unready { may_pass: error.may_pass, why: error.why })?;
        Ok((spec, ports))
    }

    /// Starts a driver and stays with it.
    async fn with_driver(
        &mut self,
        rollout: &Arc<Rollout>,
        spec: CheckedSpec,
        ports: Ports,
        report: &mut Report,
    ) -> Over {
        if let Err(error) = let_go::hold(&self.api, rollout).await {
            return Over::Again { why: Some(format!("the object cannot be held: {error}")) };
        }
        let runtime = Runtime::new();
        let hints = ports.backend.changes(&spec.workload);
        let started = runtime.start(&spec.workload, ports, self.context.options.driver);
        let handle = tokio::select! {
            started = started => match started {
                Ok(handle) => handle,
                Err(error) => return Over::Again { why: Some(error.to_string()) },
            },
            () = told_to_stop(&mut self.stop) => return Over::Left(Left::Stopped),
        };
        info!("driven");
        let counted = self.context.metrics.driver();
        let mut desk = Desk::new(handle.clone(), spec, rollout);
        let over = self.drive(&handle, &mut desk, hints, report).await;
        handle.shutdown().await;
        drop(runtime);
        drop(counted);
        over
    }

    /// Goes on until the driver is not wanted any more.
    async fn drive(
        &mut self,
        handle: &Handle,
        desk: &mut Desk,
        mut hints: BoxStream<'static, ()>,
        report: &mut Report,
    ) -> Over {
        let mut progress = handle.subscribe();
        loop {
            let rollout = self.latest();
            report.see(&rollout);
            if rollout.is_terminating() {
                return Over::LetGo;
            }
            if desk.needs_other_ports(&rollout) {
                return Over::Again { why: None };
            }
            if let Err(why) = desk.take(&rollout, report).await {
                return stopped(why);
            }
            loop {
                let due = report.due();
                tokio::select! {
                    biased;
                    () = told_to_stop(&mut self.stop) => return Over::Left(Left::Stopped),
                    another = self.rollout.changed() => {
                        if another.is_err() {
                            return Over::Left(Left::Stopped);
                        }
                        break;
                    }
                    told = progress.next() => match told {
                        Some(Progress::Noted { note, .. }) => {
                            self.context.events.tell(&rollout, &note);
                            report.is_stale();
                        }
                        Some(_) => report.is_stale(),
                        None => return stopped(handle.wait_stopped().await),
                    },
                    Some(()) = hints.next() => report.is_stale(),
                    () = sleep_until(due) => {
                        let told = report.write(&rollout, handle, desk).await;
                        match told {
                            Ok(true) => return Over::AtRest,
                            Ok(false) => (),
                            Err(why) => return stopped(why),
                        }
                    }
                }
            }
        }
    }

    /// Waits until the object changes, or `limit`; whether it was told to stop.
    async fn changed_or_stopped(&mut self, limit: Option<Duration>) -> bool {
        let limited = async {
            match limit {
                Some(limit) => sleep(limit).await,
                None => std::future::pending().await,
            }
        };
        let generation = self.rollout.borrow().generation();
        let changed = async {
            let is_other = |rollout: &Arc<Rollout>| {
                rollout.generation() != generation || rollout.is_terminating()
            };
            self.rollout.wait_for(is_other).await.is_err()
        };
        tokio::select! {
            biased;
            () = told_to_stop(&mut self.stop) => true,
            is_gone = changed => is_gone,
            () = limited => false,
        }
    }

    /// Lets the object go: no driver runs, every pod serves.
    async fn let_go(&mut self) -> Left {
        let mut wait = self.context.options.restart_first;
        loop {
            let rollout = self.latest();
            let gone = let_go::let_go(&self.context.client, &self.key, &rollout).await;
            let Err(error) = gone else { break };
            warn!(%error, "the object cannot be let go yet");
            tokio::select! {
                () = told_to_stop(&mut self.stop) => return Left::Stopped,
                () = sleep(wait) => wait = (wait * 2).min(RESTART_MOST),
            }
        }
        info!("let go");
        Left::Gone
    }
}

/// Returns when the attendant is told to stop, or nobody could tell it any more.
async fn told_to_stop(stop: &mut watch::Receiver<bool>) {
    // What it holds is not to be kept while anything else is waited for.
    drop(stop.wait_for(|stop| *stop).await);
}

/// What follows from a driver that stopped by itself.
fn stopped(why: Stopped) -> Over {
    match why {
        Stopped::ShutDown => Over::Left(Left::Stopped),
        // Another copy may have it; the lease will say so as well.
        why @ (Stopped::Fenced
        | Stopped::Failed(StartError::Journal(JournalError::Moved { .. }))) => {
            Over::Fenced { why: why.to_string() }
        }
        why @ (Stopped::Failed(_) | Stopped::Gone | _) => {
            Over::Again { why: Some(why.to_string()) }
        }
    }
}

/// Why no driver can be started.
struct Unready {
    why: String,
    may_pass: bool,
}
