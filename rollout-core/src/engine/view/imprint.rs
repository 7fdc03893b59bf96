//! The imprint of what was seen.

use super::{Attempts, Held, Seen, Told, View};
use crate::{
    engine::{
        EnrolState, Enrolled, Enrolments, Imprint, InstanceSeen, InstanceState, Inventory,
        ModulesInForce, Observation, PoolSeen, Port, RouteInForce, Subject, imprint::Limits,
        state::State,
    },
    id::{InstanceId, Mark},
    map::Map,
    time::Timestamp,
};

impl View {
    pub(in crate::engine) fn imprint(&self, imprint: &mut Imprint, state: &State, limits: &Limits) {
        let Self {
            is_claimed,
            inventory,
            enrolments,
            route,
            modules,
            // Why a port could not be seen is told to people.
            blind: _,
            attempts,
            health,
            told,
            seen_from,
            enrolled_from,
            shown_from,
            whole_since,
            broken_since,
            routes_out,
            sighted_since,
            // It says how long the rest may take, to people.
            pace: _,
            // It follows from the spec and the time.
            opening: _,
            held,
        } = self;
        imprint.flag(*is_claimed);
        imprint.seen(inventory.as_ref(), limits, Imprint::inventory);
        imprint.seen(enrolments.as_ref(), limits, Imprint::enrolments);
        imprint.seen(route.as_ref(), limits, Imprint::route_seen);
        imprint.seen(modules.as_ref(), limits, Imprint::modules_seen);
        // Those at what is settled by now are forgotten with the next fact.
        let open = attempts.iter().filter(|(id, _)| state.pending.contains_key(id));
        let open = imprint.in_order(open);
        imprint.word(open.len() as u64);
        for (id, attempts) in open {
            let Attempts { count, in_flight, not_before, last: _, failing_since: _ } = attempts;
            imprint.action(id);
            // Beyond the longest wait one more attempt changes nothing.
            imprint.word(u64::from((*count).min(16)));
            imprint.flag(*in_flight);
            imprint.ahead(*not_before);
        }
        imprint.word(health.len() as u64);
        for (instance, view) in imprint.by_place(health) {
            imprint.instance(instance);
            match state.roster.get(instance) {
                Some(entry) => view.imprint(imprint, state.health_of(entry)),
                None => imprint.flag(false),
            }
        }
        imprint.word((seen_from.len() + enrolled_from.len() + shown_from.len()) as u64);
        let of = |port, from: &Map<InstanceId, Mark>| {
            from.iter()
                .map(|(instance, mark)| ((port, Subject::Instance(instance.clone())), *mark))
                .collect::<Vec<_>>()
        };
        let mut shown = of(Port::Backend, seen_from);
        shown.extend(of(Port::Enrolment, enrolled_from));
        shown.extend(shown_from.iter().map(|(subject, mark)| (subject.clone(), *mark)));
        shown.sort_by_key(|((port, subject), _)| (*port as u64, imprint.place_of_subject(subject)));
        for ((port, subject), mark) in shown {
            imprint.word(port as u64);
            imprint.subject(&subject);
            imprint.write(mark);
        }
        imprint.since(*whole_since, limits.health);
        imprint.since(*broken_since, limits.progress);
        imprint.word(routes_out.len() as u64);
        for id in routes_out {
            imprint.action(*id);
        }
        imprint.since(*sighted_since, limits.progress);
        for (revision, Told { last, least, most, dropped }) in told {
            imprint.name(revision.as_str());
            for count in [last, least, most, dropped] {
                imprint.word(*count);
            }
        }
        match held {
            None => imprint.flag(false),
            Some(Held { veto, refusals, since: _, until }) => {
                imprint.word(1 + veto.rule as u64);
                imprint.word(u64::from((*refusals).min(16)));
                imprint.ahead(*until);
            }
        }
    }
}

impl Imprint {
    /// Adds a snapshot.
    pub fn observation(&mut self, observation: &Observation) {
        match observation {
            Observation::Inventory(inventory) => self.inventory(inventory),
            Observation::Enrolments(enrolments) => self.enrolments(enrolments),
            Observation::Route(route) => self.route_seen(route),
            Observation::Modules(modules) => self.modules_seen(modules),
        }
    }

    fn route_seen(&mut self, RouteInForce { mark, route }: &RouteInForce) {
        self.snapshot(*mark);
        self.route(route.as_ref());
    }

    fn modules_seen(&mut self, ModulesInForce { mark, setting, degraded }: &ModulesInForce) {
        self.snapshot(*mark);
        self.name(&format!("{setting:?} {degraded:?}"));
    }

    fn since(&mut self, at: Option<Timestamp>, limit: crate::time::Span) {
        match at {
            None => self.flag(false),
            Some(at) => {
                self.flag(true);
                self.age(at, limit);
            }
        }
    }

    fn seen<T>(
        &mut self,
        seen: Option<&Seen<T>>,
        limits: &Limits,
        write: impl FnOnce(&mut Self, &T),
    ) {
        match seen {
            None => self.flag(false),
            Some(Seen { at, what }) => {
                self.flag(true);
                self.age(*at, limits.stale);
                write(self, what);
            }
        }
    }

    fn inventory(&mut self, inventory: &Inventory) {
        // What the backend knows of epochs and revisions matters to an engine without a journal only.
        let Inventory { mark, epoch: _, instances, pools, division, revisions: _ } = inventory;
        self.snapshot(*mark);
        self.word(instances.len() as u64);
        for (name, seen) in self.by_place(instances) {
            let InstanceSeen { revision, state, address, healthy, restarts, rank } = seen;
            self.instance(name);
            // Nobody else knows it of one that is not in the roster.
            self.name(revision.as_str());
            self.word(match state {
                InstanceState::Created => 0,
                InstanceState::Running => 1,
                InstanceState::Exited { .. } => 2,
                InstanceState::Stuck { .. } => 3,
            });
            self.address(*address);
            self.word(healthy.map_or(2, u64::from));
            self.word(u64::from(*restarts));
            self.word(rank.map_or(u64::MAX, u64::from));
        }
        self.division(division.as_ref());
        self.word(pools.len() as u64);
        for (revision, seen) in pools {
            self.name(revision.as_str());
            self.pool_seen(seen);
        }
    }

    /// Adds one pool of a backend that makes instances by count.
    pub(crate) fn pool_seen(&mut self, seen: &PoolSeen) {
        let PoolSeen { replicas, created, ready, available, terminating, failed, why: _ } = seen;
        for count in [replicas, created, ready, available, terminating, failed] {
            self.word(*count);
        }
    }

    fn enrolments(&mut self, enrolments: &Enrolments) {
        let Enrolments { mark, instances } = enrolments;
        self.snapshot(*mark);
        self.word(instances.len() as u64);
        let mut entries = self.by_place(instances);
        // By name, strangers would tell two states apart that differ in names alone.
        entries.sort_by_key(|(name, seen)| {
            (self.place_of_instance(name), seen.state != EnrolState::In)
        });
        for (name, Enrolled { state, in_flight }) in entries {
            self.instance(name);
            self.flag(*state == EnrolState::In);
            self.word(in_flight.unwrap_or(u64::MAX));
        }
    }
}
