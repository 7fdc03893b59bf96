//! A map of keys alone, written as the list of them.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Map;

pub(crate) fn serialize<K: Serialize, S: Serializer>(
    map: &Map<K, ()>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(map.keys())
}

pub(crate) fn deserialize<'de, K, D>(deserializer: D) -> Result<Map<K, ()>, D::Error>
where
    K: Deserialize<'de> + Ord + Clone,
    D: Deserializer<'de>,
{
    Ok(Vec::<K>::deserialize(deserializer)?.into_iter().map(|key| (key, ())).collect())
}
