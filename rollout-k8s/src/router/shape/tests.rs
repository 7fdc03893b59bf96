//! What holds for every router: what was written is read, and the end is the beginning.

use proptest::{prelude::*, test_runner::TestCaseError};
use rollout_core::spec::{Affinity, Match, Rules};
use rollout_core::time::Span;
use serde_json::json;

use super::*;

pub(crate) fn parts(objects: &[Value]) -> Parts {
    objects.iter().map(|it| (!it.is_null()).then(|| Object(it.clone()))).collect()
}

pub(crate) fn at(parts: &Parts, index: usize, pointer: &str) -> Value {
    parts[index].as_ref().and_then(|it| it.at(pointer)).cloned().unwrap_or_default()
}

pub(crate) fn header(name: &str) -> Match {
    Match { header: Some(name.to_owned()), exact: Some("yes".to_owned()), ..Match::default() }
}

pub(crate) fn cookie(name: &str, value: &str) -> Match {
    Match { cookie: Some(name.to_owned()), exact: Some(value.to_owned()), ..Match::default() }
}

/// Divisions of which a router can do `matches`, copies of these basis points, and perhaps affinity.
pub(crate) fn divisions(
    matches: &[Match],
    mirror: &[u64],
    affinity: bool,
) -> impl Strategy<Value = Division> {
    let matches = prop::sample::subsequence(matches.to_vec(), 0..=matches.len());
    let affinity = prop::bool::weighted(if affinity { 0.5 } else { 0.0 });
    (0..=10_000_u64, matches, prop::sample::select(mirror.to_vec()), affinity).prop_map(
        |(points, matches, mirror, affinity)| {
            let weight = |points| Weight::from_basis_points(points).unwrap();
            let affinity =
                affinity.then(|| Affinity { cookie: "c".to_owned(), max_age: Span::from_secs(60) });
            let rules = Rules { matches, mirror: weight(mirror), affinity };
            Division { candidate: weight(points), rules, named: false }
        },
    )
}

/// Writes one division after the other and reads each back; in the end all objects are as in the beginning.
/// `look` is called after each.
pub(crate) fn holds(
    shape: &dyn Shape,
    begun: &Parts,
    way: &[Division],
    look: impl Fn(&Division, &Parts) -> Result<(), TestCaseError>,
) -> Result<(), TestCaseError> {
    let mut now = begun.clone();
    for division in way {
        let division = in_units(shape, division);
        prop_assert_eq!(shape.can(&now, &division), Ok(()));
        now = divide(shape, &now, &division);
        for (part, place) in now.iter_mut().zip(shape.places()) {
            // What the API server and the router add.
            if let Some(part) = part {
                part.0["metadata"]["resourceVersion"] = json!("10");
                part.set_annotation(crate::labels::EPOCH, Some("1"));
                prop_assert_eq!(part.name(), place.name);
            }
        }
        prop_assert_eq!(shape.check(&now), Ok(()));
        prop_assert_eq!(divided(shape, &now), (division.clone(), division.clone()));
        look(&division, &now)?;
    }
    let ended = divide(shape, &now, &Division::default());
    prop_assert!(divided(shape, &ended).0.is_rest());
    for (ended, begun) in ended.iter().zip(begun) {
        let spec = |it: &Option<Object>| it.as_ref().map(|it| it.at("/spec").cloned());
        prop_assert_eq!(spec(ended), spec(begun));
    }
    Ok(())
}
