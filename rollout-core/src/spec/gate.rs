//! Gates and hooks as a person writes them: what must be so before the next step.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{calendar::Calendar, judge::Metric, time::Span};

/// A condition for going on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Gate {
    /// Waits this long.
    Hold(Span),
    /// Waits for the order `promote`.
    Approval {
        /// Longest wait. Default: no limit.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        deadline: Option<Span>,
        /// What happens when nobody approves in time. Default: fail.
        #[serde(default, skip_serializing_if = "Unanswered::is_fail")]
        on_expiry: Unanswered,
    },
    /// Every candidate instance must stay healthy this long without a break.
    Health(Span),
    /// Runs a job and waits for its end.
    Hook(Hook),
    /// Waits until this calendar is open.
    Window(Calendar),
    /// Waits until a metric has said enough, and passes only if it is good.
    Metric(Box<Metric>),
}

/// What an approval that nobody gave in time means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Unanswered {
    /// The rollout fails.
    #[default]
    Fail,
    /// The rollout goes on.
    Pass,
}

impl Unanswered {
    /// Whether it is the default.
    #[must_use]
    pub const fn is_fail(&self) -> bool {
        matches!(self, Self::Fail)
    }
}

/// A job outside the engine: a test, a migration, a cache to warm.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Hook {
    /// Name of the job, for people.
    pub name: String,
    /// What is to be run, in the words of the hook port; the engine hands it on unread.
    pub run: Value,
    /// Longest wait for its end, counted from its beginning. Default: 5 min.
    #[serde(default = "default_deadline")]
    pub deadline: Span,
    /// How often a job that failed is run again. Default: 0.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub retries: u32,
    /// What the failure of the last try means. Default: fail.
    #[serde(default, skip_serializing_if = "HookFailure::is_fail")]
    pub on_failure: HookFailure,
}

fn default_deadline() -> Span {
    Span::from_secs(300)
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
const fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// What the failure of a hook means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum HookFailure {
    /// The rollout fails.
    #[default]
    Fail,
    /// It is noted and the rollout goes on.
    Ignore,
}

impl HookFailure {
    /// Whether it is the default.
    #[must_use]
    pub const fn is_fail(&self) -> bool {
        matches!(self, Self::Fail)
    }
}

/// Jobs at named points of a rollout, run one after the other.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Hooks {
    /// Before the first instance is touched: expand a schema, pull an image.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub before: Vec<Hook>,
    /// After the first part of the traffic, or the preview, has passed its own gates.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub after_canary: Vec<Hook>,
    /// Before all traffic goes to the candidate.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub before_promotion: Vec<Hook>,
    /// After the candidate is proven and nothing else is left: contract a schema.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<Hook>,
    /// Beside the way back; it never waits for them, only its end does.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub on_rollback: Vec<Hook>,
}

impl Hooks {
    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.all().next().is_none()
    }

    /// Every hook with the point it runs at.
    pub fn all(&self) -> impl Iterator<Item = (&'static str, usize, &Hook)> {
        let points = [
            ("before", &self.before),
            ("after_canary", &self.after_canary),
            ("before_promotion", &self.before_promotion),
            ("after", &self.after),
            ("on_rollback", &self.on_rollback),
        ];
        points.into_iter().flat_map(|(point, hooks)| {
            hooks.iter().enumerate().map(move |(place, hook)| (point, place, hook))
        })
    }
}
