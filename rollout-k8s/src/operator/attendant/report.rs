//! Tells what becomes of one object: its status, written when there is something to tell, and not too often.

use std::sync::Arc;

use kube::{
    Api, ResourceExt as _,
    api::{Patch, PatchParams},
};
use rollout_core::{engine::Status, id::WorkloadId, time::Timestamp};
use rollout_runtime::{Handle, Stopped};
use serde_json::json;
use tokio::time::{Duration, Instant};
use tracing::{debug, warn};

use super::{
    Context,
    desk::{Desk, is_wanted},
    let_go::{CallError, within},
};
use crate::{
    crd::{self, Rollout, RolloutStatus},
    operator::{
        Key,
        status::{self, Beside},
    },
};

/// Changes that come together are told together.
const GATHERED_FOR: Duration = Duration::from_millis(150);
/// How often what is waited for and how long it still takes are told anew.
const TOLD_ANEW: Duration = Duration::from_secs(10);

/// What was told of one object.
pub(super) struct Report {
    context: Arc<Context>,
    api: Api<Rollout>,
    key: Key,
    /// What is written, and the object's version with it.
    written: Option<RolloutStatus>,
    version: Option<String>,
    written_at: Option<Instant>,
    due: Option<Instant>,
    quiet_since: Instant,
}

impl Report {
    pub(super) fn new(context: Arc<Context>, api: Api<Rollout>, key: Key) -> Self {
        Self {
            context,
            api,
            key,
            written: None,
            version: None,
            written_at: None,
            due: Some(Instant::now()),
            quiet_since: Instant::now(),
        }
    }

    /// Takes in the object as the watch tells it, unless it is older than what was written here.
    pub(super) fn see(&mut self, rollout: &Rollout) {
        let number = |version: &Option<String>| -> u64 {
            version.as_ref().and_then(|version| version.parse().ok()).unwrap_or(0)
        };
        if number(&self.version) <= number(&rollout.metadata.resource_version) {
            self.version.clone_from(&rollout.metadata.resource_version);
            // Lost, restored or written by somebody else: it is told again.
            if self.written != rollout.status && self.written.is_some() {
                self.is_news();
            }
            self.written.clone_from(&rollout.status);
        }
    }

    /// Something may be different.
    pub(super) fn is_stale(&mut self) {
        let now = Instant::now();
        self.quiet_since = now;
        let due = now + GATHERED_FOR;
        self.due = Some(self.due.map_or(due, |before| before.min(due)));
    }

    /// Something is different.
    pub(super) fn is_news(&mut self) {
        self.is_stale();
    }

    /// When to call [`Self::write`].
    pub(super) fn due(&self) -> Instant {
        let rest = self.quiet_since + self.context.options.park_after;
        let anew = Instant::now() + TOLD_ANEW;
        self.due.unwrap_or(rest.max(Instant::now() + GATHERED_FOR).min(anew))
    }

    /// Writes the status if it is another; whether the object is at rest and needs no attendant.
    ///
    /// # Errors
    ///
    /// [`Stopped`] if the driver is gone.
    pub(super) async fn write(
        &mut self,
        rollout: &Rollout,
        handle: &Handle,
        desk: &Desk,
    ) -> Result<bool, Stopped> {
        self.due = None;
        let engine = handle.status().await?;
        let status = self.made(&engine, desk);
        let now = Instant::now();
        let Some(before) = &self.written else {
            self.put(rollout, status).await;
            return Ok(false);
        };
        let since = self.written_at.map_or(Duration::MAX, |at| now.duration_since(at));
        let wait = if status::is_turn(&status, before) {
            Duration::ZERO
        } else if status::is_news(&status, before) {
            self.gap()
        } else {
            self.gap().max(TOLD_ANEW)
        };
        if status == *before {
            let rests = now.duration_since(self.quiet_since) >= self.context.options.park_after;
            let told = Rollout { status: Some(status), ..rollout.clone() };
            return Ok(rests && !is_wanted(&told));
        }
        if since < wait {
            self.due = Some(now + wait.saturating_sub(since));
            return Ok(false);
        }
        self.put(rollout, status).await;
        Ok(false)
    }

