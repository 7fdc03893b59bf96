//! Imprints of routes and of what actions are to make so.

use super::Imprint;
use crate::engine::{
    action::{Admission, Effect},
    division::{Division, Reach},
    route::{Route, Shares},
    subject::Subject,
};

impl Imprint {
    /// Adds a route.
    pub fn route(&mut self, route: Option<&Route>) {
        match route {
            None => self.word(0),
            Some(Route::ByReplicas) => self.word(1),
            Some(Route::Empty) => self.word(2),
            Some(Route::Weighted(Shares { weights, trial })) => {
                self.word(3 + weights.len() as u64);
                for (revision, weight) in weights {
                    self.name(revision.as_str());
                    self.word(weight.basis_points());
                }
                match trial {
                    None => self.flag(false),
                    Some(trial) => self.name(&format!("{trial:?}")),
                }
            }
        }
    }

    /// Adds a division.
    pub fn division(&mut self, division: Option<&Division>) {
        let Some(Division { revision, reach }) = division else { return self.flag(false) };
        self.flag(true);
        self.name(revision.as_str());
        match reach {
            Reach::First(places) => self.word(*places),
            Reach::Vacated => self.word(u64::MAX),
        }
    }

    /// Adds what an action is to make so.
    pub fn effect(&mut self, effect: &Effect) {
        if let Some(instance) = effect.instance() {
            self.instance(instance);
        }
        match effect {
            Effect::Create { revision, .. } => {
                self.word(1);
                self.name(revision.as_str());
            }
            Effect::Start { .. } => self.word(2),
            Effect::Enrol { admission, .. } => {
                self.word(3);
                self.flag(*admission == Admission::Serving);
            }
            Effect::Drain { .. } => self.word(4),
            Effect::Detach { .. } => self.word(5),
            Effect::Stop { .. } => self.word(6),
            Effect::Remove { .. } => self.word(7),
            Effect::Scale { revision, replicas } => {
                self.word(8);
                self.name(revision.as_str());
                self.word(*replicas);
            }
            Effect::Divide(division) => {
                self.word(12);
                self.division(Some(division));
            }
            Effect::Route(route) => {
                self.word(9);
                self.route(Some(route));
            }
            Effect::Run { run, .. } => {
                self.word(10);
                self.name(run.as_str());
            }
            Effect::Modules(setting) => {
                self.word(11);
                self.name(&format!("{setting:?}"));
            }
        }
    }

    /// Adds what an action changes.
    pub(crate) fn subject(&mut self, subject: &Subject) {
        match subject {
            Subject::Instance(instance) => {
                self.word(1);
                self.instance(instance);
            }
            Subject::Pool(revision) => {
                self.word(2);
                self.name(revision.as_str());
            }
            Subject::Division => self.word(6),
            Subject::Route => self.word(3),
            Subject::Run(run) => {
                self.word(4);
                self.name(run.as_str());
            }
            Subject::Modules => self.word(5),
        }
    }
}
