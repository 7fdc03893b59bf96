//! Promises: what must hold at every step, checked on the ground truth.
//!
//! In: a state, and what is about to be recorded, was ordered or has landed. Out: every promise that does
//! not hold, by the name it has in GUARANTEES.md, with the numbers.

use std::collections::BTreeSet;

use rollout_core::{
    engine::{Action, Change, Effect, End, EnrolState, Record, Route, Shares},
    id::InstanceId,
    weight::Weight,
};

use super::{
    node::{Flight, Node},
    world::{Instance, Life, Server, World},
};

/// A promise that does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Broken {
    /// The promise.
    pub(super) promise: &'static str,
    /// What is so instead, with the numbers.
    pub(super) what: String,
}

/// What an attempt found, right before it took effect.
pub(super) struct Before {
    capacity: u64,
    of_its_revision: u64,
    live: u64,
    used: bool,
    harmed: bool,
    running: bool,
    server: Option<Server>,
}

fn require(
    broken: &mut Vec<Broken>,
    holds: bool,
    promise: &'static str,
    what: impl Fn() -> String,
) {
    if !holds {
        broken.push(Broken { promise, what: what() });
    }
}

/// Checks what is about to be recorded.
pub(super) fn recorded(node: &Node, record: &Record, broken: &mut Vec<Broken>) {
    let (ledger, world) = (&node.ledger, &node.world);
    let unseen = node.harms.len() as u64;
    #[expect(clippy::wildcard_enum_match_arm, reason = "the promises speak of these records only")]
    match &record.change {
        Change::Intended { id, effect } => {
            require(broken, !ledger.halted, "L7 halted", || format!("{effect} was decided"));
            let is_new = ledger.last_action < *id;
            require(broken, is_new, "C3 action numbers", || format!("{id} is used twice"));
        }
        Change::Proven { revision } => {
            let stage = ledger.stage_now();
            let gates = stage.map_or(0, |stage| stage.gates.len());
            let passed = gates <= ledger.passed || ledger.promoted || ledger.skips;
            let due = ledger.candidate.as_ref() == Some(revision)
                && !ledger.aborted
                && ledger.reached
                && passed
                && stage.is_some_and(|stage| stage.proves);
            require(broken, due, "R1 stable pointer", || {
                format!(
                    "{revision} was proven in stage {}, {} gates passed",
                    ledger.stage, ledger.passed
                )
            });
        }
        Change::Retired { instance } => {
            if let Some(what) = takes_stable(node, instance, unseen) {
                broken.push(Broken { promise: "R10 abort keeps stable", what });
            }
        }
        Change::Ended { end: End::Completed } => {
            let Some(candidate) = &ledger.candidate else { return };
            let others = world.instances.values().filter(|one| one.revision != *candidate).count();
            require(broken, others == 0, "R8 complete", || format!("{others} others are left"));
            is_whole(node, candidate, unseen, "R8 complete", broken);
        }
        Change::Ended { end: End::RolledBack } => {
            let Some(stable) = &ledger.stable else { return };
            is_whole(node, stable, unseen, "R4 rolled back", broken);
        }
        _ => {}
    }
}

fn is_whole(
    node: &Node,
    revision: &rollout_core::id::RevisionId,
    unseen: u64,
    promise: &'static str,
    broken: &mut Vec<Broken>,
) {
    let (serving, desired) = (node.world.capacity(Some(revision)), node.ledger.desired());
    require(broken, desired <= serving + unseen, promise, || {
        format!("{serving} of {desired} instances of {revision} serve, {unseen} harms unseen")
    });
}

/// Why telling `instance` to go on the way back is wrong, if it is.
fn takes_stable(node: &Node, instance: &InstanceId, unseen: u64) -> Option<String> {
    let (ledger, world) = (&node.ledger, &node.world);
    let stable = ledger.stable.as_ref().filter(|_| ledger.aborted && ledger.end.is_none())?;
    let one = world.instances.get(instance).filter(|one| one.revision == *stable)?;
    // One that the load balancer does not know serves nobody, and the engine may not know that it could.
    let serves = |name: &InstanceId| world.serves(name) && world.servers.contains_key(name);
    let there = world.instances.iter().filter(|(name, one)| {
        one.revision == *stable && serves(name) && !ledger.retired.contains(name)
    });
    let (there, desired) = (there.count() as u64, ledger.desired());
    let wrong = serves(instance) && !one.harmed && there + unseen <= desired;
    wrong.then(|| format!("{instance} of stable was told to go; there are {there} of {desired}"))
}

