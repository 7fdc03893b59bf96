//! The exec probe: a command beside the engine that ends with 0. No shell is involved.

use std::{net::IpAddr, process::Stdio};

use rollout_core::{id::InstanceId, spec::ExecProbe};
use tokio::process::Command;

use super::Answer;

/// Runs the command once; it is killed when the caller gives up.
pub(super) async fn ask(instance: &InstanceId, address: IpAddr, probe: &ExecProbe) -> Answer {
    let mut words = probe.command.iter().map(|word| fill_in(word, instance, address));
    let Some(program) = words.next() else {
        return Answer::unhealthy("the probe names no command");
    };
    let mut command = Command::new(&program);
    command
        .args(words)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true);
    match command.status().await {
        Ok(status) if status.success() => Answer::healthy("exit code 0"),
        Ok(status) => Answer::unhealthy(match status.code() {
            Some(code) => format!("exit code {code}"),
            None => status.to_string(),
        }),
        Err(error) => Answer::unhealthy(format!("`{program}` cannot be run: {error}")),
    }
}

fn fill_in(word: &str, instance: &InstanceId, address: IpAddr) -> String {
    word.replace("{address}", &address.to_string()).replace("{instance}", instance.as_str())
}
