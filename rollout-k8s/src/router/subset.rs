//! The subsets of a `DestinationRule` as the two sides of a router.

use rollout_core::id::Epoch;
use serde_json::{Map, Value};

use super::{
    binding::{self, Binding},
    division::{Side, Sides},
    object::Object,
    problem::Problem,
    shape::Place,
    traffic::DestinationRuleSpec,
};
use crate::labels;

/// Group, version and kind.
pub(super) const RULE: (&str, &str, &str) = ("networking.istio.io", "v1beta1", "DestinationRule");

/// What stands behind both subsets of `rule`.
pub(super) fn sides(
    place: &Place,
    object: &Object,
    rule: &DestinationRuleSpec,
) -> Result<Sides, Problem> {
    let is_touched = object.annotation(labels::EPOCH).is_some();
    let side = |name: &str| {
        let mut subsets = object.list("/spec/subsets").iter();
        let subset = subsets.find(|subset| subset["name"] == name).ok_or_else(|| {
            Problem::missing(
                &place.to_string(),
                format!("it has no subset `{name}`"),
                "add it, or correct `traffic.kubernetes.router.istio.destination_rule`",
            )
        })?;
        Ok(Binding::of_labels(subset.get("labels"), is_touched))
    };
    Ok(Sides { stable: side(&rule.stable_subset)?, candidate: side(&rule.candidate_subset)? })
}

/// `object` with one of its subsets bound.
pub(super) fn bind(
    object: &Object,
    rule: &DestinationRuleSpec,
    side: Side,
    binding: &Binding,
    epoch: Epoch,
) -> Object {
    let name = match side {
        Side::Stable => &rule.stable_subset,
        Side::Candidate => &rule.candidate_subset,
    };
    let mut bound = object.clone();
    let mut was = Binding::Unset;
    for subset in bound.list_mut("/spec/subsets").into_iter().flatten() {
        if subset["name"] != name.as_str() {
            continue;
        }
        was = Binding::of_labels(subset.get("labels"), true);
        let Some(subset) = subset.as_object_mut() else { continue };
        let labels = subset.entry("labels").or_insert_with(|| Value::Object(Map::new()));
        if let Some(labels) = labels.as_object_mut() {
            binding::select(labels, binding);
        }
    }
    if side == Side::Stable && was != *binding {
        binding::set_before(&mut bound, &was);
    }
    bound.set_annotation(labels::EPOCH, Some(&epoch.0.to_string()));
    bound
}
