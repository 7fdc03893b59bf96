//! The rules of an `HTTPRoute`: which are divided, which are ours, and how they look under a division.

use rollout_core::{
    spec::{Match, Rules},
    weight::Weight,
};
use serde_json::{Value, json};

use super::{
    super::{
        division::{Division, Side},
        matches::{self, Want},
        object::Object,
        pair::Pair,
        problem::Problem,
    },
    Gateway,
};

/// The backends of `rule`.
pub(super) fn backends(rule: &Value) -> &[Value] {
    list(rule, "backendRefs")
}

fn backends_mut(rule: &mut Value) -> Option<&mut Vec<Value>> {
    rule.get_mut("backendRefs")?.as_array_mut()
}

fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn is_service(backend: &Value, name: &str) -> bool {
    let text = |field: &str| backend.get(field).and_then(Value::as_str);
    text("name") == Some(name)
        && text("kind").is_none_or(|kind| kind == "Service")
        && text("group").is_none_or(str::is_empty)
        && text("namespace").is_none()
}

impl Pair for Gateway {
    fn is(&self, entry: &Value, side: Side) -> bool {
        match side {
            Side::Stable => is_service(entry, &self.stable),
            Side::Candidate => is_service(entry, &self.candidate),
        }
    }

    fn made(&self, stable: &Value) -> Value {
        let mut made = stable.clone();
        made["name"] = json!(self.candidate);
        made
    }

    fn implied(&self, _entries: usize) -> u64 {
        1
    }
}

impl Gateway {
    /// Whether the shares of `rule` are ours to set.
    pub(super) fn is_divided(&self, rule: &Value) -> bool {
        self.entry(backends(rule), Side::Stable).is_some()
    }

    /// Whether there is a rule to divide, and nobody else has a part in one.
    pub(super) fn check_rules(&self, route: &Object, what: &str) -> Result<(), Problem> {
        let divided = || route.list("/spec/rules").iter().filter(|rule| self.is_divided(rule));
        if divided().next().is_none() {
            return Err(Problem::missing(
                what,
                format!("no rule has the Service `{}` among its backends", self.stable),
                "add it to `backendRefs`, or correct `traffic.kubernetes.stable_service`",
            ));
        }
        match divided().find_map(|rule| self.other(backends(rule))) {
            None => Ok(()),
            Some(other) => Err(Problem::conflict(
                what,
                format!(
                    "a rule shares the traffic of `{}` with `{}`, so that no share is one of all",
                    self.stable,
                    other.get("name").and_then(Value::as_str).unwrap_or_default()
                ),
                "give that backend a rule of its own, or the weight 0",
            )),
        }
    }

    /// `rules` under `division`, those of ours that `was` has left taken out first.
    pub(super) fn rules(
        &self,
        rules: &[Value],
        was: &Rules,
        division: &Division,
        kept: &Value,
    ) -> Vec<Value> {
        let mut place = 0;
        let mut shaped = Vec::new();
        for rule in rules.iter().filter(|rule| !self.is_ours(rule, &[was, &division.rules])) {
            if !self.is_divided(rule) {
                shaped.push(rule.clone());
                continue;
            }
            let mut rule = rule.clone();
            self.set_copies(&mut rule, Weight::ZERO);
            shaped.extend(self.matching(&rule, &division.rules.matches));
            if division.is_rest() {
                let kept = kept.get(place).unwrap_or(&Value::Null);
                if let Some(list) = backends_mut(&mut rule) {
                    self.restore(list, kept);
                }
            } else {
                let share = division.candidate;
                let (stable, candidate) = (share.rest().basis_points(), share.basis_points());
                if let Some(list) = backends_mut(&mut rule) {
                    self.set(list, stable, candidate);
                }
                self.set_copies(&mut rule, division.rules.mirror);
            }
            place += 1;
            shaped.push(rule);
        }
        shaped
    }

