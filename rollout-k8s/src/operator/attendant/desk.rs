//! The desk of one object: which spec and which order were given to the engine, and what it answered.

use std::sync::Arc;

use rollout_core::{
    engine::{OrderKind, OrderRefused},
    id::Attempt,
    spec::CheckedSpec,
};
use rollout_runtime::{Handle, OrderError, StartError, Stopped, SubmitError};

use super::{
    super::{spec_digest::digest, status::Beside},
    report::Report,
};
use crate::{
    crd::{self, OrderAnswer, OrderRequest, OrderState, RequestError, Rollout},
    labels::ORDER,
};

/// Phases in which nothing is under way and nothing is left to do.
const AT_REST: [&str; 2] = ["Completed", "RolledBack"];

/// Whether `rollout` asks for anything, as far as it can be seen from the object alone.
pub(super) fn is_wanted(rollout: &Rollout) -> bool {
    let Some(status) = &rollout.status else { return true };
    let is_settled = AT_REST.contains(&status.phase.as_str())
        && status.terminating_replicas == 0
        // One that is not whole is watched by its engine.
        && status.replicas == status.desired_replicas
        && status.available_replicas == status.desired_replicas
        && status.queued_revision.is_none()
        && status.observed_generation == rollout.generation();
    !is_settled || rollout.is_terminating() || open_order(rollout, status.order.as_ref()).is_some()
}

/// The order that has no answer yet.
fn open_order<'a>(rollout: &'a Rollout, answered: Option<&OrderAnswer>) -> Option<&'a str> {
    let text = rollout.annotation(ORDER)?;
    let id = match OrderRequest::read(text) {
        Ok(order) => order.id,
        Err((id, _)) => id,
    };
    let is_answered =
        answered.is_some_and(|answer| answer.id == id && answer.state != OrderState::Taken);
    if is_answered { None } else { Some(text) }
}

/// What was given to the engine of one object.
pub(super) struct Desk {
    handle: Handle,
    spec: Arc<CheckedSpec>,
    pub(super) beside: Beside,
    /// Ids given by this attendant: what stands as taken beside is from before.
    given: Option<String>,
    /// Whether the engine was asked what it knows.
    has_begun: bool,
}

impl Desk {
    /// What the object says was given before.
    pub(super) fn new(handle: Handle, spec: CheckedSpec, rollout: &Rollout) -> Self {
        let before = rollout.status.clone().unwrap_or_default();
        let beside = Beside {
            generation: before.observed_generation,
            digest: before.spec_digest,
            revision: before.revision,
            order: before.order,
            ..Beside::default()
        };
        Self { handle, spec: Arc::new(spec), beside, given: None, has_begun: false }
    }

    /// The spec that was read last.
    pub(super) fn spec(&self) -> &CheckedSpec {
        &self.spec
    }

    /// Whether the object's spec now names another router or other jobs than the driver was given.
    pub(super) fn needs_other_ports(&self, rollout: &Rollout) -> bool {
        rollout.generation() != self.beside.generation
            && crd::read(rollout).is_ok_and(|spec| spec.traffic != self.spec.traffic)
    }

    /// Gives what is new of `rollout` to the engine.
    ///
    /// # Errors
    ///
    /// [`Stopped`] if the driver is gone.
    pub(super) async fn take(
        &mut self,
        rollout: &Rollout,
        report: &mut Report,
    ) -> Result<(), Stopped> {
        if !self.has_begun {
            // A journal that is lost, or is another's: what runs is taken over by a new submission.
            let is_unheard = self.handle.status().await?.attempt == Attempt(0);
            if is_unheard {
                (self.beside.generation, self.beside.digest) = (0, None);
            }
            self.has_begun = true;
        }
        if rollout.generation() != self.beside.generation {
            self.take_spec(rollout).await?;
            report.is_news();
        }
        self.take_order(rollout, report).await
    }

    async fn take_spec(&mut self, rollout: &Rollout) -> Result<(), Stopped> {
        let taken = match crd::read(rollout) {
            Ok(spec) => {
                self.spec = Arc::new(spec);
                self.give(rollout.generation()).await
            }
            Err(why) => Err(NotGiven::Refused(why.to_string())),
        };
        match taken {
            Ok(()) => {
                self.beside.refused = None;
                self.beside.digest = Some(digest(&self.spec));
            }
            Err(NotGiven::Stopped(stopped)) => return Err(stopped),
            Err(NotGiven::Refused(why)) => self.beside.refused = Some(why),
        }
        self.beside.generation = rollout.generation();
        Ok(())
    }

