//! The way down of one instance: drained, detached, stopped, removed.

use crate::{
    engine::{
        Effect, EnrolState, Enrolled, Expiry, Glance, InstanceState, Note, Sight, Turn, View,
        WaitReason, bound,
    },
    fleet::instance::{Instance, Made, Traffic},
    id::InstanceId,
    port::Confirmation,
    time::Timestamp,
};

/// Instances on their way out, for the note.
#[derive(Default)]
pub(super) struct Draining {
    instances: u64,
    in_flight: u64,
    /// When the first of them was told to go.
    since: Option<Timestamp>,
    until: Option<Timestamp>,
}

impl Draining {
    /// Counts one that was told to go.
    pub(super) fn add(&mut self, entry: &Instance) {
        self.instances += 1;
        self.since = self.since.into_iter().chain(entry.retired).min();
    }

    fn wait_until(&mut self, until: Timestamp) {
        self.until = Some(self.until.map_or(until, |earlier| earlier.min(until)));
    }

    pub(super) fn say(self, turn: &mut Turn<'_>) {
        let Self { instances, in_flight, since, until } = self;
        if instances == 0 {
            return;
        }
        let until = match until {
            Some(until) => Some((until, Expiry::GoesOn)),
            // Drained already: what it waits for is the backend.
            None => bound(turn, true).1,
        };
        turn.wait(since.unwrap_or(turn.now), until, || WaitReason::Draining {
            instances,
            in_flight,
        });
    }
}

/// The next action for an instance that is to go: drain → detach → stop → remove.
pub(super) fn tear_down(
    turn: &mut Turn<'_>,
    glance: &Glance<'_>,
    instance: &InstanceId,
    entry: &Instance,
    draining: &mut Draining,
) {
    draining.add(entry);
    let pending = turn.state.pending_on(entry).map(|(_, effect)| effect.clone());
    match pending {
        // Not needed any more: what comes next is right whether it happens or not.
        None | Some(Effect::Create { .. } | Effect::Start { .. } | Effect::Enrol { .. }) => {}
        Some(_) => return,
    }
    let is_unsure = matches!(pending, Some(Effect::Start { .. }));
    match entry.traffic {
        Traffic::Enrolling | Traffic::In => {
            turn.intend(Effect::Drain { instance: instance.clone() });
        }
        // A late enrolment undid the drain.
        Traffic::Drained(_) if glance.is_enrolled() == Some(true) && !entry.dead => {
            turn.intend(Effect::Drain { instance: instance.clone() });
        }
        Traffic::Drained(at) => {
            if is_quiet(turn, glance, instance, entry, at, draining) {
                turn.intend(Effect::Detach { instance: instance.clone() });
            }
        }
        Traffic::Out => take_down(turn, glance, instance, entry, is_unsure),
        // Pending, or given up by a record of an older format: said again.
        Traffic::Draining => turn.intend(Effect::Drain { instance: instance.clone() }),
        Traffic::Detaching => turn.intend(Effect::Detach { instance: instance.clone() }),
    }
}

/// Whether nothing is in flight on a drained instance, or its time is over.
pub(super) fn is_quiet(
    turn: &mut Turn<'_>,
    glance: &Glance<'_>,
    instance: &InstanceId,
    entry: &Instance,
    drained_at: Timestamp,
    draining: &mut Draining,
) -> bool {
    let deadline = drained_at.after(turn.state.drain_of(&entry.revision).deadline);
    if entry.dead || entry.made == Made::Removed {
        return true;
    }
    match turn.setup.capabilities.enrolment {
        None => true,
        Some(Confirmation::Elapsed(bound)) => {
            // Nobody can say what is in flight: its whole time is waited.
            let quiet_at = drained_at.after(bound).max(deadline);
            if turn.now < quiet_at {
                draining.wait_until(quiet_at);
            }
            quiet_at <= turn.now
        }
        Some(Confirmation::Observed) => {
            let in_flight = match glance.enrolled {
                Sight::Absent => return true,
                Sight::There(Enrolled { state: EnrolState::Draining, in_flight }) => *in_flight,
                Sight::There(Enrolled { state: EnrolState::In, .. }) | Sight::Unshown => None,
            };
            if in_flight == Some(0) {
                return true;
            }
            if deadline <= turn.now {
                turn.note(Note::DrainCut { instance: instance.clone(), in_flight });
                return true;
            }
            draining.in_flight += in_flight.unwrap_or(0);
            draining.wait_until(deadline);
            false
        }
    }
}

/// Whether nothing is in flight on an instance any more, or its time is over, as far as anybody knows now.
pub(super) fn has_ended(
    turn: &Turn<'_>,
    view: &View,
    instance: &InstanceId,
    entry: &Instance,
) -> bool {
    let Traffic::Drained(at) = entry.traffic else {
        return turn.setup.capabilities.enrolment.is_none();
    };
    let deadline = at.after(turn.state.drain_of(&entry.revision).deadline);
    let in_flight = match turn.setup.capabilities.enrolment {
        None => return true,
        Some(Confirmation::Elapsed(bound)) => return at.after(bound).max(deadline) <= turn.now,
        Some(Confirmation::Observed) => view.glance(instance).enrolled,
    };
    deadline <= turn.now
        || match in_flight {
            Sight::Absent => true,
            Sight::There(seen) => seen.state == EnrolState::Draining && seen.in_flight == Some(0),
            Sight::Unshown => false,
        }
}

/// Stops and removes an instance that gets no traffic.
fn take_down(
    turn: &mut Turn<'_>,
    glance: &Glance<'_>,
    instance: &InstanceId,
    entry: &Instance,
    is_unsure: bool,
) {
    let runs = match glance.seen {
        Sight::There(seen) => seen.state == InstanceState::Running,
        Sight::Absent => false,
        Sight::Unshown => true,
    };
    let grace = turn.state.drain_of(&entry.revision).stop_grace;
    let effect = match entry.made {
        Made::Removed => return,
        Made::Started if runs => Effect::Stop { instance: instance.clone(), grace },
        Made::Created if is_unsure => Effect::Stop { instance: instance.clone(), grace },
        Made::Intended | Made::Created | Made::Started | Made::Stopped => {
            Effect::Remove { instance: instance.clone() }
        }
    };
    turn.intend(effect);
}
