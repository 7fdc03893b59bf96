//! Checks of what goes to the candidate beside its share.

use super::{CheckError, RouteError, limits};
use crate::spec::{Affinity, Match};

/// Most matches of one stage: a router tries them for every request.
pub(super) const MATCHES_LIMIT: usize = 64;
/// Most characters of the name of a header or a cookie.
pub(super) const NAME_LIMIT: usize = 128;
/// Most characters of the value of a header or a cookie.
pub(super) const VALUE_LIMIT: usize = 1024;

/// Checks the matches of one stage.
pub(super) fn check_matches(field: &str, matches: &[Match], errors: &mut Vec<CheckError>) {
    if MATCHES_LIMIT < matches.len() {
        let (field, count) = (field.to_owned(), matches.len());
        errors.push(RouteError::TooManyMatches { field, count }.into());
    }
    for (index, rule) in matches.iter().enumerate() {
        check_match(&format!("{field}[{index}]"), rule, errors);
    }
}

fn check_match(field: &str, rule: &Match, errors: &mut Vec<CheckError>) {
    let subjects = [("header", &rule.header), ("cookie", &rule.cookie)];
    let given = subjects.iter().filter(|(_, name)| name.is_some()).count();
    if given != 1 {
        errors.push(RouteError::Subjects { field: field.to_owned(), given }.into());
    }
    for (kind, name) in subjects {
        if let Some(name) = name {
            check_name(&format!("{field}.{kind}"), name, errors);
        }
    }
    let tests = [("exact", &rule.exact), ("prefix", &rule.prefix), ("regex", &rule.regex)];
    let given = tests.iter().filter(|(_, value)| value.is_some()).count();
    if 1 < given {
        errors.push(RouteError::Tests { field: field.to_owned(), given }.into());
    }
    for (kind, value) in tests {
        let Some(value) = value else { continue };
        let length = value.chars().count();
        if !(1..=VALUE_LIMIT).contains(&length) || value.chars().any(char::is_control) {
            errors.push(RouteError::Value { field: format!("{field}.{kind}"), length }.into());
        }
    }
}

/// Checks an affinity.
pub(super) fn check_affinity(field: &str, affinity: &Affinity, errors: &mut Vec<CheckError>) {
    check_name(&format!("{field}.cookie"), &affinity.cookie, errors);
    let max_age = format!("{field}.max_age");
    if affinity.max_age.is_zero() {
        errors.push(RouteError::NoMaxAge { field: max_age }.into());
    } else {
        limits::long(&max_age, affinity.max_age, errors);
    }
}

/// Refuses a name that no request could have, or that a router could misread.
fn check_name(field: &str, name: &str, errors: &mut Vec<CheckError>) {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    if !(1..=NAME_LIMIT).contains(&name.len()) || !name.bytes().all(plain) {
        let (field, name) = (field.to_owned(), name.to_owned());
        errors.push(RouteError::Name { field, name }.into());
    }
}
