//! Hooks: real commands and real requests through the adapters, and whole rollouts that wait for jobs.

mod commands;
mod requests;
mod rollouts;
pub(crate) mod server;

use std::{sync::Arc, time::Duration};

use rollout_core::{
    engine::{Action, Effect, HookState, Outcome},
    id::{ActionId, Attempt, Epoch, HookRun},
    port::Hooks,
    spec::Hook,
};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::world::web;

fn run(name: &str) -> HookRun {
    HookRun::new(name).unwrap()
}

/// The beginning of the run `name` of what `run` says, with `deadline` to end in.
fn begin_within(name: &str, words: &Value, deadline: &str) -> Action {
    let hook = json!({"name": "smoke", "run": words, "deadline": deadline});
    let hook: Hook = serde_json::from_value(hook).unwrap();
    Action {
        id: ActionId(1),
        epoch: Epoch(1),
        attempt: Attempt(2),
        workload: web(),
        revision: None,
        effect: Effect::Run { run: run(name), hook: Arc::new(hook) },
    }
}

fn begin(name: &str, words: &Value) -> Action {
    begin_within(name, words, "60s")
}

#[track_caller]
fn assert_applied(outcome: &Outcome) {
    assert!(matches!(outcome, Outcome::Applied { .. }), "{outcome}");
}

/// Polls until the run has ended.
async fn ended(hooks: &dyn Hooks, name: &str) -> HookState {
    let began = Instant::now();
    loop {
        match hooks.poll(&web(), &run(name)).await {
            Ok(HookState::Running) => (),
            Ok(state) => return state,
            Err(error) => panic!("{error}"),
        }
        assert!(began.elapsed() < Duration::from_secs(30), "{name} does not end");
        sleep(Duration::from_millis(10)).await;
    }
}

fn failed(state: HookState) -> String {
    let HookState::Failed { detail } = state else { panic!("{state:?}") };
    detail
}
