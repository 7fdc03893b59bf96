//! Backend: processes of this machine as instances that are made by name.
//!
//! In: actions and questions of the engine. Out: outcomes and inventories. Every change is made under one
//! lock and is whole when its answer leaves, so an older order cannot arrive late. Absent: retries,
//! decisions, and instances that outlive the program: dropping the backend ends them all.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use futures_util::stream::{self, BoxStream};
use rollout_core::{
    engine::{Action, Effect, Inventory, Outcome, RefusalKind, Retry},
    id::{Epoch, InstanceId, Mark, WorkloadId},
    port::{Backend, Claim, ClaimError, Making, ObserveError, PinError},
    time::Span,
};
use tokio::{
    sync::watch,
    time::{Instant, sleep},
};

use crate::instance::{Instance, Refused, Template};

/// Time between two looks at a process that was told to end.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// Runs instances as child processes.
#[derive(Debug, Default)]
pub(crate) struct ProcessBackend {
    table: Mutex<Table>,
    changed: watch::Sender<()>,
}

#[derive(Debug, Default)]
struct Table {
    /// Writes so far.
    mark: Mark,
    /// Instances made so far; each has an address of its own.
    made: u16,
    workloads: BTreeMap<WorkloadId, Workload>,
}

#[derive(Debug, Default)]
struct Workload {
    owner: Option<String>,
    epoch: Epoch,
    instances: BTreeMap<InstanceId, Instance>,
}

impl ProcessBackend {
    /// Ends the process of an instance, by nobody's order.
    pub(crate) fn kill(&self, workload: &WorkloadId, name: &InstanceId) {
        let mut table = self.table();
        let instances = table.workloads.get_mut(workload).map(|one| &mut one.instances);
        if let Some(one) = instances.and_then(|instances| instances.get_mut(name)) {
            one.kill();
        }
    }

    /// Forgets a workload; its processes end.
    pub(crate) fn forget(&self, workload: &WorkloadId) {
        self.table().workloads.remove(workload);
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        // A table is whole between calls, so one that a panic left is as good as any.
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes one attempt; a stop returns when the process has ended.
    async fn attempt(&self, action: &Action) -> Result<Mark, Refused> {
        let mark = self.table().change(action)?;
        match &action.effect {
            Effect::Stop { instance, grace } => self.ended(action, instance, *grace).await,
            Effect::Create { .. }
            | Effect::Start { .. }
            | Effect::Remove { .. }
            | Effect::Scale { .. }
            | Effect::Divide(_)
            | Effect::Enrol { .. }
            | Effect::Drain { .. }
            | Effect::Detach { .. }
            | Effect::Route(_)
            | Effect::Run { .. }
            | Effect::Modules(_) => Ok(mark),
        }
    }

    /// Waits until a process that was told to end has; kills it after `grace`, unless a newer engine
    /// reigns by then.
    async fn ended(
        &self,
        action: &Action,
        name: &InstanceId,
        grace: Span,
    ) -> Result<Mark, Refused> {
        let deadline = Instant::now() + grace.to_std();
        loop {
            {
                let mut table = self.table();
                let one = table.reign(action)?.instances.get_mut(name);
                match one.map(|one| (one.runs(), one)) {
                    Some((true, one)) if deadline <= Instant::now() => one.kill(),
                    Some((true, _)) => (),
                    Some((false, _)) | None => {
                        table.mark = table.mark.next();
                        return Ok(table.mark);
                    }
                }
            }
            sleep(LOOK_EVERY).await;
        }
    }
}

impl Table {
    /// The workload of `action`, unless a newer engine reigns over it.
    fn reign(&mut self, action: &Action) -> Result<&mut Workload, Refused> {
        let workload = self.workloads.entry(action.workload.clone()).or_default();
        if action.epoch < workload.epoch {
            let why = format!("{} reigns, this order is of {}", workload.epoch, action.epoch);
            return Err(Refused(RefusalKind::Fenced, why));
        }
        Ok(workload)
    }

