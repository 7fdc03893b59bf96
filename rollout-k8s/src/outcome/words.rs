//! The API server's own words, on one line, with what a person can do where it is known.

use kube::{Error, core::Status};

/// Longest message that is passed on, in characters: the server prints whole objects at times.
const LONGEST: usize = 600;

/// What an error says.
pub(crate) fn words(error: &Error) -> String {
    let text =
        if let Error::Api(status) = error { of_status(status) } else { super::with_causes(error) };
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= LONGEST {
        return line;
    }
    line.chars().take(LONGEST).chain("…".chars()).collect()
}

fn of_status(status: &Status) -> String {
    let Status { code, message, .. } = status;
    let message = &without_objects(message);
    match missing_permission(message) {
        Some((user, verb, resource)) => format!(
            "the account `{user}` may not {verb} {resource}; give it the verb `{verb}` on `{resource}`"
        ),
        None if message.is_empty() => format!("the API server answered {code}"),
        None => format!("the API server answered {code}: {message}"),
    }
}

/// The message without the whole object that the server prints where a patch makes a bad one of it: it may hold
/// secrets, and what is wrong stands behind it.
fn without_objects(message: &str) -> String {
    let object = (message.find("Invalid value: \"{"), message.rfind("}\": "));
    match object {
        (Some(begin), Some(end)) if begin < end => {
            format!("{}{}", &message[..begin], &message[end + "}\": ".len()..])
        }
        (None | Some(_), _) => message.to_owned(),
    }
}

/// User, verb and resource of an answer of the authorizer, as in `pods "x" is forbidden: User "u" cannot
/// patch resource "pods" in API group "" in the namespace "n"`.
fn missing_permission(message: &str) -> Option<(&str, &str, String)> {
    let (_, rest) = message.split_once("User \"")?;
    let (user, rest) = rest.split_once("\" cannot ")?;
    let (verb, rest) = rest.split_once(" resource \"")?;
    let (resource, rest) = rest.split_once('"')?;
    let group = rest.split_once("API group \"")?.1.split_once('"')?.0;
    let resource =
        if group.is_empty() { resource.to_owned() } else { format!("{resource}.{group}") };
    Some((user, verb, resource))
}

/// Whether the authorizer refused, and not a quota or an admission plugin.
pub(super) fn is_forbidden_by_role(status: &Status) -> bool {
    missing_permission(&status.message).is_some()
}

/// Whether an admission policy or a webhook refused.
pub(super) fn is_denial(status: &Status) -> bool {
    status.message.contains("denied request") || status.message.contains("denied the request")
}
