//! Search: breadth first over every state that can be reached, each met once.
//!
//! In: a [`Configuration`]. Out: an [`Exploration`]: how much there is, whether all of it was seen, and the
//! shortest way to every kind of broken promise. Liveness is read off the graph: each state has one fair
//! successor without faults, so following them must end, and end well, from everywhere.

use std::{collections::BTreeMap, time::Instant};

use rollout_core::engine::{End, Engine, Event, Imprint};

use super::{
    Exploration, Finding,
    config::Configuration,
    make,
    moves::{self, Move},
    node::{Node, Witness},
    promises::Broken,
    table::{NOBODY, Table},
};

/// One state in so many is replayed from its journal and compared.
const REPLAY_EVERY: u32 = 64;

/// One merge of two states in so many is checked by comparing what comes of both.
const MERGE_EVERY: u32 = 256;

/// Most kinds of finding that are kept; each is kept once, by its shortest way.
const FINDINGS_MAX: usize = 16;

/// What is kept of a state once it was looked at.
#[derive(Clone, Copy, Debug)]
struct Met {
    parent: u32,
    by: Move,
    /// The state that follows in a fair run; [`NOBODY`]: nothing does, or it was not looked at.
    fair: u32,
    ends_well: Option<bool>,
}

struct Search<'a> {
    configuration: &'a Configuration,
    imprint: Imprint,
    table: Table,
    met: Vec<Met>,
    next: Vec<Node>,
    /// The number of the first state of the next level.
    next_from: u32,
    findings: BTreeMap<String, (u32, Option<Move>, Broken)>,
    counts: Exploration,
}

/// Explores everything that can happen in a configuration.
#[must_use]
pub fn explore(configuration: &Configuration) -> Exploration {
    let began = Instant::now();
    let root = make::root(configuration, &mut Witness::default());
    let mut search = Search {
        configuration,
        imprint: Imprint::default(),
        table: Table::new(),
        met: Vec::new(),
        next: Vec::new(),
        next_from: 0,
        findings: BTreeMap::new(),
        counts: Exploration { name: configuration.name.clone(), ..Exploration::default() },
    };
    search.meet(root, NOBODY, Move::Restart);
    search.run();
    search.live();
    let mut counts = search.report();
    counts.elapsed = began.elapsed();
    counts
}

