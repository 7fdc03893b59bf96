//! A JSON Schema as Kubernetes wants it: no reference, one type for every value, nothing chosen by shape.
//!
//! In: what `schemars` makes of our types. Out: a structural schema. What a structural schema cannot say (a
//! word *or* an object) is kept as it is given and read by the operator, which says what is wrong.

use serde_json::{Map, Value, json};

/// References inside one another that are followed; ours are less than ten deep.
const DEPTH_LIMIT: usize = 32;

/// Returns `schema` in structural form.
pub(super) fn structural(schema: &Value) -> Value {
    let definitions = schema.get("$defs").cloned().unwrap_or_default();
    let mut made = convert(schema, &definitions, DEPTH_LIMIT);
    if let Some(fields) = made.as_object_mut() {
        fields.remove("description");
    }
    made
}

fn convert(schema: &Value, definitions: &Value, depth: usize) -> Value {
    let Some(fields) = schema.as_object().filter(|_| 0 < depth) else { return anything(None) };
    let depth = depth - 1;
    let description = fields.get("description").cloned();
    let mut made = if let Some(name) = fields.get("$ref").and_then(Value::as_str) {
        let name = name.trim_start_matches("#/$defs/");
        convert(&definitions[name], definitions, depth)
    } else if let Some(choices) = choices(fields) {
        chosen(choices, definitions, depth)
    } else {
        plain(fields, definitions, depth)
    };
    // Nearer words say more than those of the type.
    if let (Some(made), Some(Value::String(text))) = (made.as_object_mut(), description) {
        made.insert("description".to_owned(), text.replace('\n', " ").into());
    }
    made
}

fn choices(fields: &Map<String, Value>) -> Option<&Vec<Value>> {
    fields.get("anyOf").or_else(|| fields.get("oneOf"))?.as_array()
}

/// A value of one of several shapes.
fn chosen(choices: &[Value], definitions: &Value, depth: usize) -> Value {
    let is_null = |choice: &Value| choice["type"] == "null";
    let shapes: Vec<&Value> = choices.iter().filter(|choice| !is_null(choice)).collect();
    if let [shape] = shapes[..] {
        let mut made = convert(shape, definitions, depth);
        made["nullable"] = true.into();
        return made;
    }
    if let Some(words) = words(&shapes) {
        return json!({"type": "string", "enum": words});
    }
    let converted: Vec<Value> =
        shapes.iter().map(|shape| convert(shape, definitions, depth)).collect();
    if let Some(number_or_text) = number_or_text(&converted) {
        return number_or_text;
    }
    if shapes.iter().all(|shape| shape["required"].as_array().is_some_and(|names| names.len() == 1))
    {
        return one_field_of(&shapes, &converted);
    }
    anything(None)
}

/// The words of an enumeration without fields.
fn words(shapes: &[&Value]) -> Option<Vec<Value>> {
    shapes.iter().map(|shape| shape.get("const").cloned()).collect()
}

/// A whole number, or text such as `25%`.
fn number_or_text(shapes: &[Value]) -> Option<Value> {
    let of = |kind: &str| shapes.iter().find(|shape| shape["type"] == kind);
    let (number, text) = (of("integer")?, of("string")?);
    let mut made = json!({"x-kubernetes-int-or-string": true});
    for (from, name) in [(number, "minimum"), (number, "maximum"), (text, "pattern")] {
        if let Some(value) = from.get(name) {
            made[name] = value.clone();
        }
    }
    // An enumeration would hold for the number as well.
    if let Some(words) = text.get("enum").and_then(Value::as_array) {
        let words: Vec<&str> = words.iter().filter_map(Value::as_str).collect();
        made["pattern"] = format!("^({})$", words.join("|")).into();
    }
    Some(made)
}

/// An object with exactly one of the fields that the shapes have one each of.
fn one_field_of(shapes: &[&Value], converted: &[Value]) -> Value {
    let mut properties = Map::new();
    for (shape, converted) in shapes.iter().zip(converted) {
        let fields = converted["properties"].as_object().into_iter().flatten();
        for (name, field) in fields {
            let mut field = field.clone();
            // What the choice means says more than the type of what it holds.
            if let Some(text) = shape.get("description") {
                field["description"] = text.clone();
            }
            properties.insert(name.clone(), field);
        }
    }
    json!({"type": "object", "properties": properties, "minProperties": 1, "maxProperties": 1})
}