/// Checks an action that goes out.
pub(super) fn ordered(node: &Node, action: &Action, broken: &mut Vec<Broken>) {
    let ledger = &node.ledger;
    require(broken, !ledger.halted, "L7 halted", || format!("{action} goes out"));
    require(broken, ledger.pending.contains(&action.id), "C4 intent first", || {
        format!("{action} goes out and is not in the journal, or is over")
    });
    let Effect::Route(Route::Weighted(Shares { weights, .. })) = &action.effect else { return };
    let sum: u64 = weights.values().map(|weight| weight.basis_points()).sum();
    let full = Weight::FULL.basis_points();
    require(broken, sum == full, "T1 conservation", || format!("{action}: {sum} basis points"));
    let shares = weights.values().filter(|weight| !weight.is_zero()).count();
    require(broken, shares <= 2, "R3 two revisions", || format!("{action}: {shares} shares"));
    for (revision, weight) in weights {
        let old = node.world.route.as_ref().and_then(|route| route.weight_of(revision));
        if old.is_some_and(|old| *weight <= old) {
            continue;
        }
        let (serving, unseen) = (node.world.enrolled(revision), node.harms.len() as u64);
        let is_other_there = node.world.instances.iter().any(|(name, one)| {
            one.revision != *revision
                && one.life == Life::Ready
                && !one.harmed
                && node.world.is_in_traffic(name)
        });
        let needed = match (ledger.first, is_other_there) {
            (true, _) => 1,
            (false, false) => 0,
            (false, true) => ledger.backing(*weight),
        };
        require(broken, needed <= serving + unseen, "T2 backing", || {
            format!(
                "{action}: {serving} of {revision} serve, {needed} are needed, {unseen} harms unseen"
            )
        });
        exposes(node, action, revision, *weight, broken);
    }
}

/// T3: a candidate on trial never gets more than its stage gives.
fn exposes(
    node: &Node,
    action: &Action,
    revision: &rollout_core::id::RevisionId,
    weight: Weight,
    broken: &mut Vec<Broken>,
) {
    use rollout_core::plan::StageRoute;
    let ledger = &node.ledger;
    let is_trial = ledger.candidate.as_ref() == Some(revision) && !ledger.first && !ledger.proven;
    let Some(stage) = ledger.stage_now().filter(|_| is_trial) else { return };
    let most = match stage.route {
        StageRoute::Weighted(weight) => weight,
        StageRoute::Empty => Weight::ZERO,
        StageRoute::ByReplicas => return,
    };
    require(broken, weight <= most, "T3 exposure", || {
        format!("{action}: {revision} gets {weight}, its stage gives {most}")
    });
}

impl Before {
    pub(super) fn of(world: &World, action: &Action) -> Self {
        let instance = action.effect.instance();
        let one = instance.and_then(|name| world.instances.get(name));
        Self {
            capacity: world.capacity(None),
            of_its_revision: one.map_or(0, |one| world.capacity(Some(&one.revision))),
            live: world.live(),
            used: instance.is_some_and(|name| world.serves(name) && world.is_in_traffic(name)),
            harmed: one.is_some_and(|one| one.harmed),
            running: one.is_some_and(Instance::runs),
            server: instance.and_then(|name| world.servers.get(name)).cloned(),
        }
    }
}

