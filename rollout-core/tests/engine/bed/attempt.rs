//! What the engine decides is carried out, and it hears what came of it.

use rollout_core::{
    engine::{Action, Change, Effect, Event, Outcome, Refusal, RefusalKind, Retry},
    id::Mark,
};

use super::{Bed, Controller};

impl<C: Controller> Bed<C> {
    /// Tells the engine of `event`, and of all that comes of it.
    pub(super) fn feed(&mut self, event: Event) {
        let mut events = vec![event];
        while let Some(event) = events.pop() {
            let step = self.engine.step(self.now, event);
            for record in &step.records {
                assert!(!matches!(record.change, Change::Vetoed(_)), "{}", record.change);
            }
            self.engine.commit(&step.records);
            self.records.extend(step.records);
            if let Some(Err(refused)) = step.answer {
                self.refused = Some(refused);
            }
            for action in step.actions {
                let outcome = self.attempt(&action);
                events.push(Event::Attempted { id: action.id, outcome });
            }
        }
    }

    fn attempt(&mut self, action: &Action) -> Outcome {
        let is_lost = self.lost.pop();
        if is_lost != Some(false)
            && let Err(why) = self.carry_out(action)
        {
            return Outcome::Refused { why, retry: Retry::Never };
        }
        self.mark += 1;
        match is_lost {
            None => Outcome::Applied { mark: Mark(self.mark) },
            Some(_) => Outcome::Unknown { why: "the answer was lost".to_owned() },
        }
    }

    fn carry_out(&mut self, action: &Action) -> Result<(), Refusal> {
        match &action.effect {
            Effect::Scale { revision, replicas } => {
                self.controller.scale(revision, *replicas);
                self.told.push(action.effect.to_string());
            }
            Effect::Divide(division) => {
                assert!(action.revision.is_some());
                self.controller.divide(division);
                self.told.push(action.effect.to_string());
            }
            Effect::Remove { instance } => {
                let capabilities = self.controller.capabilities();
                assert!(capabilities.replaces_in_place(), "{action} on a backend by count");
                self.end(instance);
            }
            Effect::Drain { instance } => {
                self.drains += 1;
                if let Some(pod) = self.pods.get_mut(instance)
                    && pod.serving
                {
                    (pod.serving, pod.out_since) = (false, self.now);
                    pod.cost = action.id.0;
                }
            }
            Effect::Enrol { instance, .. } => {
                let missing =
                    || Refusal { kind: RefusalKind::Missing, detail: "no such pod".to_owned() };
                let pod = self.pods.get_mut(instance).ok_or_else(missing)?;
                (pod.serving, pod.cost) = (true, u64::MAX);
            }
            Effect::Create { .. }
            | Effect::Start { .. }
            | Effect::Stop { .. }
            | Effect::Detach { .. }
            | Effect::Route(_)
            | Effect::Run { .. }
            | Effect::Modules(_) => panic!("{action} on pods that a controller keeps"),
        }
        Ok(())
    }
}