/// A value of one shape.
fn plain(fields: &Map<String, Value>, definitions: &Value, depth: usize) -> Value {
    let (kind, is_nullable) = match fields.get("type") {
        Some(Value::String(kind)) => (kind.as_str(), false),
        Some(Value::Array(kinds)) => {
            match kinds.iter().filter_map(Value::as_str).collect::<Vec<_>>()[..] {
                [kind, "null"] => (kind, true),
                _ => return anything(None),
            }
        }
        _ => return anything(None),
    };
    let mut made = Map::from_iter([("type".to_owned(), json!(kind))]);
    if is_nullable {
        made.insert("nullable".to_owned(), true.into());
    }
    for name in ["pattern", "minLength", "maxLength", "minimum", "maximum", "enum", "required"] {
        if let Some(value) = fields.get(name) {
            made.insert(name.to_owned(), value.clone());
        }
    }
    if let Some(width) = fields.get("format").and_then(Value::as_str) {
        let width = if width.ends_with("64") { "int64" } else { "int32" };
        if kind == "integer" {
            made.insert("format".to_owned(), width.into());
        }
    }
    match kind {
        "array" => {
            let items = fields.get("items").map(|items| convert(items, definitions, depth));
            made.insert("items".to_owned(), items.unwrap_or_else(|| anything(None)));
        }
        "object" => {
            let properties = fields.get("properties").and_then(Value::as_object);
            let properties: Map<_, _> = properties
                .into_iter()
                .flatten()
                .map(|(name, field)| (name.clone(), convert(field, definitions, depth)))
                .collect();
            match fields.get("additionalProperties") {
                Some(Value::Object(any)) if properties.is_empty() => {
                    let each = convert(&Value::Object(any.clone()), definitions, depth);
                    made.insert("additionalProperties".to_owned(), each);
                }
                _ => drop(made.insert("properties".to_owned(), properties.into())),
            }
        }
        _ => (),
    }
    made.into()
}

/// A value that is kept as it is given; of `kind`, if that is known.
pub(super) fn anything(kind: Option<&str>) -> Value {
    let mut made = json!({"x-kubernetes-preserve-unknown-fields": true});
    if let Some(kind) = kind {
        made["type"] = kind.into();
    }
    made
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_followed_and_null_becomes_nullable() {
        let schema = json!({
            "$defs": {"Span": {"type": "string", "description": "A time."}},
            "type": "object",
            "properties": {"hold": {"anyOf": [{"$ref": "#/$defs/Span"}, {"type": "null"}], "description": "How\nlong."}},
        });
        let hold = &structural(&schema)["properties"]["hold"];
        let wanted = json!({"type": "string", "nullable": true, "description": "How long."});
        assert_eq!(*hold, wanted);
    }

    #[test]
    fn a_choice_of_fields_becomes_an_object_with_exactly_one() {
        let choice = |name: &str| json!({"type": "object", "properties": {name: {"type": "string"}}, "required": [name], "additionalProperties": false});
        let made = structural(&json!({"oneOf": [choice("a"), choice("b")]}));
        assert_eq!(made["maxProperties"], 1);
        assert_eq!(made["properties"]["b"]["type"], "string");
        assert!(made.get("oneOf").is_none());
    }

    #[test]
    fn words_become_an_enumeration_and_amounts_int_or_string() {
        let words =
            json!({"oneOf": [{"const": "a", "type": "string"}, {"const": "b", "type": "string"}]});
        assert_eq!(structural(&words), json!({"type": "string", "enum": ["a", "b"]}));
        let amount = json!({"anyOf": [{"type": "integer", "minimum": 0}, {"type": "string", "pattern": "^x$"}]});
        let wanted = json!({"x-kubernetes-int-or-string": true, "minimum": 0, "pattern": "^x$"});
        assert_eq!(structural(&amount), wanted);
    }

    #[test]
    fn a_word_or_an_object_is_kept_as_given() {
        let mixed = json!({"oneOf": [{"const": "a", "type": "string"}, {"type": "object", "required": ["b"], "properties": {"b": {"type": "string"}}}]});
        assert_eq!(structural(&mixed), anything(None));
    }
}
