//! Plans of every strategy for the tests of this folder, and what holds for all of them.

mod generate;

use std::collections::BTreeSet;

use proptest::prelude::*;

pub(super) use self::generate::any_plan;
use self::generate::{any_built, by_hand};
use super::{Plan, build};
use crate::{
    port::{Ability, Capabilities, Confirmation, Making},
    spec::{CheckedSpec, Counting, Spec, Strategy as How},
};

/// Ports of a backend that makes instances by name, which can do everything that is asked beside.
pub(super) fn capabilities(router: Option<u64>) -> Capabilities {
    Capabilities {
        making: Making::ByName,
        counting: Counting::Strict,
        enrolment: Some(Confirmation::Observed),
        router,
        abilities: BTreeSet::from([
            Ability::Matches,
            Ability::Mirror,
            Ability::Affinity,
            Ability::Hooks,
            Ability::Metrics,
            Ability::Modules,
        ]),
    }
}

/// A spec of 4 instances of `web` with the fields in `tail`.
pub(super) fn spec_of(tail: &str) -> Spec {
    Spec::from_yaml(&format!("version: 1\nworkload: web\nreplicas: 4\n{tail}")).expect(tail)
}

/// Its plan.
pub(super) fn plan_of(tail: &str, router: Option<u64>, first: bool) -> Plan {
    let spec = CheckedSpec::new(spec_of(tail)).unwrap();
    build(&spec, &capabilities(router), first).unwrap()
}

/// The stages of a plan as counts, route, rules and budget.
fn walked(plan: &Plan) -> Vec<impl PartialEq + std::fmt::Debug + use<>> {
    let stage = |stage: &super::Stage| {
        let counts = (stage.candidate, stage.stable);
        (counts, stage.route, stage.rules.clone(), stage.budget, stage.proves)
    };
    plan.stages.iter().map(stage).collect()
}

proptest! {
    /// A strategy is nothing but its stages.
    #[test]
    fn a_built_plan_written_by_hand_is_the_same_plan((plan, router) in any_built()) {
        let spec = Spec { replicas: plan.desired, strategy: How::Stages(by_hand(&plan)), ..spec_of("") };
        let spec = CheckedSpec::new(spec).unwrap();
        let again = build(&spec, &capabilities(router), false);
        prop_assert!(again.is_ok(), "{:?}", again);
        prop_assert_eq!(walked(&again.unwrap()), walked(&plan));
    }
}
