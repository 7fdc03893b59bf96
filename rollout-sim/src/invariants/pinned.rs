//! R9 Artefact pinned: all instances of one revision are made from one template, whatever a tag means since.

use std::{collections::BTreeMap, sync::Arc};

use rollout_core::{engine::Revision, id::RevisionId};

use super::{Broken, Happened, Invariant, Kind, Moment, require};

#[derive(Default)]
pub(super) struct Pinned {
    made_from: BTreeMap<RevisionId, Arc<Revision>>,
}

impl Invariant for Pinned {
    fn name(&self) -> &'static str {
        "R9 artefact pinned"
    }

    fn hears(&self) -> &'static [Kind] {
        &[Kind::Ordered]
    }

    fn check(&mut self, moment: &Moment<'_>) -> Result<(), Broken> {
        let Happened::Ordered(action) = moment.happened else {
            return Ok(());
        };
        let Some(revision) = &action.revision else {
            return Ok(());
        };
        let first = self.made_from.entry(revision.id.clone()).or_insert_with(|| revision.clone());
        require(Arc::ptr_eq(first, revision) || first.template == revision.template, || {
            format!("{action} makes {} from another template than before", revision.id)
        })
    }
}
