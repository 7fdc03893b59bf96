//! Where everything in a text stands.
//!
//! In: text, or what was read of one. Out: line and column of the field at a path. Absent: what fields say.

use std::collections::BTreeMap;

use rollout_core::yaml;
use serde_saphyr::Spanned;

use super::tree::{self, Node};

/// Line and column, both from 1, of everything in a text, by its path, such as `spec.steps[1].weight`.
#[derive(Clone, Debug, Default)]
pub struct Places(BTreeMap<String, (u64, u64)>);

impl Places {
    /// The places in `text`, one document in YAML or JSON; none if it cannot be read.
    #[must_use]
    pub fn of(text: &str) -> Self {
        let mut places = Self::default();
        if let Ok(document) = yaml::one::<Spanned<Node>>(text) {
            tree::value(document, "", &mut places);
        }
        places
    }

    /// Line and column of the field at `path`, or of the nearest thing around it that was written; `None`
    /// if that is the whole text.
    #[must_use]
    pub fn nearest(&self, path: &str) -> Option<(u64, u64)> {
        let mut path = path;
        while !path.is_empty() {
            if let Some(place) = self.0.get(path) {
                return Some(*place);
            }
            path = &path[..path.rfind(['.', '[']).unwrap_or(0)];
        }
        None
    }

    /// Notes where the thing at `path` stands.
    pub(super) fn add(&mut self, path: &str, place: (u64, u64)) {
        self.0.insert(path.to_owned(), place);
    }

    /// The places below `base`, by the rest of their path.
    pub(super) fn below(&self, base: &str) -> Self {
        let own = |(path, place): (&String, &(u64, u64))| {
            Some((path.strip_prefix(base)?.to_owned(), *place))
        };
        Self(self.0.iter().filter_map(own).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_in_every_style_of_writing() {
        let text = "version: 1\nstrategy:\n  canary:\n    steps:\n      - weight: 50\n      - weight: 25\n        name: b\n";
        let places = Places::of(text);
        assert_eq!(places.nearest("strategy.canary.steps[1].weight"), Some((6, 17)));
        assert_eq!(places.nearest("strategy.canary.steps[1].gates[0]"), Some((6, 9)));
        assert_eq!(places.nearest("version"), Some((1, 10)));
        assert_eq!(places.nearest("health.monitor"), None);
        let flow = Places::of("{\"strategy\": {\"rolling\": {\"surge\": 0}}}");
        assert_eq!(flow.nearest("strategy.rolling.surge"), Some((1, 36)));
        assert_eq!(Places::of("a: {").nearest("a"), None);
    }
}
