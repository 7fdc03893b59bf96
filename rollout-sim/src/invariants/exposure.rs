//! T3 Exposure cap: the candidate never has more than the stage's share, by weight or by replicas.

use rollout_core::engine::{Effect, Route, Shares};

use super::{Broken, Happened, Invariant, Kind, Moment, require};

pub(super) struct Exposure;

impl Invariant for Exposure {
    fn name(&self) -> &'static str {
        "T3 exposure cap"
    }

    fn hears(&self) -> &'static [Kind] {
        &[Kind::Landed]
    }

    fn check(&mut self, moment: &Moment<'_>) -> Result<(), Broken> {
        let Happened::Landed(landing) = moment.happened else {
            return Ok(());
        };
        let terms = landing.terms;
        let Some(candidate) = &moment.ledger.candidate else {
            return Ok(());
        };
        // What changed nothing exposes nobody.
        if !landing.receipt.effective {
            return Ok(());
        }
        // Without a stable revision there is nobody to protect from the candidate.
        if terms.aborted || moment.ledger.first || moment.ledger.proven {
            return Ok(());
        }
        match (&landing.action.effect, terms.exposure) {
            (Effect::Route(Route::Weighted(Shares { weights, .. })), Some(cap)) => {
                let weight = weights.get(candidate).copied().unwrap_or_default();
                require(weight <= cap, || format!("{}; the stage allows {cap}", landing.action))
            }
            (Effect::Enrol { revision, .. }, None) if revision == candidate => {
                let enrolled = moment.tally.of(candidate).map_or(0, |one| one.enrolled);
                let allowed = terms.candidates;
                // All of the desired ones may be the candidate's: there is no share to keep to.
                let is_all = moment.ledger.desired() <= allowed;
                // What was ordered for a greater number lands when it lands.
                if landing.terms.resizes != moment.ledger.limits.len() {
                    return Ok(());
                }
                // A load balancer that started anew gets back what it had.
                let instance = landing.action.effect.instance();
                let is_back = instance.is_some_and(|name| moment.world.was_harmed(name));
                require(is_all || is_back || enrolled <= allowed, || {
                    format!(
                        "{} makes {enrolled} candidate instances in traffic; the stage allows {allowed}",
                        landing.action
                    )
                })
            }
            _ => Ok(()),
        }
    }
}
