//! Again: what the engine of a run heard, told to another one with a change that makes no difference.
//!
//! In: a seed. Out: the first step that another engine takes differently where every span and every time is
//! longer by the same factor, or where each observation comes in two parts, of which the second says nothing
//! new. Absent: a world: what it answered is kept.

use std::{mem::discriminant, sync::Arc};

use rollout_core::{
    engine::{Engine, Event, Order, OrderKind, Outcome, Record, Retry, Setup, Step, Tuning},
    port::Confirmation,
    spec::{CheckedSpec, Spec},
    time::{Span, Timestamp},
};
use serde_json::Value;

use super::Answer;
use crate::{
    runner::{Heard, RunConfig, Took, run},
    setting::Setting,
};

/// By how much every time is longer.
const FACTOR: u64 = 3;

/// What the engine of the run with this seed heard.
fn heard(seed: u64) -> Vec<Heard> {
    run(&RunConfig { seed, heard: true, unchecked: true, ..RunConfig::default() }).heard
}

fn setup(setting: &Setting) -> Setup {
    Setup {
        workload: setting.workload.clone(),
        capabilities: setting.world.capabilities.clone(),
        tuning: setting.tuning,
    }
}

/// Another engine, with a journal of its own.
struct Other {
    setup: Setup,
    engine: Engine,
    journal: Vec<Record>,
}

impl Other {
    fn new(setup: Setup) -> Self {
        Self { engine: Engine::new(setup.clone()), setup, journal: Vec::new() }
    }

    /// It is made anew from its journal.
    fn begin(&mut self) -> Option<String> {
        match Engine::replay(self.setup.clone(), &self.journal) {
            Ok(engine) => {
                self.engine = engine;
                None
            }
            Err(error) => Some(error.to_string()),
        }
    }

    fn keep(&mut self, step: &Step) {
        self.engine.commit(&step.records);
        self.journal.extend(step.records.iter().cloned());
    }
}

/// Every observation comes in two parts, of which the second says nothing new: what is decided on it is what a
/// call without any fact would have decided, and all the rest is as it was.
pub(super) fn split_observation(seed: u64) -> Answer {
    let mut other = Other::new(setup(&Setting::draw(seed)));
    let different = heard(seed).into_iter().find_map(|heard| match heard {
        Heard::Began => other.begin(),
        Heard::Took(took) => twice(&mut other, *took),
    });
    Answer::of(different)
}

fn twice(other: &mut Other, took: Took) -> Option<String> {
    let Took { at, event, step, kept } = took;
    let second = matches!(event, Event::Observed(_)).then(|| event.clone());
    let first = other.engine.step(at, event);
    if first != step {
        return Some(format!("at {} {step:?} became {first:?}", at.0));
    }
    if !kept {
        return None;
    }
    other.keep(&first);
    let (mut told, mut woken) = (other.engine.clone(), other.engine.clone());
    let (told_twice, woke) = (told.step(at, second?), woken.step(at, Event::Woke));
    if told_twice != woke {
        return Some(format!("at {} {woke:?} became {told_twice:?} on the same again", at.0));
    }
    if told_twice.records.is_empty() && told_twice.actions.is_empty() {
        other.engine = told;
    }
    None
}

/// A run in which every span of the spec, of the ports and of the engine, and every time that passes, is longer
/// by a factor takes the same steps, each so much later. Where there is a router or a module it does not apply:
/// the wait before one that does not keep its setting is told again is the engine's own and no setting.
pub(super) fn longer_times(seed: u64) -> Answer {
    let setting = Setting::draw(seed);
    let has_own_wait =
        setting.world.capabilities.router.is_some() || !setting.spec.spec().modules.is_empty();
    if has_own_wait {
        return Answer::NONE;
    }
    let mut setup = setup(&setting);
    let Tuning { stale_after, retry_first, retry_most } = setup.tuning;
    let [stale_after, retry_first, retry_most] =
        [stale_after, retry_first, retry_most].map(|span| span.times(FACTOR));
    setup.tuning = Tuning { stale_after, retry_first, retry_most };
    if let Some(Confirmation::Elapsed(bound)) = &mut setup.capabilities.enrolment {
        *bound = bound.times(FACTOR);
    }
    let mut other = Other::new(setup);
    for heard in heard(seed) {
        let took = match heard {
            Heard::Began => match other.begin() {
                None => continue,
                Some(error) => return Answer::of(Some(error)),
            },
            Heard::Took(took) => *took,
        };
        let Some(event) = longer_event(took.event) else { return Answer::NONE };
        let step = other.engine.step(Timestamp(took.at.0 * FACTOR), event);
        if let Some(different) = parting(&took.step, &step) {
            return Answer::of(Some(format!("at {} {different}", took.at.0)));
        }
        if took.kept {
            other.keep(&step);
        }
    }
    Answer::of(None)
}

/// A fact in which every span is longer; `None` if it speaks of the clock on the wall.
#[expect(clippy::wildcard_enum_match_arm, reason = "in the other facts there is no span")]
fn longer_event(event: Event) -> Option<Event> {
    Some(match event {
        Event::Ordered(Order { kind: OrderKind::Submit { revision, spec }, by, why }) => {
            let kind = OrderKind::Submit { revision, spec: longer_spec(&spec)? };
            Event::Ordered(Order { kind, by, why })
        }
        Event::Attempted { id, outcome: Outcome::Refused { why, retry: Retry::After(span) } } => {
            let retry = Retry::After(span.times(FACTOR));
            Event::Attempted { id, outcome: Outcome::Refused { why, retry } }
        }
        other => other,
    })
}

fn longer_spec(spec: &CheckedSpec) -> Option<Arc<CheckedSpec>> {
    let mut text = serde_json::to_value(spec.spec()).ok()?;
    if !stretch(&mut text) {
        return None;
    }
    let spec: Spec = serde_json::from_value(text).ok()?;
    Some(Arc::new(CheckedSpec::new(spec).ok()?))
}

/// Makes every span longer that is written in `value`; false if it has a calendar, whose hours are what they are.
fn stretch(value: &mut Value) -> bool {
    match value {
        Value::String(text) => {
            if let Ok(span) = text.parse::<Span>() {
                *text = span.times(FACTOR).to_string();
            }
            true
        }
        Value::Array(values) => values.iter_mut().all(stretch),
        Value::Object(fields) => fields
            .iter_mut()
            .all(|(name, value)| !matches!(name.as_str(), "calendar" | "window") && stretch(value)),
        Value::Null | Value::Bool(_) | Value::Number(_) => true,
    }
}

/// How two steps differ beyond their times.
fn parting(one: &Step, other: &Step) -> Option<String> {
    let wakes = one.wake_at.map(|at| at.0.saturating_mul(FACTOR));
    let changes = |step: &Step| -> Vec<_> {
        step.records.iter().map(|record| discriminant(&record.change)).collect()
    };
    let actions = |step: &Step| -> Vec<_> {
        let gist = |action: &rollout_core::engine::Action| {
            (action.id, action.epoch, action.effect.subject(), discriminant(&action.effect))
        };
        step.actions.iter().map(gist).collect()
    };
    let is_same = wakes == other.wake_at.map(|at| at.0)
        && changes(one) == changes(other)
        && actions(one) == actions(other)
        && one.answer.is_some() == other.answer.is_some();
    (!is_same).then(|| format!("{one:?} became {other:?}"))
}
