//! Finds the known name that an unknown one was probably meant to be.

/// Fewest letters of a known name that count when it is a part of the unknown one, as in `maxSurge`.
const PART: usize = 4;

/// The known name nearest to `name`, if one is near.
pub(super) fn nearest(name: &str, known: &[String]) -> Option<String> {
    let plain = plain(name);
    let near = known
        .iter()
        .map(|known| (strsim::damerau_levenshtein(&plain, known), known))
        .filter(|(distance, known)| *distance <= known.chars().count() / 3)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, known)| known);
    let part = || {
        known
            .iter()
            .filter(|known| PART <= known.len() && plain.contains(known.as_str()))
            .max_by_key(|known| known.len())
    };
    near.or_else(part).cloned()
}

/// `name` as this format would write it: lowercase, words joined by `_`.
fn plain(name: &str) -> String {
    let mut plain = String::new();
    for character in name.chars() {
        match character {
            '-' | ' ' => plain.push('_'),
            upper if upper.is_ascii_uppercase() => {
                if !plain.is_empty() && !plain.ends_with('_') {
                    plain.push('_');
                }
                plain.push(upper.to_ascii_lowercase());
            }
            other => plain.push(other),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_and_foreign_spellings_are_recognised() {
        let known = ["surge", "unavailable", "batch_delay", "blue_green", "order"];
        let known = known.map(str::to_owned);
        for (name, expected) in [
            ("surg", Some("surge")),
            ("suerge", Some("surge")),
            ("maxSurge", Some("surge")),
            ("maxUnavailable", Some("unavailable")),
            ("batchDelay", Some("batch_delay")),
            ("blue-green", Some("blue_green")),
            ("BlueGreen", Some("blue_green")),
            ("colour", None),
            ("sorgo", None),
            ("", None),
        ] {
            assert_eq!(nearest(name, &known).as_deref(), expected, "{name}");
        }
    }
}
