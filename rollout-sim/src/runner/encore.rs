//! Encores: after an end somebody may order more: back, again, anew, another size, or the way out of an end
//! that needs an operator.

use std::sync::Arc;

use rollout_core::engine::{End, OrderKind, Resolution};

use super::{Act, FaultChoice, Job, Run, RunConfig, whole};
use crate::{
    faults::{autoscaler, orders},
    incident::Deed,
    random::Stream,
    setting::revision,
};

/// Orders that are given after an end.
#[derive(Debug)]
pub(super) struct Encores {
    stream: Stream,
    left: u64,
    is_due: bool,
}

impl Encores {
    /// Draws how many there are: none in a run that is given, or without faults.
    pub(super) fn draw(config: &RunConfig) -> Self {
        let mut stream = Stream::new(config.seed, "encore");
        let left = stream.below(4).saturating_sub(1);
        let is_free = config.setting.is_none() && !matches!(config.faults, FaultChoice::Off);
        Self { left: if is_free { left } else { 0 }, is_due: false, stream }
    }
}

/// Longest time from an end to the next order, in milliseconds.
const WAIT_MAX: u64 = 20_000;

impl Run<'_> {
    /// Whether the run goes on after this end, with another order.
    pub(super) fn awaits_encore(&mut self) -> bool {
        if self.ended_at.is_some() || self.ledger.end == Some(End::Fenced) {
            return false;
        }
        if self.faults.is_written() {
            return self.faults.has_orders_left();
        }
        if !self.encores.is_due && 0 < self.encores.left {
            self.encores.left -= 1;
            self.encores.is_due = true;
            let wait = self.encores.stream.magnitude(1, WAIT_MAX);
            self.queue.push(self.world.now() + wait, Job::Encore);
        }
        self.encores.is_due
    }

    /// Gives an order after an end.
    pub(super) fn encore(&mut self) {
        self.encores.is_due = false;
        let Some(end) = self.ledger.end.clone() else {
            return;
        };
        if self.act == Act::Calm {
            // Another rollout has all its time.
            self.calm_at = self.world.now();
        }
        let order = self.draw_encore(&end);
        let deed = if let OrderKind::Submit { revision, .. } = &order {
            Deed::Submit { revision: revision.id.clone(), anew: true }
        } else {
            Deed::Order(order.clone())
        };
        self.faults.note_deed(self.world.now(), &deed);
        self.order(order);
    }

    fn draw_encore(&mut self, end: &End) -> OrderKind {
        let Self { encores: Encores { stream, .. }, ledger, setting, .. } = self;
        if matches!(end, End::NeedsOperator { .. }) && stream.hits(800_000) {
            let revision = if stream.hits(300_000) { orders::heard(stream, ledger) } else { None };
            return OrderKind::Resolve(match stream.below(2) {
                0 => Resolution::GoOn,
                _ => Resolution::Adopt { revision },
            });
        }
        match stream.below(6) {
            0 => OrderKind::Undo { to: None },
            1 => OrderKind::Retry,
            2 => OrderKind::Restart,
            3 => OrderKind::Resize { replicas: stream.between(1, autoscaler::MOST) },
            4 => OrderKind::Submit {
                revision: whole(revision("v9")),
                spec: Arc::clone(&setting.spec),
            },
            _ => orders::draw(stream, ledger),
        }
    }
}
