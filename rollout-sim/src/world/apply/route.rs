//! The route: put whole, in the shares that the router can say.

use std::collections::BTreeMap;

use rollout_core::{
    engine::{RefusalKind, Retry, Route, Shares},
    id::{ActionId, RevisionId},
    weight::Weight,
};

use crate::world::{Receipt, World};

impl World {
    pub(super) fn set_route(&mut self, id: ActionId, route: &Route) -> Receipt {
        self.newest_route = id;
        let Some(units) = self.config.capabilities.router else {
            if matches!(route, Route::Weighted(_)) {
                let detail = "this router knows no weights";
                return self.refused(RefusalKind::Invalid, detail, Retry::Never);
            }
            return self.put_route(route.clone());
        };
        let rounded = match route {
            Route::Weighted(shares) => {
                let (weights, trial) = (round(&shares.weights, units), shares.trial.clone());
                Route::Weighted(Shares { weights, trial })
            }
            Route::ByReplicas | Route::Empty => route.clone(),
        };
        self.put_route(rounded)
    }

    fn put_route(&mut self, route: Route) -> Receipt {
        let mut admitted = Vec::new();
        for (name, instance) in &mut self.instances {
            if let Some(server) = &mut instance.server
                && !std::mem::replace(&mut server.admitted, true)
            {
                admitted.push(name.clone());
            }
        }
        for name in &admitted {
            self.heal_enrolment(name);
        }
        if !admitted.is_empty() || self.route.as_ref() != Some(&route) {
            self.route = Some(route);
            self.changed();
        }
        self.applied()
    }
}

/// Rounds shares down to what `units` can say; the largest takes the rest. What it gives stays when it is
/// rounded again.
fn round(weights: &BTreeMap<RevisionId, Weight>, units: u64) -> BTreeMap<RevisionId, Weight> {
    let (units, full) = (units.max(1), Weight::FULL.basis_points());
    let largest = weights.iter().max_by_key(|(_, weight)| **weight);
    let largest = largest.map(|(revision, _)| revision.clone());
    let mut rounded = weights.clone();
    let mut rest = 0;
    for (revision, weight) in &mut rounded {
        if Some(revision) != largest.as_ref() {
            let points = weight.basis_points();
            let set = (points * units / full * full).div_ceil(units).min(points);
            rest += points - set;
            *weight = Weight::from_basis_points(set).unwrap_or(*weight);
        }
    }
    if let Some(weight) = largest.and_then(|revision| rounded.get_mut(&revision)) {
        *weight = Weight::from_basis_points(weight.basis_points() + rest).unwrap_or(*weight);
    }
    rounded
}
