//! Conditions of other tools, as far as one value against fixed limits says the same.
//!
//! In: an expression over `result`. Out: the condition of a metric gate. Absent: everything that looks at
//! several values, or at parts of an answer; the caller asks a person instead.

use serde_json::{Value, json};

/// A condition, and whether it asks for more than the expression did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Simple {
    pub(crate) condition: Value,
    /// Whether a part about answers without a value was taken away: such an answer never passes a gate.
    pub(crate) stricter: bool,
}

/// Reads `expression`; `None` if it is more than one value against fixed limits.
pub(crate) fn simple(expression: &str) -> Option<Simple> {
    let text: String = expression.split_whitespace().collect::<Vec<_>>().join(" ");
    // An answer that is empty or no number is no value to a gate, whatever the expression made of it.
    let (guard, text) = strip_guard(&text);
    if text.contains("||") {
        return None;
    }
    let mut parts = text.split("&&").map(comparison);
    let (first, second) = (parts.next()??, parts.next());
    if parts.next().is_some() {
        return None;
    }
    let condition = match second {
        None => one(&first),
        Some(second) => both(&first, &second?)?,
    };
    Some(Simple { condition, stricter: guard })
}

/// Takes away a leading part about empty answers. `len(result) == 0 ||` lets them pass and `len(result) > 0
/// &&` keeps them from failing, so what is left asks for more.
fn strip_guard(text: &str) -> (bool, String) {
    const GUARDS: [&str; 8] = [
        "len(result) == 0 ||",
        "len(result) > 0 &&",
        "len(result) != 0 &&",
        "isNaN(result[0]) ||",
        "!isNaN(result[0]) &&",
        "isNaN(result) ||",
        "!isNaN(result) &&",
        "result == nil ||",
    ];
    for guard in GUARDS {
        if let Some(rest) = text.strip_prefix(guard) {
            return (true, rest.trim().to_owned());
        }
    }
    (false, text.to_owned())
}

/// One comparison: how, and with what number.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Comparison {
    how: &'static str,
    limit: Value,
}

/// Reads `result OP number` or `number OP result`.
fn comparison(text: &str) -> Option<Comparison> {
    const OPERATORS: [(&str, &str, &str); 6] = [
        (">=", "at_least", "at_most"),
        ("<=", "at_most", "at_least"),
        ("==", "equal", "equal"),
        ("!=", "not_equal", "not_equal"),
        (">", "above", "below"),
        ("<", "below", "above"),
    ];
    let text = text.trim();
    let text = text.strip_prefix('(').and_then(|text| text.strip_suffix(')')).unwrap_or(text);
    let (left, how, turned, right) = OPERATORS.iter().find_map(|(operator, how, turned)| {
        let (left, right) = text.split_once(operator)?;
        Some((left.trim(), *how, *turned, right.trim()))
    })?;
    match (is_result(left), is_result(right)) {
        (true, false) => Some(Comparison { how, limit: number(right)? }),
        (false, true) => Some(Comparison { how: turned, limit: number(left)? }),
        (true, true) | (false, false) => None,
    }
}

/// Whether it is the one value: `result`, `result[0]`, or one of them as a number.
fn is_result(text: &str) -> bool {
    let inner = ["asFloat(", "asInt(", "float(", "int("]
        .iter()
        .find_map(|function| text.strip_prefix(function)?.strip_suffix(')'))
        .unwrap_or(text);
    ["result", "result[0]"].contains(&inner.trim())
}

/// A number as it was written, exact to its last digit.
fn number(text: &str) -> Option<Value> {
    let plain =
        text.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | '-' | '+' | 'e' | 'E'));
    (plain && text.parse::<f64>().is_ok_and(f64::is_finite)).then(|| json!(text))
}

fn one(comparison: &Comparison) -> Value {
    json!({ comparison.how: comparison.limit })
}

/// Two limits as a band, where both ends are part of it.
fn both(first: &Comparison, second: &Comparison) -> Option<Value> {
    match (first.how, second.how) {
        ("at_least", "at_most") => {
            Some(json!({ "between": { "from": first.limit, "to": second.limit } }))
        }
        ("at_most", "at_least") => {
            Some(json!({ "between": { "from": second.limit, "to": first.limit } }))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_value_against_fixed_limits_is_understood() {
        for (expression, condition, stricter) in [
            ("result[0] >= 0.95", json!({ "at_least": "0.95" }), false),
            ("result < 5", json!({ "below": "5" }), false),
            ("5>result", json!({ "below": "5" }), false),
            ("asFloat(result[0]) <= 1e-3", json!({ "at_most": "1e-3" }), false),
            ("result == 0", json!({ "equal": "0" }), false),
            (
                "result[0] >= 1 && result[0] <= 2",
                json!({ "between": { "from": "1", "to": "2" } }),
                false,
            ),
            ("len(result) == 0 || result[0] < 5", json!({ "below": "5" }), true),
            ("len(result) > 0  &&  result[0] > 5", json!({ "above": "5" }), true),
            ("isNaN(result[0]) || result[0] >= 0.9", json!({ "at_least": "0.9" }), true),
        ] {
            assert_eq!(simple(expression), Some(Simple { condition, stricter }), "{expression}");
        }
    }

    #[test]
    fn everything_else_is_not() {
        for expression in [
            "",
            "result",
            "all(result, # > 1)",
            "result.rate >= 0.9",
            "result[1] > 1",
            "result[0] > limit",
            "result[0] > 1 || result[0] < -1",
            "result[0] > 1 && result[0] < 2",
            "result[0] > 1 && result[0] < 2 && result[0] != 1.5",
            "result[0] > NaN",
            "result[0] > {{args.limit}}",
            "result > result",
        ] {
            assert_eq!(simple(expression), None, "{expression}");
        }
    }
}
