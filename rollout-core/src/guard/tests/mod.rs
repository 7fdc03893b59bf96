//! The guard by what would break its rules. Most of it no rollout of the engine ever runs into, so it is made up
//! here: facts, records, and one action that the guard is asked about.

mod bed;
mod books;
mod by_count;
mod by_name;
mod drains;
mod imprint;
mod in_place;
mod modules;
mod probes;
mod route;

use std::sync::Arc;

use self::bed::Bed;
use super::{Guard, Rule};
use crate::{
    engine::{Action, Admission, Change, Effect, Purpose, Revision, Route},
    id::{ActionId, Attempt, Epoch, InstanceId, RevisionId, WorkloadId},
    plan::{Budget, Plan, Stage, StageRoute},
    port::{Confirmation, InPlaceOrder, Making},
    spec::{CheckedSpec, Counting, Spec},
    time::Span,
    weight::Weight,
};

/// The rule that would be broken, what would be so, and what the rule allows.
type Broken = (Rule, u64, u64);
type Said = Option<Broken>;

/// Something that happens to a bed.
type Deed = fn(&mut Bed);

const IN_PLACE: Making = Making::InPlace { order: InPlaceOrder::Ranked };
const OBSERVED: Option<Confirmation> = Some(Confirmation::Observed);
const ELAPSED: Option<Confirmation> = Some(Confirmation::Elapsed(Span::from_secs(1)));

/// Longest drain of every spec.
const DRAIN: Span = Span::from_secs(10);

fn name(text: &str) -> InstanceId {
    InstanceId::new(text).unwrap()
}

fn id(text: &str) -> RevisionId {
    RevisionId::new(text).unwrap()
}

fn revision(text: &str) -> Arc<Revision> {
    Arc::new(Revision { id: id(text), template: text.into() })
}

/// A spec whose readiness probe counts so many failures in a row, and two good answers.
fn spec(failures: u32) -> Arc<CheckedSpec> {
    let text = format!(
        "
version: 1
workload: shop
replicas: 4
drain: {{ deadline: {DRAIN} }}
health: {{ readiness: {{ tcp: {{ port: 80 }}, failure_threshold: {failures}, success_threshold: 2 }} }}"
    );
    Arc::new(CheckedSpec::new(Spec::from_yaml(&text).unwrap()).unwrap())
}

/// A plan of one stage within these limits.
fn plan(desired: u64, surge: u64, unavailable: u64) -> Plan {
    let budget = Budget { surge, unavailable, parallelism: 0, batch_delay: Span::default() };
    Plan {
        strategy: "rolling".to_owned(),
        desired,
        counting: Counting::Strict,
        stages: vec![Stage::new("all", (desired, 0), StageRoute::ByReplicas, budget)],
        rollback: budget,
        rollback_hooks: Vec::new(),
        remarks: Vec::new(),
    }
}

fn loose(plan: Plan) -> Plan {
    Plan { counting: Counting::Loose, ..plan }
}

fn submission(text: &str, spec: Arc<CheckedSpec>, plan: &Plan) -> Change {
    Change::Submitted {
        attempt: Attempt(1),
        revision: revision(text),
        spec,
        plan: Arc::new(plan.clone()),
        by: "ann".to_owned(),
        why: None,
        purpose: Purpose::Move,
    }
}

fn drain(instance: &str) -> Effect {
    Effect::Drain { instance: name(instance) }
}

fn detach(instance: &str) -> Effect {
    Effect::Detach { instance: name(instance) }
}

fn stop(instance: &str) -> Effect {
    Effect::Stop { instance: name(instance), grace: DRAIN }
}

fn remove(instance: &str) -> Effect {
    Effect::Remove { instance: name(instance) }
}

fn create(instance: &str, revision: &str) -> Effect {
    Effect::Create { instance: name(instance), revision: id(revision) }
}

fn enrol(instance: &str, revision: &str) -> Effect {
    Effect::Enrol {
        instance: name(instance),
        revision: id(revision),
        address: [10, 0, 0, 1].into(),
        admission: Admission::Serving,
    }
}

fn scale(revision: &str, replicas: u64) -> Effect {
    Effect::Scale { revision: id(revision), replicas }
}

fn action(number: u64, effect: Effect) -> Action {
    Action {
        id: ActionId(number),
        epoch: Epoch(1),
        attempt: Attempt(1),
        workload: WorkloadId::new("shop").unwrap(),
        revision: None,
        effect,
    }
}

/// Shares in percent.
fn shares(of: &[(&str, u64)]) -> Route {
    let weight = |percent: u64| Weight::from_basis_points(percent * 100).unwrap();
    Route::weighted(of.iter().map(|(revision, percent)| (id(revision), weight(*percent))).collect())
}
