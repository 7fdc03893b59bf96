//! Moves: everything that can happen next.
//!
//! Three kinds. *Free* ones happen in every run: an attempt lands, an instance gets ready, a snapshot comes.
//! *Faults* and *orders* are counted against what is left of them. *Time* passes to the engine's next timer
//! when nothing else is left to happen, or as a counted fault at any moment.

use rollout_core::{engine::EnrolState, plan::StageGate};

use super::{config::Configuration, node::Node, world::Life};

/// Something that can happen next. Numbers are places: of an attempt, an instance, an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Move {
    /// A crashed engine is replaced by one made from the journal.
    Restart,
    /// An attempt takes effect, and its answer comes.
    Land(u8),
    /// A starting instance answers.
    Ready(u8),
    /// What is in flight on a drained instance has ended.
    Quiet(u8),
    /// Snapshots come: of instances, and of the rest, each so many changes old.
    Look(u8, u8),
    /// An instance is probed.
    Probe(u8),
    /// A person lets a stopped rollout go on.
    Resume,
    /// A person passes a gate.
    Promote,
    /// Nothing else is left to happen before the next timer.
    Tick,
    /// The next timer runs out early.
    Slow,
    /// An attempt takes effect, and its answer is lost.
    Unheard(u8),
    /// An attempt never arrives, and nobody knows.
    Miss(u8),
    /// An attempt is thought lost and may arrive at any later time.
    Linger(u8),
    /// Such an attempt arrives.
    Ghost(u8),
    /// Something happens to an instance.
    Harm(Harm, u8),
    /// The engine crashes.
    Crash,
    /// An order is given.
    Order(u8),
}

/// What can happen to an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Harm {
    /// Its process ends.
    Exits,
    /// It vanishes, and the load balancer does not know.
    Vanishes,
    /// It will never answer.
    NeverReady,
    /// It answers no more for a while.
    Flaps,
}

fn small(place: usize) -> u8 {
    u8::try_from(place).expect("a small world has fewer than 256 of anything")
}

/// Everything that can happen next, and which of it happens in a fair run without faults.
pub(super) fn moves(
    node: &Node,
    configuration: &Configuration,
    out: &mut Vec<Move>,
) -> Option<Move> {
    out.clear();
    urgent(node, configuration, out);
    let is_urgent = !out.is_empty();
    if node.engine.is_some() {
        if node.ledger.paused || node.ledger.halted {
            out.push(Move::Resume);
        } else if awaits_approval(node) {
            out.push(Move::Promote);
        }
        if !is_urgent {
            // Whoever drives an engine looks now and then, whether it asked to be called or not.
            out.push(if node.wake_at.is_some() { Move::Tick } else { Move::Look(0, 0) });
        }
    }
    let fair = out.first().copied();
    late_looks(node, configuration, out);
    faults(node, configuration, is_urgent, out);
    fair
}

/// What happens before time passes.
fn urgent(node: &Node, configuration: &Configuration, out: &mut Vec<Move>) {
    let Some(engine) = &node.engine else {
        out.push(Move::Restart);
        return;
    };
    for (place, flight) in node.flights.iter().enumerate() {
        if !flight.ghost && node.is_next(place) {
            out.push(Move::Land(small(place)));
        }
    }
    for (place, one) in node.world.instances.values().enumerate() {
        if one.life == Life::Starting {
            out.push(Move::Ready(small(place)));
        }
    }
    for (place, server) in node.world.servers.values().enumerate() {
        if server.busy && server.state == EnrolState::Draining {
            out.push(Move::Quiet(small(place)));
        }
    }
    let is_seen = |seen| seen == node.world.mark;
    if !node.looked.is_some_and(|looked| is_seen(looked.instances) && is_seen(looked.others)) {
        out.push(Move::Look(0, 0));
    }
    if configuration.spec.health.readiness.is_some() {
        for target in engine.probe_targets() {
            let place = node.world.instances.keys().position(|name| name == target.instance);
            let truth = node.world.serves(target.instance);
            let is_told = node.told.get(target.instance) == Some(&truth);
            if let Some(place) = place.filter(|_| !is_told) {
                out.push(Move::Probe(small(place)));
            }
        }
    }
}

fn awaits_approval(node: &Node) -> bool {
    let ledger = &node.ledger;
    let gate = ledger.stage_now().and_then(|stage| stage.gates.get(ledger.passed));
    let waits = matches!(gate, Some(StageGate::Approval { .. }));
    waits && ledger.reached && !ledger.aborted && ledger.end.is_none()
}

/// Snapshots that show the world of before.
fn late_looks(node: &Node, configuration: &Configuration, out: &mut Vec<Move>) {
    if configuration.faults.lag == 0 || node.engine.is_none() {
        return;
    }
    let ages = 0..small(node.past.len());
    for instances in ages.clone() {
        for others in ages.clone() {
            let shows = |age: u8| node.past[node.past.len() - 1 - usize::from(age)].0;
            let is_new = node.looked.is_none_or(|looked| {
                looked.instances <= shows(instances)
                    && looked.others <= shows(others)
                    && (looked.instances, looked.others) != (shows(instances), shows(others))
            });
            if (instances, others) != (0, 0) && is_new {
                out.push(Move::Look(instances, others));
            }
        }
    }
}

fn faults(node: &Node, configuration: &Configuration, is_urgent: bool, out: &mut Vec<Move>) {
    let (left, faults) = (&node.left, &configuration.faults);
    for (place, flight) in node.flights.iter().enumerate() {
        let place_of = small(place);
        if flight.ghost {
            out.push(Move::Ghost(place_of));
        } else if 0 < left.lost_answers && node.is_next(place) {
            out.extend([Move::Unheard(place_of), Move::Miss(place_of), Move::Linger(place_of)]);
        }
    }
    if 0 < left.harms {
        for (place, one) in node.world.instances.values().enumerate() {
            let kinds = [
                (Harm::Exits, faults.exits && one.runs()),
                (Harm::Vanishes, faults.losses),
                (Harm::NeverReady, faults.duds && one.life == Life::Starting),
                (Harm::Flaps, faults.flaps && one.life == Life::Ready),
            ];
            let kinds = kinds.into_iter().filter(|(_, can_be)| *can_be);
            out.extend(kinds.map(|(harm, _)| Move::Harm(harm, small(place))));
        }
    }
    if node.engine.is_none() {
        return;
    }
    if 0 < left.crashes {
        out.push(Move::Crash);
    }
    if 0 < left.slow && is_urgent && node.wake_at.is_some() {
        out.push(Move::Slow);
    }
    if 0 < left.orders {
        out.extend((0..small(configuration.orders.len())).map(Move::Order));
    }
}
