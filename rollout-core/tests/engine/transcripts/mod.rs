//! Transcripts: one small story per strategy and per order, kept in `tests/transcripts` and read like code.
//!
//! `UPDATE_GOLDEN=1` rewrites them. At every tick of every story: if a rollout is under way and the engine
//! decides nothing, it says what it waits for.

mod orders;
mod strategies;

use std::{fmt::Write, mem};

use rollout_core::{
    engine::{Event, Expiry, OrderKind, WaitReason},
    time::Timestamp,
};
use serde_json::Value;

use super::{
    tell::{Told, clock, golden},
    world::{World, setup, spec},
};

/// Longest story that somebody reads.
const LINES_MOST: usize = 60;

/// A world whose story is told from the moment on when v1 serves.
struct Story {
    name: &'static str,
    shows: [&'static str; 2],
    world: World,
    zero: Timestamp,
    /// What was waited for when that was told last.
    waited: Option<(mem::Discriminant<WaitReason>, Option<Expiry>)>,
}

impl Story {
    /// A world that serves `replicas` instances of v1 with the spec `rest`.
    fn new(
        name: &'static str,
        shows: [&'static str; 2],
        router: Option<u64>,
        replicas: u64,
        rest: &Value,
    ) -> Self {
        let mut world = World::new(setup(router));
        world.submit("v1", &spec(replicas, rest)).unwrap();
        assert_eq!(world.run(), "completed");
        world.told.clear();
        (world.low, world.high) = (usize::MAX, 0);
        let zero = world.now;
        Self { name, shows, world, zero, waited: None }
    }

    fn submit(&mut self, revision: &str, replicas: u64, rest: &Value) {
        self.world.submit(revision, &spec(replicas, rest)).unwrap();
    }

    /// Gives an order, accepted or not; the answer is part of the story.
    fn order(&mut self, kind: OrderKind) {
        drop(self.world.order(kind));
    }

    fn ticks(&mut self, count: usize) {
        for _ in 0..count {
            self.tick();
        }
    }

    /// Ticks until `is_so`.
    fn until(&mut self, is_so: impl Fn(&World) -> bool) {
        for _ in 0..2000 {
            if is_so(&self.world) {
                return;
            }
            self.tick();
        }
        panic!("{}: it never was so\n{}", self.name, self.text());
    }

    /// Ticks until the rollout ends like this.
    #[track_caller]
    fn ends(&mut self, end: &str) {
        self.until(|world| world.engine.end().is_some());
        assert!(self.world.engine.end().unwrap().to_string().starts_with(end), "{}", self.text());
    }

    fn tick(&mut self) {
        let told = self.world.told.len();
        self.world.tick();
        let now = self.world.now;
        let waits = self.world.engine.waits(now);
        let is_under_way = self.world.engine.plan().is_some() && self.world.engine.end().is_none();
        let step = self.world.engine.clone().step(now, Event::Woke);
        let decides_nothing = step.records.is_empty() && step.actions.is_empty();
        if is_under_way && decides_nothing {
            assert!(!waits.is_empty(), "{} says not why it waits\n{}", self.name, self.text());
        }
        for wait in waits.iter().filter(|wait| wait.until.is_none() && is_under_way) {
            let status = self.world.engine.status(now);
            assert!(
                has_no_limit(&wait.reason) || status.paused,
                "{}: no limit to {wait:?}",
                self.name
            );
        }
        let Some(wait) = waits.first().filter(|_| is_under_way && self.world.told.len() == told)
        else {
            return;
        };
        let key = (mem::discriminant(&wait.reason), wait.until.map(|(_, then)| then));
        if self.waited.replace(key) != Some(key) {
            self.world.told.push(Told::wait(now, self.zero, wait));
        }
    }

    fn text(&self) -> String {
        let mut text = format!("{}\n{}\n\n", self.shows[0], self.shows[1]);
        let mut last = None;
        for Told { at, mark, text: line } in &self.world.told {
            let time = if last == Some(*at) { String::new() } else { clock(*at, self.zero) };
            last = Some(*at);
            writeln!(text, "{time:>5} {mark} {line}").unwrap();
        }
        text
    }

    /// Compares the story with its file.
    #[track_caller]
    fn told(self) {
        let text = self.text();
        golden(&format!("rollout-core/tests/transcripts/{}.txt", self.name), &text);
        let lines = text.lines().count();
        assert!(lines <= LINES_MOST, "{} has {lines} lines, {LINES_MOST} are read", self.name);
    }
}

/// Whether only a person ends the wait, so that it has no limit of its own.
fn has_no_limit(reason: &WaitReason) -> bool {
    matches!(
        reason,
        WaitReason::Halted { .. } | WaitReason::Paused { .. } | WaitReason::Approval { .. }
    )
}
