//! `rollout schema`: the JSON Schema of a spec, for editors.

use crate::{error::CliError, exit::Exit, output::Output};

pub(super) fn run() -> Result<Exit, CliError> {
    // A schema is JSON, whatever else is wanted.
    Output::new(true).result(rollout_core::spec::schema, String::new)?;
    Ok(Exit::Done)
}