    /// Whether a rule was added for a trial: it goes to the candidate Service alone, for a header of it.
    fn is_ours(&self, rule: &Value, trials: &[&Rules]) -> bool {
        let is_of_trial = |header: &Value| {
            let matches = trials.iter().flat_map(|rules| &rules.matches);
            matches.filter_map(header_match).any(|ours| ours == *header)
        };
        let mut wanted = list(rule, "matches").iter();
        let has = |one: &Value| list(one, "headers").iter().any(is_of_trial);
        matches!(backends(rule), [only] if is_service(only, &self.candidate))
            && !list(rule, "matches").is_empty()
            && wanted.all(has)
    }

    /// The rule before `rule` that sends what matches to the candidate Service.
    fn matching(&self, rule: &Value, trial: &[Match]) -> Option<Value> {
        if trial.is_empty() {
            return None;
        }
        let whole = [json!({ "path": { "type": "PathPrefix", "value": "/" } })];
        let own = list(rule, "matches");
        let own = if own.is_empty() { &whole[..] } else { own };
        let headers = || trial.iter().filter_map(header_match);
        let wanted = own.iter().flat_map(|one| headers().filter_map(|it| narrowed(one, &it)));
        let wanted: Vec<Value> = wanted.collect();
        if wanted.is_empty() {
            // Without a match it would take everything.
            return None;
        }
        let mut made = rule.clone();
        made["matches"] = Value::Array(wanted);
        let mut backend = self.made(self.entry(backends(rule), Side::Stable)?);
        backend["weight"] = json!(1);
        made["backendRefs"] = json!([backend]);
        // The name of a rule is its own.
        made.as_object_mut()?.remove("name");
        Some(made)
    }

    /// The filter that copies `share` of the requests to the candidate Service; none for no share.
    fn set_copies(&self, rule: &mut Value, share: Weight) {
        let is_ours = |filter: &Value| {
            let to = filter.pointer("/requestMirror/backendRef");
            to.is_some_and(|to| is_service(to, &self.candidate))
        };
        let stable = self.entry(backends(rule), Side::Stable);
        let port = stable.and_then(|backend| backend.get("port")).cloned();
        let Some(fields) = rule.as_object_mut() else { return };
        if let Some(Value::Array(filters)) = fields.get_mut("filters") {
            filters.retain(|filter| !is_ours(filter));
            if filters.is_empty() {
                fields.remove("filters");
            }
        }
        if share.is_zero() {
            return;
        }
        let to = json!({ "group": "", "kind": "Service", "name": self.candidate, "port": port });
        let mut mirror = json!({ "backendRef": to });
        match share.basis_points() {
            10_000 => (),
            whole if whole % 100 == 0 => mirror["percent"] = json!(whole / 100),
            points => mirror["fraction"] = json!({ "numerator": points, "denominator": 10_000 }),
        }
        let filter = json!({ "type": "RequestMirror", "requestMirror": mirror });
        let filters = fields.entry("filters").or_insert_with(|| json!([]));
        filters.as_array_mut().into_iter().for_each(|filters| filters.push(filter.clone()));
    }
}

/// A header match of the Gateway API.
fn header_match(one: &Match) -> Option<Value> {
    let (name, want) = matches::header(one)?;
    let (kind, value) = match want {
        Want::Exact(text) => ("Exact", text),
        Want::Present => ("RegularExpression", ".*".to_owned()),
        Want::Prefix(text) => ("RegularExpression", format!("^{}.*$", matches::escape(&text))),
        Want::Regex(pattern) => ("RegularExpression", pattern),
    };
    Some(json!({ "type": kind, "name": name, "value": value }))
}

/// `one` with a header more; `None` if it asks something else of that header already.
fn narrowed(one: &Value, header: &Value) -> Option<Value> {
    let name = |header: &Value| header["name"].as_str().map(str::to_ascii_lowercase);
    let others = list(one, "headers");
    if others.iter().any(|other| name(other) == name(header)) {
        return None;
    }
    let mut headers = others.to_vec();
    headers.push(header.clone());
    let mut narrowed = one.clone();
    narrowed["headers"] = Value::Array(headers);
    Some(narrowed)
}