    /// Makes what `action` says so; a stop only begins.
    fn change(&mut self, action: &Action) -> Result<Mark, Refused> {
        let number = self.made.wrapping_add(1);
        let workload = self.reign(action)?;
        match &action.effect {
            Effect::Create { instance, .. } => {
                if workload.create(action, instance, number)? {
                    self.made = number;
                }
            }
            Effect::Start { instance } => {
                let missing = || Refused(RefusalKind::Missing, format!("there is no {instance}"));
                workload.instances.get_mut(instance).ok_or_else(missing)?.start()?;
            }
            Effect::Stop { instance, .. } => {
                if let Some(one) = workload.instances.get_mut(instance) {
                    one.ask_to_end();
                }
            }
            Effect::Remove { instance } => drop(workload.instances.remove(instance)),
            Effect::Scale { .. }
            | Effect::Divide(_)
            | Effect::Enrol { .. }
            | Effect::Drain { .. }
            | Effect::Detach { .. }
            | Effect::Route(_)
            | Effect::Run { .. }
            | Effect::Modules(_) => {
                let why = "processes are made by name and share no traffic".to_owned();
                return Err(Refused(RefusalKind::Invalid, why));
            }
        }
        self.mark = self.mark.next();
        Ok(self.mark)
    }
}

impl Workload {
    /// Makes the instance `name`; whether it was not there before.
    fn create(&mut self, action: &Action, name: &InstanceId, number: u16) -> Result<bool, Refused> {
        let Some(revision) = &action.revision else {
            return Err(Refused(RefusalKind::Invalid, format!("{name} comes without revision")));
        };
        match self.instances.get(name) {
            Some(one) if one.revision == *revision => Ok(false),
            Some(one) => {
                let why = format!("{name} exists already, of {}", one.revision.id);
                Err(Refused(RefusalKind::Conflict, why))
            }
            None => {
                self.instances.insert(name.clone(), Instance::new(revision, number)?);
                Ok(true)
            }
        }
    }
}

#[async_trait]
impl Backend for ProcessBackend {
    fn making(&self) -> Making {
        Making::ByName
    }

    async fn pin(
        &self,
        _: &WorkloadId,
        template: &serde_json::Value,
    ) -> Result<serde_json::Value, PinError> {
        let refused = |field: &str, why: String| PinError {
            field: field.to_owned(),
            why,
            way_out: "write `program`, a path, and `arguments`, a list of texts".to_owned(),
        };
        let template: Template = serde_json::from_value(template.clone())
            .map_err(|error| refused("template", error.to_string()))?;
        // A link may point elsewhere tomorrow; what it points to now is what was asked for.
        let program = template.program.canonicalize().map_err(|error| {
            refused("template.program", format!("{}: {error}", template.program.display()))
        })?;
        serde_json::to_value(Template { program, ..template })
            .map_err(|error| refused("template.program", error.to_string()))
    }

    async fn claim(&self, workload: &WorkloadId, claim: &Claim) -> Result<Epoch, ClaimError> {
        let mut table = self.table();
        let reign = table.workloads.entry(workload.clone()).or_default();
        match &reign.owner {
            Some(owner) if *owner != claim.owner && !claim.take_over => Err(ClaimError::Owned {
                workload: workload.clone(),
                owner: owner.clone(),
                epoch: reign.epoch,
            }),
            Some(_) | None => {
                reign.owner = Some(claim.owner.clone());
                reign.epoch = claim.epoch.max(reign.epoch.next());
                Ok(reign.epoch)
            }
        }
    }

    async fn observe(&self, workload: &WorkloadId) -> Result<Inventory, ObserveError> {
        let mut table = self.table();
        let mut inventory = Inventory { mark: table.mark, ..Inventory::default() };
        let Some(workload) = table.workloads.get_mut(workload) else {
            return Ok(inventory);
        };
        inventory.epoch = workload.epoch;
        for (name, instance) in &mut workload.instances {
            let seen = instance.seen().map_err(|error| ObserveError {
                what: format!("the process of {name}"),
                why: error.to_string(),
                way_out: "let this program wait for its children".to_owned(),
            })?;
            inventory.instances.insert(name.clone(), seen);
            if !inventory.revisions.contains(&instance.revision) {
                inventory.revisions.push(Arc::clone(&instance.revision));
            }
        }
        Ok(inventory)
    }

    async fn apply(&self, action: &Action) -> Outcome {
        match self.attempt(action).await {
            Ok(mark) => {
                self.changed.send_replace(());
                Outcome::Applied { mark }
            }
            Err(Refused(RefusalKind::Busy, why)) => {
                Outcome::refused(RefusalKind::Busy, why, Retry::Backoff)
            }
            Err(Refused(kind, why)) => Outcome::refused(kind, why, Retry::Never),
        }
    }

    fn changes(&self, _: &WorkloadId) -> BoxStream<'static, ()> {
        Box::pin(stream::unfold(self.changed.subscribe(), |mut changed| async move {
            changed.changed().await.ok()?;
            Some(((), changed))
        }))
    }
}
