//! Attempts: from the order of an action to its answer, one after the other for each subject.

use std::collections::VecDeque;

use rollout_core::{
    engine::{Action, Effect, Event, Outcome, Port, RefusalKind, Retry},
    id::{InstanceId, Mark},
};

use super::{Job, Run};
use crate::{
    incident::{Answer, Fate},
    invariants::{Happened, Landing, Target, Terms},
    world::{Receipt, World},
};

/// One attempt.
#[derive(Debug)]
struct Attempt {
    action: Action,
    terms: Terms,
    fate: Fate,
    life: u32,
}

/// Every attempt of a run, and which are under way for the engine that lives.
#[derive(Debug, Default)]
pub(super) struct Attempts {
    all: Vec<Attempt>,
    under_way: Vec<usize>,
    waiting: VecDeque<(Action, Terms)>,
}

impl Attempts {
    /// Forgets what an engine held in memory. What is on its way lands all the same.
    pub(super) fn forget(&mut self) {
        self.under_way.clear();
        self.waiting.clear();
    }

    fn is_busy(&self, effect: &Effect) -> bool {
        let under_way = self.under_way.iter();
        under_way
            .map(|index| &self.all[*index].action.effect)
            .chain(self.waiting.iter().map(|(action, _)| &action.effect))
            .any(|other| same_subject(other, effect))
    }
}

/// Whether two effects change the same thing, as [`Effect::subject`] has it.
fn same_subject(one: &Effect, other: &Effect) -> bool {
    match (one.instance(), other.instance()) {
        (Some(one), Some(other)) => one == other,
        (None, None) => match (one, other) {
            (Effect::Scale { revision: one, .. }, Effect::Scale { revision: other, .. }) => {
                one == other
            }
            (Effect::Route(_), Effect::Route(_))
            | (Effect::Modules(_), Effect::Modules(_))
            | (Effect::Divide(_), Effect::Divide(_)) => true,
            (Effect::Run { run: one, .. }, Effect::Run { run: other, .. }) => one == other,
            _ => false,
        },
        (Some(_), None) | (None, Some(_)) => false,
    }
}

