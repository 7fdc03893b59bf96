//! Script: incidents that are written down, in the place of fault classes that draw.
//!
//! In: a list of incidents, and the moments that may be struck. Out: what the list says for each. An
//! incident strikes once.

use std::collections::BTreeMap;

use rollout_core::{
    engine::Effect,
    id::{HookRun, InstanceId, RevisionId},
};

use crate::{
    incident::{CrashPoint, Deed, Fate, Incident, Sight},
    world::{Job, Life, Truth},
};

/// Incidents that are to strike, or that have struck and are kept.
#[derive(Debug, Default)]
pub(crate) struct Script {
    incidents: Vec<(Incident, bool)>,
    attempts: BTreeMap<String, u32>,
}

impl Script {
    pub(super) fn new(incidents: &[Incident]) -> Self {
        let incidents = incidents.iter().map(|incident| (incident.clone(), false)).collect();
        Self { incidents, attempts: BTreeMap::new() }
    }

    /// Keeps what has struck.
    pub(super) fn keep(&mut self, incident: Incident) {
        self.incidents.push((incident, true));
    }

    pub(super) fn into_incidents(self) -> Vec<Incident> {
        self.incidents.into_iter().map(|(incident, _)| incident).collect()
    }

    /// The number, from 1, of the next attempt at an effect, and the effect in words.
    pub(super) fn count_attempt(&mut self, effect: &Effect) -> (String, u32) {
        let words = effect.to_string();
        let nth = self.attempts.entry(words.clone()).or_default();
        *nth += 1;
        (words, *nth)
    }

    /// What the first incident says that has not struck yet and is `wanted`.
    fn take<T>(&mut self, wanted: impl Fn(&Incident) -> Option<T>) -> Option<T> {
        self.incidents.iter_mut().filter(|(_, is_over)| !is_over).find_map(|(incident, is_over)| {
            let found = wanted(incident);
            *is_over = found.is_some();
            found
        })
    }

    pub(super) fn truth(&mut self, revision: &RevisionId) -> Option<Truth> {
        self.take(|incident| {
            if let Incident::Truth { revision: of, truth } = incident
                && of == revision
            {
                return Some(*truth);
            }
            None
        })
    }

    pub(super) fn life(&mut self, instance: &InstanceId) -> Option<Life> {
        self.take(|incident| {
            if let Incident::Life { instance: of, life } = incident
                && of == instance
            {
                return Some(*life);
            }
            None
        })
    }

    pub(super) fn job(&mut self, run: &HookRun, job: &mut Job) {
        let found = self.take(|incident| {
            if let Incident::Hook { run: of, longer, fails, forgotten } = incident
                && of == run
            {
                return Some((*longer, *fails, *forgotten));
            }
            None
        });
        if let Some((longer, fails, forgotten)) = found {
            job.ends += longer;
            job.fails |= fails;
            job.forgotten |= forgotten;
        }
    }

    pub(super) fn attempt(&mut self, effect: &Effect) -> Option<Fate> {
        let (words, number) = self.count_attempt(effect);
        self.take(|incident| {
            if let Incident::Attempt { effect, nth, fate } = incident
                && *effect == words
                && *nth == number
            {
                return Some(*fate);
            }
            None
        })
    }

    pub(super) fn sight(&mut self, now: u64, seen: &str) -> Option<Sight> {
        self.take(|incident| {
            if let Incident::Sight { what, at, sight } = incident
                && what == seen
                && *at <= now
            {
                return Some(*sight);
            }
            None
        })
    }

    pub(super) fn crash(&mut self, now: u64) -> Option<CrashPoint> {
        self.take(|incident| {
            if let Incident::Crash { at, point } = incident
                && *at <= now
            {
                return Some(*point);
            }
            None
        })
    }

    /// Everything that is done by the clock: its place, and when.
    pub(super) fn deeds(&self) -> Vec<(usize, u64)> {
        let deeds = self.incidents.iter().enumerate();
        deeds
            .filter_map(|(place, (incident, _))| {
                if let Incident::Deed { at, .. } = incident { Some((place, *at)) } else { None }
            })
            .collect()
    }

    /// What is done by the clock at that place of the list.
    pub(super) fn deed(&mut self, place: usize) -> Option<Deed> {
        let (incident, is_over) = self.incidents.get_mut(place)?;
        *is_over = true;
        if let Incident::Deed { deed, .. } = incident { Some(deed.clone()) } else { None }
    }

    /// Whether a person is to give an order yet.
    pub(super) fn has_orders_left(&self) -> bool {
        self.incidents.iter().any(|(incident, is_over)| {
            matches!(incident, Incident::Deed { deed, .. } if deed.is_order() && !is_over)
        })
    }
}
