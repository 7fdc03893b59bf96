//! A map whose keys are no names, written as a list of pairs.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub(super) fn serialize<K: Serialize, V: Serialize, S: Serializer>(
    map: &BTreeMap<K, V>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(map)
}

pub(super) fn deserialize<'de, K, V, D>(deserializer: D) -> Result<BTreeMap<K, V>, D::Error>
where
    K: Deserialize<'de> + Ord,
    V: Deserialize<'de>,
    D: Deserializer<'de>,
{
    Ok(Vec::<(K, V)>::deserialize(deserializer)?.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{engine::MetricPlace, judge::Tally};

    #[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
    struct Kept {
        #[serde(with = "super")]
        map: BTreeMap<MetricPlace, Tally>,
    }

    #[test]
    fn keys_that_are_no_names_read_back() {
        let watch = MetricPlace::Watch { index: 1 };
        let gate = MetricPlace::Gate { stage: 2, gate: 0 };
        let tally = Tally { passed: 3, ..Tally::default() };
        let kept = Kept { map: BTreeMap::from([(watch, tally), (gate, Tally::default())]) };
        let written = serde_json::to_string(&kept).unwrap();
        assert_eq!(serde_json::from_str::<Kept>(&written).unwrap(), kept, "{written}");
    }
}
