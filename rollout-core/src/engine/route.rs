//! How traffic is shared among revisions, whole and absolute.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};

use crate::{id::RevisionId, spec::Rules, weight::Weight};

/// How traffic is shared among revisions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Route {
    /// Every enrolled instance gets the same.
    ByReplicas,
    /// Each revision gets its share, divided evenly among its enrolled instances.
    Weighted(Shares),
    /// Nobody gets anything: declared downtime.
    Empty,
}

/// The shares of a route, and what goes beside them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Written", into = "Written")]
pub struct Shares {
    /// The shares; they make 100 %.
    pub weights: BTreeMap<RevisionId, Weight>,
    /// What goes to one revision beside its share.
    pub trial: Option<Trial>,
}

/// What goes to one revision beside its share.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trial {
    /// The revision.
    pub revision: RevisionId,
    /// The rules.
    pub rules: Rules,
}

/// Shares as they are written: the weights alone where there is nothing beside them.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Written {
    Ruled { weights: BTreeMap<RevisionId, Weight>, trial: Trial },
    Plain(BTreeMap<RevisionId, Weight>),
}

impl From<Written> for Shares {
    fn from(written: Written) -> Self {
        match written {
            Written::Ruled { weights, trial } => Self { weights, trial: Some(trial) },
            Written::Plain(weights) => Self { weights, trial: None },
        }
    }
}

impl From<Shares> for Written {
    fn from(Shares { weights, trial }: Shares) -> Self {
        match trial {
            Some(trial) => Self::Ruled { weights, trial },
            None => Self::Plain(weights),
        }
    }
}

impl Route {
    /// Shares and nothing beside them.
    #[must_use]
    pub const fn weighted(weights: BTreeMap<RevisionId, Weight>) -> Self {
        Self::Weighted(Shares { weights, trial: None })
    }

    /// All traffic on `revision`.
    #[must_use]
    pub fn all_on(revision: RevisionId) -> Self {
        Self::weighted(BTreeMap::from([(revision, Weight::FULL)]))
    }

    /// The share of `revision`; `None` where the route follows the replicas.
    #[must_use]
    pub fn weight_of(&self, revision: &RevisionId) -> Option<Weight> {
        match self {
            Self::ByReplicas => None,
            Self::Weighted(shares) => {
                Some(shares.weights.get(revision).copied().unwrap_or_default())
            }
            Self::Empty => Some(Weight::ZERO),
        }
    }

    /// Whether `revision` gets anything, by its share or beside it.
    #[must_use]
    pub fn gives_to(&self, revision: &RevisionId) -> bool {
        let share = self.weight_of(revision);
        share.is_none_or(|weight| !weight.is_zero()) || self.sends_beside(revision)
    }

    /// Whether `revision` gets requests beside its share.
    #[must_use]
    pub fn sends_beside(&self, revision: &RevisionId) -> bool {
        match self {
            Self::Weighted(Shares { trial: Some(trial), .. }) => {
                trial.revision == *revision && trial.rules.sends()
            }
            Self::ByReplicas | Self::Weighted(_) | Self::Empty => false,
        }
    }
}

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ByReplicas => f.write_str("by replicas"),
            Self::Empty => f.write_str("to nobody"),
            Self::Weighted(shares) => {
                let mut comma = "";
                for (revision, weight) in &shares.weights {
                    write!(f, "{comma}{weight} to {revision}")?;
                    comma = ", ";
                }
                match &shares.trial {
                    Some(trial) => write!(f, "; {trial}"),
                    None => Ok(()),
                }
            }
        }
    }
}

impl fmt::Display for Trial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { revision, rules } = self;
        let mut comma = "";
        if !rules.matches.is_empty() {
            write!(f, "{} matches to {revision}", rules.matches.len())?;
            comma = ", ";
        }
        if !rules.mirror.is_zero() {
            write!(f, "{comma}copies of {} to {revision}", rules.mirror)?;
            comma = ", ";
        }
        match &rules.affinity {
            Some(affinity) => write!(f, "{comma}clients kept by cookie {}", affinity.cookie),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_shares_are_written_as_weights_alone() {
        let plain = Route::all_on(RevisionId::new("weights").unwrap());
        let text = serde_json::to_string(&plain).unwrap();
        assert_eq!(text, r#"{"weighted":{"weights":"100%"}}"#);
        assert_eq!(serde_json::from_str::<Route>(&text).unwrap(), plain);
    }

    #[test]
    fn rules_are_kept_beside_the_weights() {
        let v2 = RevisionId::new("v2").unwrap();
        let rules = Rules { mirror: Weight::share(1, 10), ..Rules::default() };
        let route = Route::Weighted(Shares {
            weights: BTreeMap::from([(RevisionId::new("v1").unwrap(), Weight::FULL)]),
            trial: Some(Trial { revision: v2.clone(), rules }),
        });
        let text = serde_json::to_string(&route).unwrap();
        assert_eq!(serde_json::from_str::<Route>(&text).unwrap(), route);
        assert!(route.sends_beside(&v2));
        assert_eq!(route.to_string(), "100% to v1; copies of 10% to v2");
    }
}
