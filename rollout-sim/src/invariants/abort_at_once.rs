//! L3: an abort is taken in every state that has a way back, and the decision that takes it takes the
//! candidate's traffic too, as far as stable carries it.

use rollout_core::{
    engine::{Change, Effect, OrderKind, Route},
    id::RevisionId,
    weight::Weight,
};

use super::{Broken, Happened, Invariant, Kind, Moment, require};

/// Time after which an instance that serves was seen, probed and enrolled, in milliseconds.
const LONG: u64 = 30_000;

/// The decision under way, if it turned back.
#[derive(Default)]
pub(super) struct AbortAtOnce {
    turned: Option<Turned>,
    /// When the engine began, in milliseconds: it has to look at everything first.
    began: u64,
}

struct Turned {
    /// The candidate's share in force before.
    share: Weight,
    /// Whether the route was changed, or another change of it is not answered yet.
    routed: bool,
}

impl Invariant for AbortAtOnce {
    fn name(&self) -> &'static str {
        "L3 abort at once"
    }

    fn hears(&self) -> &'static [Kind] {
        &[Kind::Answered, Kind::Recorded, Kind::Stepped]
    }

    fn check(&mut self, moment: &Moment<'_>) -> Result<(), Broken> {
        match moment.happened {
            Happened::Answered { order: OrderKind::Abort, taken: false } => refused(moment),
            Happened::Recorded(record) => {
                self.recorded(moment, &record.change);
                Ok(())
            }
            Happened::Stepped { .. } => self.is_routed(),
            Happened::Changed
            | Happened::Answered { .. }
            | Happened::Repeated { .. }
            | Happened::Waiting(_)
            | Happened::Ordered(_)
            | Happened::Landed(_)
            | Happened::NotKept
            | Happened::Beside { .. }
            | Happened::LandedBeside(_)
            | Happened::Replayed(..)
            | Happened::Overdue { .. } => Ok(()),
        }
    }
}

/// An abort was refused: nothing may be under way that could go back.
fn refused(moment: &Moment<'_>) -> Result<(), Broken> {
    let ledger = moment.ledger;
    let is_resize = ledger.stable == ledger.candidate && ledger.stable.is_some();
    let has_way = ledger.plan.is_some()
        && ledger.end.is_none()
        && !ledger.proven
        && !ledger.halted
        && !is_resize;
    require(!has_way, || format!("an abort was refused while {}", ledger.phase()))
}

/// Instances that serve, get requests, were never harmed, and are long past the time that proves them.
fn standing(moment: &Moment<'_>, revision: &RevisionId) -> u64 {
    let min_ready = moment.ledger.spec.as_ref().map_or(0, |spec| spec.health.min_ready.as_millis());
    let standing = moment.world.instances().iter().filter(|(name, one)| {
        let since =
            one.life.serves_after.map_or(u64::MAX, |after| one.started.saturating_add(after));
        one.revision == *revision
            && one.serves(moment.now)
            && one.is_enrolled()
            && since.saturating_add(min_ready).saturating_add(LONG) <= moment.now
            && !moment.world.was_harmed(name)
    });
    standing.count() as u64
}

impl AbortAtOnce {
    fn recorded(&mut self, moment: &Moment<'_>, change: &Change) {
        if let (Some(turned), Change::Intended { effect: Effect::Route(_), .. }) =
            (&mut self.turned, change)
        {
            turned.routed = true;
        }
        if let Change::Claimed { .. } = change {
            self.began = moment.now;
        }
        let has_looked = self.began + LONG <= moment.now;
        if !matches!(change, Change::Aborted { .. }) || !has_looked {
            return;
        }
        let ledger = moment.ledger;
        let (Some(candidate), Some(stable)) = (&ledger.candidate, &ledger.stable) else {
            return;
        };
        let stands = ledger.back <= standing(moment, stable);
        let known = ledger.route.as_ref().filter(|route| matches!(route, Route::Weighted(_)));
        let share = known.and_then(|route| route.weight_of(candidate)).unwrap_or_default();
        if stands && !share.is_zero() {
            self.turned = Some(Turned { share, routed: !ledger.routes_in_doubt.is_empty() });
        }
    }

    /// Looks, as the next decision comes, at what the one before did.
    fn is_routed(&mut self) -> Result<(), Broken> {
        let Some(Turned { share, routed }) = self.turned.take() else {
            return Ok(());
        };
        require(routed, || {
            format!(
                "stable stands, and the decision that turned back left the candidate its {share}"
            )
        })
    }
}
