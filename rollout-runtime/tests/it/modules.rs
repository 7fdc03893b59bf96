//! Modules over HTTP: set as a whole, read back, every answer one outcome.

use rollout_core::{
    engine::{Action, Effect, ModuleSetting, Outcome},
    id::{ActionId, Attempt, Epoch, Mark},
    port::Modules as _,
    spec::Breaker,
};
use rollout_runtime::modules::HttpModules;
use serde_json::json;

use super::{
    hooks::server::{Server, answer},
    world::web,
};

fn setting() -> ModuleSetting {
    let degraded = ["search".to_owned()].into();
    ModuleSetting { degraded, breaker: Some(Breaker::default()) }
}

fn set(setting: ModuleSetting) -> Action {
    Action {
        id: ActionId(17),
        epoch: Epoch(4),
        attempt: Attempt(2),
        workload: web(),
        revision: None,
        effect: Effect::Modules(setting),
    }
}

#[tokio::test]
async fn a_setting_is_put_as_a_whole_and_read_back_with_its_mark() {
    let told = json!({"set": setting(), "degraded": ["search", "adverts"]}).to_string();
    let server = Server::start(move |_| answer(200, "", &told)).await;
    let modules = HttpModules::new(&server.url("/modules")).unwrap();
    let before = modules.observe(&web()).await.unwrap();
    let Outcome::Applied { mark } = modules.apply(&set(setting())).await else {
        panic!("it was not applied");
    };
    let after = modules.observe(&web()).await.unwrap();
    assert_eq!((before.mark, mark, after.mark), (Mark(0), Mark(1), Mark(1)));
    assert_eq!(after.setting, setting());
    assert_eq!(after.degraded, ["search".to_owned(), "adverts".to_owned()].into());
    let seen = server.seen();
    assert!(seen[1].starts_with("PUT /modules HTTP/1.1\r\n"), "{}", seen[1]);
    let body =
        r#"{"action":17,"epoch":4,"set":{"breaker":{"timeout":"3s"},"degraded":["search"]}}"#;
    assert!(seen[1].ends_with(body), "{}", seen[1]);
}

#[tokio::test]
async fn every_answer_is_one_outcome_and_what_is_unread_is_not_observed() {
    for (status, told) in [
        (204, "applied"),
        (409, "refused: status 409"),
        (422, "refused: status 422, for good"),
        (503, "refused: status 503"),
        (500, "unknown: status 500"),
    ] {
        let server = Server::start(move |_| answer(status, "", "")).await;
        let modules = HttpModules::new(&server.url("/")).unwrap();
        let outcome = modules.apply(&set(setting())).await.to_string();
        assert!(outcome.starts_with(told), "{status}: {outcome}");
        assert!(modules.observe(&web()).await.is_err(), "{status} without a body was read");
    }
    let server =
        Server::start(|_| answer(200, "", r#"{"set": {"colour": 1}, "degraded": 2}"#)).await;
    let modules = HttpModules::new(&server.url("/")).unwrap();
    let error = modules.observe(&web()).await.unwrap_err().to_string();
    assert!(error.contains("the modules at http://127.0.0.1"), "{error}");
    let server = Server::start(|_| String::new()).await;
    let modules = HttpModules::new(&server.url("/")).unwrap();
    let outcome = modules.apply(&set(setting())).await.to_string();
    assert!(outcome.starts_with("unknown: no answer"), "{outcome}");
}
