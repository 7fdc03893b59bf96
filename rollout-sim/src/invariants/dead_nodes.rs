//! L5: with nodes dead for ever, and room elsewhere, the rollout ends all the same, and at its end nobody who
//! died with a node is waited for.

use super::{Broken, Happened, Invariant, Kind, Moment, require};

pub(super) struct DeadNodes;

impl Invariant for DeadNodes {
    fn name(&self) -> &'static str {
        "L5 dead nodes"
    }

    fn hears(&self) -> &'static [Kind] {
        &[Kind::Overdue]
    }

    fn check(&mut self, moment: &Moment<'_>) -> Result<(), Broken> {
        let Happened::Overdue { waits, .. } = moment.happened else {
            return Ok(());
        };
        let died = moment.world.died_with_nodes();
        require(died.is_empty(), || {
            let waits: Vec<String> = waits.iter().map(|wait| wait.reason.to_string()).collect();
            format!(
                "{} instances died with their nodes, and it does not end, waiting for {}",
                died.len(),
                waits.join("; ")
            )
        })
    }
}
