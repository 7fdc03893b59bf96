//! A list of weighted entries, two of which are the sides of a router: what all routers by weight share.

use rollout_core::weight::Weight;
use serde_json::{Value, json};

use super::division::Side;

/// How the entries of one kind of list are told apart.
pub(super) trait Pair {
    /// Whether `entry` is that side.
    fn is(&self, entry: &Value, side: Side) -> bool;

    /// An entry for the candidate side, made after that of the stable one.
    fn made(&self, stable: &Value) -> Value;

    /// The weight of an entry that has none written, in a list of so many.
    fn implied(&self, entries: usize) -> u64;

    /// The entry of a side.
    fn entry<'a>(&self, list: &'a [Value], side: Side) -> Option<&'a Value> {
        list.iter().find(|entry| self.is(entry, side))
    }

    /// An entry of somebody else that gets a share.
    fn other<'a>(&self, list: &'a [Value]) -> Option<&'a Value> {
        let is_ours =
            |entry: &Value| self.is(entry, Side::Stable) || self.is(entry, Side::Candidate);
        list.iter().find(|entry| !is_ours(entry) && 0 < self.weight(entry, list.len()))
    }

    /// The weight of an entry.
    fn weight(&self, entry: &Value, entries: usize) -> u64 {
        let written = entry.get("weight").and_then(Value::as_u64);
        written.unwrap_or_else(|| self.implied(entries))
    }

    /// The share of the candidate side.
    fn share(&self, list: &[Value]) -> Weight {
        let weight = |side| self.entry(list, side).map_or(0, |it| self.weight(it, list.len()));
        let (stable, candidate) = (weight(Side::Stable), weight(Side::Candidate));
        Weight::share(candidate, stable.saturating_add(candidate))
    }

    /// Sets both weights, with an entry made for the candidate where there is none.
    fn set(&self, list: &mut Vec<Value>, stable: u64, candidate: u64) {
        if self.entry(list, Side::Candidate).is_none() {
            let made = self.entry(list, Side::Stable).map(|stable| self.made(stable));
            list.extend(made);
        }
        for entry in list {
            if self.is(entry, Side::Stable) {
                entry["weight"] = json!(stable);
            } else if self.is(entry, Side::Candidate) {
                entry["weight"] = json!(candidate);
            }
        }
    }

    /// What is to be restored in the end.
    fn keep(&self, list: &[Value]) -> Value {
        let weight = |side| self.entry(list, side).and_then(|entry| entry.get("weight"));
        json!({
            "stable": weight(Side::Stable),
            "candidate": weight(Side::Candidate),
            "alone": self.entry(list, Side::Candidate).is_none(),
        })
    }

    /// The weights as they were before the first division, with nothing for the candidate side.
    fn restore(&self, list: &mut Vec<Value>, kept: &Value) {
        if kept["alone"] == true {
            list.retain(|entry| !self.is(entry, Side::Candidate));
        }
        let entries = list.len();
        for entry in list {
            let is_stable = self.is(entry, Side::Stable);
            if !is_stable && !self.is(entry, Side::Candidate) {
                continue;
            }
            let was = &kept[if is_stable { "stable" } else { "candidate" }];
            let Some(fields) = entry.as_object_mut() else { continue };
            match (is_stable, was.as_u64()) {
                (true, Some(weight)) if 0 < weight => {
                    fields.insert("weight".to_owned(), json!(weight));
                }
                (true, None) if 0 < self.implied(entries) => {
                    fields.remove("weight");
                }
                (true, _) => {
                    fields.insert("weight".to_owned(), json!(100));
                }
                (false, None) if self.implied(entries) == 0 => {
                    fields.remove("weight");
                }
                (false, _) => {
                    fields.insert("weight".to_owned(), json!(0));
                }
            }
        }
    }
}
