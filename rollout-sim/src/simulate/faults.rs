//! Faults by name: what goes wrong around a rollout.

use std::{fmt, str::FromStr};

use crate::{
    faults::{CLASS_COUNT, class_name},
    runner::FaultChoice,
};

/// What goes wrong around a rollout.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum FaultSet {
    /// Nothing.
    #[default]
    None,
    /// What the seed draws.
    OfSeed,
    /// The classes of these names, every one of them.
    Named(Vec<String>),
}

/// A fault that is not known.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{name}` is no fault; take some of {}, or `all`", names())]
pub struct UnknownFault {
    /// The name as given.
    pub name: String,
}

fn names() -> String {
    (0..CLASS_COUNT).map(|class| dashed(class_name(class))).collect::<Vec<_>>().join(", ")
}

/// A name as one word.
fn dashed(name: &str) -> String {
    name.replace(' ', "_")
}

/// Faults that are a person's or the candidate's own, rather than of what is around.
const NOT_AROUND: [&str; 5] = ["bad candidate", "operator", "rare orders", "halt", "autoscaler"];

impl FaultSet {
    /// The names of the faults of what is around a rollout: processes, networks, orchestrators, engines.
    pub(crate) fn around() -> Vec<String> {
        let all = (0..CLASS_COUNT).map(class_name).filter(|name| !NOT_AROUND.contains(name));
        all.map(str::to_owned).collect()
    }

    pub(super) fn choice(&self) -> FaultChoice {
        match self {
            Self::None => FaultChoice::Off,
            Self::OfSeed => FaultChoice::Drawn,
            Self::Named(names) => FaultChoice::Named(names.clone()),
        }
    }
}

impl FromStr for FaultSet {
    type Err = UnknownFault;
    fn from_str(text: &str) -> Result<Self, UnknownFault> {
        if text == "all" {
            return Ok(Self::OfSeed);
        }
        let known = |name: &str| {
            let class = (0..CLASS_COUNT).find(|class| dashed(class_name(*class)) == dashed(name));
            let found = class.map(|class| class_name(class).to_owned());
            found.ok_or_else(|| UnknownFault { name: name.to_owned() })
        };
        text.split(',').map(|name| known(name.trim())).collect::<Result<_, _>>().map(Self::Named)
    }
}

impl fmt::Display for FaultSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("no faults"),
            Self::OfSeed => f.write_str("the faults of the seed"),
            Self::Named(names) => write!(f, "faults: {}", names.join(", ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_class_can_be_named() {
        let all = names();
        let read: FaultSet = all.replace(", ", ",").parse().expect("every name is known");
        assert!(matches!(read, FaultSet::Named(names) if names.len() == CLASS_COUNT));
        let why = "lost_answer,rain".parse::<FaultSet>().expect_err("there is no such fault");
        assert!(why.to_string().starts_with("`rain` is no fault; take some of "), "{why}");
    }

    #[test]
    fn what_is_not_around_are_classes_too() {
        assert_eq!(FaultSet::around().len(), CLASS_COUNT - NOT_AROUND.len());
    }
}
