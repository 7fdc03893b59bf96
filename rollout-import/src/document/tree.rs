//! Text as values with places: the reader keeps both, and they are taken apart afterwards.

use std::fmt;

use serde::{
    Deserialize,
    de::{Deserializer, Error as _, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Number, Value};
use serde_saphyr::Spanned;

use super::Places;

/// One thing of a text, with the places of what is in it.
#[derive(Debug)]
pub(super) enum Node {
    Map(Vec<(String, Spanned<Node>)>),
    List(Vec<Spanned<Node>>),
    Scalar(Value),
}

/// The value of `node`; its places go to `places`, below `path`.
pub(super) fn value(node: Spanned<Node>, path: &str, places: &mut Places) -> Value {
    places.add(path, (node.referenced.line(), node.referenced.column()));
    match node.value {
        Node::Scalar(value) => value,
        Node::List(items) => {
            let item = |(index, item)| value(item, &format!("{path}[{index}]"), places);
            Value::Array(items.into_iter().enumerate().map(item).collect())
        }
        Node::Map(fields) => {
            let mut map = Map::new();
            for (name, field) in fields {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                let field = value(field, &path, places);
                map.insert(name, field);
            }
            Value::Object(map)
        }
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
        $(fn $visit<E>(self, value: $type) -> Result<Node, E> {
            Ok(Node::Scalar(Value::from(value)))
        })*
    };
}

impl<'de> Visitor<'de> for AnyNode {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("anything")
    }

    scalars!(visit_bool bool, visit_i64 i64, visit_u64 u64, visit_str &str);

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Node, E> {
        match Number::from_f64(value) {
            Some(number) => Ok(Node::Scalar(Value::Number(number))),
            None => Err(E::custom(format!("`{value}` is no number that can be counted with"))),
        }
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Scalar(Value::Null))
    }

    fn visit_none<E>(self) -> Result<Node, E> {
        Ok(Node::Scalar(Value::Null))
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
        let mut map: Vec<(String, Spanned<Node>)> = Vec::new();
        while let Some(name) = fields.next_key::<String>()? {
            if map.iter().any(|(known, _)| *known == name) {
                return Err(A::Error::custom(format!("duplicate field `{name}`; remove one")));
            }
            map.push((name, fields.next_value()?));
        }
        Ok(Node::Map(map))
    }
}
