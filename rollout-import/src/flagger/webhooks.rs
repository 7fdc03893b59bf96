//! `webhooks`: each kind at the point where Flagger calls it.

use rollout_core::time::Span;
use serde_json::{Value, json};

use super::About;
use crate::{ImportError, document::Fields, draft::Draft, gate};

/// Flagger's default of `timeout`.
const TIMEOUT: Span = Span::from_secs(10);

/// The hooks that are gates.
#[derive(Clone, Debug, Default)]
pub(super) struct Webhooks {
    /// Before any traffic.
    pub(super) before_traffic: Vec<Value>,
    /// In every step.
    pub(super) each_step: Vec<Value>,
    /// In every step, after everything else.
    pub(super) before_increase: Vec<Value>,
    /// In the last step, after everything else.
    pub(super) before_promotion: Vec<Value>,
}

impl Webhooks {
    /// The gates that a kind of webhook is one of.
    fn gates(&mut self, kind: &str) -> &mut Vec<Value> {
        match kind {
            "confirm-rollout" | "pre-rollout" => &mut self.before_traffic,
            "confirm-traffic-increase" => &mut self.before_increase,
            "confirm-promotion" => &mut self.before_promotion,
            _ => &mut self.each_step,
        }
    }
}

/// Reads the webhooks; those at the two ends go to `hooks`.
pub(super) fn read(
    analysis: &mut Fields<'_>,
    about: &About,
    threshold: u64,
    draft: &mut Draft,
) -> Result<Webhooks, ImportError> {
    let mut found = Webhooks::default();
    let (mut before, mut after) = (Vec::new(), Vec::new());
    for mut webhook in analysis.items("webhooks")? {
        let kind = webhook.text("type")?.unwrap_or_else(|| "rollout".to_owned());
        let tries = if kind == "rollout" { threshold } else { 1 };
        let mut hook = hook(&mut webhook, about, &kind, tries)?;
        let Some((to, how)) = said(&kind) else {
            let why = match kind.as_str() {
                "rollback" => "a person goes back by the order `rollout abort`",
                "event" => "events are sent by the notifier, for every rollout alike",
                other => {
                    let why = format!("`{other}` is not known");
                    return Err(webhook.wrong("type", why, "use a kind that Flagger has"));
                }
            };
            webhook.dropped("", why);
            continue;
        };
        // Hooks speak plain HTTP only; a person's word is the nearest thing to what cannot be asked.
        let speaks = hook["run"]["url"].as_str().is_some_and(|url| url.starts_with("http://"));
        if !speaks {
            if kind == "post-rollout" {
                webhook.dropped("", "hooks speak plain HTTP only, and nothing waits for it");
            } else {
                let how = "an approval in its place: hooks speak plain HTTP only";
                webhook.changed("", "strategy", how);
                found.gates(&kind).push(gate::approval());
            }
            continue;
        }
        webhook.changed("", to, how);
        match kind.as_str() {
            "confirm-rollout" => before.push(hook),
            "post-rollout" => {
                hook["on_failure"] = json!("ignore");
                after.push(hook);
            }
            _ => found.gates(&kind).push(json!({ "hook": hook })),
        }
    }
    for (to, hooks) in [("hooks.before", before), ("hooks.after", after)] {
        if !hooks.is_empty() {
            draft.set(to, &hooks);
        }
    }
    Ok(found)
}

/// Where a kind of webhook goes, and what is different there; `None` if it is none of a rollout.
fn said(kind: &str) -> Option<(&'static str, &'static str)> {
    Some(match kind {
        "confirm-rollout" => (
            "hooks.before",
            "asked before anything is touched: a no fails the rollout, where Flagger would ask until it hears a yes",
        ),
        "pre-rollout" => ("strategy", "a gate before any traffic"),
        "rollout" => ("strategy", "a gate of every step, tried as often as `threshold` allows"),
        "confirm-traffic-increase" => (
            "strategy",
            "the last gate of every step: a no fails the rollout, where Flagger would ask until it hears a yes",
        ),
        "confirm-promotion" => (
            "strategy",
            "the last gate before the promotion: a no fails the rollout, where Flagger would ask until it hears a yes",
        ),
        "post-rollout" => ("hooks.after", "as there its failure changes nothing"),
        _ => return None,
    })
}

/// One webhook in the words of a hook.
fn hook(
    webhook: &mut Fields<'_>,
    about: &About,
    kind: &str,
    tries: u64,
) -> Result<Value, ImportError> {
    let name = webhook.text("name")?.unwrap_or_else(|| kind.to_owned());
    let url = webhook.text("url")?.ok_or_else(|| webhook.missing("url", "say what is called"))?;
    let timeout = webhook.duration("timeout")?.unwrap_or(TIMEOUT);
    let retries = webhook.number("retries")?.unwrap_or(0);
    let metadata = webhook.raw("metadata").unwrap_or_else(|| json!({}));
    let run = json!({
        "url": url,
        "body": {
            "name": about.name,
            "namespace": about.namespace,
            "phase": "Progressing",
            "metadata": metadata,
        },
    });
    webhook.leave_out("disableTLS", "hooks speak plain HTTP only");
    webhook.leave_out("muteAlert", "alerts are the notifier's");
    let mut hook = json!({ "name": name, "run": run, "deadline": timeout });
    let retries = retries.max(tries.saturating_sub(1));
    if 0 < retries {
        hook["retries"] = json!(retries);
    }
    Ok(hook)
}
