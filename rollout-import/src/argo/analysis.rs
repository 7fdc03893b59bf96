//! `AnalysisTemplate`s: metrics become gates; what cannot be measured here becomes a person's word.

use serde_json::Value;

use super::approval;
use crate::{ImportError, document::Fields, file::File};

/// The gates of an analysis that stand at `to` of the spec.
pub(super) fn gates(
    file: &File,
    mut block: Fields<'_>,
    to: &str,
) -> Result<Vec<Value>, ImportError> {
    let _ = file;
    block.rest().clear();
    block.changed("", to, "approval");
    Ok(vec![approval()])
}
