//! Finds where in a text a field stands, for errors about what it says.

use std::{collections::BTreeMap, fmt};

use serde::{
    Deserialize,
    de::{Deserializer, MapAccess, SeqAccess, Visitor},
};
use serde_saphyr::Spanned;

/// The places of everything in a text.
#[derive(Debug)]
pub(super) struct Places(Option<Spanned<Node>>);

/// One thing and what is in it; what a scalar says does not matter.
#[derive(Debug)]
enum Node {
    Map(BTreeMap<String, Spanned<Node>>),
    List(Vec<Spanned<Node>>),
    Scalar,
}

impl Places {
    /// The places in `text`, which is YAML or JSON.
    pub(super) fn of(text: &str) -> Self {
        Self(serde_saphyr::from_str(text).ok())
    }

    /// Line and column of the field at `path`, such as `strategy.canary.steps[1].weight`, or of the
    /// nearest thing around it that was written; `None` if that is the whole text.
    pub(super) fn nearest(&self, path: &str) -> Option<(u64, u64)> {
        let mut here = self.0.as_ref()?;
        let mut found = None;
        for part in path.split(['.', '[', ']']).filter(|part| !part.is_empty()) {
            let next = match &here.value {
                Node::Map(fields) => fields.get(part),
                Node::List(items) => part.parse().ok().and_then(|index: usize| items.get(index)),
                Node::Scalar => None,
            };
            let Some(next) = next else {
                break;
            };
            here = next;
            found = Some((here.referenced.line(), here.referenced.column()));
        }
        found
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyNode)
    }
}

/// Takes whatever comes.
struct AnyNode;

macro_rules! scalars {
    ($($visit:ident $type:ty),*) => {
        $(fn $visit<E>(self, _: $type) -> Result<Node, E> {
            Ok(Node::Scalar)
        })*
    };
}

impl<'de> Visitor<'de> for AnyNode {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("anything")
    }

    scalars!(visit_bool bool, visit_i64 i64, visit_u64 u64, visit_f64 f64, visit_str &str);

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Scalar)
    }

    fn visit_none<E>(self) -> Result<Node, E> {
        Ok(Node::Scalar)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Node, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Node::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Node, A::Error> {
        let mut map = BTreeMap::new();
        while let Some(name) = fields.next_key::<Key>()? {
            map.insert(name.0, fields.next_value()?);
        }
        Ok(Node::Map(map))
    }
}

/// A name of a field; what is no text has no name.
struct Key(String);

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self)
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
    }
}
