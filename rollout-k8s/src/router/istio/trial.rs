//! What goes to the candidate beside its share: routes for what matches, and copies.

use rollout_core::{spec::Match, weight::Weight};
use serde_json::{Number, Value, json};

use super::{
    super::{
        division::Side,
        matches::{self, Want},
        pair::Pair,
    },
    OURS, VirtualService, routes,
};

impl VirtualService {
    /// The route before `http` that sends what matches to the candidate.
    pub(super) fn matching(&self, http: &Value, trial: &[Match], place: usize) -> Option<Value> {
        let own =
            http.get("match").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let whole = [json!({})];
        let own = if own.is_empty() { &whole[..] } else { own };
        let wanted = own.iter().flat_map(|one| trial.iter().filter_map(|it| narrowed(one, it)));
        let wanted: Vec<Value> = wanted.collect();
        if wanted.is_empty() {
            return None;
        }
        let mut entry = self.made(self.entry(routes(http), Side::Stable)?);
        entry.as_object_mut()?.remove("weight");
        let mut made = http.clone();
        made["name"] = json!(format!("{OURS}{place}"));
        made["match"] = Value::Array(wanted);
        made["route"] = json!([entry]);
        Some(made)
    }

    /// Copies `share` of the requests to the candidate; none for no share.
    pub(super) fn set_copies(&self, http: &mut Value, share: Weight) {
        let stable = self.entry(routes(http), Side::Stable).map(|it| it["destination"].clone());
        let Some(fields) = http.as_object_mut() else { return };
        let is_ours = fields.get("mirror").is_some_and(|to| self.is_at(to, Side::Candidate));
        if is_ours {
            fields.remove("mirror");
            fields.remove("mirrorPercentage");
        }
        let Some(stable) = stable.filter(|_| !share.is_zero()) else { return };
        let points = share.basis_points();
        let percent = match points % 100 {
            0 => Some(Number::from(points / 100)),
            _ => Number::from_f64(f64::from(u16::try_from(points).unwrap_or(10_000)) / 100.0),
        };
        fields.insert("mirror".to_owned(), self.candidate(&stable));
        fields.insert("mirrorPercentage".to_owned(), json!({ "value": percent }));
    }
}

/// `one` with a header more; `None` if it asks something of that header already.
fn narrowed(one: &Value, trial: &Match) -> Option<Value> {
    let (name, want) = matches::header(trial)?;
    // Istio asks for names in lower case.
    let name = name.to_ascii_lowercase();
    let want = match want {
        Want::Present => json!({}),
        Want::Exact(text) => json!({ "exact": text }),
        Want::Prefix(text) => json!({ "prefix": text }),
        Want::Regex(pattern) => json!({ "regex": pattern }),
    };
    let mut narrowed = one.clone();
    let headers = narrowed.as_object_mut()?.entry("headers").or_insert_with(|| json!({}));
    let headers = headers.as_object_mut()?;
    if headers.contains_key(&name) {
        return None;
    }
    headers.insert(name, want);
    Some(narrowed)
}
