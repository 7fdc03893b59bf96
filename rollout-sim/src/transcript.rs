//! Transcript: a run as text, the same bytes for the same seed.
//!
//! One line for everything that came in, was recorded, ordered, noted, or reached the world. Nothing is
//! formatted unless a transcript is wanted.

use std::fmt::Write;

use rollout_core::engine::{
    Action, Event, Observation, Order, OrderKind, PoolSeen, ProbeKind, Step,
};

use crate::{
    setting::Setting,
    world::{BEGINNING, Receipt},
};

/// The text of a run, or nothing at all.
#[derive(Debug)]
pub(crate) struct Transcript(Option<String>);

impl Transcript {
    pub(crate) fn new(wanted: bool) -> Self {
        Self(wanted.then(String::new))
    }

    /// The text.
    pub(crate) fn into_text(self) -> String {
        self.0.unwrap_or_default()
    }

    fn line(&mut self, now: u64, mark: char, words: impl FnOnce(&mut String)) {
        let Some(text) = &mut self.0 else {
            return;
        };
        let at = now.saturating_sub(BEGINNING);
        // Writing to a string cannot fail.
        let _infallible = write!(text, "{:>5}.{:03} {mark} ", at / 1000, at % 1000);
        words(text);
        text.push('\n');
    }

    /// What the run is about.
    pub(crate) fn opening(&mut self, seed: u64, setting: &Setting, faults: &[&str]) {
        let Some(text) = &mut self.0 else {
            return;
        };
        let spec = serde_json::to_string(setting.spec.spec()).unwrap_or_default();
        let _infallible = writeln!(
            text,
            "seed {seed}\nspec {spec}\nports {:?}\nbefore {:?}, faults for {} ms: {}",
            setting.world.capabilities,
            setting.history,
            setting.storm,
            faults.join(", ")
        );
    }

    /// Anything else.
    pub(crate) fn say(&mut self, now: u64, words: &str) {
        self.line(now, '*', |text| text.push_str(words));
    }

    /// A fact that came in.
    pub(crate) fn event(&mut self, now: u64, event: &Event) {
        self.line(now, '<', |text| {
            let _infallible = describe(text, event);
        });
    }

    /// What the engine decided.
    pub(crate) fn step(&mut self, now: u64, step: &Step) {
        if self.0.is_none() {
            return;
        }
        for record in &step.records {
            self.line(now, '=', |text| {
                let _infallible = write!(text, "{}", record.change);
            });
        }
        for note in &step.notes {
            self.line(now, '#', |text| {
                let _infallible = write!(text, "{note}");
            });
        }
        if let Some(Err(refused)) = &step.answer {
            self.line(now, '#', |text| {
                let _infallible = write!(text, "order refused: {refused}");
            });
        }
        for action in &step.actions {
            self.line(now, '>', |text| {
                let _infallible = write!(text, "{action}");
            });
        }
    }

    /// What an engine orders that another one has taken over from.
    pub(crate) fn beside(&mut self, now: u64, action: &Action) {
        self.line(now, '>', |text| {
            let _infallible = write!(text, "{action} by the engine before");
        });
    }

    /// An attempt that reached the world.
    pub(crate) fn landed(&mut self, now: u64, action: &Action, receipt: &Receipt) {
        self.line(now, '!', |text| {
            let same = if receipt.effective { "" } else { " (no change)" };
            let _infallible = write!(text, "{action}: {}{same}", receipt.outcome);
        });
    }
}

/// An order, in words.
#[expect(clippy::wildcard_enum_match_arm, reason = "orders may come that this has no word for")]
pub(crate) fn order(text: &mut impl Write, kind: &OrderKind) -> std::fmt::Result {
    match kind {
        OrderKind::Submit { revision, .. } => write!(text, "submit {}", revision.id),
        OrderKind::Pause => write!(text, "pause"),
        OrderKind::Resume => write!(text, "resume"),
        OrderKind::Promote { all: false, .. } => write!(text, "promote"),
        OrderKind::Promote { .. } => write!(text, "promote all"),
        OrderKind::Abort => write!(text, "abort"),
        OrderKind::Undo { to: None } => write!(text, "undo"),
        OrderKind::Undo { to: Some(to) } => write!(text, "undo to {to}"),
        OrderKind::Retry => write!(text, "retry"),
        OrderKind::Resize { replicas } => write!(text, "resize to {replicas}"),
        OrderKind::Restart => write!(text, "restart"),
        OrderKind::Skip { to } => write!(text, "skip to {to}"),
        OrderKind::Halt => write!(text, "halt"),
        OrderKind::Resolve(how) => write!(text, "resolve: {how:?}"),
        _ => write!(text, "something newer"),
    }
}

fn describe(text: &mut String, event: &Event) -> std::fmt::Result {
    match event {
        Event::Claimed { epoch } => write!(text, "claimed {epoch}"),
        Event::Woke => write!(text, "woke"),
        Event::Ordered(Order { kind, .. }) => {
            write!(text, "ordered ")?;
            order(text, kind)
        }
        Event::Attempted { id, outcome } => write!(text, "{id} {outcome}"),
        Event::Observed(observation) => observed(text, observation),
        Event::Unobserved { port, .. } => write!(text, "{port} cannot be observed"),
        Event::Probed { instance, probe, healthy, .. } => {
            let probe = match probe {
                ProbeKind::Startup => "startup",
                ProbeKind::Readiness => "readiness",
                ProbeKind::Liveness => "liveness",
            };
            let seen = if *healthy { "good" } else { "bad" };
            write!(text, "{probe} of {instance} {seen}")
        }
        Event::Measured { place, reading, .. } => write!(text, "measured {place}: {reading}"),
        Event::Polled { run, state } => write!(text, "hook run {run} is {state:?}"),
        Event::Vetoed(veto) => write!(text, "vetoed: {veto}"),
    }
}

fn observed(text: &mut String, observation: &Observation) -> std::fmt::Result {
    write!(text, "observed {} at {}:", observation.port(), observation.mark())?;
    match observation {
        Observation::Inventory(inventory) => {
            for (name, seen) in &inventory.instances {
                write!(text, " {name}={:?}", seen.state)?;
                if let Some(healthy) = seen.healthy {
                    write!(text, "/{}", if healthy { "healthy" } else { "unhealthy" })?;
                }
            }
            for (revision, pool) in &inventory.pools {
                let PoolSeen { replicas, created, ready, available, terminating, .. } = pool;
                write!(
                    text,
                    " {revision}={replicas}: {created} created, {ready} ready, {available} available, {terminating} terminating;"
                )?;
            }
        }
        Observation::Enrolments(enrolments) => {
            for (name, enrolled) in &enrolments.instances {
                write!(text, " {name}={:?}", enrolled.state)?;
                if let Some(in_flight) = enrolled.in_flight {
                    write!(text, "/{in_flight}")?;
                }
            }
        }
        Observation::Route(route) => match &route.route {
            Some(route) => write!(text, " {route}")?,
            None => write!(text, " none")?,
        },
        Observation::Modules(modules) => write!(text, " {}", modules.setting)?,
    }
    Ok(())
}
