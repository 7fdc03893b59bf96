//! Requests: one key for every attempt, every answer in the table, a run found again after a restart.

use rollout_core::{engine::HookState, port::Hooks as _};
use rollout_runtime::hooks::{HttpHooks, JobHooks};
use serde_json::json;

use super::{
    assert_applied, begin, failed, run,
    server::{Server, answer},
};
use crate::world::web;

#[tokio::test]
async fn a_request_that_is_answered_at_once_has_ended() {
    let server = Server::start(|_| answer(200, "", "fine")).await;
    let folder = tempfile::tempdir().unwrap();
    let hooks = JobHooks::open(folder.path()).unwrap();
    let words = json!({"url": server.url("/run?x=1"), "headers": {"x-team": "web"}});
    let action = begin("web-2-a", &words);
    assert_applied(&hooks.apply(&action).await);
    assert_eq!(hooks.poll(&web(), &run("web-2-a")).await, Ok(HookState::Succeeded));
    drop(hooks);
    let next = JobHooks::open(folder.path()).unwrap();
    assert_eq!(next.poll(&web(), &run("web-2-a")).await, Ok(HookState::Succeeded));
    assert_applied(&next.apply(&action).await);

    let seen = server.seen();
    assert_eq!(seen.len(), 1, "asked again though it was answered: {seen:#?}");
    assert!(seen[0].starts_with("POST /run?x=1 HTTP/1.1\r\n"), "{}", seen[0]);
    for line in ["idempotency-key: web-2-a\r\n", "x-team: web\r\n"] {
        assert!(seen[0].contains(line), "{}", seen[0]);
    }
    let body = r#"{"attempt":2,"hook":"smoke","run":"web-2-a","workload":"web"}"#;
    assert!(seen[0].ends_with(body), "{}", seen[0]);
}

