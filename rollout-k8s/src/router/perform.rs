//! Carrying out one action: read everything, find the next safe writes, make them in order.

use rollout_core::{
    engine::{Action, Effect},
    id::{Epoch, RevisionId, WorkloadId},
};
use serde_json::Value;

use super::{
    KubernetesRouter, Look,
    binding::Binding,
    division::{Side, Target},
    object::Object,
    problem::{Problem, Trouble},
    shape::{self, Parts, Place, Shape},
    way::{self, Step},
};
use crate::labels;

/// Group, version and kind.
const GATEWAY_CLASS: (&str, &str, &str) = ("gateway.networking.k8s.io", "v1", "GatewayClass");

impl KubernetesRouter {
    /// One attempt at `action`: reads, decides on the next safe writes, and makes them.
    pub(super) async fn perform(&self, action: &Action) -> Result<(), Trouble> {
        let Effect::Route(route) = &action.effect else {
            let why = format!("it shares traffic and cannot {}", action.effect);
            return Err(Problem::never("the router", why, "send it to its own port").into());
        };
        let mut look = self.look(&self.calls.fresh()).await?;
        look.fence(action.epoch)?;
        let mut target = Target::of(route, &look.now.written).ok_or_else(|| {
            let way_out = "let the rollout before come to its end first";
            Problem::never(
                "the router",
                "it has two sides and no place for three revisions",
                way_out,
            )
        })?;
        match &self.shape {
            Some(shape) => {
                shape.can(&look.parts, &target.division)?;
                if let Some(feature) = shape.feature(&target.division) {
                    self.check_feature(&shape.needs(&look.parts), feature).await?;
                }
                target.division = shape::in_units(&**shape, &target.division);
            }
            None if target.division.is_rest() => (),
            None => {
                let why = format!("a Service is switched as a whole and cannot be: {route}");
                let way_out = "name a `router`, or use a strategy without shares";
                return Err(Problem::never("the router", why, way_out).into());
            }
        }
        for step in way::next(&look.now, &target) {
            self.carry_out(&step, &mut look, &action.workload, action.epoch).await?;
        }
        Ok(())
    }

    async fn carry_out(
        &self,
        step: &Step,
        look: &mut Look,
        workload: &WorkloadId,
        epoch: Epoch,
    ) -> Result<(), Trouble> {
        match (step, &self.shape) {
            (Step::Bind(side, binding), _) => {
                let by = (workload, epoch);
                self.stands.bind(&self.calls, &mut look.sides, *side, binding, by).await
            }
            (Step::Divide(division), Some(shape)) => {
                let mut after = shape::divide(&**shape, &look.parts, division);
                for part in after.iter_mut().flatten() {
                    part.set_annotation(labels::EPOCH, Some(&epoch.0.to_string()));
                }
                if !division.rules.is_empty() {
                    self.rehearse(&shape.places(), &look.parts, &after).await?;
                }
                self.write(&**shape, look, &after).await
            }
            (Step::Divide(_), None) => Ok(()),
        }
    }

    /// Writes the objects that differ: the first one first, which fences off an older engine, unless it leans
    /// on the others.
    async fn write(
        &self,
        shape: &dyn Shape,
        look: &mut Look,
        after: &Parts,
    ) -> Result<(), Trouble> {
        let places = shape.places();
        let mut order: Vec<usize> = (0..places.len()).collect();
        if shape.leans() {
            order.sort_by_key(|index| (after[*index].is_none(), *index == 0));
        }
        for index in order {
            let (before, after) = (look.parts[index].as_ref(), after[index].as_ref());
            let written = self.calls.write(&places[index], before, after, false).await?;
            look.parts[index] = written;
        }
        Ok(())
    }

    /// Asks whether the API server would keep every field, which it does not where its definitions are
    /// older: a match or a part of copies lost silently would send the candidate more than it shall get.
    async fn rehearse(
        &self,
        places: &[Place],
        before: &Parts,
        after: &Parts,
    ) -> Result<(), Trouble> {
        for ((place, before), after) in places.iter().zip(before).zip(after) {
            let kept = self.calls.write(place, before.as_ref(), after.as_ref(), true).await?;
            let spec =
                |object: &Option<Object>| object.as_ref().and_then(|it| it.at("/spec").cloned());
            if spec(&kept) != spec(after) {
                return Err(Problem::never(
                    &place.to_string(),
                    "the API server does not keep all fields of the trial",
                    "install newer definitions of its kind, or take `match` and `mirror` out of the steps",
                )
                .into());
            }
        }
        Ok(())
    }

    /// Refuses what a parent's class does not say that it can do: it would do something else in its place.
    async fn check_feature(&self, parents: &[Place], feature: &str) -> Result<(), Trouble> {
        for parent in parents {
            let gateway = self.calls.get(parent, "create it, or name another parent").await?;
            let class = gateway.at("/spec/gatewayClassName").and_then(Value::as_str);
            let place = Place::of(GATEWAY_CLASS, "", class.unwrap_or_default());
            let class = self.calls.get(&place, "name another class in the Gateway").await?;
            let is_it = |it: &Value| it == feature || it["name"] == feature;
            if !class.list("/status/supportedFeatures").iter().any(is_it) {
                return Err(Problem::never(
                    &place.to_string(),
                    format!(
                        "it does not say that it can do {feature}, and might copy every request"
                    ),
                    "write `mirror: 100%`, or take it out of the steps",
                )
                .into());
            }
        }
        Ok(())
    }

    /// Lets the idle side follow `revision`.
    pub(super) async fn follow(
        &self,
        workload: &WorkloadId,
        revision: &RevisionId,
        epoch: Epoch,
    ) -> Result<(), Trouble> {
        let mut look = self.look(&self.calls.fresh()).await?;
        look.fence(epoch)?;
        let binding = Binding::Revision(revision.clone());
        let is_idle = look.now.division.is_rest() && look.now.in_force.is_rest();
        if !is_idle || look.now.written.candidate == binding {
            return Ok(());
        }
        let step = Step::Bind(Side::Candidate, binding);
        self.carry_out(&step, &mut look, workload, epoch).await
    }

    /// Writes the epoch on every object.
    pub(super) async fn stamp(&self, epoch: Epoch) -> Result<(), Trouble> {
        let mut look = self.look(&self.calls.fresh()).await?;
        look.fence(epoch)?;
        let epoch = epoch.0.to_string();
        for (place, object) in &look.sides.objects {
            let mut after = object.clone();
            after.set_annotation(labels::EPOCH, Some(&epoch));
            self.calls.write(place, Some(object), Some(&after), false).await?;
        }
        let Some(shape) = &self.shape else { return Ok(()) };
        let mut after = look.parts.clone();
        for part in after.iter_mut().flatten() {
            part.set_annotation(labels::EPOCH, Some(&epoch));
        }
        self.write(&**shape, &mut look, &after).await
    }
}
