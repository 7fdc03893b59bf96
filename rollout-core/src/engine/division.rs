//! Division: which places of a workload that is replaced in place belong to which revision.
//!
//! In: nothing. Out: what a backend is told, and what it shows. Absent: who is taken away, and when.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::id::RevisionId;

/// Who comes back as what, whole and absolute. A workload that is replaced in place has so many places; whoever
/// is taken away from a place, by whomever, comes back to it as another instance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Division {
    /// The revision.
    pub revision: RevisionId,
    /// The places that come back as it.
    pub reach: Reach,
}

/// Which places come back as a revision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reach {
    /// The first so many in the backend's order. Whoever is of another revision there the backend takes away
    /// by itself; every other place comes back as what it was.
    First(u64),
    /// Each of them. The backend takes nobody away by itself.
    Vacated,
}

impl fmt::Display for Division {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { revision, reach } = self;
        match reach {
            Reach::First(1) => write!(f, "the first place is of {revision}"),
            Reach::First(places) => write!(f, "the first {places} places are of {revision}"),
            Reach::Vacated => write!(f, "whoever comes back is of {revision}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Division, Reach};
    use crate::{engine::Effect, id::RevisionId};

    #[test]
    fn a_division_is_written_and_read_back() {
        let revision = RevisionId::new("v2").unwrap();
        for (reach, written, said) in [
            (Reach::First(1), json!({"first": 1}), "divide so that the first place is of v2"),
            (Reach::First(3), json!({"first": 3}), "divide so that the first 3 places are of v2"),
            (Reach::Vacated, json!("vacated"), "divide so that whoever comes back is of v2"),
        ] {
            let effect = Effect::Divide(Division { revision: revision.clone(), reach });
            let json = json!({"divide": {"revision": "v2", "reach": written}});
            assert_eq!(serde_json::to_value(&effect).unwrap(), json);
            assert_eq!(serde_json::from_value::<Effect>(json).unwrap(), effect);
            assert_eq!(effect.to_string(), said);
        }
    }
}
