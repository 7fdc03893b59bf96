//! Moves: everything that can happen next, and what happens then.
//!
//! Three kinds. *Free* ones happen in every run: an attempt lands, an instance gets ready, a snapshot comes.
//! *Faults* and *orders* are counted against what is left of them. *Time* passes to the engine's next timer
//! when nothing else is left to happen, or as a counted fault at any moment.

use rollout_core::{
    engine::{EnrolState, Event, Order, OrderKind, Outcome, ProbeKind},
    id::InstanceId,
    plan::StageGate,
};

use super::{
    config::Configuration,
    node::{Node, Witness},
    world::Life,
};

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
    /// An instance's process ends.
    Exit(u8),
    /// An instance vanishes.
    Lose(u8),
    /// A starting instance will never answer.
    Dud(u8),
    /// An instance answers no more for a while.
    Flap(u8),
    /// The engine crashes.
    Crash,
    /// An order is given.
    Order(u8),
}

fn small(place: usize) -> u8 {
    u8::try_from(place).expect("a small world has fewer than 256 of anything")
}

/// The instance at a place.
fn instance(node: &Node, place: u8) -> InstanceId {
    let name = node.world.instances.keys().nth(usize::from(place));
    name.expect("a move is made in the state it was found in").clone()
}

/// The server at a place.
fn server(node: &Node, place: u8) -> InstanceId {
    let name = node.world.servers.keys().nth(usize::from(place));
    name.expect("a move is made in the state it was found in").clone()
}

