//! `steps`: what stands between two weights becomes the gates of one step.

use std::collections::BTreeMap;

use rollout_core::{amount::Amount, weight::Weight};
use serde_json::{Value, json};

use super::{analysis, routing, step::Step};
use crate::{ImportError, document::Fields, file::File, gate::approval};

const TO: &str = "strategy.canary.steps";

/// How many candidate instances Argo was told to have, beside what the weight needs.
#[derive(Clone, Copy, Debug)]
enum Scale {
    Weight,
    Amount(Amount),
}

/// The walk over the steps.
struct Walk<'a> {
    file: &'a File,
    /// The weight that is all of the traffic; `None` without a router.
    all: Option<u64>,
    desired: u64,
    steps: Vec<Step>,
    scale: Scale,
    /// Header routes in force, by their names.
    routes: BTreeMap<String, Vec<Value>>,
    /// Mirror routes in force, by their names.
    mirrors: BTreeMap<String, Weight>,
}

/// Reads Argo's steps; `all` is the weight that is all of the traffic, where there is a router.
pub(super) fn read(
    file: &File,
    items: Vec<Fields<'_>>,
    canary: &Fields<'_>,
    all: Option<u64>,
    desired: u64,
) -> Result<Vec<Step>, ImportError> {
    let mut walk = Walk {
        file,
        all,
        desired,
        steps: Vec::new(),
        scale: Scale::Weight,
        routes: BTreeMap::new(),
        mirrors: BTreeMap::new(),
    };
    for (index, item) in items.into_iter().enumerate() {
        walk.take(item)?;
        if let Some(step) = walk.steps.last_mut() {
            step.last = index;
        }
    }
    walk.fit(canary);
    Ok(walk.steps)
}