    /// Writes the status now; whether it is written.
    ///
    /// # Errors
    ///
    /// [`Stopped`] if the driver is gone.
    pub(super) async fn write_now(
        &mut self,
        rollout: &Rollout,
        handle: &Handle,
        desk: &Desk,
    ) -> Result<bool, Stopped> {
        let engine = handle.status().await?;
        let status = self.made(&engine, desk);
        Ok(self.put(rollout, status).await)
    }

    /// Tells that no driver runs, and why.
    pub(super) async fn unready(&mut self, rollout: &Rollout, why: &str) {
        self.see(rollout);
        let Ok(workload) = WorkloadId::new(rollout.name_any()) else { return };
        let before = self.written.clone().unwrap_or_default();
        let read = crd::read(rollout);
        let refused = read.as_ref().err().map(ToString::to_string);
        let beside = Beside {
            // A spec that is refused was seen; one that only waits for its ports was not.
            generation: refused
                .as_ref()
                .map_or(before.observed_generation, |_| rollout.generation()),
            digest: before.spec_digest.clone(),
            revision: before.revision.clone(),
            stopped: refused.is_none().then(|| why.to_owned()),
            refused,
            order: before.order.clone(),
        };
        let idle = Status::idle(workload);
        let said = status::of(&idle, read.as_ref().ok(), &beside, Some(&before), self.now());
        // What stood before the driver went stands still, but for what is told of it.
        let status = RolloutStatus {
            observed_generation: said.observed_generation,
            message: said.message,
            selector: said.selector,
            phase: if before.phase.is_empty() { said.phase } else { before.phase.clone() },
            desired_replicas: before.desired_replicas.max(said.desired_replicas),
            conditions: status::without_driver(said.conditions, &before.conditions),
            ..before.clone()
        };
        if status != before {
            self.context.events.warn(rollout, "NotDriven", why);
            self.put(rollout, status).await;
        }
    }

    /// Shortest time between two writes that change no condition: every driver has its share of them.
    fn gap(&self) -> Duration {
        let options = &self.context.options;
        let drivers = u32::try_from(self.context.metrics.drivers()).unwrap_or(u32::MAX);
        let share = Duration::from_secs(1) * drivers / options.statuses_per_second.get();
        options.status_gap.max(share)
    }

    fn made(&self, engine: &Status, desk: &Desk) -> RolloutStatus {
        self.context.metrics.phase(&self.key, engine);
        status::of(engine, Some(desk.spec()), &desk.beside, self.written.as_ref(), self.now())
    }

    fn now(&self) -> Timestamp {
        self.context.clock.now()
    }

    /// Writes `status`, refused if the object changed since it was seen: an older copy changes nothing.
    async fn put(&mut self, rollout: &Rollout, status: RolloutStatus) -> bool {
        let patch = json!([
            {"op": "test", "path": "/metadata/resourceVersion", "value": self.version},
            {"op": "add", "path": "/status", "value": status},
        ]);
        let patch = serde_json::from_value(patch).expect("it is a JSON patch");
        let patch: Patch<()> = Patch::Json(patch);
        let (name, params) = (rollout.name_any(), PatchParams::default());
        let written = within(self.api.patch_status(&name, &params, &patch)).await;
        self.written_at = Some(Instant::now());
        match written {
            Ok(written) => {
                self.context.metrics.status_written();
                self.version = written.metadata.resource_version;
                self.written = Some(status);
                true
            }
            Err(CallError::Refused(kube::Error::Api(refused)))
                if refused.is_invalid() || refused.is_conflict() || refused.is_not_found() =>
            {
                // The watch is about to tell what changed.
                debug!(%refused, "status not written");
                self.due = Some(Instant::now() + self.context.options.status_gap);
                false
            }
            Err(error) => {
                warn!(%error, "status not written");
                self.due = Some(Instant::now() + self.context.options.status_gap);
                false
            }
        }
    }
}
