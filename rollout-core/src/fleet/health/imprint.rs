//! The imprint of what was seen of one instance's health.

use super::{HealthView, ProbeView};
use crate::{
    engine::Imprint,
    spec::{Health, Probe},
};

impl HealthView {
    pub(crate) fn imprint(&self, imprint: &mut Imprint, health: &Health) {
        let Self { startup, readiness, liveness, ready_since, was_available, restarts } = self;
        startup.imprint(imprint, health.startup.as_ref());
        readiness.imprint(imprint, health.readiness.as_ref());
        liveness.imprint(imprint, health.liveness.as_ref());
        match ready_since {
            None => imprint.flag(false),
            Some(at) => {
                imprint.flag(true);
                imprint.age(*at, health.min_ready);
            }
        }
        imprint.flag(*was_available);
        imprint.word(restarts.map_or(0, |restarts| u64::from(restarts) + 1));
    }
}

impl ProbeView {
    fn imprint(&self, imprint: &mut Imprint, probe: Option<&Probe>) {
        let Self { healthy, successes, failures, detail: _ } = self;
        let Some(probe) = probe else { return };
        imprint.word(match healthy {
            None => 0,
            Some(false) => 1,
            Some(true) => 2,
        });
        // Beyond its threshold a row that goes on changes nothing.
        imprint.word(u64::from((*successes).min(probe.success_threshold)));
        imprint.word(u64::from((*failures).min(probe.failure_threshold)));
    }
}
