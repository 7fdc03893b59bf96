//! The definition that a cluster needs to know the kind `RolloutJournal`.

use serde_json::{Value, json};

use crate::{crd::VERSION, labels::GROUP};

/// The kind.
pub const JOURNAL_KIND: &str = "RolloutJournal";
/// The kind in paths, more than one.
pub const JOURNAL_PLURAL: &str = "rolloutjournals";

/// The `CustomResourceDefinition` of `RolloutJournal`, as `kubectl apply` takes it.
#[must_use]
pub fn journal_definition() -> Value {
    let number = |text: &str| json!({"type": "integer", "format": "int64", "description": text});
    let parts = json!({
        "type": "array",
        "description": "What was appended, each part one append or one compaction: lines of records.",
        "items": { "type": "string" },
    });
    json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": { "name": format!("{JOURNAL_PLURAL}.{GROUP}") },
        "spec": {
            "group": GROUP,
            "scope": "Namespaced",
            "names": {
                "kind": JOURNAL_KIND,
                "listKind": "RolloutJournalList",
                "plural": JOURNAL_PLURAL,
                "singular": "rolloutjournal",
                "shortNames": ["rltj"],
            },
            "versions": [{
                "name": VERSION,
                "served": true,
                "storage": true,
                "additionalPrinterColumns": [
                    {"name": "Records", "type": "integer", "jsonPath": ".spec.seq"},
                    {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"},
                ],
                "schema": { "openAPIV3Schema": {
                    "type": "object",
                    "description": "What an engine has decided about one workload. Written by the engine alone; without it the state is rebuilt from the cluster, its history is lost.",
                    "required": ["spec"],
                    "properties": {
                        "apiVersion": { "type": "string" },
                        "kind": { "type": "string" },
                        "metadata": { "type": "object" },
                        "spec": {
                            "type": "object",
                            "required": ["format", "seq", "chain", "parts"],
                            "properties": {
                                "format": number("Version of this layout."),
                                "seq": number("Number of the last record."),
                                "chain": number("Checksum over all records, in their order."),
                                "parts": parts,
                            },
                        },
                    },
                }},
            }],
        },
    })
}
