//! Each answer of the API server as the core is told it.

use kube::core::response::StatusDetails;

use super::*;

fn answer(code: u16, message: &str) -> Error {
    Error::Api(Status::failure(message, "").with_code(code).boxed())
}

fn later(code: u16, retry_after_seconds: u32) -> Error {
    let details = StatusDetails {
        retry_after_seconds,
        name: String::new(),
        group: String::new(),
        kind: String::new(),
        uid: String::new(),
        causes: Vec::new(),
    };
    Error::Api(Status::failure("wait", "").with_code(code).with_details(details).boxed())
}

const BY_ROLE: &str = "replicasets.apps is forbidden: User \"system:serviceaccount:a:b\" cannot create \
                       resource \"replicasets\" in API group \"apps\" in the namespace \"web\"";

#[test]
fn every_status_has_its_meaning() {
    use RefusalKind::{Busy, Conflict, Denied, Invalid, Missing};
    let backoff = |kind| Some((kind, Retry::Backoff));
    let never = |kind| Some((kind, Retry::Never));
    for (code, message, expected) in [
        (400, "", never(Invalid)),
        (401, "Unauthorized", backoff(Denied)),
        (403, BY_ROLE, never(Denied)),
        (403, "pods \"web\" is forbidden: exceeded quota: small", backoff(Denied)),
        (403, "violates PodSecurity \"restricted:latest\": host namespaces", backoff(Denied)),
        (404, "replicasets.apps \"web-v1\" not found", backoff(Missing)),
        (405, "", never(Invalid)),
        (409, "the object has been modified", backoff(Conflict)),
        (410, "too old resource version", backoff(Missing)),
        (415, "", never(Invalid)),
        (422, "spec.replicas: Invalid value: -1", never(Invalid)),
        (422, "ValidatingAdmissionPolicy 'p' with binding 'b' denied request: no", backoff(Denied)),
        (429, "Too many requests", Some((Busy, Retry::After(Span::from_secs(1))))),
        (500, "etcdserver: request timed out", None),
        (502, "", None),
        (503, "", backoff(Busy)),
        (504, "request did not complete within requested timeout", None),
    ] {
        assert_eq!(meaning(&answer(code, message)), expected, "{code} {message}");
    }
}

#[test]
fn the_server_says_when_to_come_back() {
    for (code, kind) in
        [(429, RefusalKind::Busy), (503, RefusalKind::Busy), (409, RefusalKind::Conflict)]
    {
        let expected = Some((kind, Retry::After(Span::from_secs(7))));
        assert_eq!(meaning(&later(code, 7)), expected, "{code}");
    }
    // It names a wait here too, but the write may have been done.
    assert_eq!(meaning(&later(504, 7)), None);
}

#[test]
fn a_missing_permission_is_named() {
    let failed = Failed::from(answer(403, BY_ROLE));
    let Failed::Refused(RefusalKind::Denied, Retry::Never, why) = failed.clone() else {
        panic!("{failed:?}");
    };
    assert_eq!(
        why,
        "the account `system:serviceaccount:a:b` may not create replicasets.apps; give it the verb \
         `create` on `replicasets.apps`"
    );
    let error = failed.observe("pods of namespace web").to_string();
    assert!(error.contains("Role"), "{error}");
}

#[test]
fn what_was_not_sent_was_not_done() {
    let io = |kind| Error::Service(Box::new(io::Error::new(kind, "no")));
    let not_reached = Some((RefusalKind::Unreachable, Retry::Backoff));
    assert_eq!(meaning(&io(io::ErrorKind::ConnectionRefused)), not_reached);
    assert_eq!(meaning(&io(io::ErrorKind::ConnectionReset)), None);
    assert_eq!(meaning(&io(io::ErrorKind::TimedOut)), None);
}

#[test]
fn words_are_one_short_line() {
    let long = format!("a\n{}", "b ".repeat(1000));
    let text = words(&answer(422, &long));
    assert!(text.starts_with("the API server answered 422: a b b"), "{text}");
    assert_eq!(text.chars().count(), 601);
}

#[test]
fn an_object_that_a_patch_makes_bad_is_not_repeated() {
    let why = words(&answer(
        422,
        "\"\" is invalid: patch: Invalid value: \"{\\\"env\\\":\\\"secret\\\"}\": strict decoding error: unknown \
         field \"spec.template.spec.containers[0].imagee\"",
    ));
    assert!(why.contains("patch: strict decoding error: unknown field") && why.contains("imagee"));
    assert!(!why.contains("secret"), "{why}");
}

#[tokio::test(start_paused = true)]
async fn no_answer_is_unknown() {
    let never = std::future::pending::<Result<(), Error>>();
    let failed = ask(never).await.unwrap_err();
    assert_eq!(failed, Failed::Unknown("the API server did not answer within 10s".to_owned()));
    let gone: Result<Option<()>, Failed> =
        ask_for(async { Err(answer(404, "pods \"x\" not found")) }).await;
    assert_eq!(gone, Ok(None));
}