impl Search<'_> {
    fn run(&mut self) {
        while !self.next.is_empty() {
            let level = std::mem::take(&mut self.next);
            let from = self.next_from;
            self.next_from = small(self.met.len());
            self.counts.widest = self.counts.widest.max(level.len());
            for (number, node) in (from..).zip(level) {
                if self.configuration.states_max <= small(self.met.len()) {
                    self.counts.bound = Some(self.configuration.states_max);
                    return;
                }
                self.expand(number, &node);
            }
            self.counts.depth += 1;
        }
    }

    /// Numbers a state; keeps it if it is a new one.
    fn meet(&mut self, node: Node, parent: u32, by: Move) -> u32 {
        let imprint = node.imprint(&mut self.imprint);
        let number = self.table.number(imprint, small(self.met.len()));
        if number == small(self.met.len()) {
            self.met.push(Met { parent, by, fair: NOBODY, ends_well: None });
            self.next.push(node);
        } else if self.next_from <= number
            && self.counts.transitions.is_multiple_of(u64::from(MERGE_EVERY))
        {
            self.compare(number, &node);
        }
        number
    }

    fn expand(&mut self, number: u32, node: &Node) {
        let mut all = Vec::new();
        let fair = moves::moves(node, self.configuration, &mut all);
        if number.is_multiple_of(REPLAY_EVERY) || fair.is_none() {
            self.replay(number, node);
        }
        for one in all {
            let mut witness = Witness::default();
            let after = one.make(node, self.configuration, &mut witness);
            for broken in witness.broken {
                self.find(number, Some(one), broken);
            }
            let Some(after) = after else { continue };
            self.counts.transitions += 1;
            self.counts.vetoes += u64::from(after.ledger.vetoed && !node.ledger.vetoed);
            let next = self.meet(after, number, one);
            if fair == Some(one) {
                self.met[number as usize].fair = next;
            }
        }
        // Time that changes nothing is no way on.
        if self.met[number as usize].fair == number || fair.is_none() {
            self.met[number as usize].fair = NOBODY;
            self.rest(number, node);
        }
    }

    /// Checks a state in which nothing happens any more by itself.
    fn rest(&mut self, number: u32, node: &Node) {
        let ledger = &node.ledger;
        let is_over = ledger.end.is_some() && !ledger.queued;
        *self.counts.ends.entry(end_name(ledger.end.as_ref())).or_default() += 1;
        self.met[number as usize].ends_well = Some(is_over);
        if !is_over {
            let stage = ledger.stage;
            let what = format!("nothing happens any more, and the rollout is in stage {stage}");
            self.find(number, None, Broken { promise: "L1 ends", what });
        }
        if let Some(engine) = node.engine.clone().as_mut() {
            let step = engine.step(node.now, Event::Woke);
            if !step.records.is_empty() || !step.actions.is_empty() {
                let what = format!(
                    "{} records, {} actions without a cause",
                    step.records.len(),
                    step.actions.len()
                );
                self.find(number, None, Broken { promise: "F4 fixed point", what });
            }
        }
    }

    /// Compares an engine made from the journal with the one that was kept all along, where one can crash.
    fn replay(&mut self, number: u32, node: &Node) {
        let Some(lasting) = &node.lasting else { return };
        self.counts.replays += 1;
        let what = match Engine::replay(self.configuration.setup(), &lasting.records()) {
            Err(error) => error.to_string(),
            Ok(engine) => {
                let mut of = |engine: &Engine| {
                    self.imprint.begin(node.now);
                    engine.imprint(&mut self.imprint);
                    self.imprint.finish()
                };
                let is_same = of(&engine) == of(&lasting.engine)
                    && engine.status(node.now) == lasting.engine.status(node.now);
                if is_same {
                    return;
                }
                "the engine made from the journal differs".to_owned()
            }
        };
        self.find(number, None, Broken { promise: "C2 replay", what });
    }

    /// Checks that two states that count as one have the same future: what comes of both counts as one too.
    fn compare(&mut self, number: u32, node: &Node) {
        let kept = self.next[(number - self.next_from) as usize].clone();
        let futures = |search: &mut Self, node: &Node| {
            let mut all = Vec::new();
            moves::moves(node, search.configuration, &mut all);
            let mut witness = Witness::default();
            let after = |one: &Move| {
                let after = one.make(node, search.configuration, &mut witness)?;
                Some(after.imprint(&mut search.imprint))
            };
            let mut futures: Vec<u128> = all.iter().filter_map(after).collect();
            futures.sort_unstable();
            (futures, all.len(), witness.broken)
        };
        self.counts.merges += 1;
        if futures(self, &kept) != futures(self, node) {
            self.counts.merges_wrong += 1;
        }
    }

    fn find(&mut self, number: u32, by: Option<Move>, broken: Broken) {
        self.counts.violations += 1;
        if self.findings.len() < FINDINGS_MAX {
            self.findings.entry(broken.promise.to_owned()).or_insert((number, by, broken));
        }
    }

    /// Follows the fair successors from every state: they must end, and end well.
    fn live(&mut self) {
        let mut path = Vec::new();
        for start in 0..self.met.len() {
            let mut at = start;
            path.clear();
            let ends = loop {
                if let Some(ends) = self.met[at].ends_well {
                    break Some(ends);
                }
                if self.met[at].fair == NOBODY {
                    break None;
                }
                path.push(at);
                // Whoever is on the way already ends nowhere.
                self.met[at].ends_well = Some(false);
                at = self.met[at].fair as usize;
            };
            if ends == Some(false) && path.contains(&at) {
                let what = "a fair run without faults goes in circles".to_owned();
                self.find(small(at), None, Broken { promise: "L1 lasso", what });
            }
            match ends {
                None => {
                    self.counts.undecided += path.len() as u64 + 1;
                    for at in &path {
                        self.met[*at].ends_well = None;
                        self.met[*at].fair = NOBODY;
                    }
                }
                Some(ends) => {
                    for at in &path {
                        self.met[*at].ends_well = Some(ends);
                    }
                }
            }
        }
    }

    fn report(mut self) -> Exploration {
        self.counts.states = self.met.len() as u64;
        let findings = std::mem::take(&mut self.findings);
        for (number, by, broken) in findings.into_values() {
            let transcript = self.transcript(number, by);
            let Broken { promise, what } = broken;
            self.counts.findings.push(Finding { promise, what, transcript });
        }
        self.counts
    }

    /// The way to a state and one move further, told.
    fn transcript(&self, number: u32, by: Option<Move>) -> Vec<String> {
        let mut path = Vec::new();
        let mut at = number;
        while at != NOBODY {
            let met = self.met[at as usize];
            path.push(met.by);
            at = met.parent;
        }
        path.pop();
        path.reverse();
        path.extend(by);
        let mut witness = Witness { lines: Some(Vec::new()), ..Witness::default() };
        let mut node = make::root(self.configuration, &mut witness);
        for one in path {
            let Some(after) = one.make(&node, self.configuration, &mut witness) else { break };
            node = after;
        }
        if by.is_none() {
            let waits = node.engine.as_ref().map(|engine| engine.waits(node.now));
            witness.say(|| format!("{} and now: {waits:?}", node.clock()));
        }
        witness.lines.unwrap_or_default()
    }
}

/// How a rollout ended, in a word or two.
fn end_name(end: Option<&End>) -> &'static str {
    match end {
        None => "not ended",
        Some(End::Completed) => "completed",
        Some(End::RolledBack) => "rolled back",
        Some(End::Failed) => "failed",
        Some(End::NeedsOperator { .. }) => "needs an operator",
        Some(_) => "fenced",
    }
}

fn small(number: usize) -> u32 {
    u32::try_from(number).expect("the bound on states is a u32")
}