    /// Gives the spec to the engine: a new size as one, everything else as a submission.
    async fn give(&mut self, generation: i64) -> Result<(), NotGiven> {
        let by = format!("spec generation {generation}");
        let replicas = self.spec.replicas;
        if self.beside.digest.as_ref() == Some(&digest(&self.spec)) {
            match self.handle.resize(replicas, &by, None).await {
                // Nothing runs yet that could have another size.
                Err(OrderError::Refused(OrderRefused::NothingUnderWay { .. })) => (),
                resized => return Ok(resized?),
            }
        }
        match self.handle.submit(self.spec.as_ref().clone(), &by).await {
            Ok(revision) => self.beside.revision = Some(String::from(revision)),
            Err(SubmitError::Order(error)) => return Err(error.into()),
            Err(refused) => return Err(NotGiven::Refused(refused.to_string())),
        }
        Ok(())
    }

    /// Gives the order of the annotation, at most once: that it is being given is written before.
    async fn take_order(&mut self, rollout: &Rollout, report: &mut Report) -> Result<(), Stopped> {
        let Some(text) = open_order(rollout, self.beside.order.as_ref()) else { return Ok(()) };
        let order = match OrderRequest::read(text) {
            Ok(order) => order,
            Err((id, why)) => {
                self.answer(id, OrderState::Refused, why.to_string());
                report.is_news();
                return Ok(());
            }
        };
        let id = order.id.clone();
        let was_taken = self.beside.order.as_ref().is_some_and(|before| before.id == id);
        if was_taken && self.given.as_ref() != Some(&id) {
            let unknown = "the operator went while it gave the order; see whether it was done";
            self.answer(id, OrderState::Unknown, unknown.to_owned());
            report.is_news();
            return Ok(());
        }
        if self.given.as_ref() != Some(&id) {
            self.answer(id.clone(), OrderState::Taken, "being given".to_owned());
            self.given = Some(id.clone());
            if !report.write_now(rollout, &self.handle, self).await? {
                // Not known to be written: nothing is given until it is.
                self.beside.order = rollout.status.clone().and_then(|status| status.order);
                self.given = None;
                return Ok(());
            }
        }
        match give_order(&self.handle, order).await {
            Ok(()) => self.answer(id, OrderState::Accepted, "done, or under way".to_owned()),
            Err(NotGiven::Stopped(stopped)) => return Err(stopped),
            Err(NotGiven::Refused(why)) => self.answer(id, OrderState::Refused, why),
        }
        report.is_news();
        Ok(())
    }

    fn answer(&mut self, id: String, state: OrderState, message: String) {
        let at = jiff::Timestamp::now().round(jiff::Unit::Second).unwrap_or_default().to_string();
        self.beside.order = Some(OrderAnswer { id, state, message, at });
    }
}

/// Gives one order to the engine.
async fn give_order(handle: &Handle, order: OrderRequest) -> Result<(), NotGiven> {
    let by = order.by.unwrap_or_else(|| format!("order {}", order.id));
    let (by, why) = (by.as_str(), order.why.as_deref());
    let given = match order.order {
        OrderKind::Pause => handle.pause(by, why).await,
        OrderKind::Resume => handle.resume(by, why).await,
        OrderKind::Promote { all: false, gate: Some(gate) } => {
            handle.promote_gate(gate, by, why).await
        }
        OrderKind::Promote { all, .. } => handle.promote(all, by, why).await,
        OrderKind::Abort => handle.abort(by, why).await,
        OrderKind::Undo { to } => handle.undo(to, by, why).await,
        OrderKind::Retry => handle.retry(by, why).await,
        OrderKind::Restart => handle.restart(by, why).await,
        OrderKind::Skip { to } => handle.skip(&to, by, why.unwrap_or_default()).await,
        OrderKind::Halt => handle.halt(by, why).await,
        OrderKind::Resolve(how) => handle.resolve(how, by, why).await,
        // Refused where it was read; others are of a newer engine.
        OrderKind::Submit { .. } | OrderKind::Resize { .. } | _ => {
            return Err(NotGiven::Refused(RequestError::Unknown.to_string()));
        }
    };
    Ok(given?)
}

/// Why something was not given to the engine.
enum NotGiven {
    /// It changed nothing.
    Refused(String),
    /// The driver is gone, or could not keep it: the next one is given it again.
    Stopped(Stopped),
}

impl From<OrderError> for NotGiven {
    fn from(error: OrderError) -> Self {
        match error {
            OrderError::Stopped(stopped) => Self::Stopped(stopped),
            OrderError::NotKept(why) => Self::Stopped(Stopped::Failed(StartError::Journal(why))),
            error @ (OrderError::Refused(_) | _) => Self::Refused(error.to_string()),
        }
    }
}