impl Run<'_> {
    /// Begins an attempt, or lets it wait for the one before on the same subject.
    pub(super) fn attempt(&mut self, action: Action, terms: Terms) {
        if self.attempts.is_busy(&action.effect) {
            self.attempts.waiting.push_back((action, terms));
        } else {
            self.send(action, terms);
        }
    }

    fn send(&mut self, action: Action, terms: Terms) {
        let travel = self.setting.travel;
        let mut fate = Fate {
            there: self.stream.between(travel.0, travel.1),
            back: self.stream.between(travel.0, travel.1),
            arrives: true,
            answer: Answer::Honest,
        };
        self.faults.attempt(&action.effect, &mut fate);
        self.note_strikes();
        let now = self.world.now();
        let index = self.attempts.all.len();
        match fate.answer {
            Answer::Honest => {}
            Answer::Lost(after) => {
                let outcome = Outcome::unknown("no answer");
                self.queue.push(now + after, Job::Answer(index, outcome));
            }
            Answer::Busy => {
                let again = Retry::After(rollout_core::time::Span::from_millis(fate.back * 20));
                let outcome = Outcome::refused(RefusalKind::Busy, "too busy", again);
                let at = now + fate.there + fate.back;
                self.queue.push(at, Job::Answer(index, outcome));
            }
        }
        if fate.arrives {
            self.queue.push(now + fate.there, Job::Land(index));
        }
        self.attempts.under_way.push(index);
        self.attempts.all.push(Attempt { action, terms, fate, life: self.life });
    }

    /// Lets an attempt reach the world.
    pub(super) fn land(&mut self, index: usize) {
        let Attempt { action, terms, fate, life } = &mut self.attempts.all[index];
        let (terms, fate, life) = (*terms, *fate, *life);
        if let Some(saboteur) = &mut self.saboteur {
            saboteur.land(action);
        }
        let action = action.clone();
        let drawn = draw_life(&mut self.world, &action, |instance, life| {
            self.faults.life(instance, life);
        });
        self.note_strikes();
        let target = target(&self.world, &action);
        let receipt = self.world.apply_with(&action, drawn);
        if let Effect::Run { run, .. } = &action.effect
            && let Some(job) = self.world.job_mut(run).filter(|_| receipt.effective)
        {
            self.faults.job(run, job);
            self.note_strikes();
        }
        self.transcript.landed(self.world.now(), &action, &receipt);
        self.landed(&action, terms, target, &receipt);
        let is_heard = life == self.life || self.rivals.has(life);
        if fate.answer == Answer::Honest && is_heard {
            let at = receipt.answer_at.max(self.world.now()) + fate.back;
            self.queue.push(at, Job::Answer(index, receipt.outcome));
        }
    }

    fn landed(&mut self, action: &Action, terms: Terms, target: Option<Target>, receipt: &Receipt) {
        // Without a change the numbers before are the numbers now.
        self.count();
        self.judge(Happened::Landed(&Landing { action, terms, receipt, target }));
    }

    /// Lets an answer reach the engine.
    pub(super) fn answer(&mut self, index: usize, outcome: Outcome) {
        let attempt = &self.attempts.all[index];
        if attempt.life != self.life {
            let (life, id) = (attempt.life, attempt.action.id);
            return self.tell_rival(life, Event::Attempted { id, outcome });
        }
        let Some(place) = self.attempts.under_way.iter().position(|one| *one == index) else {
            return;
        };
        self.attempts.under_way.swap_remove(place);
        let (id, port) = (attempt.action.id, attempt.action.effect.port());
        let stop = matches!(attempt.action.effect, Effect::Stop { .. });
        let takes_time = stop || matches!(attempt.action.effect, Effect::Modules(_));
        let effect = attempt.action.effect.clone();
        let outcome = match outcome {
            // What took time is visible only from its end on.
            Outcome::Applied { mark } => {
                let now = self.world.mark();
                Outcome::Applied { mark: if takes_time { now } else { Mark(mark.0) } }
            }
            other @ (Outcome::Refused { .. } | Outcome::Unknown { .. }) => other,
        };
        self.feed(Event::Attempted { id, outcome });
        self.send_next(&effect);
        self.look_soon(port, 5);
        if port != Port::Backend && stop {
            self.look_soon(Port::Backend, 5);
        }
    }

    /// Sends what waited for the end of an attempt on the same subject.
    fn send_next(&mut self, ended: &Effect) {
        let busy = self.attempts.under_way.iter();
        if busy
            .map(|index| &self.attempts.all[*index].action.effect)
            .any(|other| same_subject(other, ended))
        {
            return;
        }
        let mut waiting = self.attempts.waiting.iter();
        let next = waiting.position(|(action, _)| same_subject(&action.effect, ended));
        if let Some((action, terms)) = next.and_then(|place| self.attempts.waiting.remove(place)) {
            self.send(action, terms);
        }
    }
}

/// Draws the life of an instance that an action is about to start.
fn draw_life(
    world: &mut World,
    action: &Action,
    change: impl FnOnce(&InstanceId, &mut crate::world::Life),
) -> Option<crate::world::Life> {
    let Effect::Start { instance } = &action.effect else {
        return None;
    };
    let revision = world.instance(instance)?.revision.clone();
    let mut life = world.draw_life(&revision);
    change(instance, &mut life);
    Some(life)
}

/// The instance that an action is about, as it is now.
fn target(world: &World, action: &Action) -> Option<Target> {
    let instance = world.instance(action.effect.instance()?)?;
    Some(Target {
        condition: instance.condition,
        served: instance.serves(world.now()),
        in_traffic: world.gets_traffic(instance),
        in_flight: world.in_flight(instance),
        server: instance.server,
    })
}
