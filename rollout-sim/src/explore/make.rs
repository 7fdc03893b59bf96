//! Making a move: what happens then, and what the engine makes of it.

use std::fmt;

use rollout_core::{
    engine::{Action, Event, Order, OrderKind, Outcome, ProbeKind},
    id::InstanceId,
};

use super::{
    config::{Configuration, revision},
    moves::{Harm, Move, moves},
    node::{Node, Witness},
    world::Life,
};

/// Makes the world and the engine as they are when exploration begins: what serves before is deployed, and
/// the revision under trial is submitted.
pub(super) fn root(configuration: &Configuration, witness: &mut Witness) -> Node {
    let mut node = Node::new(configuration);
    restart(&mut node, witness);
    let (first, second) = (revision("v1"), revision("v2"));
    let submit = |revision| OrderKind::Submit { revision, spec: configuration.spec.clone() };
    let mut moves_of = Vec::new();
    if configuration.has_stable {
        order(&mut node, &submit(first), witness).expect("a first revision is never refused");
        while let Some(next) = moves(&node, configuration, &mut moves_of) {
            let is_idle = node.looked.is_some_and(|looked| looked.instances == node.world.mark);
            let waits = next == Move::Tick || (is_idle && next == Move::Look(0, 0));
            if node.ledger.end.is_some() && waits {
                break;
            }
            let Some(after) = next.make(&node, configuration, witness) else { break };
            node = after;
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
            Self::Unheard(place) => unheard(&mut node, place.into(), witness),
            Self::Miss(place) => miss(&mut node, place.into(), witness),
            Self::Linger(place) => linger(&mut node, place.into(), witness),
            Self::Look(instances, others) => look(&mut node, instances, others, witness),
            Self::Probe(place) => probe(&mut node, place, configuration, witness),
            Self::Ready(place) => ready(&mut node, place, witness),
            Self::Quiet(place) => quiet(&mut node, place, witness),
            Self::Tick | Self::Slow => {
                node.left.slow -= u8::from(self == Self::Slow);
                node.now = node.wake_at?;
                witness.say(|| format!("{} time passes", node.clock()));
                if self == Self::Tick {
                    look(&mut node, 0, 0, witness);
                }
                node.feed(Event::Woke, witness);
            }
            Self::Harm(harm, place) => harm.strike(&mut node, place, witness),
            Self::Crash => crash(&mut node, witness),
            Self::Resume => order(&mut node, &OrderKind::Resume, witness)?,
            Self::Promote => {
                order(&mut node, &OrderKind::Promote { all: false, gate: None }, witness)?;
            }
            Self::Order(place) => {
                node.left.orders -= 1;
                order(&mut node, &configuration.orders[usize::from(place)], witness)?;
            }
        }
        tidy(&mut node, configuration);
        Some(node)
    }
}

/// It is carried out, and the answer is lost.
fn unheard(node: &mut Node, place: usize, witness: &mut Witness) {
    node.left.lost_answers -= 1;
    let (flight, _) = node.land(place, witness);
    unknown(node, &flight.action, witness);
}

/// The attempt never arrives.
fn miss(node: &mut Node, place: usize, witness: &mut Witness) {
    node.left.lost_answers -= 1;
    let flight = node.flights.remove(place);
    witness.say(|| format!("{} {} never arrives", node.clock(), flight.action));
    unknown(node, &flight.action, witness);
}

/// The attempt arrives when it has been given up.
fn linger(node: &mut Node, place: usize, witness: &mut Witness) {
    node.left.lost_answers -= 1;
    node.flights[place].ghost = true;
    let action = node.flights[place].action.clone();
    witness.say(|| format!("{} {action} is late", node.clock()));
    unknown(node, &action, witness);
}

fn ready(node: &mut Node, place: u8, witness: &mut Witness) {
    let name = instance(node, place);
    witness.say(|| format!("{} {name} is ready", node.clock()));
    set_life(node, &name, Life::Ready);
    node.world.changed();
}

fn quiet(node: &mut Node, place: u8, witness: &mut Witness) {
    let name = server(node, place);
    witness.say(|| format!("{} nothing is in flight on {name}", node.clock()));
    if let Some(server) = node.world.servers.get_mut(&name) {
        server.busy = false;
    }
    node.world.changed();
}

fn crash(node: &mut Node, witness: &mut Witness) {
    node.left.crashes -= 1;
    witness.say(|| format!("{} the engine crashes", node.clock()));
    node.engine = None;
    node.wake_at = None;
    for flight in &mut node.flights {
        flight.ghost = true;
    }
}

impl Harm {
    fn strike(self, node: &mut Node, place: u8, witness: &mut Witness) {
        let name = instance(node, place);
        node.left.harms -= 1;
        witness.say(|| format!("{} fault: {name} {self}", node.clock()));
        let counts = node.world.serves(&name) && node.world.servers.contains_key(&name);
        match self {
            Self::Exits => set_life(node, &name, Life::Exited),
            Self::Vanishes => {
                node.world.instances.remove(&name);
            }
            Self::NeverReady => set_life(node, &name, Life::Dud),
            Self::Flaps => set_life(node, &name, Life::Starting),
        }
        node.harm(&name, counts);
    }
}

impl fmt::Display for Harm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Exits => "exits by itself",
            Self::Vanishes => "vanishes",
            Self::NeverReady => "will never be ready",
            Self::Flaps => "answers no more for a while",
        })
    }
}

fn set_life(node: &mut Node, name: &InstanceId, life: Life) {
    if let Some(one) = node.world.instances.get_mut(name) {
        one.harmed |= one.life == Life::Ready;
        one.life = life;
    }
}

fn restart(node: &mut Node, witness: &mut Witness) {
    let Some(lasting) = &node.lasting else { return };
    let engine = lasting.engine.as_ref().clone();
    let epoch = node.world.epoch.max(engine.epoch()).next();
    witness.say(|| format!("{} an engine made from the journal claims {epoch}", node.clock()));
    // What an older epoch wants is refused from now on: it changes nothing any more.
    node.world.epoch = epoch;
    node.flights.clear();
    node.told.clear();
    node.looked = None;
    node.engine = Some(engine);
    node.feed(Event::Claimed { epoch }, witness);
}

fn unknown(node: &mut Node, action: &Action, witness: &mut Witness) {
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
    node.feed(Event::Ordered(order), witness)?.ok()
}

/// An order, for people.
#[expect(clippy::wildcard_enum_match_arm, reason = "the others are short as they are")]
fn order_name(kind: &OrderKind) -> String {
    match kind {
        OrderKind::Submit { revision, .. } => format!("submit {}", revision.id),
        other => format!("{other:?}").to_lowercase(),
    }
}

/// Forgets what can make no difference any more, and keeps snapshots that may be shown late.
fn tidy(node: &mut Node, configuration: &Configuration) {
    if node.engine.is_some() && node.left.crashes == 0 {
        node.lasting = None;
    }
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