impl Walk<'_> {
    fn take(&mut self, mut item: Fields<'_>) -> Result<(), ImportError> {
        let kinds = item.names();
        if 1 < kinds.len() {
            return Err(item.wrong(
                "",
                format!("it is {} steps in one: {}", kinds.len(), kinds.join(", ")),
                "write each as a step of its own, in the order that is meant",
            ));
        }
        match kinds.first().map(String::as_str) {
            Some("setWeight") => self.weight(&mut item),
            Some("pause") => self.pause(&mut item),
            Some("setCanaryScale") => self.scale(&mut item),
            Some("analysis") => {
                let block = item.open("analysis")?;
                let Some(mut block) = block else { return Ok(()) };
                for gate in analysis::gates(self.file, &mut block, "strategy.canary.steps[].gates")?
                {
                    self.gate(gate, &item)?;
                }
                Ok(())
            }
            Some("setHeaderRoute") => self.header(&mut item),
            Some("setMirrorRoute") => self.mirror(&mut item),
            Some(other) => {
                let why = match other {
                    "experiment" => "the engine runs no experiments",
                    "plugin" => "the engine runs no plugins of Argo",
                    _ => "this kind of step is not known here",
                };
                item.rest().clear();
                let how = format!("{why}: a person looks and approves in its place");
                item.changed(other, "strategy.canary.steps[].gates", how);
                self.gate(approval(), &item)
            }
            None => Ok(()),
        }
    }

    /// `setWeight`: a step of its own, unless the weight is the one before.
    fn weight(&mut self, item: &mut Fields<'_>) -> Result<(), ImportError> {
        const NAME: &str = "setWeight";
        let value = item.number(NAME)?.unwrap_or(0);
        let all = self.all.unwrap_or(100);
        let points = value.saturating_mul(10_000);
        let weight = Weight::from_basis_points(points / all).ok().filter(|_| points % all == 0);
        let weight = weight.ok_or_else(|| {
            item.wrong(
                NAME,
                format!("`{value}` of {all} is no share of at most 100 % with two decimals"),
                "write another weight",
            )
        })?;
        if let Some(before) = self.steps.last() {
            if weight == before.weight {
                item.changed(NAME, TO, "the weight of the step before: one step for both");
                return Ok(());
            }
            if weight < before.weight {
                return Err(item.wrong(
                    NAME,
                    format!(
                        "{weight} is below the {} of the step before; candidate instances that the rollout counts on would be taken back",
                        before.weight
                    ),
                    "let weights rise, or remove this step",
                ));
            }
        } else if weight.is_zero() && self.all.is_none() {
            item.dropped(NAME, "without a router there are no instances without traffic");
            return Ok(());
        }
        item.mapped(NAME, TO);
        self.begin(weight);
        Ok(())
    }

    /// Begins a step with everything that is in force.
    fn begin(&mut self, weight: Weight) -> &mut Step {
        let mut step = Step::new(weight);
        step.matches = self.routes.values().flatten().cloned().collect();
        step.mirror = self.mirrors.values().copied().max().unwrap_or(Weight::ZERO);
        if let Scale::Amount(amount) = self.scale {
            step.replicas = Some(amount.round_up(self.desired));
        }
        self.steps.push(step);
        let last = self.steps.len() - 1;
        &mut self.steps[last]
    }

    /// The step that gates belong to; before the first weight one without traffic, where that is possible.
    fn current(&mut self, item: &Fields<'_>) -> Result<&mut Step, ImportError> {
        if self.steps.is_empty() {
            if self.all.is_none() {
                return Err(item.wrong(
                    "",
                    "it stands before the first weight, where no candidate instance runs, and without a router none could run without traffic",
                    "put it after the first `setWeight`, or name a router in `trafficRouting`",
                ));
            }
            return Ok(self.begin(Weight::ZERO));
        }
        let last = self.steps.len() - 1;
        Ok(&mut self.steps[last])
    }

    fn gate(&mut self, gate: Value, item: &Fields<'_>) -> Result<(), ImportError> {
        self.current(item)?.gates.push(gate);
        Ok(())
    }

    /// `pause`: with a duration a hold, without one an approval.
    fn pause(&mut self, item: &mut Fields<'_>) -> Result<(), ImportError> {
        const TO: &str = "strategy.canary.steps[].gates";
        let mut pause = item.open("pause")?;
        let hold = match &mut pause {
            Some(pause) => pause.duration("duration")?,
            None => None,
        };
        let gate = if let Some(span) = hold {
            item.mapped("pause", TO);
            json!({ "hold": span })
        } else {
            item.changed("pause", TO, "no duration: an approval, given by `rollout promote`");
            approval()
        };
        self.gate(gate, item)
    }

    /// `setCanaryScale`: instances of the steps from here on.
    fn scale(&mut self, item: &mut Fields<'_>) -> Result<(), ImportError> {
        const NAME: &str = "setCanaryScale";
        const TO: &str = "strategy.canary.steps[].replicas";
        let Some(mut scale) = item.open(NAME)? else { return Ok(()) };
        let (count, weight) = (scale.number("replicas")?, scale.number("weight")?);
        let follow = scale.flag("matchTrafficWeight")?.unwrap_or(false);
        if self.all.is_none() {
            item.dropped(NAME, "Argo makes no use of it without a router");
            return Ok(());
        }
        let desired = self.desired;
        self.scale = match (follow, count, weight) {
            (true, _, _) | (false, None, None) => Scale::Weight,
            (false, Some(count), _) => Scale::Amount(Amount::Count(count.min(desired))),
            (false, None, Some(weight)) => {
                let points = weight.saturating_mul(100).min(10_000);
                let weight = Weight::from_basis_points(points).unwrap_or(Weight::FULL);
                Scale::Amount(Amount::Percent(weight))
            }
        };
        let waits = self.steps.last().is_some_and(|step| !step.gates.is_empty());
        let how = match (&self.scale, waits) {
            (Scale::Weight, _) => {
                "as many as the weight needs from here on; never fewer than before"
            }
            (Scale::Amount(_), true) => "from the next weight on, as one step has one number",
            (Scale::Amount(_), false) => {
                "never fewer than the weight needs, nor than before, nor more than desired"
            }
        };
        item.changed(NAME, TO, how);
        match (self.steps.last_mut(), self.scale) {
            (Some(step), Scale::Amount(amount)) if step.gates.is_empty() => {
                step.replicas = Some(amount.round_up(desired));
            }
            // Instances without traffic, for the gates before the first weight.
            (None, Scale::Amount(_)) => {
                self.begin(Weight::ZERO);
            }
            (Some(_) | None, _) => (),
        }
        Ok(())
    }

    /// `setHeaderRoute`: requests that go to the candidate from here on; without any the route ends.
    fn header(&mut self, item: &mut Fields<'_>) -> Result<(), ImportError> {
        const NAME: &str = "setHeaderRoute";
        let Some(mut route) = item.open(NAME)? else { return Ok(()) };
        let name = route.text("name")?.unwrap_or_default();
        let matches = routing::matches(&mut route)?;
        if self.all.is_none() {
            return Err(item.wrong(
                NAME,
                "there is no router to do it",
                "name one in `trafficRouting`",
            ));
        }
        item.changed(
            NAME,
            "strategy.canary.steps[].match",
            "from this weight on, until the route is taken away or the steps end",
        );
        if matches.is_empty() {
            self.routes.remove(&name);
            return Ok(());
        }
        self.routes.insert(name, matches);
        let all: Vec<Value> = self.routes.values().flatten().cloned().collect();
        self.current(item)?.matches = all;
        Ok(())
    }

    /// `setMirrorRoute`: a share of stable's requests that the candidate gets a copy of from here on.
    fn mirror(&mut self, item: &mut Fields<'_>) -> Result<(), ImportError> {
        const NAME: &str = "setMirrorRoute";
        let Some(mut route) = item.open(NAME)? else { return Ok(()) };
        let name = route.text("name")?.unwrap_or_default();
        let share = route.number("percentage")?;
        let only = route.raw("match").and_then(|only| only.as_array().map(|list| !list.is_empty()));
        if self.all.is_none() {
            return Err(item.wrong(
                NAME,
                "there is no router to do it",
                "name one in `trafficRouting`",
            ));
        }
        let Some(only) = only else {
            self.mirrors.remove(&name);
            item.changed(
                NAME,
                "strategy.canary.steps[].mirror",
                "the route ends before the next weight",
            );
            return Ok(());
        };
        let points = share.unwrap_or(100).saturating_mul(100);
        let share = Weight::from_basis_points(points)
            .map_err(|why| item.wrong(&format!("{NAME}.percentage"), why, "write 100 or less"))?;
        let how = if only {
            "copies of all requests, not only of those that match; their answers are thrown away"
        } else {
            "from this weight on, until the route is taken away or the steps end"
        };
        item.changed(NAME, "strategy.canary.steps[].mirror", how);
        self.mirrors.insert(name, share);
        let most = self.mirrors.values().copied().max().unwrap_or(Weight::ZERO);
        self.current(item)?.mirror = most;
        Ok(())
    }

    /// Makes every written number of instances enough for its weight, and no fewer than before.
    fn fit(&mut self, canary: &Fields<'_>) {
        let mut before = 0;
        for step in &mut self.steps {
            let needed = step.weight.of_rounded_up(self.desired).max(before);
            match step.replicas {
                Some(written) if written.max(1) < needed => {
                    canary.changed(
                        "steps",
                        "strategy.canary.steps[].replicas",
                        format!(
                            "{needed} instead of {written} at {}: fewer would not carry the weight, or be fewer than before",
                            step.weight
                        ),
                    );
                    step.replicas = Some(needed);
                    before = needed;
                }
                Some(written) => {
                    step.replicas = Some(written.max(1));
                    before = written.max(1);
                }
                None => before = needed,
            }
            if self.desired == 0 {
                step.replicas = None;
            }
        }
    }
}
