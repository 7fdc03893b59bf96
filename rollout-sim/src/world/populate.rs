//! Instances that come to be: those of a past run, and one that was just made.
//!
//! In: a revision and names. Out: instances with lives of their own. Absent: the actions that ask for them.

use std::{net::IpAddr, sync::Arc};

use rollout_core::{
    engine::{EnrolState, Revision, Route},
    id::{ActionId, InstanceId, RevisionId},
    port::Making,
};

use super::{Condition, Instance, Life, Server, Truth, World};

impl World {
    /// Puts `count` instances of `revision` there, running, ready and enrolled, as a past run left them.
    pub fn populate(&mut self, revision: &Arc<Revision>, names: &[InstanceId]) {
        self.revisions.insert(revision.id.clone(), Arc::clone(revision));
        let is_by_name = self.config.capabilities.making == Making::ByName;
        if !is_by_name {
            let life = Life { serves_after: Some(0), ..self.draw_life(&revision.id) };
            let pool = self.pools.entry(revision.id.clone()).or_default();
            pool.scale(names.len() as u64, self.now, &life);
            pool.advance(self.now);
        }
        for name in names.iter().filter(|_| is_by_name) {
            let mut life = self.draw_life(&revision.id);
            life.serves_after = Some(0);
            let mut instance = self.blank(revision.id.clone());
            instance.condition = Condition::Running;
            instance.life = life;
            instance.started = self.now;
            instance.server = Some(Server {
                state: EnrolState::In,
                admitted: true,
                drained: 0,
                busy_until: 0,
                load: 0,
            });
            self.instances.insert(name.clone(), instance);
        }
        self.route = Some(match self.config.capabilities.router {
            Some(_) => Route::all_on(revision.id.clone()),
            None => Route::ByReplicas,
        });
        self.changed();
    }

    /// An instance that was just made.
    pub(super) fn blank(&mut self, revision: RevisionId) -> Instance {
        self.addresses = self.nodes.next_address(self.addresses);
        let life = self.draw_life(&revision);
        Instance {
            revision,
            condition: Condition::Created,
            address: IpAddr::from((0x0a00_0000 + self.addresses).to_be_bytes()),
            life,
            started: 0,
            errors: 0,
            birth: 0,
            place: None,
            shown_serving: None,
            ends: u64::MAX,
            newest: ActionId(0),
            server: None,
            newest_enrolment: ActionId(0),
        }
    }

    /// Draws what an instance of `revision` will do from its start on.
    pub fn draw_life(&mut self, revision: &RevisionId) -> Life {
        let truths = &self.config.truths;
        let truth = truths.get(revision).copied().unwrap_or(Truth::Good);
        Life::of(truth, self.config.start, self.config.manner, &mut self.stream)
    }
}