#[tokio::test]
async fn a_run_that_takes_long_is_asked_for_where_the_service_said() {
    let answers = |request: &str| match request.split(' ').nth(1) {
        Some("/run") => answer(202, "location: /runs/7\r\n", ""),
        Some("/runs/7") if request.contains("idempotency-key: long") => answer(202, "", ""),
        other => answer(400, "", &format!("{other:?}")),
    };
    let server = Server::start(answers).await;
    let folder = tempfile::tempdir().unwrap();
    let hooks = HttpHooks::open(folder.path()).unwrap();
    let words = json!({"url": server.url("/run"), "method": "PUT", "body": {"suite": "smoke"}});
    assert_applied(&hooks.apply(&begin("long", &words)).await);
    assert_eq!(hooks.poll(&web(), &run("long")).await, Ok(HookState::Running));
    drop(hooks);
    let next = HttpHooks::open(folder.path()).unwrap();
    assert_eq!(next.poll(&web(), &run("long")).await, Ok(HookState::Running));
    let seen = server.seen();
    assert!(seen[0].starts_with("PUT /run") && seen[0].ends_with(r#"{"suite":"smoke"}"#));
    assert!(seen[2].starts_with("GET /runs/7 HTTP/1.1\r\n"), "{}", seen[2]);
    assert_eq!(next.poll(&web(), &run("other")).await, Ok(HookState::Missing));
}

#[tokio::test]
async fn every_answer_to_a_request_means_one_thing() {
    for (status, headers, told) in [
        (204, "", "applied"),
        (202, "", "unknown: status 202 without a `Location` to ask at; answer 200, or say where"),
        (202, "location: elsewhere\r\n", "refused: `Location`: `elsewhere` is no address"),
        (302, "", "unknown: status 302: words"),
        (404, "", "refused: status 404: words, for good"),
        (412, "", "refused: status 412: words, for good"),
        (429, "retry-after: 7\r\n", "refused: status 429: words, again after 7s"),
        (503, "retry-after: soon\r\n", "refused: status 503: words"),
        (500, "", "unknown: status 500: words"),
    ] {
        let body = if status == 204 { "" } else { "words" };
        let server = Server::start(move |_| answer(status, headers, body)).await;
        let folder = tempfile::tempdir().unwrap();
        let hooks = HttpHooks::open(folder.path()).unwrap();
        let words = json!({"url": server.url("/")});
        let outcome = hooks.apply(&begin("one", &words)).await.to_string();
        assert!(outcome.starts_with(told), "{status}: {outcome}");
        assert_eq!(
            outcome.ends_with(", for good"),
            (400..=499).contains(&status) && status != 429 || headers.contains("elsewhere"),
            "{status}: {outcome}"
        );
        if told != "applied" {
            assert_eq!(hooks.poll(&web(), &run("one")).await, Ok(HookState::Missing));
        }
    }
}

#[tokio::test]
async fn every_answer_to_a_look_means_one_thing() {
    let failed_body = r#"{"state":"failed","detail":"2 of 9\ntests failed"}"#;
    let running = r#"{"state":"running"}"#;
    for (status, body, told) in [
        (202, "", Ok(HookState::Running)),
        (200, "", Ok(HookState::Succeeded)),
        (200, "{\"other\": \"words\"}", Ok(HookState::Succeeded)),
        (200, running, Ok(HookState::Running)),
        (200, r#"{"state":"succeeded"}"#, Ok(HookState::Succeeded)),
        (200, failed_body, Ok(HookState::Failed { detail: "2 of 9 tests failed".to_owned() })),
        (422, "no", Ok(HookState::Failed { detail: "status 422: no".to_owned() })),
        (404, "", Ok(HookState::Missing)),
        (410, "", Ok(HookState::Missing)),
        (429, "", Err("status 429")),
        (500, "oops", Err("status 500: oops")),
        (301, "", Err("status 301")),
    ] {
        let answers = move |request: &str| {
            if request.starts_with("POST") {
                answer(202, "location: /look\r\n", "")
            } else {
                answer(status, "", body)
            }
        };
        let server = Server::start(answers).await;
        let folder = tempfile::tempdir().unwrap();
        let hooks = HttpHooks::open(folder.path()).unwrap();
        let words = json!({"url": server.url("/")});
        assert_applied(&hooks.apply(&begin("one", &words)).await);
        let looked = hooks.poll(&web(), &run("one")).await;
        match told {
            Ok(state) => assert_eq!(looked, Ok(state), "{status} {body}"),
            Err(why) => assert_eq!(looked.unwrap_err().why, why, "{status}"),
        }
    }
}

#[tokio::test]
async fn a_body_may_say_that_the_run_has_failed_at_once() {
    let server = Server::start(|_| answer(200, "", r#"{"state":"failed","detail":"no"}"#)).await;
    let folder = tempfile::tempdir().unwrap();
    let hooks = HttpHooks::open(folder.path()).unwrap();
    assert_applied(&hooks.apply(&begin("one", &json!({"url": server.url("/")}))).await);
    assert_eq!(failed(hooks.poll(&web(), &run("one")).await.unwrap()), "no");
}

#[tokio::test]
async fn a_service_that_is_not_there_or_hangs_up_is_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let hooks = HttpHooks::open(folder.path()).unwrap();
    let server = Server::start(|_| String::new()).await;
    let words = json!({"url": server.url("/")});
    let outcome = hooks.apply(&begin("one", &words)).await.to_string();
    assert!(outcome.starts_with("unknown: no answer"), "{outcome}");
    let server = Server::start(|_| "SSH-2.0-whatever\r\n".to_owned()).await;
    let outcome = hooks.apply(&begin("one", &json!({"url": server.url("/")}))).await.to_string();
    assert!(outcome.starts_with("unknown: no answer"), "{outcome}");
    drop(server);
    let outcome = hooks.apply(&begin("one", &words)).await.to_string();
    assert!(outcome.starts_with("unknown: no answer"), "{outcome}");
    let nobody = json!({"url": "http://127.0.0.1:1/"});
    let outcome = hooks.apply(&begin("one", &nobody)).await.to_string();
    assert!(outcome.starts_with("refused: connect to 127.0.0.1:1"), "{outcome}");
    assert!(!outcome.ends_with("for good"), "{outcome}");
}

#[tokio::test]
async fn secrets_of_headers_come_by_name_and_stand_in_no_file() {
    let server = Server::start(|_| answer(202, "location: /look\r\n", "")).await;
    let folder = tempfile::tempdir().unwrap();
    let hooks = HttpHooks::open(folder.path()).unwrap();
    let value = std::env::var("CARGO_MANIFEST_DIR").unwrap();
    let secret = json!({"authorization": "CARGO_MANIFEST_DIR"});
    let words = json!({"url": server.url("/"), "secret_headers": secret});
    assert_applied(&hooks.apply(&begin("one", &words)).await);
    assert!(hooks.poll(&web(), &run("one")).await.is_ok());
    for request in server.seen() {
        assert!(request.contains(&format!("authorization: {value}\r\n")), "{request}");
    }
    let kept = std::fs::read_to_string(folder.path().join("one/answer")).unwrap();
    assert!(kept.contains("CARGO_MANIFEST_DIR") && !kept.contains(&value), "{kept}");
}
