//! Files as objects: several YAML documents, JSON, and Kubernetes lists, with the place of every field.
//!
//! In: text. Out: [`Object`]s in the order of the file. Absent: what their fields mean.

mod fields;
mod log;
mod object;
mod places;
mod tree;

use rollout_core::yaml;
use serde_json::{Map, Value};
use serde_saphyr::Spanned;

pub use self::places::Places;
use self::tree::Node;
pub(crate) use self::{
    fields::{Fields, Scope},
    log::Log,
    object::Object,
};
use crate::ImportError;

/// Reads every object in `text`.
///
/// # Errors
///
/// [`ImportError::Syntax`] if it is neither YAML nor JSON, or holds something else than maps of fields.
pub(crate) fn read(text: &str) -> Result<Vec<Object>, ImportError> {
    let documents: Vec<Spanned<Node>> =
        yaml::all(text).map_err(|error| ImportError::Syntax { why: error.to_string() })?;
    let mut objects = Vec::new();
    for document in documents {
        let line = document.referenced.line();
        let mut places = Places::default();
        let value = tree::value(document, "", &mut places);
        match value {
            Value::Null => (),
            Value::Object(fields) => add(fields, "", &places, &mut objects)?,
            Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
                return Err(ImportError::Syntax {
                    why: format!("the document at line {line} is no map of fields"),
                });
            }
        }
    }
    Ok(objects)
}

/// Adds an object, or those that a list holds.
fn add(
    mut fields: Map<String, Value>,
    base: &str,
    places: &Places,
    objects: &mut Vec<Object>,
) -> Result<(), ImportError> {
    let is_list =
        fields.get("kind").and_then(Value::as_str).is_some_and(|kind| kind.ends_with("List"));
    let items = match (is_list, fields.remove("items")) {
        (true, Some(Value::Array(items))) => items,
        (_, items) => {
            fields.extend(items.map(|items| ("items".to_owned(), items)));
            objects.push(Object::new(fields, base, places));
            return Ok(());
        }
    };
    for (index, item) in items.into_iter().enumerate() {
        let base = format!("{base}items[{index}].");
        let Value::Object(fields) = item else {
            return Err(ImportError::Syntax {
                why: format!(
                    "`{item}` in `items` is no map of fields; each item is an object of its own"
                ),
            });
        };
        add(fields, &base, places, objects)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use rollout_core::yaml::TEXT_LIMIT;

    use super::*;

    fn names(text: &str) -> Vec<String> {
        read(text).unwrap().iter().map(Object::to_string).collect()
    }

    #[test]
    fn documents_lists_and_json_are_read_alike() {
        let yaml =
            "kind: A\nmetadata: { name: x }\n---\n# nothing\n---\nkind: B\nmetadata: { name: y }\n";
        assert_eq!(names(yaml), ["A/x", "B/y"]);
        let list = "{\n\t\"kind\": \"List\",\n\t\"items\": [{\"kind\": \"A\", \"metadata\": {\"name\": \"x\"}}, {\"kind\": \"BList\", \"items\": [{\"kind\": \"B\", \"metadata\": {\"name\": \"y\"}}]}]}";
        assert_eq!(names(list), ["A/x", "B/y"]);
    }

    #[test]
    fn fields_know_where_they_stand() {
        let text = "kind: A\n---\nkind: B\nspec:\n  steps:\n    - weight: 5\n    - weight: 10\n";
        let objects = read(text).unwrap();
        assert_eq!(objects[1].place("spec.steps[1].weight"), Some((7, 15)));
        assert_eq!(objects[1].place("spec.steps[1].name"), Some((7, 7)));
        assert_eq!(objects[1].place("nothing.here"), None);
        let list = read("kind: List\nitems:\n  - kind: A\n    spec: { a: 1 }\n").unwrap();
        assert_eq!(list[0].place("spec.a"), Some((4, 16)));
    }

    #[test]
    fn what_is_no_object_is_refused() {
        for (text, words) in [
            ("[1, 2]", "line 1 is no map"),
            ("a: {", "line 1"),
            ("a: 1\na: 2\n", "duplicate"),
            ("kind: List\nitems: [1]\n", "`1` in `items`"),
            ("a: .nan\n", "non-finite"),
        ] {
            let error = read(text).unwrap_err().to_string();
            assert!(error.contains(words), "{text}: {error}");
        }
        let long = read(&"a".repeat(TEXT_LIMIT + 1)).unwrap_err().to_string();
        assert!(long.contains("1048577 bytes, the limit is 1048576"), "{long}");
    }
}
