//! One write: a JSON patch that does nothing unless the journal ends where it is known to.

use rollout_core::{
    engine::{Change, Record},
    id::Epoch,
};
use serde_json::{Value, json};

use super::text::Head;
use crate::labels::EPOCH;

/// What one write brings, and the epoch claimed in it, if one was.
pub(super) enum Write {
    /// Lines after those that are there.
    Part(String, Option<Epoch>),
    /// Lines in place of all there are.
    Whole(String, Option<Epoch>),
}

impl Write {
    /// The JSON patch, which does nothing unless the journal ends where it is known to.
    pub(super) fn patch(self, before: Head, after: Head) -> Value {
        let (parts, epoch) = match self {
            Self::Part(part, epoch) => {
                (json!({"op": "add", "path": "/spec/parts/-", "value": part}), epoch)
            }
            Self::Whole(part, epoch) => {
                (json!({"op": "replace", "path": "/spec/parts", "value": [part]}), epoch)
            }
        };
        let mut patch = vec![
            json!({"op": "test", "path": "/spec/seq", "value": before.seq}),
            json!({"op": "test", "path": "/spec/chain", "value": before.chain}),
            json!({"op": "replace", "path": "/spec/seq", "value": after.seq}),
            json!({"op": "replace", "path": "/spec/chain", "value": after.chain}),
            parts,
        ];
        if let Some(epoch) = epoch {
            let annotation = format!("/metadata/annotations/{}", EPOCH.replace('/', "~1"));
            patch.push(json!({"op": "add", "path": annotation, "value": epoch.0.to_string()}));
        }
        Value::Array(patch)
    }
}

/// The epoch that was claimed in `records`, if one was.
#[expect(clippy::wildcard_enum_match_arm, reason = "one change of many claims an epoch")]
pub(super) fn epoch_of(records: &[Record]) -> Option<Epoch> {
    records.iter().rev().find_map(|record| match record.change {
        Change::Claimed { epoch } => Some(epoch),
        _ => None,
    })
}