/// Everything that can happen next, and which of it happens in a fair run without faults.
pub(super) fn moves(node: &Node, configuration: &Configuration, out: &mut Vec<Move>) -> Option<Move> {
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
            let place = small(place);
            if faults.exits && one.runs() {
                out.push(Move::Exit(place));
            }
            if faults.losses {
                out.push(Move::Lose(place));
            }
            if faults.duds && one.life == Life::Starting {
                out.push(Move::Dud(place));
            }
            if faults.flaps && one.life == Life::Ready {
                out.push(Move::Flap(place));
            }
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

impl Move {
    /// What comes of it; `None` if nothing does.
    pub(super) fn make(
        self,
        from: &Node,
        configuration: &Configuration,
        witness: &mut Witness,
    ) -> Option<Node> {
        let mut node = from.clone();
        match self {
            Self::Restart => restart(&mut node, witness),
            Self::Land(place) => {
                let (flight, outcome) = node.land(place.into(), witness);
                node.feed(Event::Attempted { id: flight.action.id, outcome }, witness);
            }
            Self::Ghost(place) => {
                witness.say(|| format!("{} a late attempt arrives", node.clock()));
                node.land(place.into(), witness);
            }
            Self::Unheard(place) => {
                node.left.lost_answers -= 1;
                let (flight, _) = node.land(place.into(), witness);
                unknown(&mut node, &flight.action, witness);
            }
            Self::Miss(place) => {
                node.left.lost_answers -= 1;
                let flight = node.flights.remove(place.into());
                witness.say(|| format!("{} {} never arrives", node.clock(), flight.action));
                unknown(&mut node, &flight.action, witness);
            }
            Self::Linger(place) => {
                node.left.lost_answers -= 1;
                node.flights[usize::from(place)].ghost = true;
                let action = node.flights[usize::from(place)].action.clone();
                witness.say(|| format!("{} {action} is late", node.clock()));
                unknown(&mut node, &action, witness);
            }
            Self::Look(instances, others) => look(&mut node, instances, others, witness),
            Self::Probe(place) => probe(&mut node, place, configuration, witness),
            Self::Ready(place) => {
                let name = instance(&node, place);
                witness.say(|| format!("{} {name} is ready", node.clock()));
                set_life(&mut node, &name, Life::Ready);
                node.world.changed();
            }
            Self::Quiet(place) => {
                let name = server(&node, place);
                witness.say(|| format!("{} nothing is in flight on {name}", node.clock()));
                if let Some(server) = node.world.servers.get_mut(&name) {
                    server.busy = false;
                }
                node.world.changed();
            }
            Self::Tick | Self::Slow => {
                node.left.slow -= u8::from(self == Self::Slow);
                node.now = node.wake_at?;
                witness.say(|| format!("{} time passes", node.clock()));
                if self == Self::Tick {
                    look(&mut node, 0, 0, witness);
                }
                node.feed(Event::Woke, witness);
            }
            Self::Exit(place) | Self::Lose(place) | Self::Dud(place) | Self::Flap(place) => {
                self.harm(&mut node, place, witness);
            }
            Self::Crash => {
                node.left.crashes -= 1;
                witness.say(|| format!("{} the engine crashes", node.clock()));
                node.engine = None;
                node.wake_at = None;
                for flight in &mut node.flights {
                    flight.ghost = true;
                }
            }
            Self::Resume => order(&mut node, &OrderKind::Resume, witness)?,
            Self::Promote => order(&mut node, &OrderKind::Promote { all: false }, witness)?,
            Self::Order(place) => {
                node.left.orders -= 1;
                order(&mut node, &configuration.orders[usize::from(place)], witness)?;
            }
        }
        tidy(&mut node, configuration);
        Some(node)
    }

    fn harm(self, node: &mut Node, place: u8, witness: &mut Witness) {
        let name = instance(node, place);
        node.left.harms -= 1;
        witness.say(|| format!("{} fault: {self:?} {name}", node.clock()));
        let server = node.world.servers.get(&name);
        let counts = node.world.serves(&name) && server.is_some();
        match self {
            Self::Exit(_) => set_life(node, &name, Life::Exited),
            Self::Lose(_) => {
                node.world.instances.remove(&name);
            }
            Self::Dud(_) => set_life(node, &name, Life::Dud),
            _ => set_life(node, &name, Life::Starting),
        }
        node.harm(&name, counts);
    }
}

fn set_life(node: &mut Node, name: &InstanceId, life: Life) {
    if let Some(one) = node.world.instances.get_mut(name) {
        one.harmed |= one.life == Life::Ready;
        one.life = life;
    }
}

fn restart(node: &mut Node, witness: &mut Witness) {
    let epoch = node.next_epoch();
    witness.say(|| format!("{} an engine made from the journal claims {epoch}", node.clock()));
    // What an older epoch wants is refused from now on: it changes nothing any more.
    node.world.epoch = epoch;
    node.flights.clear();
    node.told.clear();
    node.looked = None;
    node.engine = Some(node.durable.as_ref().clone());
    node.feed(Event::Claimed { epoch }, witness);
}

fn unknown(node: &mut Node, action: &rollout_core::engine::Action, witness: &mut Witness) {
    witness.say(|| "    the answer is lost".to_owned());
    let outcome = Outcome::unknown("no answer");
    node.feed(Event::Attempted { id: action.id, outcome }, witness);
}

fn look(node: &mut Node, instances: u8, others: u8, witness: &mut Witness) {
    witness.say(|| format!("{} snapshots, {instances} and {others} changes old", node.clock()));
    if node.past.is_empty() {
        let snapshot = node.world.snapshot();
        node.look(&snapshot, &snapshot, witness);
    } else {
        let last = node.past.len() - 1;
        let of = |age: u8| node.past[last - usize::from(age)].1.clone();
        let (instances, others) = (of(instances), of(others));
        node.look(&instances, &others, witness);
    }
}

fn probe(node: &mut Node, place: u8, configuration: &Configuration, witness: &mut Witness) {
    let name = instance(node, place);
    let healthy = node.world.serves(&name);
    let Some(probe) = &configuration.spec.health.readiness else { return };
    let times = if healthy { probe.success_threshold } else { probe.failure_threshold };
    witness.say(|| format!("{} probe of {name}: {healthy}", node.clock()));
    node.harms.retain(|(harmed, _)| *harmed != name);
    node.told.insert(name.clone(), healthy);
    for _ in 0..times {
        let (instance, probe) = (name.clone(), ProbeKind::Readiness);
        node.feed(Event::Probed { instance, probe, healthy, detail: String::new() }, witness);
    }
}

/// Gives an order; `None` if it is refused.
fn order(node: &mut Node, kind: &OrderKind, witness: &mut Witness) -> Option<()> {
    let order = Order { kind: kind.clone(), by: "ann".to_owned(), why: Some("to see".to_owned()) };
    witness.say(|| format!("{} order: {}", node.clock(), order_name(kind)));
    let step = node.feed(Event::Ordered(order), witness)?;
    step.answer?.ok()
}

/// An order, for people.
fn order_name(kind: &OrderKind) -> String {
    match kind {
        OrderKind::Submit { revision, .. } => format!("submit {}", revision.id),
        _ => format!("{kind:?}").to_lowercase(),
    }
}

/// Forgets what can make no difference any more, and keeps snapshots that may be shown late.
fn tidy(node: &mut Node, configuration: &Configuration) {
    let Node { world, flights, told, past, looked, .. } = node;
    world.newest.retain(|(port, subject), _| {
        flights.iter().any(|flight| {
            flight.action.effect.port() == *port && flight.action.effect.subject() == *subject
        })
    });
    told.retain(|name, _| world.instances.contains_key(name));
    if configuration.faults.lag == 0 {
        return;
    }
    if past.last().is_none_or(|(mark, _)| *mark != world.mark) {
        past.push((world.mark, world.snapshot()));
    }
    let most = usize::from(configuration.faults.lag) + 1;
    let seen = looked.map(|looked| looked.instances.min(looked.others));
    while most < past.len() || (1 < past.len() && seen.is_some_and(|seen| past[0].0 < seen)) {
        past.remove(0);
    }
}

/// Makes the world and the engine as they are when exploration begins: what serves before is deployed, and
/// the revision under trial is submitted.
pub(super) fn root(configuration: &Configuration, witness: &mut Witness) -> Node {
    let mut node = Node::new(configuration);
    restart(&mut node, witness);
    let (first, second) = (super::config::revision("v1"), super::config::revision("v2"));
    let submit = |revision| OrderKind::Submit { revision, spec: configuration.spec.clone() };
    let mut moves_of = Vec::new();
    if configuration.has_stable {
        order(&mut node, &submit(first), witness).expect("a first revision is never refused");
        while let Some(next) = moves(&node, configuration, &mut moves_of) {
            let Some(after) = next.make(&node, configuration, witness) else { break };
            node = after;
            if node.ledger.end.is_some() && next == Move::Tick {
                break;
            }
        }
        if let Some(lines) = &mut witness.lines {
            lines.clear();
        }
    }
    order(&mut node, &submit(second), witness).expect("a second revision is never refused");
    node.left = configuration.faults;
    tidy(&mut node, configuration);
    node
}
