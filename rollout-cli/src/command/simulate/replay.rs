//! `rollout simulate --replay`: a counterexample played again, and told.

use std::{io, io::Read as _};

use rollout_sim::counterexample::{Counterexample, story};
use serde_json::json;

use crate::{error::CliError, exit::Exit, output::Output};

pub(super) fn run(text: &str, transcript: bool, output: Output) -> Result<Exit, CliError> {
    let mut read = String::new();
    if text == "-" {
        let failed =
            |why: io::Error| CliError::Unreadable { path: "-".into(), why: why.to_string() };
        io::stdin().read_to_string(&mut read).map_err(failed)?;
    } else {
        read.push_str(text);
    }
    let told: Counterexample = read.parse()?;
    let report = told.replay(transcript);
    let found = report.violations.iter().find(|violation| violation.invariant == told.breaks);
    let document = || {
        json!({
            "breaks": told.breaks,
            "planted": told.bug,
            "seed": told.seed,
            "events": told.events(),
            "broken": found.map(ToString::to_string),
            "transcript": transcript.then_some(&report.transcript),
        })
    };
    output.result(document, || story(&told))?;
    Ok(if found.is_some() { Exit::Failed } else { Exit::Done })
}
