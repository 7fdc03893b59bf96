//! Compaction: when the journal has grown enough, its older part becomes a snapshot.
//!
//! Only between two batches, and never before the claim of this reign was answered. One that fails costs
//! nothing: the journal stays as it was, or another engine has it, which the next append will tell.

use rollout_core::{engine::Record, port::JournalError};
use tracing::{info, warn};

use super::reign::Reign;

/// How much longer a journal may get, and stay, while a rollout is under way.
const UNDER_WAY: usize = 4;

/// Compacts the journal if it is time.
pub(super) async fn if_due(reign: &mut Reign) {
    let after = reign.options.compact_after.get();
    let keep = after.saturating_mul(UNDER_WAY);
    let limit = if reign.is_under_way() { keep } else { after };
    if reign.grown < limit {
        return;
    }
    reign.grown = 0;
    match compact(reign, keep).await {
        Ok(Some((before, after))) => info!(before, after, "journal compacted"),
        Ok(None) => (),
        Err(why) => warn!(why, "journal not compacted"),
    }
}

/// Returns the numbers of records before and after, if anything was saved.
async fn compact(reign: &mut Reign, keep: usize) -> Result<Option<(usize, usize)>, String> {
    let (journal, workload) = (&reign.ports.journal, &reign.workload);
    let failed = |error: JournalError| error.to_string();
    // Read anew: what is folded is what is durable.
    let records = journal.load(workload).await.map_err(failed)?;
    let compacted = Record::compacted(&records, keep).map_err(|error| error.to_string())?;
    let Some(compacted) = compacted else { return Ok(None) };
    journal.compact(workload, reign.durable, &compacted).await.map_err(failed)?;
    Ok(Some((records.len(), compacted.len())))
}