/// Checks an attempt that took effect.
pub(super) fn landed(node: &Node, flight: &Flight, before: &Before, broken: &mut Vec<Broken>) {
    let (world, action) = (&node.world, flight.action.as_ref());
    let after = world.capacity(None);
    let is_late = before.capacity < flight.floor && matches!(action.effect, Effect::Route(_));
    if after < before.capacity && !before.harmed && !is_late {
        let (floor, unseen) = (flight.floor, flight.unseen);
        require(broken, floor <= after + unseen, "P1 floor", || {
            format!(
                "{action} takes the serving instances from {} to {after}; the floor is {floor}, {unseen} harms could not be seen",
                before.capacity
            )
        });
    }
    shares_backed(node, flight, before, broken);
    let makes = matches!(action.effect, Effect::Create { .. });
    if makes && before.live < world.live() {
        let going =
            node.ledger.retired.iter().filter(|name| {
                world.instances.get(*name).is_some_and(|one| one.life != Life::Exited)
            });
        let going = if node.ledger.counts_strictly() { 0 } else { going.count() as u64 };
        let (live, ceiling) = (world.live() - going, flight.ceiling);
        require(broken, live <= ceiling, "P3 ceiling", || {
            format!("{action} makes {live} live instances; the ceiling is {ceiling}")
        });
    }
    let takes = matches!(
        action.effect,
        Effect::Stop { .. } | Effect::Remove { .. } | Effect::Detach { .. }
    );
    require(broken, !(takes && before.used), "P6 referenced", || {
        format!("{action} while requests are sent to it")
    });
    drained(node, flight, before, broken);
    revisions(node, action, broken);
}

/// T5: capacity never leaves before the traffic.
fn shares_backed(node: &Node, flight: &Flight, before: &Before, broken: &mut Vec<Broken>) {
    let (world, action) = (&node.world, flight.action.as_ref());
    let one = action.effect.instance().and_then(|name| world.instances.get(name));
    let (Some(one), Some(route @ Route::Weighted(_))) = (one, &world.route) else { return };
    let after = world.capacity(Some(&one.revision));
    let weight = route.weight_of(&one.revision).unwrap_or_default();
    if weight.is_zero() || before.of_its_revision <= after || before.harmed || node.ledger.first {
        return;
    }
    let needed = node.ledger.backing(weight).min(flight.floor);
    require(broken, needed <= after + flight.unseen, "T5 order", || {
        format!(
            "{action} leaves {after} instances of {} behind {weight}; {needed} are needed, {} harms could not be seen",
            one.revision, flight.unseen
        )
    });
}

/// P5: stopped after nothing new was sent, and what was in flight has ended or had its time.
fn drained(node: &Node, flight: &Flight, before: &Before, broken: &mut Vec<Broken>) {
    let action = flight.action.as_ref();
    let Some(server) = before.server.as_ref().filter(|_| before.running) else { return };
    match action.effect {
        Effect::Stop { .. } | Effect::Detach { .. } => {}
        Effect::Create { .. }
        | Effect::Start { .. }
        | Effect::Enrol { .. }
        | Effect::Drain { .. }
        | Effect::Remove { .. }
        | Effect::Scale { .. }
        | Effect::Divide(_)
        | Effect::Route(_)
        | Effect::Run { .. }
        | Effect::Modules(_) => return,
    }
    let waited = node.now.since(server.drained);
    let is_quiet =
        server.state == EnrolState::Draining && (!server.busy || node.drain_deadline <= waited);
    require(
        broken,
        is_quiet || !before.used && server.state == EnrolState::In && before.harmed,
        "P5 drain order",
        || {
            format!(
                "{action} after {waited} of drain, in flight: {}, {:?}",
                server.busy, server.state
            )
        },
    );
}

/// R3: at most two revisions in traffic, at most three live.
fn revisions(node: &Node, action: &Action, broken: &mut Vec<Broken>) {
    let world = &node.world;
    let in_traffic = world.instances.iter().filter(|(name, _)| world.is_in_traffic(name));
    let exposed: BTreeSet<_> = in_traffic.map(|(_, one)| &one.revision).collect();
    let live = world.instances.values().filter(|one| one.life != Life::Exited);
    let live: BTreeSet<_> = live.map(|one| &one.revision).collect();
    require(broken, exposed.len() <= 2 && live.len() <= 3, "R3 two revisions", || {
        format!("after {action} {} revisions are in traffic, {} live", exposed.len(), live.len())
    });
}
